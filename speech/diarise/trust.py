"""Which checkpoints a person trusts: asked once, kept by their sha256 beside the person's models.

A pickle is a program. It is trusted by its bytes, never by its name: when the file changes, the question comes again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from speech.diarise.checkpoints import COMMUNITY, PYANNOTE, Checkpoint, Found
from speech.errors import ModelRefused
from speech.files import disk_errors, resolved, shown, write_text
from speech.models import hub

FLAG = "--trust-checkpoint"


def kept_in() -> Path:
    """The file with what is trusted."""
    return hub.user_folder() / "trusted_checkpoints.json"


def require(found: Found, trust: Sequence[str] = ()) -> None:
    """Go on only where every checkpoint is trusted: kept from an earlier run, or named in `trust`, which is then kept.

    `trust` names the pipeline as `--diariser` does (then all that its config points to is meant), a repository,
    a folder, or a file.

    Raises
    ------
    ModelRefused
        `MODEL_PICKLE`: which are not trusted, which of them have changed since they were, and the flag that trusts them.
    """
    kept = _read()
    named = [c for c in found.checkpoints if any(_names(said, c, found) for said in trust if said)]
    lacking = [c for c in found.checkpoints if c not in named and c.sha256 not in kept.values()]
    if lacking:
        raise _refusal(found, lacking, kept)
    new = {c.name: c.sha256 for c in named if kept.get(c.name) != c.sha256}
    if new:
        with disk_errors(kept_in()):
            kept_in().parent.mkdir(parents=True, exist_ok=True)
        write_text(kept_in(), json.dumps({**kept, **new}, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def _refusal(found: Found, lacking: Sequence[Checkpoint], kept: dict[str, str]) -> ModelRefused:
    def told(checkpoint: Checkpoint) -> str:
        before = kept.get(checkpoint.name)
        changed = f", which has changed since it was trusted as {before[:16]}" if before else ""
        return f"{checkpoint.name} (sha256 {checkpoint.sha256[:16]}{changed})"

    return ModelRefused(
        shown(found.name),
        "its checkpoints are pickles, which can run any program when they are loaded; "
        f"these were not opened: {', '.join(map(told, lacking))}",
        f"If you trust who made them: {FLAG} {shown(found.name)} (asked once, until a file changes); else --diariser embedded",
        "MODEL_PICKLE",
    )


def _names(said: str, checkpoint: Checkpoint, found: Found) -> bool:
    if said in (found.name, checkpoint.repository) or (said == COMMUNITY and found.name == PYANNOTE):
        return True
    if hub.is_repository(said) and checkpoint.repository:
        return False
    path = resolved(Path(said))
    return path in {resolved(p) for p in (found.folder, checkpoint.path, checkpoint.path.parent)}


def _read() -> dict[str, str]:
    """What is kept; a file that cannot be read trusts nothing, and the question mends it."""
    try:
        read = json.loads(kept_in().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): v for k, v in read.items() if isinstance(v, str)} if isinstance(read, dict) else {}
