"""The demonstrations: a refusal is said as the command line says it; what is made is marked as synthetic; talk is told apart and heard."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from speech import formats
from speech.collections.cards import load_card
from speech.models.cards import read_card
from tests.conftest import REPOSITORY


def test_a_wrong_recording_gets_one_line_and_no_trace(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("just text", encoding="utf-8")
    demo = str(REPOSITORY / "demos" / "first_transcript.py")
    done = subprocess.run([sys.executable, demo, "--audio", "text.wav"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "text.wav: this is a text" in done.stderr
    assert "[AUDIO_NOT_AUDIO]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_language_is_learnt_from_speech_that_is_marked_as_synthetic(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    demo = str(REPOSITORY / "demos" / "adapt_a_language.py")
    out = tmp_path / "pap"
    command = [sys.executable, demo, "--smoke", "--out", str(out)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    said = done.stdout
    assert said.startswith("SYNTHETIC") and said.index("Before:") < said.index("step   1:") < said.index("After ")
    assert said.count("  before  ") == said.count("  after   ") == 6 and "a voice in neither train nor dev" in said
    card = load_card(out / "recordings" / "collection.card.toml")
    assert card.title.startswith("SYNTHETIC") and "synthetic" in card.raw["source"]["reference"]
    texts = (out / "recordings" / "texts.txt").read_text(encoding="utf-8").splitlines()
    assert len({line.partition("\t")[2] for line in texts}) == len(texts) == len(list((out / "recordings").glob("*.wav")))
    assert read_card(out / "adapter" / "adapter.pap.toml").trained["consent"] == ["synthetic_papiamentu:1"]
    (out / "SYNTHETIC.txt").unlink()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "did not write" in done.stderr and len(texts) == len(list((out / "recordings").glob("*.wav")))


def test_voices_that_talk_are_shown_with_language_and_words_beside_what_was_put_in(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    demo = str(REPOSITORY / "demos" / "who_speaks.py")
    done = subprocess.run([sys.executable, demo], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    said = done.stdout
    assert said.startswith("SYNTHETIC") and said.index("put into the recording") < said.index("What was found") < said.index("Written:")
    assert said.count("  Ana ") == said.count("  Bo ") == 2
    found = said.split("What was found")[1]
    assert " S1 " in found and " S2 " in found and " swh" in found and " que" in found
    assert "wanacheza nje" in found and "wawakunaka" in found and "two at once: " in found
    out = tmp_path / "demo-output"
    turns = (out / "talk.rttm").read_text(encoding="utf-8").splitlines()
    assert turns and all(line.startswith("SPEAKER talk 1 ") for line in turns)
    eaf = formats.read(out / "talk.eaf")
    assert {s.speaker for s in eaf.segments} >= {"S1", "S2"} and {s.language for s in eaf.segments} == {"swh", "que"}
    assert len(said.split("What was found")[1].split("Written")[0].splitlines()) >= len(turns)
    assert (out / "turns.svg").read_text(encoding="utf-8").count("<rect") >= 4 + len(turns)
    done = subprocess.run([sys.executable, demo, "--audio", "no.wav"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "[PATH_MISSING]" in done.stderr and "Traceback" not in done.stderr
