"""JSON of Whisper, faster-whisper, WhisperX and whisper.cpp, as their own writers write it and as their users find it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from speech import cli, formats
from speech.errors import Finding, FormatRefused
from speech.formats import json as ours
from speech.types import SCHEMA, Transcript

WHISPER: dict[str, Any] = {
    "text": " Kay wasi. Chay.",
    "segments": [
        {
            "id": 0, "seek": 0, "start": 0.5, "end": 1.9401, "text": " Kay wasi.", "tokens": [50364, 3530], "temperature": 0.0,
            "avg_logprob": -0.3, "compression_ratio": 1.1, "no_speech_prob": 0.07,
            "words": [
                {"word": " Kay", "start": 0.5, "end": 0.9, "probability": 0.75},
                {"word": " wasi.", "start": 0.9, "end": 1.9401, "probability": 0.5},
            ],
        },
        {"id": 1, "seek": 0, "start": 2.0, "end": 3.0, "text": " Chay.", "avg_logprob": -0.2},
    ],
    "language": "qu",
}  # fmt: skip
WHISPERX = {
    "segments": [
        {
            "start": 0.031, "end": 1.9, "text": " na 1 juni.", "speaker": "SPEAKER_00",
            "words": [
                {"word": "na", "start": 0.031, "end": 0.498, "score": 0.759, "speaker": "SPEAKER_00"},
                {"word": "1"},
                {"word": "juni.", "start": 0.538, "end": 1.9, "score": 0.288, "speaker": "SPEAKER_01"},
            ],
        }
    ],
    "word_segments": [{"word": "na", "start": 0.031, "end": 0.498, "score": 0.759}],
    "language": "nl",
}  # fmt: skip
CPP = {
    "systeminfo": "AVX = 1 |",
    "model": {"type": "base", "multilingual": True},
    "params": {"model": "models/ggml-base.bin", "language": "qu", "translate": False},
    "result": {"language": "qu"},
    "transcription": [
        {"timestamps": {"from": "00:00:00,000", "to": "00:00:01,500"}, "offsets": {"from": 0, "to": 1500}, "text": " Kay wasi."},
        {"timestamps": {"from": "00:00:01,500", "to": "00:00:03,000"}, "offsets": {"from": 1500, "to": 3000}, "text": " [BLANK_AUDIO]"},
        {"offsets": {"from": 3000, "to": 4000}, "text": " Chay.", "speaker": "1", "tokens": [{"text": " Ch", "p": 0.5}]},
    ],
}


def read(raw: Any, findings: list[Finding] | None = None) -> Transcript:
    return ours.parse(json.dumps(raw).encode(), where="t.json", findings=findings)


def cues(found: Transcript) -> list[tuple[int, int, str]]:
    return [(s.span.start_ms, s.span.end_ms, s.text) for s in found.segments]


def changed(**fields: Any) -> dict[str, Any]:
    """Whisper's file with its first segment changed."""
    first = {**WHISPER["segments"][0], **fields}
    return {**WHISPER, "segments": [first, *WHISPER["segments"][1:]]}


def test_whispers_segments_words_and_probabilities_are_read() -> None:
    found = read(WHISPER)
    assert cues(found) == [(500, 1940, "Kay wasi."), (2000, 3000, "Chay.")]
    first, second = found.segments
    assert [(w.text, w.span and (w.span.start_ms, w.span.end_ms), w.confidence) for w in first.words] == [
        ("Kay", (500, 900), 0.75),
        ("wasi.", (900, 1940), 0.5),
    ]
    assert (second.words, first.language, first.origin, found.text) == ((), "qu", "machine", "Kay wasi.\nChay.")
    assert found.foreign == {"whisper": {"program": "whisper"}}


