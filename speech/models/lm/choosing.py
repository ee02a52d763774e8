"""Which n-grams serve a text: smoothing, order and pruning by perplexity on sentences that are not learnt from.

One thing after the other (a full grid gives the same within a per cent): smoothing, then longer n-grams while they help, then harder
pruning while it costs nothing. Of two within a per cent the smaller is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from speech.models.lm.ngram import longest_order
from speech.models.lm.train import Row, Smoothing, TrainSettings, perplexity, train

LEAST_SENTENCES = 100
"""Different sentences under which nothing is chosen: ten held out say nothing."""
MOST_SENTENCES = 20_000
"""Of more, so many are looked at, spread evenly."""
EVERY = 10
ORDERS = (4, 5, 6, 7, 8, 10)
AT_LEAST = (3, 5)
SMOOTHINGS: tuple[Smoothing, ...] = ("kneser_ney", "witten_bell")
NO_WORSE = 1.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Settings that were tried, and the perplexity a letter that they gave."""

    smoothing: str
    order: int
    at_least: int
    ngrams: int
    perplexity: float


def choose(rows: Sequence[Row], units: Sequence[str], *, begin: int) -> tuple[TrainSettings, list[Tried]]:
    """The settings for texts given as unit numbers, and all that were tried."""
    start = TrainSettings()
    spread = rows[:: max(1, -(-len(rows) // MOST_SENTENCES))]
    different = list(dict.fromkeys(tuple(map(int, row)) for row in spread if len(row)))
    if len(different) < LEAST_SENTENCES:
        return start, []
    unseen = different[::EVERY]
    known = [row for place, row in enumerate(different) if place % EVERY]
    tried: list[Tried] = []

    def worth(settings: TrainSettings) -> float:
        model = train(known, units, begin=begin, settings=settings)
        value, _ = perplexity(model, unseen)
        tried.append(
            Tried(
                smoothing=settings.smoothing,
                order=settings.order,
                at_least=settings.at_least,
                ngrams=len(model),
                perplexity=round(value, 3),
            )  # fmt: skip
        )
        return value

    orders = [order for order in ORDERS if order <= longest_order(len(units))]
    middle = replace(start, order=min(6, orders[-1]))
    best_smoothing = min(SMOOTHINGS, key=lambda smoothing: worth(replace(middle, smoothing=smoothing)))
    chosen = replace(middle, smoothing=best_smoothing, order=orders[0])
    value = worth(chosen)
    for order in orders[1:]:
        longer = replace(chosen, order=order)
        gained = worth(longer)
        if gained * NO_WORSE > value:
            break
        chosen, value = longer, gained
    for at_least in AT_LEAST:
        harder = replace(chosen, at_least=at_least)
        lost = worth(harder)
        if lost > NO_WORSE * value:
            break
        chosen = harder
    return chosen, tried
