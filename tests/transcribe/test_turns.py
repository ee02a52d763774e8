"""Speakers and languages in a transcript: turns to places, words to speakers, every millisecond; on made talk and made turns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

import speech
from speech import cli, formats
from speech.collections.consent import Context
from speech.diarise.records import SpeakerCount
from speech.diarise.turns import Heard
from speech.errors import AudioRefused, ConsentRefused, UsageFailure
from speech.formats import read
from speech.formats import save as write
from speech.models.hub import mini_folder
from speech.transcribe import Pipeline, Settings, languages_of, speakers_of, transcribe, turns
from speech.transcribe.records import TurnSettings
from speech.types import Passage, Segment, Span, Transcript, Turn, Word
from tests.diarise.fakes import CARD, Fake, carded, placed, trimmed, turn
from tests.sounds import RATE, SENTENCES, noise, save, silence, spoken, tone

CONTEXT = Context(basis="test", purpose="research")
SWAHILI = (
    "Mama anapika chakula cha jioni nyumbani, na watoto wanacheza nje pamoja na rafiki zao.",
    "Kesho tutaenda sokoni kununua samaki.",
)
MINI = ("que", "swh")


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return speech.load("mini", basis="test", precision="fp32")


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Swahili, Kichwa over its end, Swahili: 1.0, then from 0.8 s before the end of the first."""
    first, second, third = (
        trimmed(spoken(t, language=c, pause_s=0)) for t, c in ((SWAHILI[0], "swh"), (SENTENCES[1], "que"), (SWAHILI[1], "swh"))
    )
    at = 1.0 + len(first) / RATE - 0.8
    after = at + len(second) / RATE + 1.0
    sound = placed(after + len(third) / RATE + 1, (1.0, first), (at, second), (after, third))
    path = save(tmp_path_factory.mktemp("talk") / "talk.wav", sound + noise(len(sound) / RATE, 0.001)[: len(sound)])
    path.with_suffix(".json").write_text(json.dumps([1.0, len(first) / RATE, at, len(second) / RATE, after, len(third) / RATE]))
    return path


def told_turns(talk: Path) -> tuple[Turn, ...]:
    at = json.loads(talk.with_suffix(".json").read_text())
    spans = [(round(1000 * s), round(1000 * (s + n))) for s, n in zip(at[::2], at[1::2], strict=True)]
    return tuple(turn(a, b, who, margin) for (a, b), who, margin in zip(spans, ("S1", "S2", "S1"), (0.95, 0.9, 0.5), strict=True))


def heard(talk: Path, pipeline: Pipeline, language: str = "swh,que") -> Transcript:
    made = transcribe(
        talk, language=language, speakers=SpeakerCount(), model=pipeline.model, context=CONTEXT, diariser=Fake(*told_turns(talk)),
        language_models=pipeline.language_models,
    )  # fmt: skip
    return made.transcript


def test_each_turn_has_its_speaker_its_language_and_its_words(talk: Path, pipeline: Pipeline) -> None:
    transcript = heard(talk, pipeline)
    rows = [(s.speaker, s.language) for s in transcript.segments if s.text]
    assert list(dict.fromkeys(rows)) == [("S1", "swh"), ("S2", "que")] and rows[-1] == ("S1", "swh")
    assert "watoto wanacheza" in transcript.segments[0].text and "wawakunaka" in next(
        s.text for s in transcript.segments if s.speaker == "S2"
    )
    assert [s.id for s in transcript.speakers] == ["S1", "S2"] and {u.id for u in transcript.languages} == {"swh", "que"}
    assert transcript.coverage is not None and transcript.coverage.adds_up
    assert [a.activity for a in transcript.provenance] == ["diarise", "identify_language", "transcribe", "transcribe"]
    for segment in transcript.segments:
        assert all(w.speaker == segment.speaker and w.speaker_margin is not None for w in segment.words)
        assert all(w.span and segment.span.start_ms <= w.span.start_ms < w.span.end_ms <= segment.span.end_ms for w in segment.words)
    last = transcript.segments[-1]
    assert last.status == "unsure" and "another voice" in last.unsure_reason and last.speaker_margin == 0.5


def test_a_word_that_is_overlaid_is_less_sure_of_its_speaker(talk: Path, pipeline: Pipeline) -> None:
    transcript = heard(talk, pipeline)
    first = [w for w in transcript.segments[0].words if w.speaker_margin is not None]
    assert first[0].speaker_margin == 0.95
    assert min(w.speaker_margin or 0 for w in first[-2:]) < 0.5, "the end of the first turn is overlaid"


