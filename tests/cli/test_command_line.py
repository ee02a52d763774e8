"""Exit statuses, streams and the one shape of a refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speech import cli
from tests.conftest import REPOSITORY
from tests.sounds import save, silence


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return save(tmp_path / "quiet.wav", silence(1.5))


def objects(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_all_done_is_0_and_one_object_an_input(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["transcribe", str(recording), str(recording), "--language", "und", "--json"]) == 0
    rows = objects(capsys.readouterr().out)
    assert len(rows) == 2
    assert rows[0]["path"] == str(recording)
    assert rows[0]["ok"] is True
    assert rows[0]["duration_ms"] == 1500
    coverage = rows[0]["coverage"]
    assert isinstance(coverage, dict)
    assert set(coverage) == {"duration_ms", "speech_ms", "silence_ms", "missing_ms", "transcribed_ms", "skipped_ms", "skipped"}
    assert coverage["silence_ms"] == 1500


REFUSALS = {
    "AUDIO_EMPTY": b"",
    "AUDIO_NOT_AUDIO": b"<!DOCTYPE html><html><body>not found</body></html>",
}


@pytest.mark.parametrize(("code", "data"), REFUSALS.items())
@pytest.mark.parametrize("verb", [["transcribe", "--language", "und"], ["identify"], ["probe"]])
def test_a_refusal_is_1_has_one_shape_and_the_others_go_on(
    code: str, data: bytes, verb: list[str], recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(data)
    assert cli.run([*verb, "--json", str(bad), str(recording)]) == 1
    said = capsys.readouterr()
    refusal, done = objects(said.out)
    assert set(refusal) >= {"path", "ok", "code", "where", "what", "mend"}
    assert (refusal["path"], refusal["ok"], refusal["code"]) == (str(bad), False, code)
    assert done["ok"] is True
    assert "Traceback" not in said.err
    assert code in said.err


def test_a_missing_file_is_1(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["transcribe", "nowhere.wav", "-l", "und"]) == 1
    assert "PATH_MISSING" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["transcribe"], "Missing argument"),
        (["nothing"], "No such command"),
        (["transcribe", "x.wav"], "LANGUAGE_MISSING"),
        (["transcribe", "x.wav", "-l", "und", "--format", "docx"], "FORMAT_UNKNOWN"),
        (["transcribe", "x.wav", "-l", "und", "--format", "eaf,srt"], "FORMAT_SEVERAL"),
        (["transcribe", "x.wav", "-l", "und", "--channels", "left"], "CHANNELS"),
        (["transcribe", "x.wav", "-l", "und", "--precision", "fp8"], "--precision"),
    ],
)
def test_a_wrong_command_is_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_code_that_is_none_is_refused_before_anything(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["transcribe", str(recording), "-l", "../../x"]) == 1
    assert "LANGUAGE_CODE" in capsys.readouterr().err


def test_a_model_that_is_not_here_refuses_every_input_with_the_command(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["transcribe", str(recording), str(recording), "-l", "que", "--model", "mms-1b-all", "--json"]) == 1
    rows = objects(capsys.readouterr().out)
    assert [r["code"] for r in rows] == ["MODEL_NOT_HERE"] * 2
    assert "hf download" in str(rows[0]["mend"])


def test_results_are_written_and_the_same_again_is_no_fault(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["transcribe", str(recording), "-l", "und", "--out", str(out), "--format", "eaf,json,txt"]
    assert cli.run(command) == 0
    first = {p.name: p.read_bytes() for p in out.iterdir()}
    assert set(first) == {"quiet.eaf", "quiet.json", "quiet.txt"}
    monkeypatch.setattr("speech.transcribe.assembly.now", lambda: "2030-01-01T00:00:00Z")
    assert cli.run(command) == 0
    assert {p.name: p.read_bytes() for p in out.iterdir()} == first
    (out / "quiet.txt").write_text("by hand", encoding="utf-8")
    assert cli.run(command) == 1
    assert "FORMAT_EXISTS" in capsys.readouterr().err
    assert (out / "quiet.txt").read_text(encoding="utf-8") == "by hand"


def test_of_several_formats_the_others_are_written_where_one_lies_there(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "quiet.srt").write_text("by hand", encoding="utf-8")
    assert cli.run(["transcribe", str(recording), "-l", "und", "--out", str(out), "--format", "eaf,srt,csv"]) == 1
    said = capsys.readouterr().err
    assert "quiet.srt: another file of this name exists" in said and "quiet.1.srt" in said and "[FORMAT_EXISTS]" in said
    assert sorted(p.name for p in out.iterdir()) == ["quiet.csv", "quiet.eaf", "quiet.srt"]
    assert (out / "quiet.srt").read_text(encoding="utf-8") == "by hand"


def test_two_recordings_of_one_name_do_not_take_each_others_place(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / recording.name
    other.parent.mkdir()
    other.write_bytes(recording.read_bytes())
    command = ["transcribe", str(recording), str(other), str(recording), "-l", "und", "--out", str(tmp_path / "out"), "--force", "--json"]
    assert cli.run(command) == 1
    said = capsys.readouterr()
    assert sorted(str(row.get("code")) for row in objects(said.out)) == ["FORMAT_EXISTS", "None", "None"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["quiet.eaf"]
    assert "3 recordings: 2 transcribed, 1 refused" in said.err


def test_a_place_that_cannot_be_written_is_said_before_anything_is_heard(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    assert cli.run(["transcribe", str(recording), "-l", "und", "--out", str(tmp_path / "file" / "out"), "--json"]) == 2
    assert [row["code"] for row in objects(capsys.readouterr().out)] == ["DISK_IO"]


def test_where_the_ledger_fails_a_refusal_is_still_heard_and_a_file_named(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "bad.db"
    store.write_bytes(b"no database, " * 100)
    monkeypatch.setenv("SPEECH_STORE", str(store))
    out = tmp_path / "out"
    assert cli.run(["transcribe", str(recording), "missing.wav", "-l", "und", "--out", str(out), "--json"]) == 2
    said = capsys.readouterr()
    rows = sorted(objects(said.out), key=lambda row: str(row["code"]), reverse=True)
    assert [row["code"] for row in rows] == ["STORE_CORRUPT", "PATH_MISSING"]
    assert said.err.count("[STORE_CORRUPT]") == 2
    assert str(out / "quiet.eaf") in str(rows[0]["what"])


def test_a_format_goes_to_standard_output_whole(recording: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.run(["transcribe", str(recording), "-l", "und", "--format", "vtt"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"WEBVTT")


def test_probe_says_what_is_held(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["probe", str(recording), "--json"]) == 0
    row = objects(capsys.readouterr().out)[0]
    assert row["sample_rate"] == 16_000
    assert row["found_ms"] == 1500


def test_score_gives_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.txt").write_text("wasi rumi\nyaku\n", encoding="utf-8")
    (tmp_path / "h.txt").write_text("wasi ruma\nyaku\n", encoding="utf-8")
    page = tmp_path / "page.html"
    assert cli.run(["score", str(tmp_path / "r.txt"), str(tmp_path / "h.txt"), "-l", "que", "--json", "--report", str(page)]) == 0
    row = objects(capsys.readouterr().out)[0]
    words = row["overall"]["words"]  # type: ignore[index]  # JSON
    assert (words["substitutions"], words["hits"]) == (1, 2)
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_every_command_has_help_and_stands_in_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for name, short in cli.COMMANDS.items():
        assert cli.run([name, "--help"]) == 0
        assert len(capsys.readouterr().out.splitlines()) > 5
        assert f"speech {name}" in readme
        import importlib

        assert importlib.import_module(f"speech.cli.{name}").command.get_short_help_str(200) == short


def test_every_option_of_transcribe_stands_in_its_guide() -> None:
    from speech.cli.transcribe import command

    guide = (REPOSITORY / "docs" / "guides" / "transcribe.md").read_text(encoding="utf-8")
    options = [max(o.opts, key=len) for o in command.params if o.opts[0].startswith("-")]
    assert [o for o in options if f"`{o}`" not in guide] == []


def test_models_are_listed_shown_checked_added_and_removed(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPEECH_MODELS", str(tmp_path / "kept"))
    assert cli.run(["model", "add", str(tiny_folder)]) == 0
    assert cli.run(["model", "add", str(tiny_folder)]) == 1
    capsys.readouterr()
    assert cli.run(["model", "list", "--json"]) == 0
    listed = {row["path"]: row["languages"] for row in objects(capsys.readouterr().out)}
    assert listed[tiny_folder.name] == ["fra", "que", "yor"]
    assert "que" in listed["mini"]  # type: ignore[operator]  # JSON
    assert cli.run(["model", "check", tiny_folder.name]) == 0
    assert cli.run(["model", "show", tiny_folder.name, "--json"]) == 0
    assert cli.run(["model", "remove", tiny_folder.name]) == 0
    assert cli.run(["model", "remove", tiny_folder.name]) == 1
    assert cli.run(["model", "remove", "../kept"]) == 1


def test_the_embedded_model_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["model", "check", "mini"]) == 0
    assert capsys.readouterr().out.count("card agrees") == 7


def test_a_refusal_before_the_model_is_loaded_has_its_row_in_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from speech.collections import ledger

    monkeypatch.setattr("speech.models.recogniser.load", lambda *a, **k: pytest.fail("the model was loaded"))
    assert cli.run(["transcribe", str(tmp_path / "nowhere.wav"), "-l", "que"]) == 1
    (tmp_path / "x").mkdir()
    recording = save(tmp_path / "x" / "quiet.wav", silence(1))
    (tmp_path / "x" / "collection.card.toml").write_text("id = [", encoding="utf-8")
    assert cli.run(["transcribe", str(recording), "-l", "que"]) == 1
    rows = [json.loads(row.body) for row in ledger.rows()]
    assert [row.get("fault") for row in rows] == ["PATH_MISSING", "CARD_INVALID"]
    assert [row["outcome"] for row in rows] == ["failure", "refused"]


@pytest.mark.parametrize("arguments", [[], ["model"]])
def test_a_command_of_commands_by_itself_shows_its_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 0
    said = capsys.readouterr()
    assert said.out.startswith("Usage: speech") and said.err == ""


def test_codes_and_formats_are_taken_in_any_case(recording: Path, tmp_path: Path) -> None:
    assert cli.run(["transcribe", str(recording), "-l", "UND", "-f", "TextGrid,EAF", "-o", str(tmp_path / "out")]) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["quiet.TextGrid", "quiet.eaf"]


def test_a_language_by_its_name_or_a_wrong_code_is_told_what_to_give(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["transcribe", str(recording), "-l", "Kichwa"]) == 1
    assert "For Kichwa give que. [LANGUAGE_CODE]" in capsys.readouterr().err
    assert cli.run(["transcribe", str(recording), "-l", "sw"]) == 1
    assert "For Swahili give swh. [LANGUAGE_CODE]" in capsys.readouterr().err
    assert cli.run(["transcribe", str(recording), "-l", "xx"]) == 1
    # No language is offered that is refused when it is given: tables there are more of than adapters.
    assert "chr" not in capsys.readouterr().err
    assert cli.run(["transcribe", str(recording), "-l", "chr"]) == 1
    said = capsys.readouterr().err
    assert "there are amh (Amharic), " in said and "que (Kichwa)" in said


def test_a_refused_run_leaves_no_folder(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["missing.wav", "-l", "und"],
        [str(recording), "-l", "mdw"],
        [str(recording), "-l", "xx"],
        [str(tmp_path / "no"), "-l", "und"],
    ):
        assert cli.run(["transcribe", *arguments, "--out", str(tmp_path / "out")]) == 1
        assert not (tmp_path / "out").exists(), arguments


def test_probe_names_each_file_and_its_notes_on_one_stream(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(recording.read_bytes())
    assert cli.run(["probe", str(recording), str(other)]) == 0
    said = capsys.readouterr()
    first, second = said.out.strip().split("\n\n")
    assert said.err == ""
    for path, block in ((recording, first), (other, second)):
        lines = block.splitlines()
        assert lines[0] == str(path) and "  length: 0:01.500" in lines and "  sample rate: 16,000 Hz" in lines
        assert [line for line in lines if line.startswith("  note: ") and line.endswith("[AUDIO_SILENT]")]
        assert "[" not in block.replace("[AUDIO_SILENT]", "")


def test_probe_takes_a_folder(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["probe", str(recording.parent), "--json"]) == 0
    assert [Path(str(row["path"])).name for row in objects(capsys.readouterr().out)] == [recording.name]


def test_models_are_listed_with_names_of_languages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["model", "list"]) == 0
    assert "que (Kichwa), swh (Swahili)" in capsys.readouterr().out
