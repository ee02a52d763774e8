"""A voice beside the server: checks texts before they are spoken, and reads a segment back at once.

A read-back is no job. A job is a row, a file to be kept and a worker that looks for work twice a second: too much, and too slow, for two
seconds of sound that nobody keeps. It is answered at once instead, within a time limit, and by a process of its own: a voice is a
library in C that reads whatever stands in a text, and must neither end nor hold up the server in which ten people save. The process
is started at the first question and kept, so that only the first one waits for the library; when it falls silent or ends it is
started anew. Long texts are jobs (`work.speak`).
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import speech
from speech.errors import ModelRefused, Refusal, RunFailure, SpeechError

LIMIT_S = 60.0
"""How long an answer may take, against hanging. A voice by rule takes a tenth of a second; one that is a network is loaded for seconds."""
MOST_LETTERS = 1500
"""Of a segment that is read back: about 90 s of speech."""


MOST_WAITING = 8
"""Questions at once; who waits holds one of the server's threads, of which saving needs some."""
BY_RULE = "espeak"
"""The one voice that is no person's and needs no file: eSpeak NG."""
SCOPE = "synthesise_voice"


class Aloud:
    """The process, as the server asks it; one question at a time. `environment` is what the process sees beside the server's own."""

    def __init__(self, environment: Mapping[str, str] | None = None, *, limit_s: float = LIMIT_S) -> None:
        self._environment = dict(environment or {})
        self._limit_s = limit_s
        self._turn = threading.Lock()
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._process: subprocess.Popen[bytes] | None = None

    def voices(self) -> list[dict[str, Any]]:
        """The voices on this machine: `language`, `voice` (an id), `facts`, `needs_card`."""
        answer, _ = self._ask({"what": "voices"})
        return list(answer["voices"])

    def check(self, **asked: Any) -> dict[str, Any]:
        """What a voice would make of a text, without sound; `barred` says why the gate keeps the voice from it, or is null."""
        answer, _ = self._ask({"what": "check", **asked})
        return answer

    def read(self, **asked: Any) -> tuple[dict[str, Any], bytes]:
        """A short text as a WAV file that says of itself that it is synthetic, and what is known of it."""
        return self._ask({"what": "read", **asked})

    def barred(self, *, basis: str | None, **asked: Any) -> dict[str, str] | None:
        """Why the gate keeps a voice (`voice`, `language`, `borrow`) from speaking now; None where it may."""
        answer, _ = self._ask({"what": "barred", "basis": basis, **asked})
        found: dict[str, str] | None = answer["barred"]
        return found

    def end(self) -> None:
        """End the process, whatever it is at."""
        if (process := self._process) is not None:
            process.kill()
        with self._turn:
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, asked: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The answer of the process.

        Raises
        ------
        Refusal, RunFailure
            As the voice refuses or fails; `VOICE_SILENT`: it came to no end in time, its process ended, or too many wait for it.
        """
        if not self._waiting.acquire(blocking=False):
            what = f"{MOST_WAITING} others wait for the voice"
            raise RunFailure("voice", what, "Try again in a moment", "VOICE_SILENT")
        try:
            return self._answered(asked)
        finally:
            self._waiting.release()

    def _answered(self, asked: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        if not self._turn.acquire(timeout=self._limit_s):
            raise _silent(self._limit_s)
        try:
            process = self._running()
            timer = threading.Timer(self._limit_s, process.kill)
            timer.start()
            try:
                answer, data = _asked(process, asked)
            except (OSError, ValueError) as error:  # it ended: by itself, or as it was too slow
                self._end()
                raise _silent(self._limit_s) from error
            finally:
                timer.cancel()
        finally:
            self._turn.release()
        if "refusal" in answer:
            refusal = answer["refusal"]
            made = RunFailure if refusal.pop("run") else Refusal
            raise made(**refusal)
        return answer, data

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            packages = str(Path(speech.__file__).resolve().parent.parent)
            environment = {**os.environ, **self._environment}
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, (environment.get("PYTHONPATH"), packages)))
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "speech.ui.aloud"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        return self._process


def _silent(seconds: float) -> RunFailure:
    what = f"the voice gave no answer in {seconds:.0f} s, or its process ended"
    return RunFailure("voice", what, "Try again; if it stays silent, shorten the text", "VOICE_SILENT")


def _asked(process: subprocess.Popen[bytes], asked: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(asked).encode() + b"\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    data = process.stdout.read(answer.pop("bytes"))
    return dict(answer), data


# In the process.


def _voices(_asked: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    from speech.say import voices

    rows = [{"language": v.language, "voice": _id(v.voice), "needs_card": v.needs_card, "facts": v.facts.as_dict()} for v in voices()]
    return {"voices": rows}, b""


def _id(voice: str) -> str:
    """A voice as pages name it: some are folders of this machine, which are nobody's to know or to choose."""
    return voice if voice == BY_RULE else hashlib.sha256(voice.encode()).hexdigest()[:16]


