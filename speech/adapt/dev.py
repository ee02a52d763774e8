"""Which clips are kept to judge by: whole sessions, of other speakers where that can be; never single clips.

A clip's neighbours share its voice, its room and often its words: a model that is judged by them looks better than it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEV_SHARE = 0.15
"""Of the sound, about so much is kept for dev, whole sessions at a time."""
LEAST_SESSIONS = 4
"""Sessions under which dev is cut from consecutive clips: one session of three would be too much or too alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What decides whether a clip may be of dev: its session and speaker, where they are known, and how long it is."""

    session: str
    speaker: str
    seconds: float


def dev_of(pieces: Sequence[Piece]) -> tuple[frozenset[int], str]:
    """The numbers of the clips that are kept to judge by, about `DEV_SHARE` of the sound, and how they were chosen.

    Whole sessions of speakers who are in no other, where there are enough such; else whole sessions; else the last clips in a row.
    The smallest groups come first.
    """
    wanted = DEV_SHARE * sum(piece.seconds for piece in pieces)
    sessions: dict[str, set[str]] = defaultdict(set)
    for piece in pieces:
        sessions[piece.session].add(piece.speaker)
    told = len(sessions) < len(pieces)  # a session a clip is a name a clip
    by_speakers = _joined(sessions)
    known = not any("" in speakers for speakers in sessions.values())
    if told and known and len(set(by_speakers.values())) >= LEAST_SESSIONS:
        return _smallest([by_speakers[piece.session] for piece in pieces], pieces, wanted, "whole sessions of other speakers")
    if told and len(sessions) >= LEAST_SESSIONS:
        return _smallest([piece.session for piece in pieces], pieces, wanted, "whole sessions")
    kept, held = len(pieces), 0.0
    while kept > 1 and held < wanted:
        kept -= 1
        held += pieces[kept].seconds
    return frozenset(range(kept, len(pieces))), "the last clips in a row, as the files tell fewer than four sessions"


def _smallest(groups: Sequence[str], pieces: Sequence[Piece], wanted: float, named: str) -> tuple[frozenset[int], str]:
    """The smallest groups that together hold what is wanted."""
    seconds: dict[str, float] = defaultdict(float)
    for group, piece in zip(groups, pieces, strict=True):
        seconds[group] += piece.seconds
    dev: list[str] = []
    for group in sorted(seconds, key=lambda name: (seconds[name], name)):
        if sum(seconds[chosen] for chosen in dev) < wanted:
            dev.append(group)
    return frozenset(n for n, group in enumerate(groups) if group in dev), f"{named}, {len(dev)} of {len(seconds)}"


def _joined(speakers: Mapping[str, set[str]]) -> dict[str, str]:
    """Sessions by the first of those that they share a speaker with, directly or through others."""
    group = {name: name for name in speakers}
    by_speaker: dict[str, str] = {}
    for name, known in speakers.items():
        for speaker in known:
            mine, other = group[name], group[by_speaker.setdefault(speaker, name)]
            if mine != other:
                group = {n: other if g == mine else g for n, g in group.items()}
    return group
