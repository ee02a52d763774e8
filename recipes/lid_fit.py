"""Fitting the head that tells languages, on what `mini` made of pieces. Used by train_lid.py and score_identify.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lid_data import LAYER, Heard, hear
from lid_sets import dev_pieces, store, stored, test_pieces, train_pieces
from numpy.typing import NDArray

from speech.identify.features import Vocabulary, pairs, vocabulary_of
from speech.identify.features import counted as counted_of
from speech.identify.head import SURENESS, Head, flat, standing
from speech.models.recogniser import CtcRecogniser

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
PAIRS = 2500
"""Pairs of symbols that are weighed: those that stand in most pieces."""
WEIGHT_DECAY = 1e-3
SMOOTHING = 0.05
MEASURE = {"sounds": 8.0, "states": 2.4}
"""How much each kind may say: phonotactics first, for they hold in other domains; states tell the voice, too."""
PAIRS_SCALE = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What was counted of many pieces: (pieces, numbers), sureness (pieces, languages, 5), and what each piece is."""

    numbers: Floats
    sureness: Floats
    collection: NDArray[np.str_]
    language: NDArray[np.str_]
    voice: NDArray[np.str_]
    seconds: Doubles

    def where(self, chosen: NDArray[np.bool_]) -> Table:
        """Some of its rows."""
        return Table(**{name: getattr(self, name)[chosen] for name in Table.__slots__})


def joined(tables: Sequence[Table]) -> Table:
    """Several as one."""
    return Table(**{name: np.concatenate([getattr(t, name) for t in tables]) for name in Table.__slots__})


def vocabularies_of(model: CtcRecogniser, languages: Sequence[str]) -> dict[str, Vocabulary]:
    """The vocabularies of a model's languages."""
    return {code: vocabulary_of(model.symbols(code), model.blank(code)) for code in languages}


def table_of(heard: Sequence[Heard], vocabularies: dict[str, Vocabulary], kept: NDArray[np.int64]) -> Table:
    """What is counted of pieces."""
    found = [
        counted_of(h.states.astype(np.float32), {c: h.emissions[c].astype(np.float32) for c in vocabularies}, vocabularies, kept)
        for h in heard
    ]
    return Table(
        numbers=np.stack([flat(f) for f in found]),
        sureness=np.stack([f["sureness"].reshape(len(vocabularies), SURENESS) for f in found]),
        collection=np.array([h.collection for h in heard]),
        language=np.array(["que" if h.language == "quy" else h.language for h in heard]),
        voice=np.array([h.voice for h in heard]),
        seconds=np.array([h.seconds for h in heard]),
    )


def frequent(heard: Sequence[Heard], vocabularies: dict[str, Vocabulary], most: int = PAIRS) -> NDArray[np.int64]:
    """The pairs, by number, that stand in most pieces."""
    total = np.zeros(sum(v.size**2 for v in vocabularies.values()))
    for h in heard:
        total += np.concatenate([pairs(h.emissions[code].astype(np.float32), v) > 0 for code, v in vocabularies.items()])
    return np.sort(np.argsort(-total, kind="stable")[:most])


