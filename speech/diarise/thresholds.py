"""Every number by which diarisation decides, outside the engines: one place, so that tuning changes one file.

Not tuned yet where a line says so: first values, to be replaced by measured ones.
"""

from __future__ import annotations

from speech.models.activity import ActivitySettings

ACTIVITY = ActivitySettings(join_ms=400, edge_ms=160, longest_ms=2**40)
"""Speech as diarisation wants it: shorter pauses are pauses, nothing is cut for a network's sake. Not tuned yet."""

UNSURE_MARGIN = 0.1
"""A turn whose second most likely speaker lies less than this behind is unsure. Not tuned yet."""

KNOWN_LEAST = 0.5
"""Cosine of a known person's voice with a speaker's, from which on they may be the same. Not tuned yet."""
KNOWN_MARGIN = 0.1
"""How far every other known person must lie behind. Not tuned yet."""
LINK_LEAST = 0.5
"""Cosine of voices in two recordings, from which on they are proposed as one. Not tuned yet."""

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
