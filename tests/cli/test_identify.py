"""`speech identify` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speech import cli
from speech.collections import ledger
from tests.identify import lid_folder
from tests.sounds import SENTENCES, save, silence, spoken


def test_a_line_a_recording_with_language_probability_and_seconds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heard, quiet = save(tmp_path / "a.wav", spoken(*SENTENCES)), save(tmp_path / "b.wav", silence(2.0))
    assert cli.run(["identify", str(heard), str(quiet), "--per-turn"]) == 0
    said = capsys.readouterr()
    rows = [line.split("\t") for line in said.out.splitlines()]
    assert rows[0][:2] == [str(heard), "que"] and 0 < float(rows[0][2]) <= 1 and float(rows[0][3]) > 3
    assert rows[1][0] == "" and "-" in rows[1][4]
    assert rows[-1] == [str(quiet), "unknown", "", "0.0"]
    assert "LANGUAGE_TOO_LITTLE" in said.err and "Kichwa" in said.err


def test_json_is_an_object_a_recording_and_each_has_its_row_in_the_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heard, bad = save(tmp_path / "a.wav", silence(1.0)), tmp_path / "bad.wav"
    bad.write_bytes(b"")
    assert cli.run(["identify", str(heard), str(bad), "--json"]) == 1
    done, refused = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (done["path"], done["ok"], done["language"], done["probability"], done["speech_ms"]) == (str(heard), True, None, None, 0)
    assert (refused["ok"], refused["code"]) == (False, "AUDIO_EMPTY")
    assert [(row.type, json.loads(row.body)["outcome"]) for row in ledger.rows()] == [
        ("identify_language", "success"),
        ("identify_language", "failure"),
    ]


def test_a_classifier_of_languages_says_that_it_is_not_calibrated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = lid_folder.save(tmp_path / "lid")
    heard = save(tmp_path / "a.wav", spoken(*SENTENCES))
    assert cli.run(["identify", str(heard), "--model", str(folder), "--candidates", "que,zho", "--json"]) == 0
    said = capsys.readouterr()
    row = json.loads(said.out)
    assert row["calibrated"] is False and row["language"] in ("que", "zho")
    assert "LANGUAGE_UNCALIBRATED" in {f["code"] for f in row["findings"]}


def test_a_list_without_a_language_is_a_wrong_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["identify", str(save(tmp_path / "a.wav", silence(1.0))), "--candidates", " , "]) == 2
    assert "LANGUAGE_MISSING" in capsys.readouterr().err
