"""`speech manifest`: a folder becomes a manifest that is checked and counted; names of speakers stay in a file of one's own."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from speech import cli, formats
from speech.collections import consent
from speech.types import Segment, Span, Transcript
from tests.collections.test_importing import clip


def run(*arguments: object, status: int = 0) -> None:
    assert cli.run([str(a) for a in arguments]) == status


@pytest.fixture
def field(tmp_path: Path) -> Path:
    for name, speaker in (("one", "Maria"), ("two", "Rosa")):
        clip(tmp_path / f"{name}.wav", 2.0)
        segments = tuple(Segment(span=Span(start_ms=500 * n, end_ms=500 * n + 400), text=f"kay {n}", speaker=speaker) for n in range(3))
        formats.save(Transcript(segments=segments), tmp_path / f"{name}.eaf")
    return tmp_path


def test_from_a_folder_to_the_right_to_train(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("manifest", "import", field, "-l", "que", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["sessions"], len(told["speakers"]), told["seconds"]) == (6, 2, 2, 2.4)
    key = field / "people.key.tsv"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and "Maria" in key.read_text(encoding="utf-8")
    assert "Maria" not in (field / "manifest.jsonl").read_text(encoding="utf-8")
    answers = ("--title", "Field", "-l", "que", "--holder", "linguist", "--kind", "researcher", "--source", "fieldwork",
               "--licence", "archive_terms")  # fmt: skip
    said = ("--how", "written", "--allow", "LOCAL,TRAIN", "--for", "research", "--on", "2026-03-02", "--evidence", "forms")
    run("consent", "record", field, *answers, *said)
    asked = capsys.readouterr().err
    assert "Still open: " + ", ".join(told["speakers"]) in asked and "A few questions" not in asked
    for code in told["speakers"]:
        item = consent.Item(id="one", path=field / "one.wav", speakers=(code,))
        context = consent.Context(basis="test")
        assert consent.answer({"train_asr"}, item, context=context).code == "PERSON_MISSING"
        run("consent", "record", field, "--person", code, *said)
        assert consent.answer({"train_asr"}, item, context=context).code == "OK"


def test_what_is_counted_is_told_in_its_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip(tmp_path / "one.wav", 2.0)
    segment = Segment(span=Span(start_ms=500, end_ms=900), text="kay", speaker="Maria")
    formats.save(Transcript(segments=(segment,)), tmp_path / "one.eaf")
    run("manifest", "import", tmp_path, "-l", "que")
    assert "1 session, 1 speaker; from annotation files" in capsys.readouterr().out


def test_a_manifest_is_not_replaced_unasked(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("manifest", "import", field, "-l", "que")
    assert "speech consent record" in capsys.readouterr().err
    run("manifest", "import", field, "-l", "que", status=1)
    assert "[FORMAT_EXISTS]" in capsys.readouterr().err
    run("manifest", "import", field, "-l", "que", "--force")


def test_faults_are_named_by_row_and_field(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("manifest", "import", field, "-l", "que")
    manifest = field / "manifest.jsonl"
    run("manifest", "check", manifest, "--hashes")
    capsys.readouterr()
    clip(field / "one.wav", 1.0)
    run("manifest", "check", manifest, "--hashes", status=1)
    assert "line 1, sha256" in capsys.readouterr().err
    run("manifest", "check", manifest, status=1)
    assert "line 3, end_ms: the span ends at 1400 ms, the audio at 1000 ms" in capsys.readouterr().err
    (field / "two.wav").unlink()
    run("manifest", "check", manifest, status=1)
    assert "line 4, audio: two.wav is not there" in capsys.readouterr().err
    rows = manifest.read_text(encoding="utf-8").splitlines()
    manifest.write_text(rows[0].replace('"que"', '"quechua"') + "\n", encoding="utf-8")
    run("manifest", "check", manifest, status=1)
    assert "line 1, language" in capsys.readouterr().err


def test_hours_are_counted_by_language_and_speaker(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("manifest", "import", field, "-l", "que")
    capsys.readouterr()
    run("manifest", "stats", field / "manifest.jsonl", "--json")
    by = json.loads(capsys.readouterr().out)["by"]
    assert {"kind": "language", "value": "que", "clips": 6, "hours": 0.0007} in by
    assert sum(row["clips"] for row in by if row["kind"] == "speaker") == 6


def test_a_tier_is_named_where_several_could_be_meant(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("manifest", "import", field, "-l", "que", "--tier", "nothing", status=1)
    assert "nothing" in capsys.readouterr().err and not (field / "manifest.jsonl").exists()
