"""Whether word confidences mean what they say: reliability bins and the expected calibration error.

A word is right where the word alignment says so: after normalising, all it consists of are hits. Nothing is
recalibrated here (that is `fitting`). Bins are of equal width; with few words there are fewer of them (ten words a bin
at the least on average), since nearly empty bins make the error look larger than it is.

The error of few words is large by chance alone, so beside it stands what confidences that mean exactly what they say
would show on so many words (words taken as independent: those of one clip are not quite, and chance gives more).

Source: Guo et al. 2017, arXiv:1706.04599; the bias of the error: Roelofs et al. 2022, arXiv:2012.08668.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from speech.languages import Language
from speech.score.counting import Alignment, align_words
from speech.score.records import Bin, Calibration, Pair
from speech.text import normalise

Judged = tuple[float, bool]
"""A word's confidence, and whether it was right."""

_WORDS_A_BIN = 10
_COUNTED = 500
"""Words of a bin up to which chance is counted out; beyond, the sum of so many is as good as normal."""


def judge(
    pairs: Sequence[Pair],
    references: Sequence[str],
    hypotheses: Sequence[str],
    alignments: Sequence[Alignment],
    languages: dict[str, Language],
) -> list[tuple[list[Judged], int]]:
    """For each pair its judged words and the number of words without a usable confidence.

    Where the words do not spell the hypothesis they are aligned by themselves.
    """
    tokens = [[normalise(text, languages[p.language]).split() for text, _ in p.words] for p in pairs]
    flat = [[t for word in words for t in word] for words in tokens]
    own = [n for n, p in enumerate(pairs) if p.words and " ".join(flat[n]) != hypotheses[n]]
    aligned = dict(enumerate(alignments))
    if own:
        aligned.update(zip(own, align_words([references[n] for n in own], [" ".join(flat[n]) for n in own]), strict=True))
    return [_judge_one(pair, tokens[n], aligned[n]) for n, pair in enumerate(pairs)]


def _judge_one(pair: Pair, tokens: Sequence[Sequence[str]], alignment: Alignment) -> tuple[list[Judged], int]:
    right = {n for c in alignment if c.type == "equal" for n in range(c.hyp_start_idx, c.hyp_end_idx)}
    judged: list[Judged] = []
    without, place = 0, 0
    for (_, confidence), parts in zip(pair.words, tokens, strict=True):
        places = range(place, place + len(parts))
        place += len(parts)
        if not parts:
            continue
        if confidence is None or not 0 <= confidence <= 1:
            without += 1
        else:
            judged.append((confidence, all(n in right for n in places)))
    return judged, without


def calibration(name: str, judged: Sequence[Judged], without: int, bins: int) -> Calibration | None:
    """Bins and calibration error of judged words; None where there are none."""
    if not judged:
        return None
    used = max(1, min(bins, len(judged) // _WORDS_A_BIN))
    held: list[list[Judged]] = [[] for _ in range(used)]
    for confidence, right in judged:
        held[min(int(confidence * used), used - 1)].append((confidence, right))
    found = tuple(
        Bin(
            low=n / used,
            high=(n + 1) / used,
            words=len(words),
            confidence=sum(c for c, _ in words) / len(words),
            accuracy=sum(r for _, r in words) / len(words),
        )
        for n, words in enumerate(held)
        if words
    )
    error = sum(b.words * abs(b.accuracy - b.confidence) for b in found) / len(judged)
    chance = sum(_by_chance([c for c, _ in words]) for words in held) / len(judged)
    return Calibration(name=name, words=len(judged), without=without, error=error, by_chance=chance, bins_used=used, bins=found)


def _by_chance(confidences: Sequence[float]) -> float:
    """How far the number of right words is on average from its expectation, where each is right with its confidence."""
    sure = np.array(confidences, np.float64)
    if len(sure) > _COUNTED:
        return float(np.sqrt(2 / np.pi * np.sum(sure * (1 - sure))))
    share = np.ones(1)  # of outcomes, by number of right words
    for p in sure:
        share = np.convolve(share, (1 - p, p))
    return float(np.dot(share, np.abs(np.arange(len(share)) - sure.sum())))
