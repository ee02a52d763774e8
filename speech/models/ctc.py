"""From emissions to words: the best path, when each symbol sounds, how sure it is, and what else was near.

`Decoder` is the seam: it gets log probabilities (frames, vocabulary) and gives symbols with frames. Greedy here; with a
language model in `speech.models.lm`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speech.languages import Language
from speech.text import WORD_BREAK, compose, in_capitals, lowered
from speech.types import Alternative

Emissions = NDArray[np.float32]

PIECE = "\u2581"
"""What begins a piece of SentencePiece at the start of a word."""
_SPECIAL = re.compile(r"<(?!0x[0-9A-F]{2}>)[^<>]+>|\[[A-Z_]+\]")
_BYTES = re.compile(r"(?:<0x[0-9A-F]{2}>)+")


def is_special(symbol: str) -> bool:
    """Whether a symbol stands for no letter: blank, unknown, start and end, names of noises in < > or [ ]."""
    return bool(_SPECIAL.fullmatch(symbol))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One symbol of a path: its number, first frame, frame after the last, and mean log probability in nats.

    `surprisal` is what a letter costs around it (nats), where a language model told.
    """

    symbol: int
    first: int
    end: int
    score: float
    surprisal: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a word may be instead, and how likely in the frame where the two differ, as a share of the word's own letter (0..1)."""

    text: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardWord:
    """A word of a path: text, frames, raw confidence in 0..1 (not yet calibrated), other readings, likeliest first."""

    text: str
    first: int
    end: int
    raw: float
    surprisal: float = 0.0
    readings: tuple[Reading, ...] = ()


