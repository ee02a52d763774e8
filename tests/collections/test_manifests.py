"""Manifests that are in order: what is read is what stands there, and writing it gives the same bytes."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.collections.manifest import Manifest, ManifestFaults, Row, read_manifest, write_manifest

LINES = (
    '{"id":"a1","audio":"clips/a1.opus","sha256":"' + "0" * 64 + '","start_ms":5,"end_ms":10,"text":"ñuka\u2028 \\"x\\"","language":"que",'
    '"glottocode":"imba1240","script":"Latn","variety":"v","speaker":"VA-01","session":"s","split":"train","translation":{"spa":"yo"},'
    '"channel":1,"licence":"cc0-1.0","access":"open","consent":["va-01:1"],"source":{"file":"a.eaf","tier":"default","annotation":"a7"},'
    '"extra":{"n":1.5,"inner":[null,true]}}\n'
    '{"id":"a2","audio":"clips/a2.opus","text":"","language":"und"}\n'
    '{"id":"a3","audio":"clips/a3.opus","text_sha256":"' + "1" * 64 + '","language":"que"}\n'
)


def test_what_was_read_is_written_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(LINES.encode("utf-8"))
    manifest = read_manifest(path)
    write_manifest(manifest, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == LINES.encode("utf-8")


def test_every_field_is_read_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(LINES, encoding="utf-8")
    full, silence, hidden = read_manifest(path).rows
    assert (full.start_ms, full.end_ms, full.text, full.channel) == (5, 10, 'ñuka\u2028 "x"', 1)
    assert (full.translation, full.consent, full.source["annotation"]) == ({"spa": "yo"}, ("va-01:1",), "a7")
    assert (silence.text, silence.end_ms) == ("", None)
    assert (hidden.text, hidden.text_sha256) == (None, "1" * 64)


def test_windows_line_ends_and_a_byte_order_mark_belong_to_no_field(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n").encode("utf-8"))
    assert [r.id for r in read_manifest(path).rows] == ["a1", "a2", "a3"]


def test_a_row_of_a_table_gets_its_id_and_length(tmp_path: Path) -> None:
    path = tmp_path / "m.tsv"
    path.write_text(
        "path\ttext\tlanguage\tspeaker\tsession\tseconds\tsplit\nclips/a.b.opus\tari\tque\tx\ts\t1.2345\tdev\n.hidden/b\t\tque\tx\ts\t2\tdev\n",
        encoding="utf-8",
    )
    first, second = read_manifest(path).rows
    assert first == Row(
        id="clips/a.b",
        audio="clips/a.b.opus",
        text="ari",
        language="que",
        speaker="x",
        session="s",
        split="dev",
        extra={"duration_ms": 1234},
    )
    assert (second.id, second.text, second.extra) == (".hidden/b", None, {"duration_ms": 2000})


TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(deadline=None)
@given(texts=st.lists(st.none() | TEXTS, min_size=1, max_size=5))
def test_any_text_survives_writing_and_reading(tmp_path_factory: pytest.TempPathFactory, texts: list[str | None]) -> None:
    rows = tuple(Row(id=f"{n}", audio=f"{n}.wav", language="que", text=text) for n, text in enumerate(texts))
    path = tmp_path_factory.mktemp("any") / "m.jsonl"
    write_manifest(Manifest(rows=rows), path)
    assert read_manifest(path).rows == rows


def test_the_refusal_survives_a_process_border(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ManifestFaults) as caught:
        read_manifest(path)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.faults, again.code, str(again)) == (caught.value.faults, "MANIFEST_JSON", str(caught.value))


def test_every_shared_manifest_is_read(shared: Path) -> None:
    paths = sorted((shared / "speech").glob("*/*/manifest.tsv"))
    assert paths
    for path in paths:
        lines = path.read_bytes().count(b"\n")
        assert len(read_manifest(path).rows) == lines - 1
