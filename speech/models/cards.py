"""The card of an adapter: which base it belongs to, its alphabet, what trained it, how good and how sure it is.

A card lies beside its adapter as `adapter.<lang>.toml`. An adapter that leaves the folder of its base must have
one. Reading checks the form; `speech.models.checkpoint` holds card and tensors against each other.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.errors import ModelRefused
from speech.files import read_bytes, shown

SCHEMA = "speech-adapter/1"
_REQUIRED = ("schema", "language", "base_sha256", "tensor_sha256", "alphabet")

Floats = NDArray[np.float64]


def log_odds(raw: Floats) -> Floats:
    """Log-odds of confidences, kept off the ends."""
    held = np.clip(raw, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(held / (1 - held)))


def sigmoid(z: Floats) -> Floats:
    """The logistic curve, without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0, -z)))


def mixed(raw: Floats, surprisal: Floats, mixture: tuple[float, float, float] | None) -> Floats:
    """Confidences of what was heard and of how surprising it is, in 0..1; those of what was heard where there is no mixture."""
    if mixture is None:
        return raw
    heard, a_nat, offset = mixture
    return sigmoid(heard * log_odds(raw) + a_nat * surprisal + offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A map from raw confidence to the share of words that are right: straight lines between knots.

    `ece` is the calibration error left on the data named in `split`, over `words` words.
    """

    raw: tuple[float, ...] = ()
    right: tuple[float, ...] = ()
    words: int = 0
    split: str = ""
    ece: float | None = None
    mixture: tuple[float, float, float] | None = None
    """With a language model: what the raw confidence's log-odds, a nat of surprisal and 1 count for in the log-odds that the knots map."""

    def __call__(self, raw: float, surprisal: float = 0.0) -> float:
        """Calibrated probability of a raw confidence; as it is where nothing was fitted.

        `surprisal`: nats a letter that the word costs with what is near it, told where a language model is in use.
        """
        if not self.raw:
            return raw
        return float(np.interp(mixed(np.array([raw]), np.array([surprisal]), self.mixture)[0], self.raw, self.right))

    def __str__(self) -> str:
        """Whether it is one, and on what it was fitted."""
        if not self.raw:
            return "not calibrated: confidences rank words, and are no probabilities"
        left = "" if self.ece is None else f", calibration error {100 * self.ece:.1f} %"
        return f"calibrated on {self.split or 'data not stated'}: {self.words} words{left}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRank:
    """Of an adapter for a base whose layers hold none: the rank, what it is scaled by (`alpha / rank`), the modules, by last name."""

    rank: int
    alpha: float
    targets: tuple[str, ...]

    @property
    def scale(self) -> float:
        """What is added is multiplied by it."""
        return self.alpha / self.rank

    def __str__(self) -> str:
        """As it stands in the card, and in the header of the tensors' file."""
        return toml_value({"rank": self.rank, "alpha": float(self.alpha), "targets": list(self.targets)})


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterCard:
    """What is stated of an adapter. `trained` and `scores` are shown and kept as they are."""

    language: str
    base_sha256: str
    tensor_sha256: str
    alphabet: tuple[str, ...]
    variety: str = ""
    base: str = ""
    low_rank: LowRank | None = None
    """None: attention adapters, or a head alone."""
    calibration: Calibration = field(default_factory=Calibration)
    trained: Mapping[str, Any] = field(default_factory=dict)
    scores: Sequence[Mapping[str, Any]] = ()


def read_card(path: Path) -> AdapterCard:
    """The card at `path`.

    Raises
    ------
    ModelRefused
        `MODEL_CARD`: absent, not TOML, without a field that is needed, or with one that holds another kind of thing.
    PathRefused
        The card is there and cannot be read.
    """
    where = shown(path)
    if not os.path.lexists(path):
        raise ModelRefused(
            where,
            "the adapter has no card",
            "Fetch the card (.toml) from where the adapter came from, and put it beside the adapter",
            "MODEL_CARD",
        )
    try:
        raw = tomllib.loads(read_bytes(path).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelRefused(where, f"the card cannot be read ({error})", "Fetch the card again", "MODEL_CARD") from error
    missing = [name for name in _REQUIRED if name not in raw]
    if missing or raw["schema"] != SCHEMA:
        raise ModelRefused(
            where, f"fields {', '.join(missing) or 'schema'} are missing or unknown", f"A card of schema {SCHEMA} is needed", "MODEL_CARD"
        )
    if faults := [*_wrong_kinds(raw), *_low_rank_faults(raw), *_calibration_faults(raw.get("calibration", {}))]:
        raise ModelRefused(
            where, f"fields do not hold what they should: {'; '.join(faults)}", "Fetch the card again, or correct it there", "MODEL_CARD"
        )
    found = raw.get("calibration", {})
    low = raw.get("low_rank")
    return AdapterCard(
        language=raw["language"],
        base_sha256=raw["base_sha256"],
        tensor_sha256=raw["tensor_sha256"],
        alphabet=tuple(raw["alphabet"]),
        variety=raw.get("variety", ""),
        base=raw.get("base", ""),
        low_rank=LowRank(rank=low["rank"], alpha=float(low["alpha"]), targets=tuple(low["targets"])) if low else None,
        calibration=Calibration(
            raw=tuple(found.get("raw", ())),
            right=tuple(found.get("right", ())),
            words=found.get("words", 0),
            split=found.get("split", ""),
            ece=found.get("ece"),
        ),
        trained=raw.get("trained", {}),
        scores=tuple(raw.get("scores", ())),
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1  # which no NaN is


def _are(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(kind, value))


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kind)


_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **{name: (_is(str), "text") for name in ("language", "base_sha256", "tensor_sha256", "variety", "base")},
    "alphabet": (_are(_is(str)), "a list of texts"),
    "calibration": (_is(dict), "a table"),
    "low_rank": (_is(dict), "a table"),
    "trained": (_is(dict), "a table"),
    "scores": (_are(_is(dict)), "a list of tables"),
}
_CALIBRATION_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "raw": (_are(_is_share), "a list of numbers from 0 to 1"),
    "right": (_are(_is_share), "a list of numbers from 0 to 1"),
    "words": (_is_whole, "a whole number"),
    "split": (_is(str), "text"),
    "ece": (_is_share, "a number from 0 to 1"),
}


