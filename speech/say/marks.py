"""What a sound file says of itself: that nobody spoke it, by which voice it was made, and from where that voice comes.

It stands in the file's own metadata, in every format that `say` writes: as a sentence for people and, behind it, as JSON for programs.
It can be taken out; no inaudible mark is set (docs/decisions/0012 says why), so a file without it may still be synthetic.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech.errors import Refusal
from speech.say.records import Checked, Settings

SENTENCE = "Synthetic speech: no person spoke this."
FORM = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found in a file. `synthetic` None: the file does not say, which proves nothing; `mark`: an inaudible mark, if any."""

    path: Path
    synthetic: bool | None
    facts: dict[str, Any]
    mark: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As it stands in `--json`."""
        return {"synthetic": self.synthetic, "mark": self.mark or None, **self.facts}


def tags_of(checked: Checked, settings: Settings, language: str) -> dict[str, str]:
    """The metadata of a file with a spoken text. The text itself stays out: its hash tells whether a file was made from it."""
    from speech import __version__

    facts = {
        "form": FORM, "synthetic": True, "language": language, "voice": checked.voice.as_dict(), "settings": settings.facts(),
        "text_sha256": hashlib.sha256(checked.text.encode("utf-8")).hexdigest(),
        "left_out": sum(len(u.places) for u in checked.unsaid if not u.nearest),
        "made_by": f"oral-speech {__version__}",
    }  # fmt: skip
    return {
        "title": "Synthetic speech",
        "artist": f"{checked.voice.name} (synthetic)",
        "comment": f"{SENTENCE} {json.dumps(facts, ensure_ascii=False, sort_keys=True)}",
    }


def has(path: Path, tags: Mapping[str, str]) -> bool:
    """Whether a sound file that lies at `path` says the same of itself; False where there is none."""
    from speech.audio.writing import tags_in

    try:
        return path.is_file() and tags_in(path).get("comment") == tags["comment"]
    except Refusal:
        return False


def verify(path: Path) -> Verified:
    """Read a file's account of itself back.

    Raises
    ------
    AudioRefused, PathRefused
        It cannot be read, or is no sound file.
    """
    from speech.audio.writing import tags_in

    comment = tags_in(path).get("comment", "")
    at = comment.find(SENTENCE)
    if at < 0:
        return Verified(path=path, synthetic=None, facts={})
    try:
        facts = json.loads(comment[at + len(SENTENCE) :].strip())
    except ValueError:
        facts = {}
    return Verified(path=path, synthetic=True, facts=facts if isinstance(facts, dict) else {})