class Decoder(Protocol):
    """Turns emissions of segments into symbols in time."""

    def __call__(self, emissions: Sequence[Emissions]) -> list[list[Heard]]:
        """Symbols of each segment's path in order, blanks and specials left out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Greedy:
    """The best symbol of each frame, repeats joined, blanks dropped (Graves et al. 2006)."""

    blank: int
    silent: frozenset[int] = frozenset()
    """Specials that are never written."""

    def __call__(self, emissions: Sequence[Emissions]) -> list[list[Heard]]:
        """Symbols of each path in order."""
        return [self.path(own) for own in emissions]

    def path(self, emissions: Emissions) -> list[Heard]:
        """Symbols of one path in order. A tie goes to the lower number, as argmax has it."""
        if not len(emissions):
            return []
        path = emissions.argmax(-1)
        edges = np.flatnonzero(np.diff(path)) + 1
        starts = np.concatenate([[0], edges])
        ends = np.concatenate([edges, [len(path)]])
        best = emissions[np.arange(len(path)), path]
        sums = np.concatenate([[0.0], np.cumsum(best, dtype=np.float64)])
        return [
            Heard(symbol=int(path[a]), first=int(a), end=int(b), score=float((sums[b] - sums[a]) / (b - a)))
            for a, b in zip(starts, ends, strict=True)
            if path[a] != self.blank and int(path[a]) not in self.silent
        ]


def words(
    heard: Sequence[Heard], emissions: Emissions, symbols: Sequence[str], language: Language, *, readings: int = 3
) -> list[HeardWord]:
    """Words of a path, with confidence and up to `readings` other readings where a symbol was unsure."""
    found: list[HeardWord] = []
    write = _writer(symbols, language)
    group: list[Heard] = []
    for symbol in [*heard, None]:
        letters = "" if symbol is None else letters_of(symbols[symbol.symbol])
        if symbol is not None and letters and not begins_word(symbols[symbol.symbol]):
            group.append(symbol)
            continue
        text = write([symbols[h.symbol] for h in group])
        if text:
            found.append(
                HeardWord(
                    text=text,
                    first=group[0].first,
                    end=group[-1].end,
                    raw=_confidence(group, emissions),
                    surprisal=float(np.mean([h.surprisal for h in group])),
                    readings=_readings(group, emissions, symbols, write, text, readings),
                )
            )
        group = [symbol] if symbol is not None and letters else []
    return found


def begins_word(symbol: str) -> bool:
    """Whether a word begins at a symbol: at a word break, or with a piece that starts one."""
    return symbol in (WORD_BREAK, " ") or symbol.startswith(PIECE)


def letters_of(symbol: str) -> str:
    """What a symbol writes inside a word."""
    return "" if symbol in (WORD_BREAK, " ") else symbol.removeprefix(PIECE)


def _writer(symbols: Sequence[str], language: Language) -> Callable[[Sequence[str]], str]:
    """From the symbols of one word to its text; a vocabulary in capitals is written in small letters."""
    capitals = in_capitals(symbols)

    def write(word: Sequence[str]) -> str:
        text = compose([letters for symbol in word if (letters := letters_of(symbol))], language).strip()
        if "<0x" in text:
            text = _BYTES.sub(lambda found: bytes.fromhex(found[0].replace("<0x", "").replace(">", "")).decode("utf-8", "replace"), text)
        return lowered(text, language) if capitals else text

    return write


def _confidence(group: Sequence[Heard], emissions: Emissions) -> float:
    """A word's raw confidence: the square root of the probability that each of its letters, at its clearest, is right.

    So a longer word is less sure than a short one of equally clear letters. The root keeps long words apart from
    nothing; calibration undoes it.
    """
    peaks = [emissions[letter.first : letter.end, letter.symbol].max() for letter in group]
    return float(np.exp(0.5 * np.sum(peaks, dtype=np.float64)))


def alternatives(confidence: float, readings: Sequence[Reading]) -> tuple[Alternative, ...]:
    """Other readings on the scale of their word, whose calibrated confidence is given.

    Each has the word's confidence times the square of its share, and all together at most what the word leaves of 1: so
    no reading is surer than the word, and a set never sums over 1. The square is measured: on dev, over 12,565 readings in
    seven languages, log loss was 0.0475 with the share itself, 0.0404 with its square and 0.0416 with its cube; on test the
    mean was 1.1 % where 0.9 % were right. Cut to three places, the word's own, so that rounding breaks neither.
    """
    sure = [confidence * reading.share**2 for reading in readings]
    fits = min(1.0, (1 - confidence) / sum(sure)) if sum(sure) else 1.0
    return tuple(
        Alternative(text=reading.text, confidence=math.floor(1000 * value * fits + 1e-9) / 1000)
        for reading, value in zip(readings, sure, strict=True)
    )


def _readings(
    group: Sequence[Heard], emissions: Emissions, symbols: Sequence[str], write: Callable[[Sequence[str]], str], text: str, most: int
) -> tuple[Reading, ...]:
    """Readings that differ in one place of the path: its second symbol in place of the first, or nothing."""
    options: dict[str, float] = {}
    for place, own in enumerate(group):
        frames = emissions[own.first : own.end]
        peak = frames[int(frames.max(-1).argmax())]
        order = np.argsort(-peak, kind="stable")[:3]
        for other in order:
            # A language model may have chosen what sounds less likely.
            ratio = min(1.0, float(np.exp(peak[other] - peak[own.symbol])))
            if other == own.symbol or ratio < 0.02:
                continue
            name = symbols[int(other)]
            before, after = ([symbols[h.symbol] for h in part] for part in (group[:place], group[place + 1 :]))
            if begins_word(name):
                reading = " ".join(filter(None, (write(before), write([name, *after]))))
            else:
                reading = write([*before, *([] if is_special(name) else [name]), *after])
            if reading and reading != text:
                options[reading] = max(options.get(reading, 0.0), ratio)
    ranked = sorted(options.items(), key=lambda item: (-item[1], item[0]))[:most]
    return tuple(Reading(text=reading, share=share) for reading, share in ranked)


def letters_in(heard: Sequence[Heard], symbols: Sequence[str]) -> int:
    """How many letters a path writes (word breaks not counted)."""
    return sum(1 for h in heard if letters_of(symbols[h.symbol]))
