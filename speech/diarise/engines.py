"""From what `--diariser` says to an engine, loaded once and when first needed; its facts for the accounts."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

from speech.diarise.records import Diariser
from speech.errors import SpeechError
from speech.models.once import Once

EMBEDDED = "embedded"


def load(name: str, *, trust: Sequence[str] = ()) -> Diariser:
    """The engine of a name: `embedded`, or what pyannote.audio makes of `pyannote`, a folder or a repository on this machine.

    `trust` holds checkpoints (paths, repositories) that may be opened although they are pickles.

    Raises
    ------
    ModelRefused
        It is not here, or not trusted, or cannot be loaded.
    """
    if name == EMBEDDED:
        from speech.diarise.embedded import Embedded

        return Embedded()
    # By its name: who has no pyannote.audio installed imports nothing of it.
    return cast(Diariser, importlib.import_module("speech.diarise.pyannote_engine").load(name, trust=trust))


def there() -> tuple[str, ...]:
    """The engines that can be opened on this machine, by name: `embedded`, and `pyannote` where it is installed, here and trusted."""
    from speech.diarise import checkpoints, trust

    try:
        importlib.import_module("speech.diarise.pyannote_engine").require_installed(checkpoints.PYANNOTE)
        trust.require(checkpoints.find(checkpoints.PYANNOTE))
    except SpeechError:
        return (EMBEDDED,)
    return (EMBEDDED, checkpoints.PYANNOTE)


class Later(Once[Diariser]):
    """An engine that is loaded when it is first asked for."""

    def __init__(self, name: str, *, trust: Sequence[str] = ()) -> None:
        self.name = name
        super().__init__(lambda: load(name, trust=trust))


_ONE_AT_A_TIME = threading.Lock()


def turn_at(engine: Diariser) -> AbstractContextManager[Any]:
    """Held while an engine hears a recording: one recording at a time, unless it says by `several_at_once` that it takes more.

    pyannote.audio holds whole recordings in memory, and sets things that the process shares.
    """
    return contextlib.nullcontext() if getattr(engine, "several_at_once", False) else _ONE_AT_A_TIME


def model_sha256(engine: Diariser) -> str:
    """A hash over the weights that an engine says it uses; empty where it says none."""
    one = str(getattr(engine, "sha256", ""))
    several = getattr(engine, "sha256_by_checkpoint", {})
    if one or not several:
        return one
    return hashlib.sha256("\n".join(sorted(map(str, several.values()))).encode()).hexdigest()
