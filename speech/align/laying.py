"""Lines laid on the pauses of a recording: by their letters, their lengths, and what is left over.

A transcript's lines mostly end where the speaker pauses, come in order, and take time by their letters. So each line is laid from one
pause (or dip of the level) to a later one, and the whole text so that the letters fit best, the lengths are likely, and little speech is
left over.

Source: segmental Viterbi search (Ostendorf et al. 1996, from HMM's to segment models), over pauses instead of frames.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.models.ctc import Emissions, Greedy

IMPOSSIBLE = -1e30
ANYTHING = -1
"""In a line's symbols: something is said there that is not spelt, a number in figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayingSettings:
    """What a line costs (nats).

    fit : the share of what the letters cost that counts: neighbouring frames are no evidence of their own
    spread, spread_short : deviation of the logarithm of a line's length, and what comes to it divided by the root of its letters
    unwritten : a second of speech that no line has; far, far_share : a long stretch costs so much, and this share of it a second
    clear : what letters cost where they are heard well enough to count in full (nats a letter); where they cost more, they count less
    no_pause : the edge of a line where the speaker does not pause; less where the pause is shorter than pause_s
    anything : a frame of what is said and not spelt
    unsaid : a letter of a line that has no speech; at least above_usual times what a letter costs in this recording
    longest : how many times longer than expected a line may be
    starts : how many places a line is tried at; starts_unclear : and where letters cost half of `clear` or more
    agree, near_s : besides, all places within so many seconds of where so many letters of the line were heard
    """

    fit: float = 0.8
    spread: float = 0.2
    spread_short: float = 0.8
    unwritten: float = 4.0
    far: float = 80.0
    far_share: float = 0.1
    no_pause: float = 1.0
    pause_s: float = 0.3
    anything: float = 0.1
    unsaid: float = 3.2
    longest: float = 2.2
    above_usual: float = 1.4
    clear: float = 2.0
    starts: int = 64
    starts_unclear: int = 512
    agree: int = 5
    near_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """Where lines may end and begin, in frames: `ends[k]` is where speech before pause k ends, `starts[k]` where speech after it begins.

    `spoken[k]` counts the frames of speech before pause k.
    """

    ends: NDArray[np.int64]
    starts: NDArray[np.int64]
    spoken: NDArray[np.int64]


def pauses_of(spans: Sequence[tuple[int, int]], levels: NDArray[np.float32], *, apart: int = 8) -> Pauses:
    """The pauses between stretches of speech (frames), and the dips in them of the level (dB, a value a frame), `apart` frames apart."""
    ends: list[int] = []
    starts: list[int] = []
    spoken: list[int] = []
    before = 0
    last = 0
    for first, end in spans:
        ends.append(last)
        starts.append(first)
        spoken.append(before)
        inside = levels[first:end]
        for dip in _dips(inside, apart):
            ends.append(first + dip)
            starts.append(first + dip)
            spoken.append(before + dip)
        before += end - first
        last = end
    ends.append(last)
    starts.append(last)
    spoken.append(before)
    return Pauses(ends=np.array(ends), starts=np.array(starts), spoken=np.array(spoken))


def _dips(levels: NDArray[np.float32], apart: int) -> list[int]:
    """Places that are the quietest within `apart` frames on both sides, 6 dB under the loudest there."""
    found: list[int] = []
    for k in range(apart, len(levels) - apart):
        around = levels[k - apart : k + apart + 1]
        if levels[k] == around.min() and around.max() - levels[k] >= 6 and (not found or k - found[-1] >= apart):
            found.append(k)
    return found


def lay(
    emissions: Emissions, lines: Sequence[Sequence[int]], pauses: Pauses, *, blank: int, word_break: int | None, frame_s: float,
    unspelt: Sequence[int] | None = None, settings: LayingSettings | None = None,
) -> list[tuple[int, int] | None]:  # fmt: skip
    """First frame of each line, and frame after its last; None for one without speech or without symbols.

    Parameters
    ----------
    emissions : natural-log probabilities (frames, vocabulary) of the whole recording
    lines : the symbols of each line, in order; `ANYTHING` may stand among them
    unspelt : how many letters' time each line takes beyond its symbols
    """
    settings = settings or LayingSettings()
    letters = np.array([sum(s != ANYTHING for s in line) for line in lines]) + np.array(unspelt or [0] * len(lines))
    if not letters.sum() or len(pauses.starts) < 2 or not pauses.spoken[-1]:
        return [None] * len(lines)
    rate = pauses.spoken[-1] / letters.sum()
    search = _Search(emissions, lines, letters, pauses, blank, word_break, frame_s, settings)
    # First with next to nothing called unsaid: so it is seen how much a letter costs where this recogniser hears this language.
    found = search.laid(rate, 3 * settings.unsaid)
    rates = [(end - first) / n for place, n in zip(found, letters, strict=True) if place and n >= 8 for first, end in [place]]
    costs = search.costs_a_letter(found)
    if not costs:
        return found
    usual = float(np.median(costs))
    heard = min(1.0, settings.clear / max(usual, 1e-6))
    # Where letters say little, the right place is not among the likeliest until more of the text is laid.
    starts = settings.starts if usual < settings.clear / 2 else settings.starts_unclear
    search.settings = dataclasses.replace(settings, fit=heard * settings.fit, starts=starts)
    unsaid = max(heard * settings.unsaid, settings.above_usual * search.settings.fit * usual)
    return search.laid(float(np.median(rates)) if len(rates) >= 4 else rate, unsaid)


