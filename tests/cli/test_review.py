"""`speech review`: exported, taken back, counted; objects a line, refusals in the house's shape."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speech import cli, formats
from speech.types import Transcript
from tests.review.conftest import three
from tests.sounds import save as save_sound
from tests.sounds import silence


def run(*arguments: object, status: int = 0) -> None:
    assert cli.run([str(a) for a in arguments]) == status


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def tapes(tmp_path: Path) -> Path:
    folder = tmp_path / "tapes"
    folder.mkdir()
    for name in ("one", "two"):
        save_sound(folder / f"{name}.wav", silence(3))
    formats.save(Transcript(segments=three()), folder / "one.eaf")
    return folder


def corrected(file: Path) -> None:
    read = formats.read(file)
    file.unlink()
    formats.save(replace(read, segments=tuple(replace(s, text="mana") if s.id == "a3" else s for s in read.segments)), file)


def test_out_to_elan_and_back(tapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    run("review", "export", tapes, "--out", out, "--format", "eaf,srt", "--json")
    (told,) = lines(capsys)
    assert (told["path"], told["ok"], told["segments"], len(told["files"])) == ("one.wav", True, 3, 2)
    corrected(out / "one.eaf")
    run("review", "import", tapes, out / "one.eaf", "--json")
    (told,) = lines(capsys)
    assert (told["recording"], [d["field"] for d in told["accepted"]], told["conflicts"]) == ("one.wav", ["text"], [])
    run("review", "import", tapes, out / "one.eaf")
    assert "0 changes taken into one.wav, 0 conflicts" in capsys.readouterr().out
    run("review", "stats", tapes, "--json")
    one, two, total = lines(capsys)
    assert (one["by"]["edited"], two["drafted"]) == ({"segments": 1, "ms": 1100}, False)
    assert total["total"]["segments"] == 3 and total["approved"] == []
    assert [p.name for p in sorted(tapes.iterdir())] == ["one.eaf", "one.wav", "two.wav"]


def test_conflicts_are_told_by_time_and_field(tapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    run("review", "export", tapes, "--out", out)
    other = tmp_path / "again" / "one.eaf"
    run("review", "export", tapes, "--out", other.parent)
    corrected(out / "one.eaf")
    run("review", "import", tapes, out / "one.eaf", "--person", "ANA-01")
    read = formats.read(other)
    other.unlink()
    formats.save(replace(read, segments=tuple(replace(s, text="other") if s.id == "a3" else s for s in read.segments)), tmp_path / "x.eaf")
    (tmp_path / "x.eaf").rename(tmp_path / "again" / "one.EAF")
    capsys.readouterr()
    run("review", "import", tapes, tmp_path / "again" / "one.EAF")
    told = capsys.readouterr()
    assert "1 conflicts\n  0:01.500 a3: changed text, changed in the app, too" in told.out and "--take-file" in told.err
    run("review", "import", tapes, tmp_path / "again" / "one.EAF", "--take-file", "--json")
    assert [d["field"] for d in lines(capsys)[0]["accepted"]] == ["text"]


def test_one_zip_in_place_of_a_folder(tapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("review", "export", tapes, "--zip", tmp_path / "a.zip", "-f", "eaf,json")
    assert "3 segments into one.eaf, one.json in" in capsys.readouterr().out
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["one.eaf", "one.json"]
    run("review", "export", tapes, "--zip", tmp_path / "a.zip", "-f", "eaf", status=1)
    run("review", "export", tapes, "--zip", tmp_path / "a.zip", "-f", "eaf", "--force")
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["one.eaf"]


def test_refusals_have_one_shape(tapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, status, code in (
        (("export", tmp_path / "none", "--out", tmp_path / "out"), 1, "REVIEW_FOLDER"),
        (("export", tapes), 2, "FORMAT_SEVERAL"),
        (("export", tapes, "--out", tmp_path / "out", "--zip", tmp_path / "a.zip"), 2, "FORMAT_SEVERAL"),
        (("export", tapes, "--out", tmp_path / "out", "-f", "docx"), 1, "FORMAT_UNKNOWN"),
        (("import", tapes, tmp_path / "nothing.eaf"), 1, "REVIEW_RECORDING"),
        (("import", tapes, tapes / "two.wav"), 1, "REVIEW_NOTHING"),
        (("stats", tapes, "--database", "mysql://x/y"), 2, "STORE_PLACE"),
    ):
        run("review", *arguments, "--json", status=status)
        (told,) = lines(capsys)
        assert (told["ok"], told["code"]) == (False, code) and {"path", "where", "what", "mend"} <= set(told)


def test_a_folder_without_transcripts_says_so(tapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tapes / "one.eaf").unlink()
    run("review", "export", tapes, "--out", tmp_path / "out", status=1)
    assert "no recording has a transcript yet" in capsys.readouterr().err
    run("review", "stats", tapes)
    assert "no transcript" in capsys.readouterr().out


def test_the_gate_is_asked_before_a_transcript_is_read(tapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("review", "export", tapes, "--out", tmp_path / "out")
    (tapes / "collection.card.toml").write_text("no card", encoding="utf-8")
    run("review", "export", tapes, "--out", tmp_path / "two", "--json", status=1)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["code"], told["scope"]) == ("CARD_INVALID", "review") and not (tmp_path / "two").exists()


@pytest.mark.parametrize("verb", ["export", "import", "stats"])
def test_every_option_stands_in_the_guide(verb: str) -> None:
    from speech.cli.review import command

    guide = (Path(__file__).parents[2] / "docs" / "guides" / "review.md").read_text(encoding="utf-8")
    options = [max(o.opts, key=len) for o in command.commands[verb].params if o.opts[0].startswith("-")]
    assert [o for o in options if f"`{o}`" not in guide] == []
