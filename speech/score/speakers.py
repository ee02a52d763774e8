"""Text, time and speakers together: cpWER, words with the wrong speaker, DER; and languages over time.

cpWER joins what each speaker says over the whole recording, takes the speakers of the hypothesis for those of the
reference, one for one, such that the fewest words are wrong, and counts these; a speaker too few or too many costs all of
his or her words. It never counts the order in which speakers interrupt each other. An error counts where its word stands,
so that intervals draw the same units as those of WER.

Words with the wrong speaker are looked for among the words that WER counts as right, in WER's own alignment: then the
measure says what naming speakers costs beside hearing words, and the reference needs no times of words; what both sides
hold between two pauses keeps words from being aligned far from each other. The speakers are taken for each other as for cpWER.

Words whose speaker is not told are one speaker more on their side: somebody said them.

Source: Watanabe et al. 2020 (CHiME-6, cpWER); Shafey et al. 2019 (words with the wrong speaker, there with substitutions too).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from speech import languages as tables
from speech.score import counting
from speech.score.intervals import draw, interval_of
from speech.score.records import Counts, LanguageErrors, Mapped, Rate, Said, ScoreSettings, SpeakerErrors, Timed
from speech.score.sources import code_or_nothing
from speech.score.times import Labelled, TimeErrors, speech_in, time_errors
from speech.text import normalise
from speech.types import Segment, Word

UNTOLD = ""
"""The speaker of words whose speaker is not told."""
Words = list[tuple[str, str]]
"""Speaker and word, in the order of the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """Errors of words by pair under the best assignment, and who is taken for whom: reference, then hypothesis; None for nobody."""

    counts: tuple[Counts, ...]
    taken: tuple[tuple[str | None, str | None], ...]


def speaker_errors(timed: Sequence[Timed], settings: ScoreSettings) -> SpeakerErrors | None:
    """cpWER, words with the wrong speaker and DER over the recordings where both sides tell speakers and one tells two or more."""
    rows: list[tuple[str, tuple[Counts, Counts, Counts]]] = []
    mapped: list[Mapped] = []
    judged = [t for t in timed if all(_told(t)) and max(map(len, _told(t))) > 1]
    for one in judged:
        said = [_words(p.said, p.language) for p in one.pairs]
        heard = [_words(p.heard, p.language) for p in one.pairs]
        assigned = assign(said, heard)
        right = right_words(said, heard, assigned)
        times = _over_time(one, _speaker, named=False)
        rows += [(one.recording, counts) for counts in zip(assigned.counts, right, times.slots, strict=True)]
        mapped += [Mapped(recording=one.recording, reference=r, hypothesis=h) for r, h in assigned.taken]
    if not rows:
        return None
    words, right_ones, time = _rates(rows, settings, "speakers")
    return SpeakerErrors(words=words, right_words=right_ones, time=time, recordings=len(judged), mapped=tuple(mapped))


def language_errors(timed: Sequence[Timed], settings: ScoreSettings) -> LanguageErrors | None:
    """Languages over time, over the recordings where both sides tell them and together name several.

    Speech whose language the reference does not tell is not judged; where the hypothesis tells none, it is missed.
    """
    rows: list[tuple[str, tuple[Counts]]] = []
    named: set[str] = set()
    judged = 0
    for one in timed:
        there, given = ({x.label for x in speech_in(side, _language)[0]} for side in (one.reference, one.hypothesis))
        if there and given and len(there | given) > 1:
            rows += [(one.recording, (counts,)) for counts in _over_time(one, _language, named=True).slots]
            named |= there
            judged += 1
    if not rows:
        return None
    [time] = _rates(rows, settings, "languages")
    return LanguageErrors(time=time, recordings=judged, languages=tuple(sorted(named)))