class Sets:
    """What the network made of the sets of pieces, kept in a folder: heard once, and counted as often as asked."""

    def __init__(self, model: CtcRecogniser, languages: Sequence[str], root: Path, cache: Path, *, share: float = 1.0) -> None:
        self.model, self.languages, self.root, self.cache, self.share = model, tuple(languages), root, cache, share
        self.vocabularies = vocabularies_of(model, languages)
        self.kept = np.zeros(0, np.int64)

    def hear_all(self, *, judged: str | None, told: Callable[[str], None] = print) -> None:
        """Hear what the folder lacks: what trains and tunes, and of what is reported the sets up to `judged`."""
        for made, last in ((train_pieces, "dev.espeak_others"), (dev_pieces, "dev.perturbed"), (test_pieces, judged)):
            if last is None or self.has(last):
                continue
            for name, found in made(self.root, self.share):
                if found and not self.has(name):
                    store(self.cache / f"{name}.npz", hear(self.model, found, self.languages))
                    told(f"{name}: {len(found)} pieces")
                if name == last:
                    break

    def has(self, name: str) -> bool:
        """Whether a set was heard."""
        return (self.cache / f"{name}.npz").exists()

    def names(self, pattern: str) -> list[str]:
        """Sets whose name matches."""
        return sorted(p.stem for p in self.cache.glob("*.npz") if re.fullmatch(pattern, p.stem))

    def table(self, pattern: str) -> Table:
        """What is counted of all sets whose name matches."""
        if not len(self.kept):
            self.kept = frequent([h for n in self.names(r"train\.[a-z_]+") for h in stored(self.cache / f"{n}.npz")], self.vocabularies)
        names = self.names(pattern)
        return joined([table_of(stored(self.cache / f"{name}.npz"), self.vocabularies, self.kept) for name in names])


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A fit of the first stage: languages, measure, weights."""

    languages: tuple[str, ...]
    mean: Floats
    scale: Floats
    weight: Floats
    bias: Floats

    def logits(self, numbers: Floats) -> Doubles:
        """As `Head.logits`."""
        return np.asarray(((numbers - self.mean) * self.scale) @ self.weight + self.bias, np.float64)


def sizes(vocabularies: dict[str, Vocabulary], kept: int, numbers: int) -> dict[str, slice]:
    """Where each kind stands among the numbers."""
    sounds = sum(v.size for v in vocabularies.values())
    return {"sounds": slice(0, sounds), "pairs": slice(sounds, sounds + kept), "states": slice(sounds + kept, numbers)}


def first_stage(
    table: Table, languages: Sequence[str], where: dict[str, slice], only: Collection[str] = ("sounds", "pairs", "states")
) -> Known:
    """Weigh what was counted: multinomial regression, classes balanced; what is none of the languages is the background."""
    mean = table.numbers.mean(axis=0)
    scale = np.full_like(mean, PAIRS_SCALE)
    for kind, least in (("sounds", 0.01), ("states", 1e-3)):
        place = where[kind]
        scale[place] = MEASURE[kind] / np.sqrt(place.stop - place.start) / (table.numbers[:, place].std(axis=0) + least)
    for kind, place in where.items():
        if kind not in only:
            scale[place] = 0.0
    row = {code: n for n, code in enumerate(languages)}
    y = np.array([row.get(code, len(languages)) for code in table.language])
    counts = np.maximum(1, np.bincount(y, minlength=len(languages) + 1))
    weight, bias = regression((table.numbers - mean) * scale, y, (1.0 / counts)[y], len(languages) + 1)
    return Known(languages=tuple(languages), mean=mean, scale=scale, weight=weight, bias=bias)


def regression(
    x: Floats, y: NDArray[np.int64], share: Doubles, classes: int, decay: float = WEIGHT_DECAY, steps: int = 50
) -> tuple[Floats, Floats]:
    """Multinomial logistic regression with smoothed labels: weight (numbers, classes) and bias."""
    inputs, due = torch.from_numpy(np.asarray(x, np.float32)), torch.from_numpy(y)
    weights = torch.from_numpy(np.asarray(share / share.sum(), np.float32))
    weight = torch.zeros(x.shape[1], classes, requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    descent = torch.optim.LBFGS([weight, bias], max_iter=steps, history_size=10, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        descent.zero_grad()
        told = torch.log_softmax(inputs @ weight + bias, 1)
        wrong = -(1 - SMOOTHING) * told.gather(1, due[:, None])[:, 0] - SMOOTHING * told.mean(1)
        found = (weights * wrong).sum() + decay * weight.square().sum()
        found.backward()  # type: ignore[no-untyped-call]  # torch's own gap
        return found

    descent.step(loss)  # type: ignore[no-untyped-call]  # torch's own gap
    return weight.detach().numpy(), bias.detach().numpy()


def left_out(train: Table, judged: Table, languages: Sequence[str], where: dict[str, slice]) -> tuple[Doubles, Floats, Doubles]:
    """Each language in turn as if it were none: logits, sureness of the others, and seconds, of its pieces in `judged`."""
    logits, sureness, seconds = [], [], []
    for place, code in enumerate(languages):
        rest = [other for other in languages if other != code]
        fit = first_stage(train.where(train.language != code), rest, where)
        own = judged.where(judged.language == code)
        logits.append(fit.logits(own.numbers))
        sureness.append(np.delete(own.sureness, place, axis=1))
        seconds.append(own.seconds)
    return np.concatenate(logits), np.concatenate(sureness), np.concatenate(seconds)


def head_of(
    train: Table, dev: Table, languages: Sequence[str], where: dict[str, slice], kept: NDArray[np.int64]
) -> tuple[Head, dict[str, float]]:
    """Both stages and the softening: the first on train, the others on dev; what was found on dev beside it."""
    fit = first_stage(train, languages, where)
    some = np.isin(dev.language, languages)
    sure_mean = dev.sureness.mean(axis=0)
    sure_scale = dev.sureness.std(axis=0) + 1e-3
    logits = fit.logits(dev.numbers)
    head = Head(
        languages=tuple(languages), kept=kept, mean=fit.mean, scale=fit.scale, weight=fit.weight, bias=fit.bias, sure_mean=sure_mean,
        sure_scale=sure_scale, known=np.zeros(4 + 2 * SURENESS + 1, np.float32), softening=np.zeros(2, np.float32), layer=LAYER,
    )  # fmt: skip
    own = dev.where(some)
    y = np.array([list(languages).index(code) for code in own.language])
    head = replace(head, softening=softening(logits[some], y, own.seconds))
    stood = standing(logits, (dev.sureness - sure_mean) / sure_scale, dev.seconds)
    out_logits, out_sure, out_seconds = left_out(train, own, languages, where)
    rest = (
        np.stack([np.delete(sure_mean, n, axis=0) for n in range(len(languages))]),
        np.stack([np.delete(sure_scale, n, axis=0) for n in range(len(languages))]),
    )
    order = np.concatenate([np.full((own.language == code).sum(), n) for n, code in enumerate(languages)])
    stood_out = standing(out_logits, (out_sure - rest[0][order]) / rest[1][order], out_seconds)
    x = np.concatenate([stood[some], stood[~some], stood_out])
    z = np.concatenate([np.ones(some.sum()), np.zeros((~some).sum()), np.zeros(len(stood_out))]).astype(np.int64)
    parts = ((some.sum(), 0.5), ((~some).sum(), 0.25), (len(stood_out), 0.25))
    share = np.concatenate([np.full(count, part / max(1, count)) for count, part in parts])
    weight, bias = regression(np.asarray(x[:, :-1], np.float32), z, share, 2, decay=1e-4, steps=100)
    known = np.append(weight[:, 1] - weight[:, 0], bias[1] - bias[0]).astype(np.float32)
    head = replace(head, known=known)
    unknown = 1 / (1 + np.exp(-stood_out @ known))
    return head, {
        "left_out_auroc": auroc(stood[some] @ known, stood_out @ known),
        "background_auroc": auroc(stood[some] @ known, stood[~some] @ known),
        "threshold": float(np.quantile(unknown, 0.95)),
    }


def softening(logits: Doubles, y: NDArray[np.int64], seconds: Doubles) -> Floats:
    """The temperature's two numbers that make what was heard likeliest."""
    own = torch.from_numpy(logits[:, :-1])
    heard = torch.from_numpy(np.log2(np.clip(seconds, 0.5, 10.0)))
    due = torch.from_numpy(y)
    numbers = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    descent = torch.optim.LBFGS([numbers], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        descent.zero_grad()
        told = torch.log_softmax(own / torch.exp(numbers[0] + numbers[1] * heard)[:, None], 1)
        found = -told.gather(1, due[:, None]).mean()
        found.backward()  # type: ignore[no-untyped-call]  # torch's own gap
        return found

    descent.step(loss)  # type: ignore[no-untyped-call]  # torch's own gap
    return numbers.detach().numpy().astype(np.float32)


def auroc(known: Doubles, unknown: Doubles) -> float:
    """How often a known piece scores above an unknown one."""
    if not len(known) or not len(unknown):
        return float("nan")
    order = np.concatenate([known, unknown]).argsort(kind="stable").argsort(kind="stable").astype(np.float64) + 1
    return float((order[: len(known)].sum() - len(known) * (len(known) + 1) / 2) / (len(known) * len(unknown)))