def _wrong_kinds(raw: Mapping[str, Any], kinds: Mapping[str, tuple[Callable[[Any], bool], str]] = _KINDS) -> list[str]:
    return [f"{name} must be {said}" for name, (fits, said) in kinds.items() if name in raw and not fits(raw[name])]


def _low_rank_faults(raw: Mapping[str, Any]) -> list[str]:
    """What would make low-rank adapters none: all three numbers are needed, and both are above zero."""
    found = raw.get("low_rank")
    if not isinstance(found, Mapping):
        return []
    rank, alpha, targets = found.get("rank"), found.get("alpha"), found.get("targets")
    faults = [] if _is_whole(rank) and rank else ["low_rank.rank must be a whole number from 1"]
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < float("inf"):
        faults.append("low_rank.alpha must be a number above 0")
    if not targets or not _are(_is(str))(targets):
        faults.append("low_rank.targets must be a list of names")
    return faults


def _calibration_faults(found: Any) -> list[str]:
    """What would make the map from raw to calibrated confidence none: it is asked for each word, in the middle of a run."""
    if not isinstance(found, Mapping):
        return []
    if faults := _wrong_kinds(found, _CALIBRATION_KINDS):
        return [f"calibration.{fault}" for fault in faults]
    raw, right = found.get("raw", []), found.get("right", [])
    if len(raw) != len(right):
        return [f"calibration.raw has {len(raw)} knots and calibration.right {len(right)}"]
    for name, knots in (("raw", raw), ("right", right)):
        if sorted(knots) != knots:
            return [f"calibration.{name} must rise"]
    return []


def card_toml(card: AdapterCard) -> str:
    """The card as TOML, in a fixed order."""
    lines = [f"schema = {toml_value(SCHEMA)}"]
    for name in ("language", "variety", "base", "base_sha256", "tensor_sha256"):
        if getattr(card, name):
            lines.append(f"{name} = {toml_value(getattr(card, name))}")
    lines.append(f"alphabet = {toml_value(list(card.alphabet))}")
    if card.low_rank:
        lines.append(f"low_rank = {card.low_rank}")
    if card.calibration.raw:
        lines.append("\n[calibration]")
        for name in ("split", "words", "ece", "raw", "right"):
            value = getattr(card.calibration, name)
            if value not in (None, ""):
                lines.append(f"{name} = {toml_value(list(value) if isinstance(value, tuple) else value)}")
    if card.trained:
        lines.append("\n[trained]")
        lines.extend(f"{_key(name)} = {toml_value(value)}" for name, value in card.trained.items())
    for row in card.scores:
        lines.append("\n[[scores]]")
        lines.extend(f"{_key(name)} = {toml_value(value)}" for name, value in row.items())
    return "\n".join(lines) + "\n"


def table_toml(schema: str, tensor_sha256: str, trained: Mapping[str, Any]) -> str:
    """The card of weights that are no adapter: their hash, and what trained them."""
    head = [f"schema = {toml_value(schema)}", f"tensor_sha256 = {toml_value(tensor_sha256)}", "", "[trained]"]
    return "\n".join([*head, *(f"{_key(name)} = {toml_value(value)}" for name, value in trained.items())]) + "\n"


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else toml_value(name)


def toml_value(value: Any) -> str:
    """A TOML value: text, number, truth, list, or a table in one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(k))} = {toml_value(v)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, str):
        signs = []
        for sign in value:
            if sign in '"\\':
                signs.append("\\" + sign)
            elif sign.isprintable():
                signs.append(sign)
            else:
                signs.append(f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}")
        return '"' + "".join(signs) + '"'
    return "[" + ", ".join(toml_value(v) for v in value) + "]"