def test_eaf_and_rttm_are_read_back_as_they_were_written(talk: Path, pipeline: Pipeline, tmp_path: Path) -> None:
    transcript = heard(talk, pipeline)
    for name in ("eaf", "rttm", "vtt"):
        path = tmp_path / f"talk.{name}"
        write(transcript, path)
        format = formats.by_name(name)
        assert read(path).segments == format.kept(transcript).segments
    eaf = read(tmp_path / "talk.eaf")
    assert [(s.span, s.speaker, s.language, s.text, s.speaker_margin) for s in eaf.segments] == [
        (s.span, s.speaker, s.language, s.text, s.speaker_margin) for s in transcript.segments
    ]
    assert [w.speaker_margin for s in eaf.segments for w in s.words] == [w.speaker_margin for s in transcript.segments for w in s.words]
    rttm = read(tmp_path / "talk.rttm")
    assert [(s.span, s.speaker) for s in rttm.segments] == [(s.span, s.speaker) for s in transcript.segments]


def test_without_speakers_and_with_one_language_nothing_changes(talk: Path, pipeline: Pipeline) -> None:
    plain = pipeline.run(talk, language="swh")
    assert plain.as_dict("x").keys() & {"speakers", "turns", "languages"} == set()
    assert all(s.speaker is None and s.speaker_margin is None for s in plain.transcript.segments)
    assert all(w.speaker is None and w.speaker_margin is None for s in plain.transcript.segments for w in s.words)
    assert [a.activity for a in plain.transcript.provenance] == ["transcribe"]
    assert Settings().sha256(languages=["swh"]) == Settings(turns=TurnSettings(join_ms=1)).sha256(languages=["swh"])


def test_languages_are_told_without_speakers_too(talk: Path, pipeline: Pipeline) -> None:
    made = pipeline.run(talk, language="swh,que")
    assert "que" in {s.language for s in made.transcript.segments if s.text} <= set(MINI)
    told = made.as_dict("x")
    assert told["speakers"] == [] and [t["language"] for t in told["turns"]] == [s.language for s in made.transcript.segments]


def test_speech_of_no_known_language_is_listed_and_not_written(tmp_path: Path, pipeline: Pipeline) -> None:
    finnish = ("Lapset menevät kouluun joka päivä.", "Äiti keittää ruokaa keittiössä ja isä työskentelee pellolla.")
    made = pipeline.run(save(tmp_path / "a.wav", spoken(*finnish, language="fi")), language="auto")
    coverage = made.transcript.coverage
    assert made.transcript.text == "" and coverage is not None and coverage.adds_up
    assert coverage.skipped_ms == coverage.speech_ms > 3_000 and {s.reason for s in coverage.skipped} == {turns.NO_LANGUAGE}
    assert "LANGUAGE_NONE" in {f.code for f in made.findings}
    listed = pipeline.run(tmp_path / "a.wav", language="que,swh")
    assert listed.transcript.text and "LANGUAGE_OUTSIDE" in {f.code for f in listed.findings}
    assert {s.status for s in listed.transcript.segments} == {"unsure"}


def test_a_known_language_without_an_adapter_is_named(talk: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(pipeline.model), "languages", lambda self: ["swh"])
    made = pipeline.run(talk, language="auto")
    without = [s for s in made.transcript.segments if s.language == "que"]
    assert without and all(not s.text and s.unsure_reason == speech.transcribe.NO_MODEL for s in without)
    assert "LANGUAGE_NO_MODEL" in {f.code for f in made.findings}


def test_nobodys_speech_is_heard_and_said_to_be_nobodys(talk: Path, pipeline: Pipeline) -> None:
    first = told_turns(talk)[0]
    made = transcribe(talk, language="swh", speakers=SpeakerCount(), model=pipeline.model, context=CONTEXT, diariser=Fake(first))
    nobodys = [s for s in made.transcript.segments if s.speaker is None]
    assert nobodys and all(s.status == "unsure" and "no speaker" in s.unsure_reason for s in nobodys) and any(s.text for s in nobodys)
    assert made.transcript.coverage is not None and made.transcript.coverage.adds_up


