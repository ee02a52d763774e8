"""Who speaks when: turns of a recording, from an engine that tells voices apart or from channels that are one speaker each.

`diarise` writes nothing. `recording` is one recording from end to end, `channels` lapel microphones and what leaks between them,
`engines` what `--diariser` names, `known` people whose voices are looked for, `links` the same voice across recordings, `gate` what
consent is asked for, `runs` a run over recordings; the seam of the engines is in `records`.
"""

from speech.diarise.engines import Later
from speech.diarise.recording import diarise
from speech.diarise.records import Diariser, KnownVoice, KnowsVoices, Result, Settings, SpeakerCount, Voices
from speech.diarise.runs import making_of, run_of, speaker_count

__all__ = [
    "Diariser",
    "KnownVoice",
    "KnowsVoices",
    "Later",
    "Result",
    "Settings",
    "SpeakerCount",
    "Voices",
    "diarise",
    "making_of",
    "run_of",
    "speaker_count",
]
