"""A whole text on a whole recording: anchors where what was heard and what is written agree, forced alignment between them.

1. What the recogniser hears by itself is laid beside the text, letter by letter (edit distance over the whole of both). Where a stretch of
   letters agrees, word and sound are anchored: so hours are cut into windows of seconds, each with the words that belong there.
2. In each window the words are aligned by force, with a star between them that takes what is said and not written.
3. A line, or a run of words, that fits nowhere is taken out, and its window aligned anew, so that its neighbours find their place. It
   comes back where they leave room with as much speech in it; else it was not said.
4. Windows that fit badly on both sides of an anchor are aligned as one, and stay joined where that fits better: the anchor was false.

Sources: anchors: Moreno et al. 1998 (a recursive algorithm for the forced alignment of very long audio); the rest as `models.forced`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from speech.models import forced
from speech.models.ctc import Emissions, Greedy


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSettings:
    """How text and sound are laid together; chosen on dev sessions of six languages, lines of which were left out and put in.

    agree : letters in a row that anchor a word
    window_s : windows are cut from here on, where an anchor is; longest_s : the longest that two are joined to
    star_cost : what the star costs a frame (nats), beside the likeliest sound
    unsaid_words, unsaid_score, unsaid_frames : so many words in a row, each under the score, in fewer frames a symbol, were not said
    absent_score : nor was a line under this score, unless there is room for it
    poor : a window is, where its symbols score less on average
    pause_s : the longest pause in a word; line_pause_s : in a line, beside words that score under stray_score
    """

    agree: int = 4
    window_s: float = 6.0
    longest_s: float = 120.0
    star_cost: float = 1.0
    absent_score: float = 0.12
    unsaid_words: int = 3
    unsaid_score: float = 0.3
    unsaid_frames: float = 1.4
    poor: float = 0.25
    pause_s: float = 0.8
    line_pause_s: float = 0.8
    stray_score: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A word in frames; its symbols (first frame, frame after the last); its score: 1 where each symbol is the likeliest of all.

    `behind` tells, symbol by symbol, how far it lies behind the likeliest one (natural log); the score is the exponential of their mean.
    """

    first: int
    end: int
    symbols: tuple[tuple[int, int], ...]
    behind: tuple[float, ...]
    score: float


def place_words(
    emissions: Emissions, words: Sequence[Sequence[int]], *, blank: int, word_break: int | None, frame_s: float,
    lines: Sequence[int] | None = None, settings: WindowSettings | None = None,
) -> list[Placement | None]:  # fmt: skip
    """A place for each word, None for one that was not said, or has no symbols.

    Parameters
    ----------
    emissions : natural-log probabilities (frames, vocabulary) of the whole recording
    words : the symbols of each word, in order; empty where nothing of it can be heard
    word_break : the symbol that the recogniser writes between words, where it has one
    lines : the number of each word's line; without, all words are one
    """
    return _Aligner(emissions, words, blank, word_break, frame_s, lines or [0] * len(words), settings or WindowSettings()).run()


@dataclass(frozen=True, slots=True)
class _Window:
    """Frames and words that belong together."""

    first: int
    end: int
    word: int
    word_end: int


