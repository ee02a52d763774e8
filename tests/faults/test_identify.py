"""Rows A1 to A3, A18, A25, A28, C1, C2 and W1 as `speech identify` answers them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from speech import cli
from speech.collections.ledger import rows_of
from speech.identify import engines
from speech.identify.records import Identifier
from speech.models.recogniser import LoadSettings
from tests.diarise.fakes import CARD, carded
from tests.sounds import RATE, SENTENCES, noise, save, silence, spoken

FIELDS = {"path", "ok", "language", "probability", "candidates", "speech_ms"}


def run(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> list[dict[str, Any]]:
    assert cli.run(["identify", *map(str, arguments), "--json"]) == status
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(scope="module")
def opened() -> Identifier:
    return engines.open_identifier("mini", LoadSettings(precision="fp32", device="cpu"))


@pytest.fixture
def mini(opened: Identifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "open_identifier", lambda name, settings: opened)


def codes(row: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in row["findings"]}


def test_a1_an_empty_file_is_refused_and_the_others_are_heard(mini: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.wav").write_bytes(b"")
    save(tmp_path / "b.wav", spoken(*SENTENCES))
    empty, heard = sorted(run(capsys, tmp_path / "a.wav", tmp_path / "b.wav", status=1), key=lambda row: bool(row["ok"]))
    assert {"path", "ok", "code", "where", "what", "mend"} <= set(empty)
    assert (empty["code"], heard["ok"], heard["language"]) == ("AUDIO_EMPTY", True, "que")
    assert sorted(row.event["outcome"] for row in rows_of("identify_language")) == ["failure", "success"]


@pytest.mark.parametrize("count", [1, RATE // 20])
def test_a2_a_recording_that_is_too_short_has_no_language(
    mini: None, tmp_path: Path, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = run(capsys, save(tmp_path / "a.wav", noise(1)[:count]), "--per-turn")
    assert set(row) >= FIELDS and row["turns"] == []
    assert (row["language"], row["probability"], row["candidates"], row["speech_ms"]) == (None, None, [], 0)
    assert codes(row) >= {"AUDIO_SHORT", "LANGUAGE_TOO_LITTLE"}


def test_a3_of_a_cut_file_what_is_there_is_heard(mini: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = spoken(*SENTENCES)
    whole = save(tmp_path / "a.wav", np.concatenate([sound, sound])).read_bytes()
    (tmp_path / "a.wav").write_bytes(whole[: 44 + 2 * len(sound)])
    (row,) = run(capsys, tmp_path / "a.wav")
    assert (row["language"], codes(row)) == ("que", {"AUDIO_TRUNCATED"}) and row["speech_ms"] <= 1000 * len(sound) // RATE
    (row,) = run(capsys, tmp_path / "a.wav", "--strict", status=1)
    assert row["code"] == "AUDIO_TRUNCATED"


@pytest.mark.parametrize("mains", [0, 50])
def test_a18_silence_and_hum_have_no_language(mini: None, tmp_path: Path, mains: int, capsys: pytest.CaptureFixture[str]) -> None:
    at = np.arange(4 * RATE) / RATE
    hum = sum(0.05 * np.sin(2 * np.pi * mains * k * at) / k for k in (1, 2, 3)) if mains else silence(4)
    (row,) = run(capsys, save(tmp_path / "a.wav", np.asarray(hum, np.float32)), "--per-turn")
    assert (row["language"], row["probability"], row["speech_ms"], row["turns"]) == (None, None, 0, [])
    assert codes(row) >= {"AUDIO_SILENT", "LANGUAGE_TOO_LITTLE"}


def test_a25_a_damaged_recording_is_refused_and_heard_once_it_is_accepted(
    mini: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = spoken(*SENTENCES)
    soundfile.write(tmp_path / "a.flac", sound, RATE)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 50] = bytes(50)
    (tmp_path / "a.flac").write_bytes(data)
    (row,) = run(capsys, tmp_path / "a.flac", status=1)
    assert row["code"] == "AUDIO_CORRUPT" and "--accept-damaged" in row["mend"]
    (row,) = run(capsys, tmp_path / "a.flac", "--accept-damaged")
    assert row["language"] == "que" and codes(row) & {"AUDIO_CORRUPT", "AUDIO_HOLE"}


def test_a28_a_page_is_no_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.wav").write_text("<!doctype html><html><body>Sign in</body></html>", encoding="utf-8")
    (row,) = run(capsys, tmp_path / "a.wav", status=1)
    assert row["code"] == "AUDIO_NOT_AUDIO" and "HTML" in row["what"]


def test_c1_without_a_card_a_language_is_told_and_it_is_logged(mini: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, save(tmp_path / "a.wav", noise(1)))
    (row,) = rows_of("identify_language")
    assert (row.event["gate"]["code"], row.event["gate"]["scope"]) == ("OK_UNCARDED", "identify_language")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (('"granted"', '"denied"'), "COLLECTION_DENIED"),
        (('"granted"', '"withdrawn"'), "WITHDRAWN"),
        (('"LOCAL", "voiceprint"', '"transcribe_local"'), "COLLECTION_SCOPE"),
    ],
)
def test_c2_what_a_card_does_not_grant_is_not_decoded_and_the_others_are_heard(
    mini: None, tmp_path: Path, said: tuple[str, str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("closed", "open"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / f"{name}.wav", noise(1))
    carded(tmp_path / "closed", {}, CARD.replace(*said))
    (tmp_path / "closed" / "closed.wav").write_bytes(b"decoding this would say AUDIO_NOT_AUDIO")
    found = run(capsys, tmp_path / "closed/closed.wav", tmp_path / "open/open.wav", status=1)
    refused, done = sorted(found, key=lambda row: bool(row["ok"]))
    assert (refused["code"], refused["scope"], done["ok"]) == (code, "identify_language", True)
    assert sorted(row.event["outcome"] for row in rows_of("identify_language")) == ["refused", "success"]


def test_w1_a_model_that_is_not_on_this_machine_is_not_fetched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = run(capsys, save(tmp_path / "a.wav", noise(1)), "--model", "facebook/mms-lid-126", status=1)
    assert row["code"] == "MODEL_NOT_HERE" and "facebook/mms-lid-126" in row["mend"]
