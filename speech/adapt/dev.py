"""Which clips are kept to judge by: whole sessions, of other speakers where that can be; never single clips.

A clip's neighbours share its voice, its room and often its words: a model that is judged by them looks better than it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

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


How = Literal["speakers", "sessions", "last", "before"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """How dev was chosen: whole sessions of other speakers, whole sessions, the last clips in a row, or those that judged before.

    `chosen` sessions of `of`, where whole ones were.
    """

    how: How
    chosen: int = 0
    of: int = 0

    @property
    def said(self) -> str:
        """In English, for cards and the command line."""
        if self.how == "last":
            return "the last clips in a row, as the files tell fewer than four sessions"
        if self.how == "before":
            return "the segments that judged before, and whole new sessions where they had become too few"
        return f"whole sessions{' of other speakers' if self.how == 'speakers' else ''}, {self.chosen} of {self.of}"

    def as_dict(self) -> dict[str, Any]:
        """For those who say it in other languages."""
        return {"how": self.how, "chosen": self.chosen, "of": self.of}


def dev_of(pieces: Sequence[Piece]) -> tuple[frozenset[int], Apart]:
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
        return _smallest([by_speakers[piece.session] for piece in pieces], pieces, wanted, "speakers")
    if told and len(sessions) >= LEAST_SESSIONS:
        return _smallest([piece.session for piece in pieces], pieces, wanted, "sessions")
    kept, held = len(pieces), 0.0
    while kept > 1 and held < wanted:
        kept -= 1
        held += pieces[kept].seconds
    return frozenset(range(kept, len(pieces))), Apart(how="last")


def _smallest(groups: Sequence[str], pieces: Sequence[Piece], wanted: float, how: How) -> tuple[frozenset[int], Apart]:
    """The smallest groups that together hold what is wanted."""
    seconds: dict[str, float] = defaultdict(float)
    for group, piece in zip(groups, pieces, strict=True):
        seconds[group] += piece.seconds
    dev: list[str] = []
    for group in sorted(seconds, key=lambda name: (seconds[name], name)):
        if sum(seconds[chosen] for chosen in dev) < wanted:
            dev.append(group)
    return frozenset(n for n, group in enumerate(groups) if group in dev), Apart(how=how, chosen=len(dev), of=len(seconds))


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
