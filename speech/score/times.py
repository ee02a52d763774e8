"""Errors over time: who, or which language, is heard when, as the diarisation error rate counts it.

At each moment the labels of the reference are compared with those of the hypothesis: what the reference has more of is
missed, what it has less of is false alarm, and what else does not agree is confused. Overlap counts for each label in it.
Speakers are labels without a meaning, so that those of the hypothesis are first taken for those of the reference, one for
one, as agrees for the longest time; a language is called by its code on both sides.

Source: NIST RT-09 evaluation plan (DER); Bredin 2017 (pyannote.metrics, to which the test compares).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from speech.score.records import Counts
from speech.types import Segment, Span, Word, merged, without


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A span in which one speaker, or one language, is heard."""

    span: Span
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeErrors:
    """Milliseconds (hits are right, substitutions confused, deletions missed, insertions false alarm), a slot each.

    `taken_for` says which label of the hypothesis stands for which of the reference.
    """

    slots: tuple[Counts, ...]
    taken_for: dict[str, str]

    @property
    def counts(self) -> Counts:
        """Of all slots."""
        return sum(self.slots, Counts())


def time_errors(
    reference: Iterable[Labelled],
    hypothesis: Iterable[Labelled],
    *,
    named: bool,
    collar_ms: int = 0,
    beside: Iterable[Span] = (),
    cuts: Sequence[int] = (),
) -> TimeErrors:
    """What is missed, too much and confused; each label counts once at a time, however often it stands there.

    Parameters
    ----------
    named : labels mean the same on both sides (languages); else they are taken for each other as fits best (speakers)
    collar_ms : so much on each side of a border of the reference is not judged
    beside : spans that are not judged
    cuts : in order; where one slot ends and the next begins
    """
    said, heard = list(reference), list(hypothesis)
    borders = (t for r in said for t in (r.span.start_ms, r.span.end_ms))
    not_judged = merged([*beside, *(Span(start_ms=t - collar_ms, end_ms=t + collar_ms) for t in borders)])
    moments = list(_moments(said, heard, not_judged, cuts))
    taken_for = {label: label for label in {r.label for r in said}} if named else _taken_for(moments)
    slots = [Counts() for _ in range(len(cuts) + 1)]
    for span, there, given in moments:
        right = len({taken_for[label] for label in there if label in taken_for} & given)
        both = min(len(there), len(given))
        slots[bisect_right(cuts, span.start_ms)] += Counts(
            hits=right * span.length_ms,
            substitutions=(both - right) * span.length_ms,
            deletions=(len(there) - both) * span.length_ms,
            insertions=(len(given) - both) * span.length_ms,
        )
    return TimeErrors(slots=tuple(slots), taken_for=taken_for)


def speech_in(segments: Iterable[Segment], label: Callable[[Segment | Word], str | None]) -> tuple[list[Labelled], list[Span]]:
    """Where which label is heard, and where there is speech without one; of a word with another label than its segment, its own span."""
    found: list[Labelled] = []
    untold: list[Span] = []
    for s in segments:
        if s.kind in ("noise", "silence") or s.status == "not_speech":
            continue
        whose = label(s)
        others = [(w.span, other) for w in s.words if w.span is not None and (other := label(w)) is not None and other != whose]
        rest = without(s.span, merged(span for span, _ in others))
        found += [Labelled(span=span, label=other) for span, other in others]
        if whose is None:
            untold += rest
        else:
            found += [Labelled(span=span, label=whose) for span in rest]
    return found, merged(untold)


Moment = tuple[Span, frozenset[str], frozenset[str]]


def _moments(said: Sequence[Labelled], heard: Sequence[Labelled], not_judged: Sequence[Span], cuts: Sequence[int]) -> Iterator[Moment]:
    """Stretches of time in which nothing changes, with the labels of reference and hypothesis; those with any that are judged."""
    changes: dict[int, list[tuple[int, str, int]]] = defaultdict(list)
    for side, labelled in enumerate((said, heard)):
        for one in labelled:
            changes[one.span.start_ms].append((side, one.label, 1))
            changes[one.span.end_ms].append((side, one.label, -1))
    for span in not_judged:
        changes[span.start_ms].append((2, "", 1))
        changes[span.end_ms].append((2, "", -1))
    for cut in cuts:
        changes[cut] += []
    active: tuple[Counter[str], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())
    times = sorted(changes)
    for start, end in zip(times, times[1:], strict=False):
        for side, label, by in changes[start]:
            active[side][label] += by
        there, given, out = (frozenset(label for label, n in a.items() if n > 0) for a in active)
        if (there or given) and not out:
            yield Span(start_ms=start, end_ms=end), there, given


def _taken_for(moments: Sequence[Moment]) -> dict[str, str]:
    """Labels of the reference and those of the hypothesis that stand for them: one for one, for the longest time together."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    together: Counter[tuple[str, str]] = Counter()
    for span, there, given in moments:
        for label in there:
            for other in given:
                together[label, other] += span.length_ms
    rows, columns = sorted({r for r, _ in together}), sorted({c for _, c in together})
    if not rows:
        return {}
    shared = np.array([[together[r, c] for c in columns] for r in rows], dtype=np.int64)
    chosen = zip(*linear_sum_assignment(shared, maximize=True), strict=True)
    return {rows[r]: columns[c] for r, c in chosen if shared[r, c] > 0}
