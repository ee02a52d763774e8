"""Rows A3, A16 to A18, C1, C2 and M3 as `speech diarise` answers them, and the rows of consent for `voiceprint`."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from speech import cli
from speech.collections.ledger import rows_of
from speech.errors import ModelRefused
from tests.diarise.fakes import CARD, Fake, carded, placed, trimmed, turn
from tests.sounds import RATE, SENTENCES, Samples, noise, save, silence, spoken


def run(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> list[dict[str, Any]]:
    assert cli.run(["diarise", *map(str, arguments), "--json"]) == status
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(scope="module")
def voice() -> Samples:
    return placed(8, (1, trimmed(spoken(SENTENCES[1], pause_s=0))))


def test_a3_what_a_cut_file_claims_is_missing_in_the_accounts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = save(tmp_path / "a.wav", noise(4)).read_bytes()
    (tmp_path / "a.wav").write_bytes(whole[: 44 + 2 * 2 * RATE])
    monkeypatch.setattr("speech.diarise.engines.load", lambda name, trust: Fake(turn(500, 4_000)))
    (row,) = run(capsys, tmp_path / "a.wav")
    assert row["turns"][0]["end_ms"] == 2_000 and [f["code"] for f in row["findings"]] == ["AUDIO_TRUNCATED"]
    assert (row["coverage"]["missing_ms"], row["coverage"]["transcribed_ms"], row["duration_ms"]) == (2_000, 1_500, 4_000)
    (row,) = run(capsys, tmp_path / "a.wav", "--strict", status=1)
    assert row["code"] == "AUDIO_TRUNCATED"


@pytest.mark.parametrize("channels", ["mix", "per-speaker"])
def test_a16_anti_phase_stereo_is_not_silence(tmp_path: Path, voice: Samples, channels: str, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([voice, -voice], 1), RATE)
    (row,) = run(capsys, tmp_path / "a.wav", "--channels", channels)
    assert {t["speaker"] for t in row["turns"]} == {"S1"} and row["coverage"]["transcribed_ms"] > 5_000
    (finding,) = row["findings"]
    assert finding["code"] == ("AUDIO_ANTIPHASE" if channels == "mix" else "AUDIO_CHANNELS")


def test_a17_a_dead_channel_is_nobodys_and_is_listed_with_the_levels(
    tmp_path: Path, voice: Samples, capsys: pytest.CaptureFixture[str]
) -> None:
    later = placed(8, (5, voice[RATE : 3 * RATE]))
    many = np.stack([voice * 0, voice, 0.5 * later, voice * 0], 1)
    soundfile.write(tmp_path / "a.wav", many, RATE)
    (row,) = run(capsys, tmp_path / "a.wav", "--channels", "per-speaker")
    assert sorted({(t["speaker"], t["channel"]) for t in row["turns"]}) == [("S1", 2), ("S2", 3)]
    assert [(s["speaker"], s["channel"]) for s in row["speakers"]] == [("S1", 2), ("S2", 3)]
    (finding,) = [f for f in row["findings"] if "nobody is heard" in f["what"]]
    assert finding["code"] == "AUDIO_CHANNELS" and "channel 1, 4 " in finding["what"] and "silent" in finding["what"]


@pytest.mark.parametrize("mains", [0, 50])
@pytest.mark.parametrize("channels", ["mix", "per-speaker"])
def test_a18_silence_and_hum_have_no_turns_whatever_an_engine_finds_in_them(
    tmp_path: Path, mains: int, channels: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = np.arange(4 * RATE) / RATE
    hum = sum(0.05 * np.sin(2 * np.pi * mains * k * at) / k for k in (1, 2, 3)) if mains else silence(4)
    soundfile.write(tmp_path / "a.wav", np.stack([hum, hum], 1), RATE)
    monkeypatch.setattr("speech.diarise.engines.load", lambda name, trust: Fake(turn(0, 4_000)))
    (row,) = run(capsys, tmp_path / "a.wav", "--channels", channels, "-o", tmp_path / "out")
    assert row["turns"] == [] and "AUDIO_SILENT" in {f["code"] for f in row["findings"]}
    assert (row["coverage"]["silence_ms"], row["coverage"]["speech_ms"]) == (4_000, 0)
    assert (tmp_path / "out" / "a.rttm").read_bytes() == b""


def test_c1_without_a_card_voices_of_one_recording_are_told_apart_and_it_is_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "a.wav", noise(1))
    run(capsys, tmp_path / "a.wav")
    (row,) = rows_of("diarise")
    assert (row.event["gate"]["code"], row.event["gate"]["scope"]) == ("OK_UNCARDED", "diarise")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (('"granted"', '"denied"'), "COLLECTION_DENIED"),
        (('"granted"', '"withdrawn"'), "WITHDRAWN"),
        (("given_on = 2020-01-01", "given_on = 2020-01-01\nexpires = 2021-01-01"), "COLLECTION_MISSING"),
        (('"LOCAL", "voiceprint"', '"transcribe_local"'), "COLLECTION_SCOPE"),
    ],
)
def test_c2_a_refused_recording_leaves_nothing_and_the_others_go_on(
    tmp_path: Path, said: tuple[str, str], code: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("closed", "open"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / f"{name}.wav", noise(1))
    carded(tmp_path / "closed", {}, CARD.replace(*said))
    monkeypatch.setattr("speech.diarise.engines.load", lambda name, trust: Fake(turn(0, 500)))
    refused, done = run(capsys, tmp_path / "closed/closed.wav", tmp_path / "open/open.wav", "-o", tmp_path / "out", status=1)
    if refused["ok"]:
        refused, done = done, refused
    assert (refused["code"], refused["scope"], done["ok"]) == (code, "diarise", True)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["open.rttm"]
    assert sorted(row.event["outcome"] for row in rows_of("diarise")) == ["refused", "success"]


VOICES = {"EX1-001": ("granted", '"LOCAL", "voiceprint"'), "EX1-002": ("granted", '"LOCAL"'), "EX1-003": ("pending", '"voiceprint"')}


@pytest.mark.parametrize(
    ("person", "card", "code"),
    [
        ("EX1-001", None, "NO_CARD"),
        ("EX1-001", ('"LOCAL", "voiceprint"', '"LOCAL"'), "COLLECTION_SCOPE"),
        ("EX1-002", ("", ""), "BIOMETRIC_EXPLICIT"),
        ("EX1-003", ("", ""), "PERSON_PENDING"),
        ("EX1-004", ("", ""), "BIOMETRIC_EXPLICIT"),
    ],
)
def test_a_known_voice_without_its_persons_card_stops_the_run_before_a_recording_is_read(
    tmp_path: Path,
    person: str,
    card: tuple[str, str] | None,
    code: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("a", "clip"):
        save(tmp_path / f"{name}.wav", noise(1))
    if card is not None:
        carded(tmp_path, VOICES, CARD.replace(*card) if card[0] else CARD)
    monkeypatch.setattr("speech.diarise.recording.load_audio", lambda *_, **__: pytest.fail("a recording was decoded"))
    monkeypatch.setattr("speech.diarise.known.load_audio", lambda *_, **__: pytest.fail("the clip was decoded"))
    (row,) = run(capsys, tmp_path / "a.wav", "--known", f"{person}={tmp_path / 'clip.wav'}", "-o", tmp_path / "out", status=1)
    assert {"path", "ok", "code", "where", "what", "mend", "scope", "item", "people", "record"} == set(row)
    assert (row["ok"], row["code"], row["scope"]) == (False, code, "voiceprint")
    assert not (tmp_path / "out").exists()
    assert [r.event["outcome"] for r in rows_of("voiceprint")] == ["refused"]


def test_m3_a_pickle_is_not_opened_until_it_is_trusted_and_every_recording_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []

    def load(name: str, *, trust: tuple[str, ...]) -> Fake:
        asked.append((name, trust))
        if not trust:
            raise ModelRefused(name, "a checkpoint is a pickle", f"--trust-checkpoint {name}", "MODEL_PICKLE")
        return Fake(turn(0, 500))

    engine = types.ModuleType("pyannote_engine")
    engine.load = load  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "speech.diarise.pyannote_engine", engine)
    for name in ("a", "b"):
        save(tmp_path / f"{name}.wav", noise(1))
    found = run(capsys, tmp_path / "a.wav", tmp_path / "b.wav", "--diariser", "pyannote", status=1)
    assert [(row["code"], row["mend"]) for row in found] == [("MODEL_PICKLE", "--trust-checkpoint pyannote")] * 2
    assert asked == [("pyannote", ())], "what stands against a model is asked once"
    found = run(capsys, tmp_path / "a.wav", "--diariser", "my/pipeline", "--trust-checkpoint", "my/pipeline", "--trust-checkpoint", "x.bin")
    assert found[0]["ok"] and asked[1:] == [("my/pipeline", ("my/pipeline", "x.bin"))]
