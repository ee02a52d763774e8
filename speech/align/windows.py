"""A whole text on a whole recording: lines laid on pauses, then their words aligned by force.

1. Lines are laid on the recording from pause to pause (`laying`), so that hours fall into windows of seconds, each with the lines that
   belong there; lines that nobody said are found out, and speech that is not written is left over.
2. In each window the words are aligned by force, with a star between them that takes what is said and not written. Lines with a pause
   between them stand in windows of their own; where none is, they share one of minutes at most, and letters say where one ends.
3. A run of words that has too little room for its letters was not said: it is taken out, and its window aligned anew.

Source: as `laying` and `models.forced`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from speech.align.laying import ANYTHING, LayingSettings, Pauses, lay
from speech.models import forced
from speech.models.ctc import Emissions


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSettings:
    """How text and sound are laid together; chosen on dev sessions, lines of which were left out and put in.

    star_cost : what the star costs a frame (nats), beside the likeliest sound
    unsaid_words, unsaid_score, unsaid_frames : so many words in a row, each under the score, in fewer frames a symbol, were not said
    pause_s : the longest pause in a word
    cut_s : a pause between two lines from which on each has its own window; margin_s : what a window takes of a pause
    longest_s : the longest window of several lines: its memory grows with the square of its length, and speech may know no pause
    piece : letters from which on a line is laid in pieces, for laying is slow where they are long
    """

    laying: LayingSettings = field(default_factory=LayingSettings)
    star_cost: float = 1.0
    unsaid_words: int = 3
    unsaid_score: float = 0.3
    unsaid_frames: float = 1.4
    pause_s: float = 0.8
    cut_s: float = 0.2
    margin_s: float = 0.2
    longest_s: float = 120.0
    piece: int = 160


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a text stands, in frames.

    words : a place for each word; None for one that was not said, or has no symbols
    lines : for each line number from which pause to which it was laid; lines that were not found are not in it
    """

    words: list[Placement | None]
    lines: dict[int, tuple[int, int]]


def place_words(
    emissions: Emissions, words: Sequence[Sequence[int]], *, blank: int, word_break: int | None, frame_s: float, pauses: Pauses,
    lines: Sequence[int] | None = None, unheard: Sequence[int] | None = None, settings: WindowSettings | None = None,
) -> Placed:  # fmt: skip
    """A place for each word.

    Parameters
    ----------
    emissions : natural-log probabilities (frames, vocabulary) of the whole recording
    words : the symbols of each word, in order; empty where nothing of it can be heard
    word_break : the symbol that the recogniser writes between words, where it has one
    pauses : where lines may end and begin
    lines : the number of each word's line; without, all words are one
    unheard : how many letters' time each word takes that has no symbols
    """
    lines, unheard = lines or [0] * len(words), unheard or [0] * len(words)
    return _Aligner(emissions, words, blank, word_break, frame_s, pauses, lines, unheard, settings or WindowSettings()).run()


@dataclass(frozen=True, slots=True)
class _Window:
    """Frames and words that belong together."""

    first: int
    end: int
    words: list[int]


class _Aligner:
    def __init__(
        self, emissions: Emissions, words: Sequence[Sequence[int]], blank: int, word_break: int | None, frame_s: float, pauses: Pauses,
        lines: Sequence[int], unheard: Sequence[int], settings: WindowSettings,
    ) -> None:  # fmt: skip
        self.emissions, self.words, self.blank, self.word_break = emissions, words, blank, word_break
        self.frame_s, self.pauses, self.lines, self.unheard, self.settings = frame_s, pauses, lines, unheard, settings
        self.peaks = np.delete(emissions, blank, axis=-1).max(-1)
        self.star = emissions.shape[1]
        starred = forced.with_star(emissions, blank, settings.star_cost)
        if word_break is not None:
            # Between words the recogniser's own break counts as well as the star.
            starred[:, self.star] = np.maximum(starred[:, self.star], emissions[:, word_break])
        self.starred = starred

    def run(self) -> Placed:
        pieces = self._pieces()
        symbols = [[s for n in piece for s in self.words[n] or [ANYTHING] * (self.unheard[n] > 0)] for piece in pieces]
        unspelt = [sum(self.unheard[number] for number in piece) for piece in pieces]
        laid = lay(
            self.emissions, symbols, self.pauses, blank=self.blank, word_break=self.word_break, frame_s=self.frame_s,
            unspelt=unspelt, settings=self.settings.laying,
        )  # fmt: skip
        placed: dict[int, Placement] = {}
        for window in self._windows(pieces, laid):
            placed.update(self._aligned(window))
        spans: dict[int, tuple[int, int]] = {}
        for piece, place in zip(pieces, laid, strict=True):
            if place:
                first, end = spans.get(self.lines[piece[0]], place)
                spans[self.lines[piece[0]]] = (min(first, place[0]), max(end, place[1]))
        return Placed(words=[placed.get(number) for number in range(len(self.words))], lines=spans)

    def _pieces(self) -> list[list[int]]:
        """The numbers of the words of each line; a long line falls into several of about the same length."""
        pieces: list[list[int]] = []
        for _, group in itertools.groupby(range(len(self.words)), key=lambda number: self.lines[number]):
            own = list(group)
            letters = sum(len(self.words[n]) + self.unheard[n] for n in own)
            most = letters / max(1, -(-letters // self.settings.piece))
            pieces.append([])
            held = 0
            for number in own:
                if held >= most and pieces[-1]:
                    pieces.append([])
                    held = 0
                pieces[-1].append(number)
                held += len(self.words[number]) + self.unheard[number]
        return pieces

    def _windows(self, pieces: Sequence[Sequence[int]], laid: Sequence[tuple[int, int] | None]) -> list[_Window]:
        """Lines as they were laid, those without a pause between them together; with a margin in the pauses on both sides."""
        windows: list[_Window] = []
        for piece, place in zip(pieces, laid, strict=True):
            words = [n for n in piece if self.words[n]]
            if place is None:
                continue
            near = windows and (place[0] - windows[-1].end) * self.frame_s < self.settings.cut_s
            if near and (place[1] - windows[-1].first) * self.frame_s <= self.settings.longest_s:
                windows[-1] = _Window(windows[-1].first, place[1], windows[-1].words + words)
            else:
                windows.append(_Window(*place, words))
        margin = round(self.settings.margin_s / self.frame_s)
        wide = []
        for k, window in enumerate(windows):
            before = windows[k - 1].end if k else 0
            after = windows[k + 1].first if k + 1 < len(windows) else len(self.emissions)
            first = max(window.first - margin, (before + window.first) // 2 if k else 0)
            wide.append(_Window(first, min(window.end + margin, (window.end + after + 1) // 2), window.words))
        return wide

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
        numbers, placed = window.words, {}
        for _ in range(4):
            numbers = self._that_fit(numbers, window.end - window.first)
            placed = self._forced(window, numbers) if numbers else {}
            bad = self._unsaid(placed, numbers)
            if not bad:
                break
            numbers = [n for n in numbers if n not in bad]
        return placed

    def _that_fit(self, numbers: list[int], frames: int) -> list[int]:
        """The words without the last of them that have no room."""
        kept = list(numbers)
        while kept and forced.needed_frames(self._targets(kept)[0]) > frames:
            kept.pop()
        return kept

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
