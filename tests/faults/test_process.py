"""Rows P and W of the fault table that the command line answers: interrupts, closed streams, bugs, bare machines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from speech import cli
from tests.conftest import REPOSITORY
from tests.sounds import save, silence

# A run that has finished one recording and hangs in the second, which a signal must end.
HANGS = """
import sys, time
from pathlib import Path
from speech import cli
import speech.transcribe.runs as verb
real = verb.transcribe
def slow(recording, **options):
    if recording.name == "second.wav":
        while not Path("out/first.eaf").exists():
            time.sleep(0.01)
        print("hanging", file=sys.stderr, flush=True)
        time.sleep(60)
    return real(recording, **options)
verb.transcribe = slow
cli.main(["transcribe", "first.wav", "second.wav", "--language", "und", "--out", "out"])
"""


def environment(home: Path | None) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH")}
    return kept | {"PYTHONPATH": str(REPOSITORY)} | ({"HOME": str(home)} if home else {})


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_p2_a_signal_stops_the_run_and_keeps_what_is_finished(tmp_path: Path, number: signal.Signals, status: int) -> None:
    save(tmp_path / "first.wav", silence(1))
    save(tmp_path / "second.wav", silence(1))
    run = subprocess.Popen([sys.executable, "-c", HANGS], cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=environment(tmp_path))
    assert run.stderr is not None
    said = ""
    while "hanging" not in said:
        line = run.stderr.readline()
        assert line, said
        said += line
    begun = time.monotonic()
    run.send_signal(number)
    said = run.communicate(timeout=50)[1]
    assert run.returncode == status
    assert time.monotonic() - begun < 50
    assert "the same command does the rest" in said
    assert "Traceback" not in said
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["first.eaf"]


def test_p6_a_reader_that_goes_away_changes_neither_work_nor_status(tmp_path: Path) -> None:
    save(tmp_path / "a.wav", silence(1))
    command = (
        f"{sys.executable} -m speech transcribe a.wav a.wav a.wav --language und --json --out out 2>err.txt | true; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, env=environment(tmp_path), check=True)
    assert done.stdout.strip() == "0"
    assert (tmp_path / "out" / "a.eaf").exists()
    assert "Traceback" not in (tmp_path / "err.txt").read_text(encoding="utf-8")
    assert "BrokenPipe" not in (tmp_path / "err.txt").read_text(encoding="utf-8")


def test_p6_a_closed_standard_error_changes_neither_work_nor_status(tmp_path: Path) -> None:
    save(tmp_path / "a.wav", silence(1))
    command = f"{sys.executable} -m speech transcribe a.wav --language und --json --out out 2>&-"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment(tmp_path), check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout)["ok"] is True


def _forget_handlers() -> None:
    """Close the log that another test, or this one, has written to: the next run opens its own."""
    import logging

    log = logging.getLogger("speech")
    for handler in log.handlers:
        handler.close()
    log.handlers.clear()


def test_p7_a_bug_ends_one_input_is_logged_and_the_run_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import speech.transcribe.recording as verb

    real = verb.load_audio  # type: ignore[attr-defined]  # what the verb calls

    def broken(path: Path, *rest: object, **options: object) -> object:
        if path.name == "a.wav":
            raise ZeroDivisionError("injected")
        return real(path, *rest, **options)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(verb, "load_audio", broken)
    monkeypatch.setenv("SPEECH_LOG", str(tmp_path / "log"))
    _forget_handlers()
    for name in ("a", "b"):
        save(tmp_path / f"{name}.wav", silence(1))
    assert cli.run(["transcribe", str(tmp_path / "a.wav"), str(tmp_path / "b.wav"), "-l", "und", "--json"]) == 2
    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [r.get("code") for r in rows] == ["INTERNAL", None]
    assert rows[1]["ok"] is True
    assert "Traceback" not in said.err
    _forget_handlers()
    assert "ZeroDivisionError: injected" in (tmp_path / "log" / "speech.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("home", [None, Path("/proc/no-such-home")])
def test_p8_a_bare_environment_works(tmp_path: Path, home: Path | None) -> None:
    name = "k\u0301ñ.wav"
    save(tmp_path / name, silence(1))
    done = subprocess.run(
        [sys.executable, "-m", "speech", "transcribe", name, "--language", "und", "--json"],
        cwd=tmp_path, capture_output=True, env=environment(home) | {"LANG": "C", "LC_ALL": "C"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout.decode("utf-8"))
    assert row["ok"] is True
    assert row["path"] == name
    if home:
        assert "STORE_PLACE" in [f["code"] for f in row["findings"]]


def test_w5_the_command_line_opens_no_connection(tmp_path: Path) -> None:
    # conftest fails any connection in this process; the embedded model is used whole.
    recording = save(tmp_path / "a.wav", silence(1))
    assert cli.run(["transcribe", str(recording), "--language", "que", "--json"]) == 0
