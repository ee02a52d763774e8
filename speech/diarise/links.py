"""Voices of different recordings that may be one person's, proposed for a person to confirm. Nothing is renamed here.

Vectors are compared in memory and forgotten; what is written says which speakers to listen to, and how alike they are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from speech import formats
from speech.diarise.records import Result, Voice
from speech.diarise.thresholds import LINK_LEAST
from speech.formats.csv import guarded
from speech.types import Span

NAME = "links.csv"
COLUMNS = ("voice", "recording", "speaker", "alike", "listen_start_ms", "listen_end_ms", "confirmed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An unnamed speaker of one recording: the longest turn, to listen to, and the voice."""

    recording: str
    speaker: str
    longest: Span
    voice: Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Speakers of several recordings, at most one of each, whose voices are alike; `alike` is the smallest cosine among them."""

    id: str
    members: tuple[Heard, ...]
    alike: float

    def as_dict(self) -> dict[str, Any]:
        """The link as it stands in `--json`."""
        members = [
            {"path": m.recording, "speaker": m.speaker, "start_ms": m.longest.start_ms, "end_ms": m.longest.end_ms} for m in self.members
        ]
        return {"voice": self.id, "alike": self.alike, "members": members}


def heard_in(path: str, result: Result) -> list[Heard]:
    """The unnamed speakers of a result that have a voice and a turn."""
    found = []
    for speaker, voice in result.voices.items():
        spans = [turn.span for turn in result.turns if turn.speaker == speaker]
        if spans:
            found.append(Heard(recording=path, speaker=speaker, longest=max(spans, key=lambda s: s.length_ms), voice=voice))
    return found


def proposed(voices: Sequence[Heard]) -> list[Link]:
    """Which speakers may be one person: the most alike joined first, as long as all in a group are alike and of different recordings."""
    voices = sorted(voices, key=lambda v: (v.recording, v.speaker))  # recordings may be done in any order
    groups = [[n] for n in range(len(voices))]
    if not voices:
        return []
    alike = np.array([v.voice for v in voices], np.float64) @ np.array([v.voice for v in voices], np.float64).T
    while True:
        best, pair = LINK_LEAST, None
        for a, one in enumerate(groups):
            for b, other in enumerate(groups[:a]):
                apart = {voices[n].recording for n in one}.isdisjoint(voices[n].recording for n in other)
                worst = float(alike[np.ix_(one, other)].min())
                if apart and worst >= best:
                    best, pair = worst, (a, b)
        if pair is None:
            break
        groups[pair[1]] += groups.pop(pair[0])
    several = sorted((sorted(group) for group in groups if len(group) > 1), key=lambda g: g[0])
    return [
        Link(
            id=f"V{number}",
            members=tuple(voices[n] for n in group),
            alike=round(min(float(alike[a, b]) for a in group for b in group if a < b), 3),
        )
        for number, group in enumerate(several, 1)
    ]


def write(links: Sequence[Link], folder: Path, *, force: bool = False) -> Path:
    """The links as a table in which a person writes yes or no under `confirmed`; where it is.

    Raises
    ------
    FormatRefused
        `FORMAT_EXISTS`: another table lies there, perhaps with a person's answers; `force` keeps it as `links.1.csv`.
    """
    from speech.collections.outputs import make_folder

    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for link in links:
        rows.writerows(
            [link.id, guarded(m.recording), m.speaker, link.alike, m.longest.start_ms, m.longest.end_ms, ""] for m in link.members
        )
    make_folder(folder)
    formats.put(out.getvalue().encode("utf-8-sig"), folder / NAME, force=force)
    return folder / NAME