def test_nobodys_noise_is_listed_and_makes_no_segment(tmp_path: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.wav", noise(4))
    said = np.zeros(125, np.float32)  # of 32 ms
    said[:31] = said[62:94] = 1
    monkeypatch.setattr(turns, "speech_probabilities", lambda *a: said)
    monkeypatch.setattr(turns, "heard", lambda *a, **k: Heard(turns=[turn(0, 1_000)], speech=[span(0, 1_000), span(1_984, 3_008)]))
    made = transcribe(path, language="swh", speakers=SpeakerCount(), model=pipeline.model, context=CONTEXT, diariser=Fake()).transcript
    assert [(s.speaker, s.unsure_reason) for s in made.segments if not s.text] == [(s.speaker, "no words heard") for s in made.segments]
    assert all(s.speaker == "S1" for s in made.segments) and made.coverage is not None and made.coverage.adds_up
    assert "speech that no speaker was found for" in {s.reason for s in made.coverage.skipped}


@pytest.mark.parametrize("sound", [silence(8), noise(8), tone(8, 50.0)], ids=["silence", "noise", "hum"])
def test_where_nobody_speaks_there_is_no_turn_and_no_word(sound: np.ndarray, tmp_path: Path, pipeline: Pipeline) -> None:
    made = pipeline.run(save(tmp_path / "a.wav", sound), language="auto", speakers="auto").transcript
    assert made.segments == () and made.speakers == () and made.languages == ()
    assert made.coverage is not None and made.coverage.adds_up and made.coverage.transcribed_ms == 0


def test_a_word_alone_is_too_little_to_tell_its_language(tmp_path: Path, pipeline: Pipeline) -> None:
    made = pipeline.run(save(tmp_path / "a.wav", spoken("Ari", pause_s=0.1)), language="auto")
    assert made.transcript.text == "" and {s.unsure_reason for s in made.transcript.segments} == {"too little speech to tell"}
    assert "LANGUAGE_TOO_LITTLE" in {f.code for f in made.findings}


def test_the_chunk_size_changes_no_word_and_no_speaker(talk: Path, pipeline: Pipeline) -> None:
    made = [pipeline.run(talk, language="swh,que", speakers="auto", settings=Settings(chunk_ms=ms)).transcript for ms in (10_000, 40_000)]
    assert [(s.span, s.speaker, s.language, s.text) for s in made[0].segments] == [
        (s.span, s.speaker, s.language, s.text) for s in made[1].segments
    ]


def test_each_channel_is_a_speaker_and_overlap_is_heard_on_both(tmp_path: Path, pipeline: Pipeline) -> None:
    one, other = trimmed(spoken(SWAHILI[0], language="swh")), trimmed(spoken(SENTENCES[1]))
    sound = np.stack([placed(9, (0.5, one)), placed(9, (1.0, other))], 1) + noise(9, 0.0005)[:, None]
    path = tmp_path / "lapels.wav"
    soundfile.write(path, sound, RATE)
    made = pipeline.run(path, language="swh,que", settings=Settings(per_speaker=True)).transcript
    rows = {(s.speaker, s.channel, s.language) for s in made.segments if s.text}
    assert rows == {("S1", 1, "swh"), ("S2", 2, "que")}
    mono = save(tmp_path / "mono.wav", noise(3))
    with pytest.raises(AudioRefused) as refused:
        pipeline.run(mono, language="swh", settings=Settings(per_speaker=True))
    assert refused.value.code == "AUDIO_CHANNELS"
    with pytest.raises(UsageFailure) as wrong:
        pipeline.run(path, language="swh", speakers="2", settings=Settings(per_speaker=True))
    assert wrong.value.code == "SPEAKERS"


def test_consent_is_asked_for_all_that_is_done(tmp_path: Path, talk: Path, pipeline: Pipeline) -> None:
    carded(tmp_path, {}, CARD.replace('["LOCAL", "voiceprint"]', '["transcribe_local"]'))
    path = tmp_path / "talk.wav"
    path.write_bytes(talk.read_bytes())
    assert pipeline.run(path, language="swh").transcript.text
    for asked in ({"language": "swh", "speakers": "auto"}, {"language": "swh,que"}):
        with pytest.raises(ConsentRefused) as refused:
            pipeline.run(path, **asked)  # type: ignore[arg-type]  # a table of names
        assert refused.value.code == "COLLECTION_SCOPE"


def test_the_same_run_again_is_unchanged(talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["transcribe", str(talk), "-l", "swh,que", "--speakers", "2", "-o", str(tmp_path), "-f", "eaf,rttm"]
    assert cli.run(asked) == 0 and "2 speakers, in " in capsys.readouterr().err
    assert cli.run(asked) == 0 and "unchanged" in capsys.readouterr().err
    other = [*asked[:5], "3", *asked[6:]]
    assert cli.run(other) == 1 and "FORMAT_EXISTS" in capsys.readouterr().err


def test_an_adapter_may_be_of_one_of_the_languages(talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("adapter.que.safetensors", "adapter.que.toml"):
        (tmp_path / name).write_bytes((mini_folder() / name).read_bytes())
    for place in (tmp_path, tmp_path / "adapter.que.safetensors"):
        assert cli.run(["transcribe", str(talk), "-l", "swh,que", "--speakers", "2", "--adapter", str(place), "--json"]) == 0
        row = json.loads(capsys.readouterr().out)
        assert set(row["languages"]) == {"swh", "que"} and "MODEL_COLLECTION" not in {f["code"] for f in row["findings"]}
    assert cli.run(["transcribe", str(talk), "-l", "swh,yor", "--adapter", str(tmp_path)]) == 2
    assert "no adapter for swh or yor there" in capsys.readouterr().err
    assert cli.run(["transcribe", str(talk), "-l", "swh", "--adapter", str(tmp_path)]) == 1
    assert "MODEL_LANGUAGE" in capsys.readouterr().err


@pytest.mark.parametrize("asked", ["-l swh,,", "-l swh,und", "-l swh --speakers many", "-l swh --speakers 2 --channels per-speaker"])
def test_what_cannot_be_asked_is_said_before_anything_is_read(asked: str, talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.run(["transcribe", str(talk), *asked.split()])
    said = capsys.readouterr().err
    assert (status, said.count("Traceback")) == ((0 if asked == "-l swh,," else 2, 0))


def test_what_is_asked_in_words() -> None:
    assert speakers_of(None) is None and speakers_of("off") is None
    assert speakers_of("auto") == SpeakerCount() and speakers_of("2-4") == SpeakerCount(least=2, most=4)
    assert languages_of("swh") is None and languages_of("swh,swh") is None
    several = languages_of("SWH, yor")
    assert several is not None and several.codes == ("swh", "yor")


def span(start: int, end: int) -> Span:
    return Span(start_ms=start, end_ms=end)


def test_a_speakers_turns_are_one_over_a_short_pause_in_which_nobody_else_speaks() -> None:
    joined = turns._joined([turn(0, 1000), turn(1500, 2000), turn(2100, 2900, "S2"), turn(2950, 3500), turn(4400, 5000)], 800)
    assert [(s.speaker, s.span) for s in joined] == [
        ("S1", span(0, 2000)), ("S2", span(2100, 2900)), ("S1", span(2950, 3500)), ("S1", span(4400, 5000)),
    ]  # fmt: skip
    between = turns._joined([turn(0, 1000), turn(1100, 1300, "S2"), turn(1400, 2000)], 800)
    assert [s.speaker for s in between] == ["S1", "S2", "S1"]


def test_of_two_at_once_the_sound_is_heard_for_whoever_began_first() -> None:
    stretches = turns._alone(turns._joined([turn(0, 3000), turn(2500, 5000, "S2"), turn(3500, 4000, "S3")], 800), 200)
    assert [(s.speaker, s.alone) for s in stretches] == [("S1", span(0, 3000)), ("S2", span(3000, 5000)), ("S3", None)]


def test_edges_are_widened_to_the_middle_of_a_pause_at_most() -> None:
    def place(start: int, end: int, channel: int | None = None) -> turns.Place:
        return turns.Place(
            segment=Segment(span=span(start, end), channel=channel), passage=Passage(span=span(start, end), language="swh", channel=channel)
        )

    places = [place(100, 1000), place(1200, 2000), place(1100, 2000, 1)]
    wide = [p.passage.span for p in turns._widened(places, 240, 2100) if p.passage]
    assert wide == [span(0, 1100), span(1100, 2100), span(860, 2100)]


def test_a_words_margin_is_that_of_its_turn_less_where_others_speak() -> None:
    made = [turn(0, 1000, margin=0.9), turn(1200, 2000, margin=0.4)]
    one = Word(text="a", span=span(100, 300))
    assert turns._word_margin(one, made, []) == 0.9
    assert turns._word_margin(Word(text="b", span=span(1300, 1500)), made, []) == 0.4
    assert turns._word_margin(one, made, [span(200, 600)]) == 0.45
    assert turns._word_margin(Word(text="c"), made, []) is None
