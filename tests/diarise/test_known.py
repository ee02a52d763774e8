"""Known people and linked voices: matched with care, asked for at the gate, nothing stored, nothing renamed."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from speech.collections.consent import Context
from speech.collections.ledger import rows_of
from speech.diarise import KnownVoice, Voices, diarise
from speech.diarise.known import asked, known_voices, named
from speech.diarise.links import COLUMNS, Heard, proposed, write
from speech.errors import AudioRefused, ConsentRefused, FormatRefused, UsageFailure
from speech.types import Span
from tests.diarise.fakes import CARD, Fake, FakeVoices, axis, carded, turn
from tests.sounds import SENTENCES, save, silence, spoken

CONTEXT = Context(basis="test")
GRANTED = ("granted", '"LOCAL", "voiceprint"')


def known(person: str, number: int) -> KnownVoice:
    return KnownVoice(person=person, clip_sha256="0" * 64, voice=axis(number))


# Matching.


def test_a_voice_is_named_only_where_it_is_surely_one_known_person() -> None:
    people = [known("EX1-001", 0), known("EX1-002", 1)]
    assert named({"S1": axis(0, 2, 0.3), "S2": axis(3)}, people) == {"S1": "EX1-001"}
    assert named({"S1": axis(0, 2, 0.95)}, people) == {}, "too far from anybody"
    assert named({"S1": axis(0, 1, 0.68)}, people) == {}, "nearly as close to another person"
    assert named({}, people) == named({"S1": axis(0)}, []) == {}


def test_a_person_is_named_once_in_a_recording_where_the_voice_is_closest() -> None:
    assert named({"S1": axis(0, 2, 0.5), "S2": axis(0, 2, 0.1)}, [known("EX1-001", 0)]) == {"S2": "EX1-001"}


def heard(recording: str, speaker: str, number: int, towards: int | None = None, part: float = 0.0) -> Heard:
    return Heard(recording=recording, speaker=speaker, longest=Span(start_ms=0, end_ms=1_000), voice=axis(number, towards, part))


def test_alike_voices_of_different_recordings_are_proposed_as_one_and_those_of_one_recording_never() -> None:
    links = proposed(
        [heard("a", "S1", 0), heard("a", "S2", 0, 1, 0.1), heard("b", "S1", 0, 2, 0.2), heard("c", "S3", 4), heard("d", "S1", 4)]
    )
    assert [[(m.recording, m.speaker) for m in link.members] for link in links] == [[("a", "S1"), ("b", "S1")], [("c", "S3"), ("d", "S1")]]
    assert [link.id for link in links] == ["V1", "V2"] and links[1].alike == 1.0
    assert proposed([]) == proposed([heard("a", "S1", 0), heard("b", "S1", 1)]) == []


def test_all_in_a_link_are_alike_not_only_neighbours() -> None:
    """Two voices 80 degrees apart with a third between them are not three times the same person."""
    vectors = [np.array([np.cos(t), np.sin(t)], np.float32) for t in np.radians([0, 40, 80])]
    links = proposed([Heard(recording=str(n), speaker="S1", longest=Span(start_ms=0, end_ms=1), voice=v) for n, v in enumerate(vectors)])
    assert [len(link.members) for link in links] == [2]


def test_links_are_a_table_to_confirm_that_keeps_a_persons_answers(tmp_path: Path) -> None:
    links = proposed([heard("=a", "S1", 0), heard("b", "S1", 0)])
    path = write(links, tmp_path / "out")
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    assert tuple(rows[0]) == COLUMNS and rows[1] == ["V1", "'=a", "S1", "1.0", "0", "1000", ""]
    write(links, tmp_path / "out")
    path.write_text("answered", encoding="utf-8")
    with pytest.raises(FormatRefused) as caught:
        write(links, tmp_path / "out")
    assert caught.value.code == "FORMAT_EXISTS" and path.read_text(encoding="utf-8") == "answered"
    write(links, tmp_path / "out", force=True)
    assert (tmp_path / "out" / "links.1.csv").read_text(encoding="utf-8") == "answered"


# What is given.


@pytest.mark.parametrize("given", [["EX1-014"], ["=a.wav"], ["EX1-014="], ["Maria=a.wav"], ["EX1-014=a.wav", "EX1-014=b.wav"]])
def test_a_known_person_is_a_code_and_a_clip_once(given: list[str]) -> None:
    with pytest.raises(UsageFailure) as caught:
        asked(given)
    assert caught.value.code == "SPEAKERS"
    assert asked(["EX1-014=a=b.wav"]) == {"EX1-014": Path("a=b.wav")}


# The gate and the recording.


@pytest.fixture
def tapes(tmp_path: Path) -> Path:
    """A story, a clip of a person who agreed, and one of a person who did not name the voice."""
    save(tmp_path / "story.wav", spoken(*SENTENCES))
    save(tmp_path / "clip.wav", spoken(SENTENCES[0]))
    carded(tmp_path, {"EX1-001": GRANTED, "EX1-002": ("granted", '"LOCAL"'), "EX1-003": ("denied", '"voiceprint"')})
    return tmp_path


def test_a_person_who_agreed_is_named_by_code_and_no_vector_is_kept(tapes: Path) -> None:
    engine = FakeVoices(turn(1_600, 4_000), turn(6_500, 9_000, "S2"), voices={"S1": axis(1), "S2": axis(0)})
    people = known_voices({"EX1-001": tapes / "clip.wav"}, diariser=engine, context=CONTEXT)
    result = diarise(tapes / "story.wav", diariser=engine, context=CONTEXT, known=people)
    assert [(s.id, s.person) for s in result.transcript.speakers] == [("S1", None), ("S2", "EX1-001")]
    assert result.voices == {}
    assert "voice=" not in repr(people) + repr(Voices(voice_by_speaker={"S1": axis(0)})).replace("voice_by_speaker=", "")
    (row,) = rows_of("voiceprint")
    assert row.event["outcome"] == "success" and row.event["gate"]["scope"] == "voiceprint" and row.event["made"] == []


@pytest.mark.parametrize(
    ("person", "code"), [("EX1-002", "BIOMETRIC_EXPLICIT"), ("EX1-003", "PERSON_DENIED"), ("EX1-009", "BIOMETRIC_EXPLICIT")]
)
def test_without_a_persons_own_record_for_the_voice_the_clip_is_not_read(
    tapes: Path, person: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech.diarise.known.load_audio", lambda *_, **__: pytest.fail("the clip was decoded"))
    with pytest.raises(ConsentRefused) as caught:
        known_voices({"EX1-001": tapes / "clip.wav", person: tapes / "clip.wav"}, diariser=FakeVoices(), context=CONTEXT)
    assert (caught.value.code, caught.value.scope, caught.value.people) == (code, "voiceprint", (person,))
    assert [row.event["outcome"] for row in rows_of("voiceprint")] == ["success", "refused"]


def test_without_a_card_no_voice_is_compared(tmp_path: Path) -> None:
    clip = save(tmp_path / "clip.wav", silence(1))
    with pytest.raises(ConsentRefused) as caught:
        known_voices({"EX1-001": clip}, diariser=FakeVoices(), context=CONTEXT)
    assert caught.value.code == "NO_CARD"
    with pytest.raises(ConsentRefused) as caught:
        diarise(clip, diariser=FakeVoices(), context=CONTEXT, known=[known("EX1-001", 0)])
    assert (caught.value.code, caught.value.scope) == ("NO_CARD", "voiceprint")


def test_the_recording_is_asked_for_too(tapes: Path) -> None:
    carded(tapes, {}, CARD.replace('"LOCAL", "voiceprint"', '"LOCAL"'))
    with pytest.raises(ConsentRefused) as caught:
        diarise(tapes / "story.wav", diariser=FakeVoices(), context=CONTEXT, known=[known("EX1-001", 0)])
    assert (caught.value.code, caught.value.scope) == ("COLLECTION_SCOPE", "voiceprint")


def test_whom_the_manifest_names_in_a_recording_must_have_agreed(tapes: Path) -> None:
    row = '{{"id":"1","audio":"story.wav","language":"que","speaker":"{}"}}\n'
    people = [known("EX1-001", 0)]
    (tapes / "manifest.jsonl").write_text(row.format("EX1-001"), encoding="utf-8")
    assert diarise(tapes / "story.wav", diariser=FakeVoices(), context=CONTEXT, known=people).decision is not None
    (tapes / "manifest.jsonl").write_text(row.format("EX1-002"), encoding="utf-8")
    with pytest.raises(ConsentRefused) as caught:
        diarise(tapes / "story.wav", diariser=FakeVoices(), context=CONTEXT, known=people)
    assert (caught.value.code, caught.value.people) == ("BIOMETRIC_EXPLICIT", ("EX1-002",))


def test_voices_of_people_whom_nobody_has_named_are_not_linked(tapes: Path) -> None:
    engine = FakeVoices(turn(1_600, 4_000), voices={"S1": axis(1)})
    with pytest.raises(ConsentRefused) as caught:
        diarise(tapes / "story.wav", diariser=engine, context=CONTEXT, link=True)
    assert (caught.value.code, caught.value.scope) == ("BIOMETRIC_EXPLICIT", "voiceprint")
    (tapes / "manifest.jsonl").write_text('{"id":"1","audio":"story.wav","language":"que","speaker":"EX1-001"}\n', encoding="utf-8")
    assert list(diarise(tapes / "story.wav", diariser=engine, context=CONTEXT, link=True).voices) == ["S1"]


def test_a_clip_in_which_nobody_speaks_and_an_engine_without_voices_are_said(tapes: Path) -> None:
    save(tapes / "quiet.wav", silence(2))
    with pytest.raises(AudioRefused) as refused:
        known_voices({"EX1-001": tapes / "quiet.wav"}, diariser=FakeVoices(), context=CONTEXT)
    assert refused.value.code == "AUDIO_SILENT"
    with pytest.raises(UsageFailure) as failed:
        known_voices({"EX1-001": tapes / "clip.wav"}, diariser=Fake(), context=CONTEXT)
    assert failed.value.code == "SPEAKERS"