class _Search:
    """One text on one recording."""

    def __init__(
        self, emissions: Emissions, lines: Sequence[Sequence[int]], letters: NDArray[np.int64], pauses: Pauses, blank: int,
        word_break: int | None, frame_s: float, settings: LayingSettings,
    ) -> None:  # fmt: skip
        anything = emissions.max(-1, keepdims=True) - np.float32(settings.anything)
        self.emissions = np.concatenate([emissions, anything], axis=-1)  # so that ANYTHING, -1, is its last column
        self.lines, self.letters, self.pauses, self.settings = lines, letters, pauses, settings
        self.quiet = emissions[:, blank] if word_break is None else np.maximum(emissions[:, blank], emissions[:, word_break])
        self.free = np.concatenate([[0.0], np.cumsum(emissions.max(-1), dtype=np.float64)])
        self.lost = settings.unwritten * frame_s * (pauses.spoken - pauses.spoken[0])
        self.no_pause = settings.no_pause * np.clip(1 - (pauses.starts - pauses.ends) * frame_s / settings.pause_s, 0, 1)
        self.no_pause[[0, -1]] = 0
        self.near = _near(emissions, lines, blank, word_break, settings.agree)
        self.reach = settings.near_s / frame_s

    def costs_a_letter(self, found: Sequence[tuple[int, int] | None]) -> list[float]:
        """How far the letters of each line that has a place lie behind the likeliest sounds there, nats a letter."""
        costs = []
        for line, place, letters in zip(self.lines, found, self.letters, strict=True):
            if place and letters >= 8:
                first, end = place
                fit = self._fits(line, np.array([first]), end - first)[0, end - first]
                costs.append(float(self.free[end] - self.free[first] - fit) / int(letters))
        return costs

    def laid(self, rate: float, unsaid: float) -> list[tuple[int, int] | None]:
        """The best way to lay all lines, where a letter takes `rate` frames, and one that was not said costs `unsaid`."""
        count = len(self.pauses.starts)
        # best[k]: the text so far laid, its last line ending at pause k.
        best = -self.lost.astype(np.float64)
        trace: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for number, line in enumerate(self.lines):
            # At pause k the next line may begin: after the best earlier end, with the speech between left over.
            ready, came = self._ready(best, 1.0, 0.0)
            far, came_far = self._ready(best, self.settings.far_share, self.settings.far)
            came, ready = np.where(far > ready, came_far, came), np.maximum(far, ready)
            letters = int(self.letters[number])
            made = best - unsaid * letters
            begun = np.full(count, -1)
            if line:
                starts = self._starts(ready, number)
                fits = self._fits(line, self.pauses.starts[starts], int(self.settings.longest * rate * letters) + 2)
                for start, fit in zip(starts, fits, strict=True):
                    stops, value = self._values(start, fit, rate * letters, letters)
                    value += ready[start]
                    better = value > made[stops]
                    made[stops[better]] = value[better]
                    begun[stops[better]] = start
            trace.append((begun, came))
            best = made
        at = int(self._ready(best, 1.0, 0.0)[1][-1])
        found: list[tuple[int, int] | None] = []
        for begun, came in reversed(trace):
            start = int(begun[at])
            if start < 0:
                found.append(None)
                continue
            found.append((int(self.pauses.starts[start]), int(self.pauses.ends[at])))
            at = int(came[start])
        return found[::-1]

    def _ready(self, best: NDArray[np.float64], share: float, more: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """What the text so far is worth where the next line begins at each pause, speech between left over; and at which pause it ended."""
        lost = share * self.lost
        gain = best + lost
        ahead = np.maximum.accumulate(gain)
        return ahead - lost - more, np.maximum.accumulate(np.where(gain >= ahead, np.arange(len(gain)), 0))

    def _starts(self, ready: NDArray[np.float64], number: int) -> NDArray[np.int64]:
        """The pauses after which a line is tried: the likeliest by what came before, and those near to where its letters were heard.

        The latter find the text again behind minutes that are not written.
        """
        likeliest = np.argsort(-ready[:-1], kind="stable")[: self.settings.starts]
        tried = [likeliest]
        for frame in self.near[number]:
            first, end = np.searchsorted(self.pauses.starts[:-1], [frame - self.reach, frame + self.reach])
            tried.append(np.arange(first, end))
        return np.unique(np.concatenate(tried))

    def _values(self, start: int, fit: NDArray[np.float32], expected: float, letters: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Pauses at which a line may end that begins at `start`, and what it is worth to each of them."""
        last = int(np.searchsorted(self.pauses.ends, self.pauses.starts[start] + len(fit)))
        stops = np.arange(start + 1, last)
        lengths = self.pauses.ends[stops] - self.pauses.starts[start]
        room = (lengths > 0) & (fit[lengths] > IMPOSSIBLE / 2)
        stops, lengths = stops[room], lengths[room]
        spoken = self.pauses.spoken[stops] - self.pauses.spoken[start]
        behind = fit[lengths] - (self.free[self.pauses.ends[stops]] - self.free[self.pauses.starts[start]])
        no_pause = self.no_pause[start] + self.no_pause[stops]
        spread = self.settings.spread + self.settings.spread_short / np.sqrt(letters)
        return stops, self.settings.fit * behind - 0.5 * (np.log(spoken / expected) / spread) ** 2 - no_pause

    def _fits(self, line: Sequence[int], starts: NDArray[np.int64], longest: int) -> NDArray[np.float32]:
        """Log probability of the best path that writes `line` from each start, after each number of frames: (starts, longest + 1)."""
        symbols = np.asarray(line)
        states = 2 * len(symbols) + 1
        leaps = np.zeros(states, bool)
        leaps[3::2] = symbols[1:] != symbols[:-1]
        best = np.full((len(starts), states), IMPOSSIBLE, np.float32)
        fits = np.full((len(starts), longest + 1), IMPOSSIBLE, np.float32)
        scores = np.empty_like(best)
        for t in range(min(longest, int(len(self.emissions) - starts.min()))):
            inside = starts + t < len(self.emissions)
            at = np.minimum(starts + t, len(self.emissions) - 1)
            scores[:, 0::2] = self.quiet[at][:, None]
            scores[:, 1::2] = self.emissions[at[:, None], symbols[None]]
            if t == 0:
                best[:, :2] = scores[:, :2]
            else:
                moved = best.copy()
                np.maximum(moved[:, 1:], best[:, :-1], out=moved[:, 1:])
                np.maximum(moved[:, 2:], np.where(leaps[2:], best[:, :-2], IMPOSSIBLE), out=moved[:, 2:])
                best = moved + scores
            fits[inside, t + 1] = np.maximum(best[inside, -1], best[inside, -2])
        return fits


def _near(emissions: Emissions, lines: Sequence[Sequence[int]], blank: int, word_break: int | None, agree: int) -> list[tuple[float, ...]]:
    """About the frame where each line begins, from letters in a row that the recogniser heard by itself.

    What was heard is laid beside the text, letter by letter (edit distance over the whole of both; Moreno et al. 1998). A line of which
    nothing was heard has two, reckoned from its neighbours before and behind.
    """
    from rapidfuzz.distance import Levenshtein

    heard = [h for h in Greedy(blank=blank).path(emissions) if h.symbol != word_break]
    owners = [(number, place) for number, line in enumerate(lines) for place in range(len(line))]
    blocks = Levenshtein.opcodes([h.symbol for h in heard], [symbol for line in lines for symbol in line])
    agreed = [b for b in blocks if b.tag == "equal" and b.src_end - b.src_start >= agree]
    letter = float(
        np.median([(heard[b.src_end - 1].first - heard[b.src_start].first) / (b.src_end - b.src_start - 1) for b in agreed] or [0])
    )
    votes: list[list[float]] = [[] for _ in lines]
    for block in agreed:
        for k in range(block.src_end - block.src_start):
            number, place = owners[block.dest_start + k]
            votes[number].append(heard[block.src_start + k].first - letter * place)
    near: list[tuple[float, ...]] = [(float(np.median(own)),) if own else () for own in votes]
    before = np.concatenate([[0], np.cumsum([len(line) for line in lines])])
    known = [number for number, own in enumerate(votes) if own]
    for number in range(len(lines)):
        if not votes[number]:
            at = bisect(known, number)
            beside = [*known[max(0, at - 1) : at], *known[at : at + 1]]
            near[number] = tuple(near[other][0] + letter * float(before[number] - before[other]) for other in beside)
    return near
