"""Every number by which diarisation decides, outside the engines: one place, so that tuning changes one file.

Those of voices were chosen on conversations of tuning speakers: `recipes/tune_diarise.py --links` and `--margins` print what by.
"""

from __future__ import annotations

from speech.models.activity import ActivitySettings

ACTIVITY = ActivitySettings(join_ms=400, edge_ms=160, longest_ms=2**40)
"""Speech as diarisation wants it: shorter pauses are pauses, nothing is cut for a network's sake."""

UNSURE_MARGIN = 0.8
"""A turn with a smaller margin is unsure: margins say how often such turns are right."""

KNOWN_LEAST = 0.6
"""Cosine of a known person's voice with a speaker's, from which on they may be one: 9 of 10 are found, 12 in 1,000 others taken for it."""
KNOWN_MARGIN = 0.1
"""How far every other known person must lie behind."""
LINK_LEAST = 0.6
"""Cosine of voices in two recordings, from which on they are proposed as one; as KNOWN_LEAST."""

LEAK_COHERENCE = 0.3
"""Coherence of two channels in a band, from which on the louder one's sound is in the other; chance gives about 0.1."""
LEAKED_SHARE = 0.65
"""Share of a channel's power that came from another, from which on the sound is that other's."""
SAME_COHERENCE = 0.9
"""Mean coherence from which on two channels of one level carry the same sound."""
SAME_LEVEL_DB = 3.0
"""Levels of two channels that carry the same sound differ by less than this."""
SAME_SHARE = 0.8
"""In this part of what is compared, two channels carry the same sound where they are called the same."""
LEAST_TURN_MS = 200
"""Of a channel's own speech; what is left of it once others' sound is taken away may be shorter, and is nobody's."""
