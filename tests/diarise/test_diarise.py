"""The verb on one recording: turns, overlap, the accounts, what is unsure, and the gate before everything."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from speech.collections.consent import Context
from speech.diarise import Settings, SpeakerCount, Voices, diarise, speaker_count
from speech.diarise.assembly import CLOSE, NOBODY
from speech.errors import AudioRefused, ConsentRefused, UsageFailure
from tests.diarise.fakes import CARD, Fake, carded, placed, trimmed, turn
from tests.sounds import RATE, SENTENCES, save, silence, spoken

CONTEXT = Context(basis="test")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences from about 1.5 to 5 s and from 6.5 s on."""
    return save(tmp_path_factory.mktemp("story") / "story.wav", spoken(*SENTENCES))


def test_turns_become_segments_and_overlap_stays_overlap(story: Path) -> None:
    engine = Fake(turn(1_600, 4_000, margin=0.8), turn(3_000, 5_000, "S2"), turn(6_500, 9_000, margin=0.05))
    result = diarise(story, diariser=engine, context=CONTEXT)
    assert [(s.span.start_ms, s.span.end_ms, s.speaker, s.text) for s in result.transcript.segments] == [
        (1_600, 4_000, "S1", ""),
        (3_000, 5_000, "S2", ""),
        (6_500, 9_000, "S1", ""),
    ]
    assert [s.id for s in result.transcript.speakers] == ["S1", "S2"]
    assert [t.margin for t in result.turns] == [0.8, None, 0.05]
    (act,) = result.transcript.provenance
    assert (act.activity, act.model, act.base_sha256) == ("diarise", "fake", "f" * 64)


def test_a_turn_with_another_voice_close_behind_is_unsure(story: Path) -> None:
    result = diarise(story, diariser=Fake(turn(1_600, 4_000, margin=0.05), turn(6_500, 9_000, margin=0.95)), context=CONTEXT)
    assert [(s.status, s.unsure_reason) for s in result.transcript.segments] == [("unsure", CLOSE), ("draft", "")]


def test_speech_that_is_nobodys_turn_is_listed_and_every_millisecond_is_counted_once(story: Path) -> None:
    coverage = diarise(story, diariser=Fake(turn(1_600, 4_000), turn(3_000, 4_500, "S2")), context=CONTEXT).transcript.coverage
    assert coverage is not None and coverage.adds_up
    assert coverage.transcribed_ms == 2_900
    assert {skip.reason for skip in coverage.skipped} == {NOBODY}
    later = [skip.span for skip in coverage.skipped if skip.span.start_ms > 6_000]
    assert sum(span.length_ms for span in later) > 7_000, "the second and third sentence"


def test_turns_that_an_engine_finds_outside_the_sound_are_cut_to_it(story: Path) -> None:
    result = diarise(story, diariser=Fake(turn(-50, 3_000), turn(17_000, 99_000), turn(99_000, 99_500)), context=CONTEXT)
    found = result.transcript.coverage
    assert found is not None and found.adds_up
    assert [s.span.start_ms for s in result.transcript.segments] == [0, 17_000]
    assert result.transcript.segments[-1].span.end_ms == found.duration_ms


def test_times_are_on_the_containers_clock(story: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from speech.audio import Signal

    monkeypatch.setattr(Signal, "offset_ms", property(lambda _: 1_936))
    result = diarise(story, diariser=Fake(turn(1_600, 4_000)), context=CONTEXT)
    assert result.turns[0].span.start_ms == 3_536
    assert result.transcript.recording.offset_ms == 1_936
    assert result.transcript.coverage is not None
    assert all(skip.span.start_ms >= 1_936 for skip in result.transcript.coverage.skipped)


def test_an_engine_hears_one_recording_at_a_time_unless_it_takes_more(story: Path) -> None:
    class Slow(Fake):
        most = under_way = 0

        def voices(self, *asked: Any) -> Voices:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            both.wait(2) if self.several_at_once else time.sleep(0.1)
            self.under_way -= 1
            return Voices()

        several_at_once = False

    both = threading.Barrier(2)
    for several in (False, True):
        engine = Slow()
        engine.several_at_once = several
        options: dict[str, Any] = {"diariser": engine, "context": CONTEXT}
        threads = [threading.Thread(target=diarise, args=(story,), kwargs=options) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert engine.most == 1 + several


def test_the_embedded_engine_finds_somebody_where_there_is_speech(story: Path) -> None:
    from speech.diarise import Later

    result = diarise(story, diariser=Later("embedded"), context=CONTEXT)
    coverage = result.transcript.coverage
    assert coverage is not None and coverage.adds_up and coverage.transcribed_ms > 8_000
    assert {s.speaker for s in result.transcript.segments} == {"S1"}


def test_the_gate_is_asked_before_a_sample_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "a.wav", silence(1))
    carded(tmp_path, {}, CARD.replace('"LOCAL", "voiceprint"', '"transcribe_local"'))
    monkeypatch.setattr("speech.diarise.recording.load_audio", lambda *_, **__: pytest.fail("the recording was decoded"))
    with pytest.raises(ConsentRefused) as caught:
        diarise(tmp_path / "a.wav", diariser=Fake(), context=CONTEXT)
    assert (caught.value.code, caught.value.scope) == ("COLLECTION_SCOPE", "diarise")


def test_another_number_of_speakers_than_was_asked_for_is_said(story: Path) -> None:
    engine = Fake(turn(1_600, 4_000), turn(6_500, 9_000, "S2"))
    told = [diarise(story, diariser=engine, context=CONTEXT, count=speaker_count(text)).findings for text in ("2", "1-3", "3", None)]
    assert [[f.code for f in findings] for findings in told] == [[], [], ["SPEAKERS"], []]
    assert engine.counts[2] == SpeakerCount(least=3, most=3) and engine.counts[2].exact == 3


@pytest.mark.parametrize("text", ["0", "two", "3-2", "0-2", "-2", "2-", "1.5", ""])
def test_what_is_no_number_of_people_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageFailure, match="--speakers 2, or 2-4") as caught:
        speaker_count(text)
    assert caught.value.code == "SPEAKERS"


def test_channels_as_speakers_need_several_channels_and_no_number(story: Path) -> None:
    with pytest.raises(AudioRefused) as refused:
        diarise(story, diariser=Fake(), context=CONTEXT, settings=Settings(per_speaker=True))
    assert refused.value.code == "AUDIO_CHANNELS"
    with pytest.raises(UsageFailure) as failed:
        diarise(story, diariser=Fake(), context=CONTEXT, settings=Settings(per_speaker=True), count=SpeakerCount(least=2))
    assert failed.value.code == "SPEAKERS"


def test_channels_as_speakers_are_in_the_speakers_records_and_the_engine_is_not_asked(tmp_path: Path) -> None:
    one, other = (trimmed(spoken(SENTENCES[n], pause_s=0)) for n in (0, 2))
    soundfile.write(tmp_path / "a.wav", np.stack([placed(10, (1, one)), placed(10, (6, other))], 1), RATE)
    engine = Fake(turn(0, 1_000))
    result = diarise(tmp_path / "a.wav", diariser=engine, context=CONTEXT, settings=Settings(per_speaker=True))
    assert engine.counts == []
    assert [(s.id, s.channel) for s in result.transcript.speakers] == [("S1", 1), ("S2", 2)]
    assert [(s.speaker, s.channel) for s in result.transcript.segments] == [("S1", 1), ("S2", 2)]
    assert result.transcript.provenance[0].model == "channels"
