"""A whole text on a whole recording: anchors where what was heard and what is written agree, forced alignment between them.

1. What the recogniser hears by itself is laid beside the text, letter by letter (edit distance over the whole of both). Where a stretch of
   letters agrees, word and sound are anchored: so hours are cut into windows of seconds, each with the words that belong there.
2. In each window the words are aligned by force, with a star between them that takes what is said and not written.
3. A run of words that fits nowhere was not said: it is taken out, and its window aligned anew.
4. Windows that fit badly on both sides of an anchor are aligned as one, and stay joined where that fits better: the anchor was false.

Sources: anchors: Moreno et al. 1998 (a recursive algorithm for the forced alignment of very long audio); the rest as `models.forced`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.models import forced
from speech.models.ctc import Emissions, Greedy


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSettings:
    """How text and sound are laid together.

    `agree` letters in a row anchor a word; windows are cut from `window_s` on, where an anchor is. A star costs `star_cost` nats a frame
    more than the likeliest sound. Runs of at least `unsaid_words` words that each score under `unsaid_score`, and are squeezed into fewer
    than `unsaid_frames` frames a symbol, were not said. A window is `poor` where its symbols score less on average.
    """

    agree: int = 4
    window_s: float = 6.0
    longest_s: float = 120.0
    star_cost: float = 2.0
    unsaid_words: int = 3
    unsaid_score: float = 0.3
    unsaid_frames: float = 1.4
    poor: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A word in frames, each of its symbols (first frame, frame after the last), and its score: 1 where each symbol is the likeliest of all."""

    first: int
    end: int
    symbols: tuple[tuple[int, int], ...]
    score: float


def place_words(
    emissions: Emissions, words: Sequence[Sequence[int]], *, blank: int, word_break: int | None, frame_s: float,
    settings: WindowSettings | None = None,
) -> list[Placement | None]:  # fmt: skip
    """A place for each word, None for one that was not said, or has no symbols.

    Parameters
    ----------
    emissions : natural-log probabilities (frames, vocabulary) of the whole recording
    words : the symbols of each word, in order; empty where nothing of it can be heard
    word_break : the symbol that the recogniser writes between words, where it has one
    """
    settings = settings or WindowSettings()
    aligner = _Aligner(emissions, words, blank, word_break, frame_s, settings)
    return aligner.run()


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
        settings: WindowSettings,
    ) -> None:  # fmt: skip
        self.emissions, self.words, self.blank, self.word_break = emissions, words, blank, word_break
        self.frame_s, self.settings = frame_s, settings
        self.peaks = np.delete(emissions, blank, axis=-1).max(-1)
        self.star = emissions.shape[1]
        starred = forced.with_star(emissions, blank, settings.star_cost)
        if word_break is not None:
            # Between words the recogniser's own break counts as well as the star.
            starred[:, self.star] = np.maximum(starred[:, self.star], emissions[:, word_break])
        self.starred = starred
        self.heard = [0] * len(words)
        """How many symbols of each word the recogniser heard by itself."""

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
        return [placed.get(number) for number in range(len(self.words))]

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
            bad = self._unsaid(placed, numbers)
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
        return Placement(first=spans[0][0], end=spans[-1][1], symbols=spans, score=float(np.exp(np.mean(behind))))

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


Frames = NDArray[np.int64]