def test_whisperx_has_speakers_and_words_without_times() -> None:
    [segment] = read(WHISPERX).segments
    assert (segment.speaker, segment.text) == ("SPEAKER_00", "na 1 juni.")
    assert [(w.text, w.span is None, w.confidence, w.speaker) for w in segment.words] == [
        ("na", False, 0.759, "SPEAKER_00"),
        ("1", True, None, None),
        ("juni.", False, 0.288, "SPEAKER_01"),
    ]
    assert read(WHISPERX).foreign["whisper"]["program"] == "whisperx"


def test_whisper_cpp_has_offsets_and_says_where_it_heard_nothing() -> None:
    found = read(CPP)
    assert cues(found) == [(0, 1500, "Kay wasi."), (1500, 3000, ""), (3000, 4000, "Chay.")]
    assert [s.kind for s in found.segments] == ["speech", "silence", "speech"]
    assert [s.speaker for s in found.segments] == [None, None, "1"]
    assert {s.language for s in found.segments} == {"qu"}
    assert found.foreign == {"whisper": {"program": "whisper.cpp", "model": "ggml-base.bin"}}


def test_a_list_of_segments_as_scripts_write_it_is_read() -> None:
    assert cues(read(WHISPER["segments"])) == cues(read(WHISPER))


def test_a_file_in_which_nothing_was_heard_is_an_empty_transcript() -> None:
    files: tuple[dict[str, Any], ...] = (
        {"text": "", "segments": [], "language": "qu"},
        {"segments": [], "word_segments": []},
        {"result": {"language": "qu"}, "transcription": []},
    )
    for nothing in files:
        assert read(nothing).segments == ()


def test_a_text_beside_no_segments_is_not_lost() -> None:
    """speaches#86: `segments` stays empty while `text` holds all."""
    assert cues(read({"task": "transcribe", "language": "english", "text": "Kay wasi.", "segments": []})) == [(0, 0, "Kay wasi.")]


def test_numbers_that_are_none_do_not_refuse_what_we_do_not_read() -> None:
    assert cues(read(changed(avg_logprob=float("nan")))) == cues(read(WHISPER))
    with pytest.raises(FormatRefused, match="NaN is no number"):
        ours.parse(b'{"schema": "%s", "segments": [], "x": NaN}' % SCHEMA.encode(), where="t.json")


def test_a_segment_that_ends_before_it_starts_is_repaired_and_the_others_stay() -> None:
    """whisperX#56."""
    findings: list[Finding] = []
    found = read(changed(start=1.2, end=0.4, words=[]), findings)
    assert cues(found) == [(1200, 2000, "Kay wasi."), (2000, 3000, "Chay.")]
    assert [f.code for f in findings] == ["FORMAT_TIMES"]
    assert "1.200 s" in findings[0].what


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_times_that_are_missing_are_taken_from_the_neighbours(missing: float | None) -> None:
    findings: list[Finding] = []
    raw = {
        "segments": [
            {"start": 1.0, "end": missing, "text": "a"},
            {"start": 2.0, "end": 3.0, "text": "b"},
            {"start": missing, "end": 4.0, "text": "c"},
        ]
    }
    assert cues(read(raw, findings)) == [(1000, 2000, "a"), (2000, 3000, "b"), (3000, 4000, "c")]
    assert "2 cues" in findings[0].what


@pytest.mark.parametrize("times", [{"start": -1.0}, {"start": -2.0, "end": -1.0}, {"end": -1.0}])
def test_e8_negative_times_stay_refused(times: dict[str, float]) -> None:
    with pytest.raises(FormatRefused) as refused:
        read(changed(**times, words=[]))
    assert refused.value.code == "FORMAT_TIMES"


def test_e8_a_negative_time_of_a_word_stays_refused() -> None:
    with pytest.raises(FormatRefused) as refused:
        read(changed(words=[{"word": " Kay", "start": -0.5, "end": 0.9}, {"word": " wasi.", "start": 0.9, "end": 1.9}]))
    assert refused.value.code == "FORMAT_TIMES"


