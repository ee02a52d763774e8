"""The head that tells the embedded model's languages: weights, how sure it may be by seconds heard, its file and card.

Two stages. The first weighs what was counted of the speech (`features`) for each language and for the background. The second says how
likely it is that any of the languages is spoken, by how far the best stands out and how sure its recogniser is; what remains is the
probability of none of these. Both are softened by how many seconds were heard, as fitted on dev.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.errors import ModelRefused
from speech.files import read_bytes, shown
from speech.models.weights import content_sha256, entries, tensors_of

SCHEMA = "speech-identify/1"
FILE, CARD = "identify.safetensors", "identify.toml"
KINDS = ("sounds", "pairs", "states")
"""What the first stage weighs, in this order; `sureness` is for the second."""
SURENESS = 5
_LONGEST_S = 10.0
"""Seconds beyond which more speech makes it no surer: no longer pieces were seen in fitting."""

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Languages in order; `weight` (numbers, languages + 1) and `bias` of the first stage, the background last.

    `mean` and `scale` (numbers,) bring what was counted to one measure; `sure_mean`, `sure_scale` (languages, 5) do so for sureness.
    `known` (numbers of `standing`,) is the second stage, its last the constant; `softening` the temperature's two numbers: at one
    second, and for each doubling.
    """

    languages: tuple[str, ...]
    kept: NDArray[np.int64]
    mean: Floats
    scale: Floats
    weight: Floats
    bias: Floats
    sure_mean: Floats
    sure_scale: Floats
    known: Floats
    softening: Floats
    layer: int = 4
    least_ms: int = 1_000
    card: Mapping[str, Any] = field(default_factory=dict)

    def logits(self, counted: Floats) -> Doubles:
        """What speaks for each language and for the background, (..., languages + 1)."""
        return np.asarray(((counted - self.mean) * self.scale) @ self.weight + self.bias, np.float64)

    def probabilities(self, logits: Doubles, sureness: Doubles, seconds: Doubles) -> Doubles:
        """Probabilities (..., languages + 1), the last of none of these; `sureness` is (..., languages, 5)."""
        heard = np.log2(np.clip(seconds, 0.5, _LONGEST_S))[..., None]
        softened = logits[..., :-1] / np.exp(self.softening[0] + self.softening[1] * heard)
        shares = np.exp(softened - softened.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        told = standing(logits, (sureness - self.sure_mean) / self.sure_scale, seconds) @ self.known
        some = 1 / (1 + np.exp(-np.clip(told, -30, 30)))[..., None]
        return np.concatenate([some * shares, 1 - some], axis=-1)


def standing(logits: Doubles, sureness: Doubles, seconds: Doubles) -> Doubles:
    """How far the best language stands out, and how sure its recogniser is: what the second stage weighs, (..., 15)."""
    own = np.sort(logits[..., :-1], axis=-1)
    best = logits[..., :-1].argmax(axis=-1)
    sure = np.take_along_axis(sureness, best[..., None, None], axis=-2)[..., 0, :]
    most = own[..., -1]
    parts = [most / 4, (most - own[..., -2]) / 4, (most - logits[..., -1]) / 4, np.log2(np.clip(seconds, 0.5, _LONGEST_S))]
    return np.concatenate([np.stack(parts, axis=-1), sure, sureness.mean(axis=-2), np.ones((*most.shape, 1))], axis=-1)


_TENSORS = ("kept", "mean", "scale", "weight", "bias", "sure_mean", "sure_scale", "known", "softening")


def head_sha256(path: Path) -> str:
    """The hash of a head's tensors."""
    return content_sha256([(path, entries(path))])


def languages_of(folder: Path) -> tuple[str, ...]:
    """The languages that the head in a model's folder tells apart, by its card alone.

    Raises
    ------
    ModelRefused
        `MODEL_CARD`; PathRefused where there is none.
    """
    return tuple(map(str, _card(folder / CARD)["languages"]))


def read_head(folder: Path, base_sha256: str, adapters: Mapping[str, str]) -> Head:
    """The head in a model's folder, its card held against base, adapters and tensors.

    Raises
    ------
    ModelRefused
        `MODEL_CONFIG`: there is none; `MODEL_CARD`, `MODEL_BASE`, `MODEL_SHAPE`, and the codes of weights.
    """
    path = folder / FILE
    if not path.exists():
        raise ModelRefused(
            shown(folder),
            "this model has no head that tells languages, and is no classifier of languages",
            "Use --model mini, or a classifier such as facebook/mms-lid-126",
            "MODEL_CONFIG",
        )
    card = _card(folder / CARD)
    if card.get("tensor_sha256") != head_sha256(path):
        raise ModelRefused(shown(path), "the card beside it is of other tensors", "Fetch both from the same place", "MODEL_CARD")
    if card.get("base_sha256") != base_sha256 or card.get("adapters") != dict(adapters):
        raise ModelRefused(
            shown(path),
            "this head was fitted on another base or on other adapters",
            "Fit it anew: python recipes/train_lid.py",
            "MODEL_BASE",
        )
    tensors = {name: tensor.numpy() for name, tensor in tensors_of(path).items()}
    languages = tuple(map(str, card["languages"]))
    numbers = len(tensors.get("mean", ()))
    due = {
        "weight": (numbers, len(languages) + 1),
        "bias": (len(languages) + 1,),
        "scale": (numbers,),
        "sure_mean": (len(languages), SURENESS),
        "sure_scale": (len(languages), SURENESS),
        "known": (4 + 2 * SURENESS + 1,),
        "softening": (2,),
    }
    wrong = [n for n in _TENSORS if n not in tensors] or [n for n, shape in due.items() if tensors[n].shape != shape]
    if wrong:
        raise ModelRefused(shown(path), f"tensors that lack or do not fit: {', '.join(wrong)}", "Fetch it again", "MODEL_SHAPE")
    numbers_of = {name: tensors[name].astype(np.float32) for name in _TENSORS if name != "kept"}
    return Head(
        languages=languages,
        kept=tensors["kept"].astype(np.int64),
        layer=int(card["layer"]),
        least_ms=int(card["least_ms"]),
        card=card,
        **numbers_of,
    )


def _card(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(read_bytes(path).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelRefused(shown(path), f"this is no TOML ({error})", "Fetch the card again", "MODEL_CARD") from error
    needed = ("languages", "base_sha256", "tensor_sha256", "adapters", "layer", "least_ms")
    missing = [name for name in needed if name not in found]
    if found.get("schema") != SCHEMA or missing:
        raise ModelRefused(
            shown(path), f"this is no card of {SCHEMA}, or it lacks {', '.join(missing) or 'its schema'}", "Fetch it again", "MODEL_CARD"
        )
    return found


def flat(counted: Mapping[str, Floats]) -> Floats:
    """What was counted of a piece, as the first stage takes it."""
    return np.concatenate([counted[kind] for kind in KINDS])
