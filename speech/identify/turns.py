"""Languages in a recording that is open: its speech cut into pieces, heard by an engine, and weighed for turns and for the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from speech.audio import Signal
from speech.identify.records import RATE, Candidate, Identifier, LanguageTurn, Piece, Progress, Settings
from speech.models.encoder import speech_gain
from speech.types import Span, Turn

Evidence = tuple[Sequence[NDArray[np.float32]], Sequence[int]]
"""Weights of each piece of a turn, as `Identifier.weigh` gives them, and the pieces' lengths in milliseconds."""


class Listening:
    """What was heard of one recording so far, piece by piece."""

    def __init__(self, signal: Signal, engine: Identifier, settings: Settings, candidates: Sequence[str] | None, report: Progress) -> None:
        self._signal = signal
        self._engine = engine
        self._settings = settings
        self._candidates = candidates
        self._report = report
        self._weights: list[NDArray[np.float32]] = []
        self._lengths: list[int] = []
        self.heard: list[Span] = []

    def of_recording(self, speech: Sequence[Span]) -> LanguageTurn:
        """The language of the whole recording, by stretches of speech spread over it."""
        chosen = _spread(speech, self._settings.most_ms)
        self._hear(list(_pieces(chosen, None, self._settings.piece_ms)), _gains(self._signal, chosen, ()))
        return self.of_all()

    def of_turns(self, turns: Sequence[Turn], speech: Sequence[Span]) -> list[LanguageTurn]:
        """The language of each turn, by the speech in it."""
        return [self._told(turn, *evidence) for turn, evidence in zip(turns, self.weighed(turns, speech), strict=True)]

    def weighed(self, turns: Sequence[Turn], speech: Sequence[Span]) -> list[Evidence]:
        """What was heard in each turn, by the speech in it."""
        inside = [_first(_common(turn.span, speech), self._settings.turn_ms) for turn in turns]
        pieces_by_turn = [list(_pieces(own, turn.channel, self._settings.piece_ms)) for turn, own in zip(turns, inside, strict=True)]
        before = len(self._weights)
        self._hear([piece for own in pieces_by_turn for piece in own], _gains(self._signal, speech, [t.channel for t in turns]))
        evidence: list[Evidence] = []
        for own in pieces_by_turn:
            after = before + len(own)
            evidence.append((self._weights[before:after], self._lengths[before:after]))
            before = after
        return evidence

    def of_all(self) -> LanguageTurn:
        """The language of all that was heard."""
        whole = Turn(span=Span(start_ms=0, end_ms=self._signal.probe.found_ms), speaker="")
        return self._told(whole, self._weights, self._lengths)

    def _hear(self, pieces: Sequence[Piece], gains: dict[int | None, float]) -> None:
        heard = self._engine.weigh(self._signal, pieces, gains, lambda step, done, total: self._report(step, done, total))
        for piece, weights in zip(pieces, heard, strict=True):
            self._weights.append(weights)
            self._lengths.append(piece.length_ms)
            self.heard += piece.spans

    def _told(self, turn: Turn, weights: Sequence[NDArray[np.float32]], lengths: Sequence[int]) -> LanguageTurn:
        engine, speech_ms = self._engine, sum(lengths)
        about = {"span": turn.span, "speaker": turn.speaker or None, "channel": turn.channel, "speech_ms": speech_ms}
        if speech_ms < engine.least_ms:
            return LanguageTurn(language=None, probability=None, **about)  # type: ignore[arg-type]  # a table of its own fields
        found = listed(engine.probabilities(weights, lengths), engine.languages, self._candidates, self._settings.listed_odds)
        best = found[0]
        return LanguageTurn(language=best.language, probability=best.probability, candidates=found, **about)  # type: ignore[arg-type]


def listed(
    probabilities: NDArray[np.float64], known: Sequence[str], candidates: Sequence[str] | None, odds: float, most: int = 10
) -> tuple[Candidate, ...]:
    """Languages by probability, likeliest first, None (none of these) among them.

    A list says that these languages are likelier, not that no other is possible: one that is not on it has its odds divided by
    `odds`, and counts as none of these.
    """
    kept = list(known) if candidates is None else list(dict.fromkeys(candidates))
    own = {code: float(p) for code, p in zip(known, probabilities, strict=False)}
    other = sum(p for code, p in own.items() if code not in kept) / odds
    none = float(probabilities[-1]) + other
    total = sum(own[code] for code in kept) + none
    rows = [Candidate(language=code, probability=round(own[code] / total, 4)) for code in kept]
    rows.append(Candidate(language=None, probability=round(none / total, 4)))
    rows.sort(key=lambda c: (-c.probability, c.language or ""))
    last = next(n for n, row in enumerate(rows) if row.language is None)
    return tuple(rows[:most] if last < most else [*rows[: most - 1], rows[last]])


def _spread(speech: Sequence[Span], most_ms: int) -> list[Span]:
    """Stretches of at most `most_ms` in all, evenly from the whole recording."""
    total = sum(span.length_ms for span in speech)
    if total <= most_ms:
        return list(speech)
    kept: list[Span] = []
    due = 0.0
    for span in speech:
        due += span.length_ms * most_ms / total
        if due >= span.length_ms or not kept:
            kept.append(span)
            due -= span.length_ms
    return kept


def _pieces(spans: Sequence[Span], channel: int | None, piece_ms: int) -> Iterator[Piece]:
    """Spans joined and cut into pieces of at most `piece_ms`, about equally long where one span is longer."""
    held: list[Span] = []
    for span in spans:
        count = -(-span.length_ms // piece_ms)
        edges = [span.start_ms + span.length_ms * n // max(1, count) for n in range(count + 1)]
        for start, end in zip(edges, edges[1:], strict=False):
            if held and sum(s.length_ms for s in held) + end - start > piece_ms:
                yield Piece(spans=tuple(held), channel=channel)
                held = []
            held.append(Span(start_ms=start, end_ms=end))
    if held:
        yield Piece(spans=tuple(held), channel=channel)


def _common(span: Span, speech: Sequence[Span]) -> list[Span]:
    """The speech within a span."""
    cut = [Span(start_ms=max(span.start_ms, s.start_ms), end_ms=min(span.end_ms, s.end_ms)) for s in speech]
    return [s for s in cut if s.length_ms > 0]


def _first(spans: Sequence[Span], most_ms: int | None) -> list[Span]:
    """The first `most_ms` of spans; None for all."""
    if most_ms is None:
        return list(spans)
    kept, left = [], most_ms
    for span in spans:
        if left > 0:
            kept.append(Span(start_ms=span.start_ms, end_ms=min(span.end_ms, span.start_ms + left)))
            left -= kept[-1].length_ms
    return kept


def _gains(signal: Signal, speech: Sequence[Span], channels: Sequence[int | None]) -> dict[int | None, float]:
    """What brings each channel's speech to unit power."""
    return {channel: speech_gain(signal, speech, RATE, channel) for channel in dict.fromkeys((None, *channels))}