def assign(said: Sequence[Words], heard: Sequence[Words]) -> Assigned:
    """The assignment of speakers with the fewest wrong words, of these the one with the most right ones; errors by pair.

    Parameters
    ----------
    said, heard : a list a pair, of as many pairs on both sides
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    wanted, given = _streams(said), _streams(heard)
    scale = 1 + sum(map(len, (*wanted.values(), *given.values())))
    both = [(r, h) for r in wanted for h in given]
    found = [counting.counts_of(a) for a in _aligned([(wanted[r], given[h]) for r, h in both])]
    # What two speakers cost together, beside what they cost when neither has a counterpart.
    cost = [(c.errors - len(wanted[r]) - len(given[h])) * scale - c.hits for c, (r, h) in zip(found, both, strict=True)]
    chosen = zip(*linear_sum_assignment(np.array(cost, dtype=np.int64).reshape(len(wanted), len(given))), strict=True)
    rows, columns = list(wanted), list(given)
    taken: list[tuple[str | None, str | None]] = [(rows[r], columns[h]) for r, h in chosen]
    taken += [(r, None) for r in rows if r not in {x for x, _ in taken}] + [(None, h) for h in columns if h not in {x for _, x in taken}]
    streams = [(wanted[r] if r is not None else [], given[h] if h is not None else []) for r, h in taken]
    by_pair = [Counts() for _ in said]
    for (reference, hypothesis), alignment in zip(streams, _aligned(streams), strict=True):
        for number, counts in _placed(reference, hypothesis, alignment):
            by_pair[number] += counts
    return Assigned(counts=tuple(by_pair), taken=tuple(taken))


def right_words(said: Sequence[Words], heard: Sequence[Words], assigned: Assigned) -> list[Counts]:
    """By pair, the words that are right whatever their speaker: whether theirs is, as `SpeakerErrors.right_words`."""
    taken_for = {r: h for r, h in assigned.taken if r is not None}
    joined = [(" ".join(w for _, w in s), " ".join(w for _, w in h)) for s, h in zip(said, heard, strict=True)]
    made = []
    for own, other, alignment in zip(said, heard, counting.align_words([r for r, _ in joined], [h for _, h in joined]), strict=True):
        found: Counter[str] = Counter()
        for chunk in alignment:
            if chunk.type == "equal":
                ends = zip(own[chunk.ref_start_idx : chunk.ref_end_idx], other[chunk.hyp_start_idx : chunk.hyp_end_idx], strict=True)
                found.update(_judged(taken_for[s], h) for (s, _), (h, _) in ends if s != UNTOLD)
        made.append(Counts(hits=found["right"], substitutions=found["wrong"], deletions=found["untold"]))
    return made


def _judged(expected: str | None, given: str) -> Literal["right", "wrong", "untold"]:
    if given == UNTOLD:
        return "untold"
    return "right" if given == expected else "wrong"


Stream = list[tuple[str, int]]
"""Words of one speaker with the numbers of their pairs."""


def _streams(pairs: Sequence[Words]) -> dict[str, Stream]:
    made: dict[str, Stream] = {}
    for number, words in enumerate(pairs):
        for speaker, word in words:
            made.setdefault(speaker, []).append((word, number))
    return made


def _aligned(streams: Sequence[tuple[Stream, Stream]]) -> list[counting.Alignment]:
    texts = [[" ".join(word for word, _ in stream) for stream in side] for side in streams]
    return counting.align_words([r for r, _ in texts], [h for _, h in texts]) if texts else []


def _placed(reference: Stream, hypothesis: Stream, alignment: counting.Alignment) -> Iterator[tuple[int, Counts]]:
    """Each word of an alignment with the number of its pair: that of the reference, for what was added that of the hypothesis."""
    kinds = {"equal": Counts(hits=1), "substitute": Counts(substitutions=1), "delete": Counts(deletions=1)}
    for chunk in alignment:
        if chunk.type == "insert":
            yield from ((number, Counts(insertions=1)) for _, number in hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx])
        else:
            yield from ((number, kinds[chunk.type]) for _, number in reference[chunk.ref_start_idx : chunk.ref_end_idx])


def _words(parts: Sequence[Said], language: str) -> Words:
    rules = tables.load(language)
    return [(part.speaker or UNTOLD, word) for part in parts for word in normalise(part.text, rules).split()]


def _told(one: Timed) -> tuple[set[str], set[str]]:
    """The speakers that each side names, of what is compared."""
    said = {x.speaker for p in one.pairs for x in p.said if x.speaker}
    return said, {x.speaker for p in one.pairs for x in p.heard if x.speaker}


def _speaker(part: Segment | Word) -> str | None:
    return part.speaker


def _language(part: Segment | Word) -> str | None:
    code = code_or_nothing(part.language)
    return code if code and code != tables.UNDETERMINED else None


def _over_time(one: Timed, label: Callable[[Segment | Word], str | None], *, named: bool) -> TimeErrors:
    """Errors over time, a slot a pair: each ends half-way to the next one's start."""
    (said, untold), (heard, unlabelled) = (speech_in(side, label) for side in (one.reference, one.hypothesis))
    if not named:
        said += [Labelled(span=s, label=UNTOLD) for s in untold]
        heard += [Labelled(span=s, label=UNTOLD) for s in unlabelled]
        untold = []
    spans = [p.span for p in one.pairs if p.span is not None]
    ends = accumulate((s.end_ms for s in spans), max)
    cuts = [(end + after.start_ms) // 2 for end, after in zip(ends, spans[1:], strict=False)]
    return time_errors(said, heard, named=named, beside=untold, cuts=sorted(cuts))


def _rates(rows: Sequence[tuple[str, Sequence[Counts]]], settings: ScoreSettings, name: str) -> list[Rate]:
    """A rate for each kind of counts, with intervals that draw what those of WER draw."""
    drawn = draw([recording for recording, _ in rows], [counts for _, counts in rows], settings, name)
    return [
        Rate(
            counts=sum((counts[kind] for _, counts in rows), Counts()),
            interval=interval_of(drawn, kind, settings.level) if drawn is not None else None,
        )
        for kind in range(len(rows[0][1]))
    ]
