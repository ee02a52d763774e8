"""Our own JSON: checked by hand on reading, by the published schema here."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from speech.errors import FormatRefused, Refusal, TextRefused
from speech.formats import json as ours
from speech.types import SCHEMA, Span, Transcript
from tests.strategies import transcripts

WORDS = [{"text": "imata", "start_ms": 0, "end_ms": 400, "confidence": 0.5}, {"text": "munanki", "start_ms": 400, "end_ms": 910}]
SEGMENT = {"id": "s1", "start_ms": 0, "end_ms": 900, "text": "imata munanki", "words": WORDS}


def schema() -> Any:
    return json.loads(resources.files("speech.formats").joinpath("speech-transcript-1.schema.json").read_text(encoding="utf-8"))


def read(**fields: Any) -> Transcript:
    return ours.parse(json.dumps({"schema": SCHEMA, "segments": [SEGMENT], **fields}).encode(), where="t.json")


def test_the_schema_is_a_valid_one_of_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@given(transcript=transcripts())
@settings(max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_fits_the_published_schema(transcript: Transcript) -> None:
    jsonschema.Draft202012Validator(schema()).validate(json.loads(ours.render(transcript)))


def test_fields_are_read_by_their_names() -> None:
    found = read(recording={"path": "a.wav", "duration_ms": 1000}, coverage={"duration_ms": 1000, "silence_ms": 1000})
    assert found.segments[0].words[1].span == Span(start_ms=400, end_ms=910)
    assert found.segments[0].words[0].confidence == 0.5
    assert found.recording.duration_ms == 1000
    assert found.coverage is not None and found.coverage.adds_up


def test_unknown_fields_at_any_depth_are_kept_and_written_back() -> None:
    unknown = {
        "schema": "speech-transcript/1.4",
        "mood": "calm",
        "segments": [{**SEGMENT, "pitch": [1, 2], "words": [{**WORDS[0], "lemma": "ima"}, WORDS[1]]}],
        "recording": {"path": "a.wav", "device": "H4n"},
    }
    written = json.loads(ours.render(ours.parse(json.dumps(unknown).encode(), where="t.json")))
    assert written["schema"] == "speech-transcript/1.4"
    assert written["mood"] == "calm"
    assert written["segments"][0]["pitch"] == [1, 2]
    assert written["segments"][0]["words"][0]["lemma"] == "ima"
    assert written["recording"]["device"] == "H4n"


def test_unknown_fields_stay_with_their_segment_when_the_file_is_not_in_order() -> None:
    late = {"start_ms": 5000, "end_ms": 6000, "text": "b", "pitch": "late"}
    early = {"start_ms": 1000, "end_ms": 2000, "text": "a", "pitch": "early"}
    written = json.loads(ours.render(read(segments=[late, early])))
    assert [(s["text"], s["pitch"]) for s in written["segments"]] == [("a", "early"), ("b", "late")]


def test_what_has_no_id_is_given_one_and_its_unknown_fields_stay_with_it() -> None:
    bare = {"start_ms": 0, "end_ms": 900, "text": "imata munanki", "pitch": 1, "words": [{**WORDS[0], "lemma": "ima"}, WORDS[1]]}
    named = {**SEGMENT, "id": "a7", "start_ms": 1000, "end_ms": 1900, "words": []}
    found = read(segments=[named, bare], points=[{"time_ms": 5, "loud": True}])
    assert [(s.id, [w.id for w in s.words]) for s in found.segments] == [("a8", ["a9", "a10"]), ("a7", [])]
    written = json.loads(ours.render(replace(found, segments=found.segments[::-1])))
    assert written["segments"][0]["pitch"] == 1
    assert written["segments"][0]["words"][0] == {"id": "a9", **WORDS[0], "lemma": "ima"}
    assert written["points"] == [{"id": "a11", "time_ms": 5, "label": "", "tier": "", "loud": True}]
    assert written["last_id"] == 11


def test_ids_of_any_form_stay_and_the_last_number_is_remembered() -> None:
    found = read(last_id=20)
    again = ours.parse(ours.render(replace(found, segments=())), where="t.json")
    assert ([s.id for s in found.segments], [w.id for w in found.segments[0].words]) == (["s1"], ["a21", "a22"])
    assert again.last_id == 22


def test_two_words_of_one_id_in_two_segments_are_told_apart() -> None:
    one = {**SEGMENT, "words": [{**WORDS[0], "id": "w1"}, WORDS[1]]}
    two = {**SEGMENT, "id": "s2", "start_ms": 0, "words": [{**WORDS[0], "id": "w1", "lemma": "ima"}, WORDS[1]]}
    found = read(segments=[one, two])
    assert [[w.id for w in s.words] for s in found.segments] == [["w1", "a1"], ["a2", "a3"]]
    assert json.loads(ours.render(found))["segments"][1]["words"][0]["lemma"] == "ima"
    doubled = replace(found, segments=(found.segments[0], replace(found.segments[1], id="s1")))
    assert ours.lost(doubled) == {"double_ids": 1}
    assert [s.id for s in ours.parse(ours.render(doubled), where="t.json").segments] == ["s1", "a4"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ('{"schema": "speech-transcript/2", "segments": []}', "FORMAT_NEWER"),
        ('{"schema": "somebody/1", "segments": []}', "FORMAT_JSON"),
        ("[]", "FORMAT_JSON"),
        ("{", "FORMAT_JSON"),
        ("[" * 100_000, "FORMAT_JSON"),
        ('{"schema": "speech-transcript/1", "schema": "speech-transcript/1", "segments": []}', "FORMAT_JSON"),
        ('{"schema": "speech-transcript/1", "segments": [], "last_id": -1}', "FORMAT_JSON"),
        ('{"schema": "speech-transcript/1", "segments": [{"start_ms": NaN, "end_ms": 1, "text": ""}]}', "FORMAT_JSON"),
        ('{"schema": "speech-transcript/1", "segments": [{"start_ms": 0, "end_ms": 1.5, "text": ""}]}', "FORMAT_JSON"),
        ('{"schema": "speech-transcript/1", "segments": [{"start_ms": true, "end_ms": 1, "text": ""}]}', "FORMAT_JSON"),
        ('{"schema": "speech-transcript/1", "segments": [{"end_ms": 1, "text": ""}]}', "FORMAT_JSON"),
        ('{"schema": "speech-transcript/1", "segments": [{"start_ms": 0, "end_ms": 1, "text": 5}]}', "FORMAT_JSON"),
        ('{"schema": "speech-transcript/1", "segments": [{"start_ms": 0, "end_ms": 1, "text": "", "status": "done"}]}', "FORMAT_JSON"),
        ('{"schema": "speech-transcript/1", "segments": [{"start_ms": 2, "end_ms": 1, "text": ""}]}', "FORMAT_TIMES"),
        ('{"schema": "speech-transcript/1", "segments": [{"start_ms": 0, "end_ms": 1, "text": "", "confidence": 1.5}]}', "FORMAT_VALUE"),
        (
            '{"schema": "speech-transcript/1", "segments": [{"start_ms": 0, "end_ms": 1, "text": "a b", "words": [{"text": "a"}]}]}',
            "FORMAT_WORDS",
        ),
    ],
)
def test_what_is_no_transcript_of_ours_is_refused(raw: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        ours.parse(raw.encode(), where="t.json")
    assert refused.value.code == code
    assert refused.value.where.startswith("t.json")


def test_two_segments_of_one_id_are_refused() -> None:
    with pytest.raises(FormatRefused, match="'s1'"):
        read(segments=[SEGMENT, SEGMENT])


def test_a_pair_of_surrogate_escapes_is_one_letter() -> None:
    segment = '{"start_ms": 0, "end_ms": 1, "text": "\\ud83a\\udd00"}'
    found = ours.parse(f'{{"schema": "{SCHEMA}", "segments": [{segment}]}}'.encode(), where="t.json")
    assert found.segments[0].text == "𞤀"


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00", "\\ud83a\\ud83a\\udd00", "x\\udd00y"])
def test_half_a_letter_is_refused_with_its_line(escape: str) -> None:
    raw = f'{{"schema": "{SCHEMA}",\n"segments": [{{"start_ms": 0, "end_ms": 1, "text": "{escape}"}}]}}'
    with pytest.raises(TextRefused) as refused:
        ours.parse(raw.encode(), where="t.json")
    assert (refused.value.code, refused.value.where) == ("TEXT_SURROGATE", "t.json, line 2")


def test_a_backslash_before_a_u_is_no_escape() -> None:
    raw = f'{{"schema": "{SCHEMA}", "segments": [{{"start_ms": 0, "end_ms": 1, "text": "\\\\ud800"}}]}}'
    assert ours.parse(raw.encode(), where="t.json").segments[0].text == "\\ud800"
