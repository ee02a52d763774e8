"""The demonstration says a refusal as the command line does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY


def test_a_wrong_recording_gets_one_line_and_no_trace(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("just text", encoding="utf-8")
    demo = str(REPOSITORY / "demos" / "first_transcript.py")
    done = subprocess.run([sys.executable, demo, "--audio", "text.wav"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "text.wav: this is a text" in done.stderr
    assert "[AUDIO_NOT_AUDIO]" in done.stderr
    assert "Traceback" not in done.stderr