def test_words_with_impossible_times_keep_their_text_and_lose_the_times() -> None:
    findings: list[Finding] = []
    found = read(
        changed(words=[{"word": " Kay", "start": 0.9, "end": 0.5, "probability": 0.4}, {"word": " wasi.", "start": 1.5, "end": 9.0}]),
        findings,
    )
    assert [(w.text, w.span, w.confidence) for w in found.segments[0].words] == [("Kay", None, 0.4), ("wasi.", None, None)]
    assert "2 words" in findings[0].what


def test_a_word_that_begins_before_its_segment_by_more_than_a_step_loses_its_times() -> None:
    for start, kept in ((0.48, True), (0.479, False)):
        words = [{"word": " Kay", "start": start, "end": 0.9}, {"word": " wasi.", "start": 0.9, "end": 1.9}]
        assert (read(changed(words=words)).segments[0].words[0].span is not None) is kept


def test_words_that_do_not_spell_the_text_are_left_out() -> None:
    for words in ([{"word": " Kay"}], [{"word": " wasi."}], [{"word": " Kay"}, {"word": " huasi."}]):
        assert read(changed(words=words)).segments[0].words == ()


def test_words_of_a_script_without_spaces_are_joined_without() -> None:
    raw = {"segments": [{"start": 0.0, "end": 1.0, "text": "你好", "words": [{"word": "你"}, {"word": "好"}]}]}
    assert [(w.text, w.separator) for w in read(raw).segments[0].words] == [("你", ""), ("好", " ")]


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan"), "high", True])
def test_a_confidence_that_is_none_is_left_out(value: Any) -> None:
    words = [{"word": "Kay", "probability": value}, {"word": "wasi.", "probability": 0.5}]
    assert [w.confidence for w in read(changed(words=words)).segments[0].words] == [None, 0.5]


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (changed(text=5), "text"),
        (changed(start="soon"), "times"),
        (changed(end=float("inf")), "times"),
        (changed(words={"word": "a"}), "words"),
        ({"transcription": [{"offsets": {"from": "x", "to": 1}, "text": "a"}]}, "times"),
    ],
)
def test_a_field_of_another_kind_is_refused_with_its_segment(raw: Any, named: str) -> None:
    with pytest.raises(FormatRefused) as refused:
        read(raw)
    assert (refused.value.code, named in refused.value.what, "segment 1" in refused.value.what) == ("FORMAT_JSON", True, True)


@pytest.mark.parametrize(
    "raw", [{"segments": 5}, {"segments": []}, {"segments": [{"start_ms": 0, "end_ms": 5, "text": "a"}]}, [], [5], {"a": 1}, 5]
)
def test_other_json_stays_refused(raw: Any) -> None:
    with pytest.raises(FormatRefused) as refused:
        read(raw)
    assert refused.value.code == "FORMAT_JSON"


@pytest.mark.parametrize("raw", [WHISPER, WHISPERX, CPP], ids=["whisper", "whisperx", "whisper.cpp"])
@pytest.mark.parametrize("name", formats.names())
def test_what_was_read_can_be_written_in_every_format(tmp_path: Path, raw: dict[str, Any], name: str) -> None:
    formats.save(read(raw), tmp_path / "t", format=name)
    assert (tmp_path / "t").is_file()


def test_score_reads_them_and_says_what_was_repaired(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.txt").write_text("Kay wasi\nChay\n", encoding="utf-8")
    (tmp_path / "h.json").write_text(json.dumps(changed(start=1.2, end=0.4, words=[])), encoding="utf-8")
    assert cli.run(["score", str(tmp_path / "r.txt"), str(tmp_path / "h.json"), "-l", "que", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [f["code"] for f in found["findings"]] == ["FORMAT_TIMES"]
    assert cli.run(["score", str(tmp_path / "r.txt"), str(tmp_path / "h.json"), "-l", "que"]) == 0
    said = capsys.readouterr()
    assert "h.json: 1 cue ends before it starts" in said.err
    assert " 0.0 %" in said.out
