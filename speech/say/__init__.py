"""From text to sound: a voice says what is written, sentence by sentence, and the file says that no person spoke.

`check` tells before what a voice cannot say; `say` speaks; `verify` reads what a file says of itself; `voices` lists. Engines: eSpeak
NG (`espeak`), VITS checkpoints such as those of MMS (`vits`); `engines` finds them by name, behind the protocol `records.Voice`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speech.say.engines import voices
    from speech.say.espeak import Espeak
    from speech.say.marks import Verified, verify
    from speech.say.records import Checked, Replaced, Settings, Spoken, Unsaid, Voice, VoiceEntry, VoiceFacts
    from speech.say.speaking import check, say

_PLACES = {
    "check": "speaking", "say": "speaking", "voices": "engines", "verify": "marks", "Verified": "marks", "Espeak": "espeak",
    "Checked": "records", "Replaced": "records", "Settings": "records", "Spoken": "records", "Unsaid": "records", "Voice": "records",
    "VoiceEntry": "records", "VoiceFacts": "records",
}  # fmt: skip

__all__ = [
    "Checked",
    "Espeak",
    "Replaced",
    "Settings",
    "Spoken",
    "Unsaid",
    "Verified",
    "Voice",
    "VoiceEntry",
    "VoiceFacts",
    "check",
    "say",
    "verify",
    "voices",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"speech.say.{_PLACES[name]}"), name)
    raise AttributeError(name)