class _Aligner:
    def __init__(
        self, emissions: Emissions, words: Sequence[Sequence[int]], blank: int, word_break: int | None, frame_s: float,
        lines: Sequence[int], settings: WindowSettings,
    ) -> None:  # fmt: skip
        self.emissions, self.words, self.blank, self.word_break = emissions, words, blank, word_break
        self.frame_s, self.lines, self.settings = frame_s, lines, settings
        self.peaks = np.delete(emissions, blank, axis=-1).max(-1)
        self.star = emissions.shape[1]
        starred = forced.with_star(emissions, blank, settings.star_cost)
        if word_break is not None:
            # Between words the recogniser's own break counts as well as the star.
            starred[:, self.star] = np.maximum(starred[:, self.star], emissions[:, word_break])
        self.starred = starred
        self.heard = [0] * len(words)
        """How many symbols of each word the recogniser heard by itself."""
        self.sounds: list[int] = []
        """First frames of what it heard by itself."""

    def run(self) -> list[Placement | None]:
        windows = self._windows()
        placed_by_window = [self._aligned(window) for window in windows]
        k = 0
        while k + 1 < len(windows):
            if self._is_poor(windows[k], placed_by_window[k]) and self._is_poor(windows[k + 1], placed_by_window[k + 1]):
                one, two = windows[k], windows[k + 1]
                joined = _Window(one.first, two.end, one.word, two.word_end)
                if (joined.end - joined.first) * self.frame_s <= self.settings.longest_s:
                    placed = self._aligned(joined)
                    if self._weight(placed) > self._weight(placed_by_window[k]) + self._weight(placed_by_window[k + 1]):
                        windows[k : k + 2], placed_by_window[k : k + 2] = [joined], [placed]
                        k = max(0, k - 1)
                        continue
            k += 1
        placed = {word: placement for some in placed_by_window for word, placement in some.items()}
        self._put_back(placed)
        self._gather(placed)
        return [placed.get(number) for number in range(len(self.words))]

    def _put_back(self, placed: dict[int, Placement]) -> None:
        """Words that were taken out, where their neighbours left room for them with half as many sounds in it."""
        run: list[int] = []
        before = 0
        for number in range(len(self.words) + 1):
            here = placed.get(number)
            if here is None and number < len(self.words):
                run += [number] if self.words[number] else []
                continue
            end = here.first if here is not None else len(self.emissions)
            symbols = sum(len(self.words[n]) for n in run)
            sounds = bisect_left(self.sounds, end) - bisect_left(self.sounds, before)
            need = forced.needed_frames(self._targets(run)[0])
            if run and end - before >= 1.3 * need and 2 * sounds >= symbols:
                placed.update(self._forced(_Window(before, end, run[0], run[-1] + 1), run))
            run, before = [], here.end if here is not None else end

    def _gather(self, placed: dict[int, Placement]) -> None:
        """Take out words that strayed: a long pause away from the rest of their line, and fitting badly there."""
        by_line: dict[int, list[int]] = {}
        for number in sorted(placed):
            by_line.setdefault(self.lines[number], []).append(number)
        most = self.settings.line_pause_s / self.frame_s
        for own in by_line.values():
            while len(own) > 1:
                gap, cut = max((placed[b].first - placed[a].end, k + 1) for k, (a, b) in enumerate(zip(own, own[1:], strict=False)))
                sides = sorted((own[:cut], own[cut:]), key=lambda side: self._weight({n: placed[n] for n in side}))
                if gap <= most or np.mean([placed[n].score for n in sides[0]]) >= self.settings.stray_score:
                    break
                for number in sides[0]:
                    del placed[number]
                own = sides[1]

    def _weight(self, placed: dict[int, Placement]) -> float:
        """How many symbols stand where they fit."""
        return sum(placement.score * len(self.words[word]) for word, placement in placed.items())

    def _is_poor(self, window: _Window, placed: dict[int, Placement]) -> bool:
        """Whether the words of a window fit badly on the whole."""
        symbols = sum(len(self.words[n]) for n in range(window.word, window.word_end))
        return symbols > 0 and self._weight(placed) < self.settings.poor * symbols

    # Anchors.

    def _windows(self) -> list[_Window]:
        """The recording cut at anchors: each window ends where a word begins in text and sound."""
        cuts = self._anchors()
        windows: list[_Window] = []
        first, word = 0, 0
        least = self.settings.window_s / self.frame_s
        for frame, at in cuts:
            if frame - first >= least and at > word:
                windows.append(_Window(first, frame, word, at))
                first, word = frame, at
        windows.append(_Window(first, len(self.emissions), word, len(self.words)))
        return windows

    def _anchors(self) -> list[tuple[int, int]]:
        """(frame, word) pairs, in order: the sound of the word begins at the frame; letters on both sides agree."""
        from rapidfuzz.distance import Levenshtein

        heard = [h for h in Greedy(blank=self.blank).path(self.emissions) if h.symbol != self.word_break]
        self.sounds = [h.first for h in heard]
        flat = [(symbol, number, k == 0) for number, word in enumerate(self.words) for k, symbol in enumerate(word)]
        blocks = Levenshtein.opcodes([h.symbol for h in heard], [symbol for symbol, _, _ in flat])
        anchors: list[tuple[int, int]] = []
        for block in blocks:
            if block.tag == "equal":
                for _, number, _ in flat[block.dest_start : block.dest_end]:
                    self.heard[number] += 1
            if block.tag != "equal" or block.src_end - block.src_start < self.settings.agree:
                continue
            for k in range(1, block.src_end - block.src_start):
                _, number, begins = flat[block.dest_start + k]
                left, right = k, block.src_end - block.src_start - k
                if begins and left >= 2 and right >= 2:
                    before, after = heard[block.src_start + k - 1], heard[block.src_start + k]
                    anchors.append(((before.end + after.first + 1) // 2, number))
        return anchors

    # Windows.

    def _targets(self, numbers: Sequence[int]) -> tuple[list[int], list[tuple[int, int]]]:
        """Symbols of words with a star before, between and after, and (word, place of its symbol) by place; -1 for a star."""
        targets, owners = [self.star], [(-1, 0)]
        for number in numbers:
            if self.words[number]:
                targets += [*self.words[number], self.star]
                owners += [*((number, k) for k in range(len(self.words[number]))), (-1, 0)]
        return targets, owners

    def _aligned(self, window: _Window) -> dict[int, Placement]:
        """The words of a window placed; runs of words that were not said are left out, and the others aligned anew."""
        numbers = [n for n in range(window.word, window.word_end) if self.words[n]]
        for _ in range(4):
            if not numbers:
                return {}
            numbers = self._that_fit(numbers, window.end - window.first)
            if not numbers:
                return {}
            placed = self._forced(window, numbers)
            bad = self._unsaid(placed, numbers) | self._absent(placed, numbers)
            if not bad:
                return placed
            numbers = [n for n in numbers if n not in bad]
        return placed

    def _that_fit(self, numbers: list[int], frames: int) -> list[int]:
        """The words without those that were heard least, until the others have room."""
        need = forced.needed_frames(self._targets(numbers)[0])
        if need <= frames:
            return numbers
        out: set[int] = set()
        for number in sorted(numbers, key=lambda n: (self.heard[n] / len(self.words[n]), -n)):
            out.add(number)
            need -= len(self.words[number]) + 1
            if need <= frames and forced.needed_frames(self._targets([n for n in numbers if n not in out])[0]) <= frames:
                break
        return [n for n in numbers if n not in out]

    def _forced(self, window: _Window, numbers: Sequence[int]) -> dict[int, Placement]:
        targets, owners = self._targets(numbers)
        found = forced.align(self.starred[window.first : window.end], targets, blank=self.blank)
        by_word: dict[int, list[forced.Placed]] = {}
        for placed in found:
            word, _ = owners[placed.place]
            if word >= 0:
                by_word.setdefault(word, []).append(placed)
        return {word: self._placement(window.first, symbols) for word, symbols in by_word.items()}

    def _placement(self, first: int, symbols: Sequence[forced.Placed]) -> Placement:
        spans = tuple((first + s.first, first + s.end) for s in symbols)
        # How far each symbol, at its clearest, lies behind the likeliest sound of that frame.
        behind = []
        for (start, end), symbol in zip(spans, symbols, strict=True):
            best = int(symbol.scores.argmax())
            behind.append(min(0.0, float(symbol.scores[best] - self.peaks[start:end][best])))
        spans = self._together(spans, behind)
        return Placement(first=spans[0][0], end=spans[-1][1], symbols=spans, behind=tuple(behind), score=float(np.exp(np.mean(behind))))

    def _together(self, spans: tuple[tuple[int, int], ...], behind: Sequence[float]) -> tuple[tuple[int, int], ...]:
        """The symbols of a word without those that lie a long pause away from the rest: these stand at its edge then."""
        most = self.settings.pause_s / self.frame_s
        gaps = [(b[0] - a[1], k + 1) for k, (a, b) in enumerate(zip(spans, spans[1:], strict=False))]
        widest, cut = max(gaps, default=(0, 0))
        if widest <= most:
            return spans
        if sum(np.exp(behind[:cut])) >= sum(np.exp(behind[cut:])):
            kept = self._together(spans[:cut], behind[:cut])
            return (*kept, *[(kept[-1][1], kept[-1][1])] * (len(spans) - cut))
        kept = self._together(spans[cut:], behind[cut:])
        return (*[(kept[0][0], kept[0][0])] * cut, *kept)

    def _absent(self, placed: dict[int, Placement], numbers: Sequence[int]) -> set[int]:
        """Words of lines that fit nowhere."""
        by_line: dict[int, list[int]] = {}
        for number in numbers:
            by_line.setdefault(self.lines[number], []).append(number)
        return {
            n
            for own in by_line.values()
            if len(own) >= self.settings.unsaid_words and np.mean([placed[n].score for n in own]) < self.settings.absent_score
            for n in own
        }

    def _unsaid(self, placed: dict[int, Placement], numbers: Sequence[int]) -> set[int]:
        """Words of runs in which none fits."""
        found: set[int] = set()
        run: list[int] = []
        for number in [*numbers, -1]:
            if number >= 0 and placed[number].score < self.settings.unsaid_score:
                run.append(number)
                continue
            if len(run) >= self.settings.unsaid_words:
                symbols = sum(len(self.words[n]) for n in run)
                if placed[run[-1]].end - placed[run[0]].first < self.settings.unsaid_frames * symbols:
                    found.update(run)
            run = []
        return found
