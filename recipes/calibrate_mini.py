"""Fit the confidence of `mini` on dev data and write it into the adapters' cards.

Data: split dev of the open collections (never test). For each language a logistic curve of the raw confidence's
log-odds (a temperature and an offset, two numbers) and isotonic steps smoothed to at most 12 knots, mixed: the more
words there are, the more the steps count. The error left is measured by five folds, not on what was fitted, and stands
beside what chance alone gives on so many words.
Command: python recipes/calibrate_mini.py --data ../shared/speech --model speech/models/mini
         python recipes/calibrate_mini.py --compare     writes nothing: curve, steps and mixtures, by ten folds
Time: about two minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from mini_runs import heard, listed
from numpy.typing import NDArray

from speech import languages
from speech.files import write_text
from speech.models.cards import Calibration, card_toml, read_card
from speech.models.recogniser import load
from speech.score import Pair, score
from speech.score.calibrate import calibration, judge
from speech.score.counting import align_words
from speech.score.records import Calibration as Judgement
from speech.text import normalise

KNOTS = 12
HALF_WORDS = 100
"""Words at which curve and steps count the same: of those that `--compare` tries, the one with the least log loss."""
Floats = NDArray[np.float64]


def log_odds(raw: Floats) -> Floats:
    """Log-odds of confidences, kept off the ends."""
    held = np.clip(raw, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(held / (1 - held)))


def logistic(raw: Floats, right: Floats) -> tuple[float, float]:
    """Slope and offset of the curve that makes `right` likeliest, held near (1, 0) by a ridge of one word's weight.

    Newton steps, halved while they do not help: with few words right, whole ones overshoot.
    """
    x = np.stack([log_odds(raw), np.ones(len(raw))], 1)
    home = np.array([1.0, 0.0])

    def cost(w: Floats) -> float:
        z = x @ w
        return float(np.sum(np.logaddexp(0, z) - right * z) + 0.5 * np.sum((w - home) ** 2))

    weights = home
    for _ in range(50):
        p = sigmoid(x @ weights)
        gradient = x.T @ (p - right) + (weights - home)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        while cost(weights - step) > cost(weights) and np.abs(step).max() > 1e-9:
            step = step / 2
        weights = weights - step
    return max(0.0, float(weights[0])), float(weights[1])


def sigmoid(z: Floats) -> Floats:
    """The logistic curve, without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0, -z)))


def isotonic(values: Floats, right: Floats) -> Floats:
    """The rising curve nearest to `right` in order of `values` (pool adjacent violators)."""
    order = np.argsort(values, kind="stable")
    blocks: list[list[float]] = []
    for y in right[order]:
        blocks.append([float(y), 1.0])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (a, m), (b, n) = blocks[-2], blocks[-1]
            blocks[-2:] = [[(a * m + b * n) / (m + n), m + n]]
    flat = np.concatenate([np.full(int(n), y) for y, n in blocks])
    out = np.empty_like(flat)
    out[order] = flat
    return out


def fit(raw: Floats, right: Floats, half_words: float = HALF_WORDS) -> tuple[Floats, Floats]:
    """Knots (raw, share that is right) of the calibration."""
    slope, offset = logistic(raw, right)

    def curve(x: Floats) -> Floats:
        return sigmoid(slope * log_odds(x) + offset)

    knots = np.unique(np.quantile(raw, np.linspace(0, 1, KNOTS)).round(4))
    values = curve(knots)
    steps = isotonic(raw, right)
    near = np.array([steps[np.argsort(np.abs(raw - k))[: max(20, len(raw) // (2 * KNOTS))]].mean() for k in knots])
    share = len(raw) / (len(raw) + half_words)
    return knots, np.maximum.accumulate((1 - share) * values + share * near).round(4)


def measured(confidence: Floats, right: Floats) -> Judgement:
    """Calibration error of confidences, as `speech score` counts it."""
    found = calibration("", list(zip(confidence.tolist(), right.astype(bool).tolist(), strict=True)), 0, 15)
    assert found is not None
    return found


def crossed(raw: Floats, right: Floats, folds: int = 5, half_words: float = HALF_WORDS) -> Floats:
    """Confidences of words that the fit has not seen."""
    fold = np.arange(len(raw)) * folds // len(raw)
    predicted = np.empty(len(raw))
    for k in range(folds):
        knots, values = fit(raw[fold != k], right[fold != k], half_words)
        predicted[fold == k] = np.interp(raw[fold == k], knots, values)
    return predicted


def compare(found: dict[str, list[Pair]]) -> None:
    """Print what each mixture of curve and steps is worth on words that it has not seen, in the mean of languages."""
    known = [judged(pairs) for pairs in found.values()]
    print("half at words  error  by chance  log loss")
    for half in (0.0, 50.0, 100.0, 200.0, 400.0, np.inf):
        rows = []
        for raw, right in known:
            sure = crossed(raw, right, 10, half)
            kept = np.clip(sure, 1e-3, 1 - 1e-3)
            counted = measured(sure, right)
            rows.append([counted.error, counted.by_chance, float(-np.mean(right * np.log(kept) + (1 - right) * np.log(1 - kept)))])
        error, chance, loss = np.array(rows).mean(axis=0)
        print(f"{half:13.0f}  {error:5.3f}  {chance:9.3f}  {loss:8.4f}")


def judged(pairs: list[Pair]) -> tuple[Floats, Floats]:
    """Raw confidences of the words heard, and whether each was right."""
    known = {p.language: languages.load(p.language) for p in pairs}
    references = [normalise(p.reference, known[p.language]) for p in pairs]
    hypotheses = [normalise(p.hypothesis, known[p.language]) for p in pairs]
    found = judge(pairs, references, hypotheses, align_words(references, hypotheses), known)
    words = [w for row, _ in found for w in row]
    return np.array([c for c, _ in words]), np.array([float(r) for _, r in words])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--model", type=Path, default=Path("speech/models/mini"))
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bare = Path(shutil.copytree(options.model, Path(name) / "model"))
        for path in sorted(bare.glob("adapter.*.toml")):
            write_text(path, card_toml(dataclasses.replace(read_card(path), calibration=Calibration())))
        model = load(str(bare))
        pairs: dict[str, list[Pair]] = defaultdict(list)
        for clip in listed(options.data, "dev", Counter()):
            pairs[clip.language].append(heard(model, clip))
    if options.compare:
        compare(pairs)
        return
    print("language  words  right  error before  error after (five folds)  by chance  dev CER")
    for code, found in sorted(pairs.items()):
        raw, right = judged(found)
        knots, values = fit(raw, right)
        left = measured(crossed(raw, right), right)
        path = options.model / f"adapter.{code}.toml"
        made = Calibration(
            raw=tuple(map(float, knots)), right=tuple(map(float, values)), words=len(raw), split="dev", ece=round(left.error, 4)
        )
        write_text(path, card_toml(dataclasses.replace(read_card(path), calibration=made)))
        before, cer = measured(raw, right).error, score(found).overall.letters.value or 0.0
        print(f"{code:8}  {len(raw):5}  {right.mean():5.2f}  {before:12.3f}  {left.error:24.3f}  {left.by_chance:9.3f}  {100 * cer:7.1f}")


if __name__ == "__main__":
    main()
