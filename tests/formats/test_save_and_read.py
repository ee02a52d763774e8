"""Writing beside and over files, and what is said of it."""

from __future__ import annotations

import gzip
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from speech import formats
from speech.errors import FormatRefused, InternalFailure
from speech.types import Recording, Segment, Span, Transcript, Word


def spoken(text: str = "imata munanki", **more: object) -> Transcript:
    segment = Segment(span=Span(start_ms=100, end_ms=900), text=text, **more)  # type: ignore[arg-type]  # fields of a segment
    return Transcript(segments=(segment,))


def test_the_formats_are_those_in_the_folder() -> None:
    assert formats.names() == ("csv", "csv_words", "eaf", "json", "rttm", "srt", "textgrid", "txt", "vtt")


@pytest.mark.parametrize("name", ["a.TextGrid", "a.textgrid", "a.TEXTGRID"])
def test_a_format_is_found_by_the_end_of_a_name_in_any_case(tmp_path: Path, name: str) -> None:
    formats.save(spoken(), tmp_path / name)
    assert formats.read(tmp_path / name).text == "imata munanki"


def test_a_textgrid_is_named_as_praat_and_praatio_look_for_it() -> None:
    assert formats.by_name("textgrid").SUFFIXES == (".TextGrid",)


def test_an_unknown_end_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(FormatRefused) as refused:
        formats.for_path("story.slt")
    assert refused.value.code == "FORMAT_UNKNOWN"
    assert ".eaf" in refused.value.mend
    assert ".slt" in str(refused.value)


def test_a_format_named_by_a_path_is_refused() -> None:
    with pytest.raises(FormatRefused, match="no such format"):
        formats.by_name("../files")


def test_the_recording_is_named_relative_to_the_file_and_found_again(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    sound = tmp_path / "tapes" / "a b.wav"
    transcript = replace(spoken(), recording=Recording(path=str(sound)))
    for name in ("t.json", "t.eaf"):
        formats.save(transcript, tmp_path / "out" / name)
        assert "../tapes/a" in (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert str(tmp_path) not in (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert formats.read(tmp_path / "out" / name).recording.path == sound.as_posix()


def test_a_writer_that_writes_something_else_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats.by_name("srt"), "render", lambda t: b"1\n00:00:00,100 --> 00:00:00,900\nelse\n")
    with pytest.raises(InternalFailure):
        formats.save(spoken(), tmp_path / "a.srt")
    assert list(tmp_path.iterdir()) == []


def test_each_replaced_file_is_kept_under_the_next_number(tmp_path: Path) -> None:
    for word in ("one", "two", "three"):
        formats.save(spoken(word), tmp_path / "a.txt", force=True)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.txt": "three\n", "a.1.txt": "one\n", "a.2.txt": "two\n"}


def test_importing_the_formats_loads_no_xml_reader() -> None:
    code = "import sys, speech.formats as f; f.for_path('a.eaf'); sys.exit('lxml' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_words_that_do_not_spell_their_text_are_refused() -> None:
    for name in formats.names():
        with pytest.raises(FormatRefused) as refused:
            formats.by_name(name).render(spoken("a b", words=(Word(text="a"), Word(text="c"))))
        assert refused.value.code == "FORMAT_WORDS"
        assert "segment 1" in refused.value.where


@pytest.mark.parametrize("name", ["a.eaf.gz", "a.EAF.GZ", "a.TextGrid.gz", "a.srt.gz", "a.json.gz"])
def test_a_packed_file_is_read_as_what_it_holds(tmp_path: Path, name: str) -> None:
    plain = tmp_path / Path(name).stem
    formats.save(spoken(), plain)
    (tmp_path / name).write_bytes(gzip.compress(plain.read_bytes()))
    assert formats.read(tmp_path / name).text == "imata munanki"


def test_a_real_packed_eaf_is_read_as_the_plain_one(tmp_path: Path, shared: Path) -> None:
    plain = shared / "annotations" / "killkan_149.eaf"
    (tmp_path / "k.eaf.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert formats.read(tmp_path / "k.eaf.gz").segments == formats.read(plain).segments != ()


@pytest.mark.parametrize("harm", ["cut", "plain", "checksum", "empty"])
def test_a_packed_file_that_is_none_or_not_whole_is_refused(tmp_path: Path, harm: str) -> None:
    data = gzip.compress(formats.by_name("eaf").render(spoken()))
    bad = {"cut": data[:-20], "plain": b"<ANNOTATION_DOCUMENT/>", "checksum": data[:-8] + bytes(8), "empty": b"\x1f\x8b"}[harm]
    (tmp_path / "a.eaf.gz").write_bytes(bad)
    with pytest.raises(FormatRefused) as refused:
        formats.read(tmp_path / "a.eaf.gz")
    assert refused.value.code == "FORMAT_SYNTAX"


def test_a_packed_file_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.formats._LARGEST", 1000)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a" * 1001))
    assert pytest.raises(FormatRefused, formats.read, tmp_path / "a.txt.gz").value.code == "FORMAT_SYNTAX"
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a" * 1000))
    assert formats.read(tmp_path / "a.txt.gz").text == "a" * 1000


def test_nothing_is_saved_under_the_name_of_a_packed_file(tmp_path: Path) -> None:
    with pytest.raises(FormatRefused) as refused:
        formats.save(spoken(), tmp_path / "a.eaf.gz")
    assert (refused.value.code, list(tmp_path.iterdir())) == ("FORMAT_UNKNOWN", [])