def how(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What `speech.say` is asked for, of what a page asked: the voice is opened by its name in the list of voices, and by no other.

    Raises
    ------
    ModelRefused
        `VOICE_NONE`, and what opening a voice raises.
    """
    from speech.say import Settings, voices
    from speech.say.engines import load

    language, borrow, id = str(asked["language"]), str(asked.get("borrow") or "") or None, str(asked.get("voice") or BY_RULE)
    name = id if id == BY_RULE else next((v.voice for v in voices() if _id(v.voice) == id), None)
    if name is None:
        raise ModelRefused("voice", "this voice is not on this machine", "Choose another voice", "VOICE_NONE")
    return {
        "language": language,
        "voice": load(name, language, borrow=borrow if name == BY_RULE else None),
        "settings": Settings(speed=float(asked.get("speed", 1.0)), seed=int(asked.get("seed", 0)), letters=asked.get("letters", "refuse")),
    }


def told(checked: Any) -> dict[str, Any]:
    """What a check found, for the page."""
    return {
        "spoken": checked.spoken,
        "refused": checked.refused,
        "sentences": len(checked.sentences),
        "unsaid": [one.as_dict() for one in checked.unsaid],
        "replaced": [one.as_dict() for one in checked.replaced],
        "voice": checked.voice.as_dict(),
    }


def _check(asked: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    from speech.say import check

    opened = how(asked)
    return {**told(check(str(asked["text"]), **opened)), "barred": _bars(opened["voice"], asked)}, b""


def _bars(voice: Any, asked: Mapping[str, Any]) -> dict[str, str] | None:
    from speech.collections import consent

    decision = consent.answer({SCOPE}, voice.item, context=consent.Context(basis=asked.get("basis")))
    if decision.allowed:
        return None
    return {"code": decision.code, "what": decision.reasons[0].what, "mend": decision.reasons[0].mend}


def _barred(asked: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    return {"barred": _bars(how(asked)["voice"], asked)}, b""


def _read(asked: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    from speech.collections import consent
    from speech.say import say

    with tempfile.TemporaryDirectory(prefix="speech-aloud-") as folder:
        path = Path(folder) / "synthetic.wav"
        made = say(str(asked["text"]), **how(asked), out=path, context=consent.Context(basis=asked.get("basis")))
        return {**told(made.checked), "duration_ms": made.duration_ms}, path.read_bytes()


_WORK: dict[str, Callable[[Mapping[str, Any]], tuple[dict[str, Any], bytes]]] = {
    "voices": _voices, "check": _check, "barred": _barred, "read": _read,
}  # fmt: skip


def _answer(asked: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        return _WORK[asked["what"]](asked)
    except SpeechError as error:
        refusal = {"where": error.where, "what": error.what, "mend": error.mend, "code": error.code}
        return {"refusal": {**refusal, "run": isinstance(error, RunFailure)}}, b""


def main(questions: BinaryIO, answers: BinaryIO) -> int:
    """Answer until nobody asks any more: an object a line, an object a line and as many bytes as it says."""
    for line in questions:
        answer, data = _answer(json.loads(line))
        answers.write(json.dumps({**answer, "bytes": len(data)}).encode() + b"\n" + data)
        answers.flush()
    return 0


if __name__ == "__main__":
    # What a library prints goes to standard error: standard output is the answers' own.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.exit(main(sys.stdin.buffer, out))
