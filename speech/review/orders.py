"""In which order segments are looked at, each with its reason: pure, and the same for the same seed.

time          as they were said
unsure        what the machine was least sure of first
teaches       what teaches a model most: doubt, rare letters and rare speakers together, every fifth at random
disagreement  where the readings of the machine differ most in letters
random        by chance

Segments that are approved, or hold no speech, come after all others, except in the order of time.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from speech.review.doubts import Doubts
from speech.review.words import graphemes
from speech.types import Segment

BY = ("time", "unsure", "teaches", "disagreement", "random")
EVERY = 5
"""One in so many of `teaches` is drawn by chance: a measure that is wrong somewhere never hides what it is wrong about."""
_WEIGHTS = {"unsure": 0.5, "rare_letters": 0.3, "rare_speaker": 0.2}
_DONE = frozenset({"approved", "not_speech"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A segment in its place. `reason` is a key of the app's strings; `detail` fills it: letters, a speaker, a percentage."""

    id: str
    reason: str
    detail: str = ""

    def as_dict(self) -> dict[str, str]:
        """As the app's route answers it."""
        return {"id": self.id, "reason": self.reason, "detail": self.detail}


def ordered(
    segments: Iterable[Segment], by: str = "time", *, seed: int = 0, status: Collection[str] = (), speaker: str | None = None
) -> list[Ranked]:
    """All segments in one of the orders `BY`; with `status` or `speaker` only those.

    What is rare is counted over all segments, whatever is asked for.
    """
    every = sorted(segments, key=lambda s: (s.span, s.speaker or "", s.id))
    kept = [s for s in every if (not status or s.status in status) and (speaker is None or s.speaker == speaker)]
    if by == "time":
        return [Ranked(id=s.id, reason="time") for s in kept]
    waiting, done = [s for s in kept if s.status not in _DONE], [s for s in kept if s.status in _DONE]
    order = _ORDERS.get(by, _at_random)
    return [*order(waiting, every, seed), *(Ranked(id=s.id, reason="done") for s in done)]


def doubt(segment: Segment) -> float:
    """How unsure a segment is, 0 to 1: by its words' confidence, else its own; a person's unsure is 1, where nothing is known 0.5."""
    if segment.status == "unsure":
        return 1.0
    if segment.origin == "person" and segment.text:
        return 0.0
    known = [w.confidence for w in segment.words if w.confidence is not None]
    if known:
        return 1.0 - sum(known) / len(known)
    return 0.5 if segment.confidence is None else 1.0 - segment.confidence


def first_unsure(segments: Iterable[Segment], doubts: Doubts) -> str | None:
    """The first segment, in time, that a person or the machine is not sure of; None where there is none."""
    for s in sorted(segments, key=lambda s: (s.span, s.id)):
        doubted = any(w.confidence is not None and w.confidence < doubts.sure for w in s.words)
        if s.status == "unsure" or (s.status == "draft" and doubted):
            return s.id
    return None


def distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Graphemes to be put in, left out or changed to make one of the other."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def disagreement(segment: Segment) -> float:
    """How far the machine's other readings lie from the text, in graphemes, each counted by its probability."""
    found = sum((a.confidence or 0.0) * distance(graphemes(segment.text), graphemes(a.text)) for a in segment.alternatives)
    for word in segment.words:
        found += sum((a.confidence or 0.0) * distance(graphemes(word.text), graphemes(a.text)) for a in word.alternatives)
    return found


def _by_doubt(waiting: Sequence[Segment], every: Sequence[Segment], seed: int) -> list[Ranked]:
    found = sorted(waiting, key=lambda s: -doubt(s))
    return [Ranked(id=s.id, reason="unsure", detail=f"{100 * doubt(s):.0f}") for s in found]


def _by_disagreement(waiting: Sequence[Segment], every: Sequence[Segment], seed: int) -> list[Ranked]:
    known = {s.id: disagreement(s) for s in waiting}
    return [Ranked(id=s.id, reason="disagreement", detail=f"{known[s.id]:.1f}") for s in sorted(waiting, key=lambda s: -known[s.id])]


def _at_random(waiting: Sequence[Segment], every: Sequence[Segment], seed: int) -> list[Ranked]:
    drawn = list(waiting)
    random.Random(seed).shuffle(drawn)
    return [Ranked(id=s.id, reason="random") for s in drawn]


def _by_teaching(waiting: Sequence[Segment], every: Sequence[Segment], seed: int) -> list[Ranked]:
    """Shares of doubt and rarity, each as a place among all; what has been approved already counts as known."""
    approved = [s for s in every if s.status == "approved"] or list(every)
    letters = Counter(g for s in approved for g in graphemes(s.text) if not g.isspace())
    voices: Counter[str] = Counter()
    for s in approved:
        voices[s.speaker or ""] += s.span.length_ms
    total, spoken = sum(letters.values()) + 1, sum(voices.values()) + 1

    def rarity(letter: str) -> float:
        return -math.log((letters[letter] + 1) / total)

    def rare_letters(s: Segment) -> float:
        own = [rarity(g) for g in set(graphemes(s.text)) if not g.isspace()]
        return sum(sorted(own)[-3:]) / 3 if own else 0.0

    def rare_speaker(s: Segment) -> float:
        return -math.log((voices[s.speaker or ""] + 1) / spoken)

    measures: dict[str, Callable[[Segment], float]] = {"unsure": doubt, "rare_letters": rare_letters, "rare_speaker": rare_speaker}
    places = {name: _places(waiting, measure) for name, measure in measures.items()}
    shares = {s.id: {name: _WEIGHTS[name] * places[name][s.id] for name in measures} for s in waiting}
    best = sorted(waiting, key=lambda s: -sum(shares[s.id].values()))
    details: dict[str, Callable[[Segment], str]] = {
        "unsure": lambda s: f"{100 * doubt(s):.0f}",
        "rare_letters": lambda s: " ".join(sorted({g for g in graphemes(s.text) if not g.isspace()}, key=lambda g: (-rarity(g), g))[:3]),
        "rare_speaker": lambda s: s.speaker or "",
    }
    drawn = random.Random(seed).sample(best, len(best))
    taken: set[str] = set()
    found: list[Ranked] = []
    queues = {False: iter(best), True: iter(drawn)}
    while len(found) < len(best):
        by_chance = (len(found) + 1) % EVERY == 0
        s = next(x for x in queues[by_chance] if x.id not in taken)
        taken.add(s.id)
        if by_chance:
            found.append(Ranked(id=s.id, reason="random"))
            continue
        # The reason is what it has most of, measured against what each measure can give.
        why = max(shares[s.id], key=lambda name: places[name][s.id])
        found.append(Ranked(id=s.id, reason=why, detail=details[why](s)))
    return found


def _places(segments: Sequence[Segment], measure: Callable[[Segment], float]) -> dict[str, float]:
    """Each segment's place by a measure, 0 to 1; equals share one, and where all are equal it says nothing."""
    values = {s.id: measure(s) for s in segments}
    levels = sorted(set(values.values()))
    at = {value: n / max(1, len(levels) - 1) for n, value in enumerate(levels)}
    return {id: at[value] for id, value in values.items()}


_ORDERS: dict[str, Callable[[Sequence[Segment], Sequence[Segment], int], list[Ranked]]] = {
    "unsure": _by_doubt,
    "teaches": _by_teaching,
    "disagreement": _by_disagreement,
    "random": _at_random,
}
