"""Language models in files: our own (safetensors, small, no program can hide in it), and ARPA, which KenLM and SRILM read and write."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from speech.errors import ModelRefused
from speech.files import read_bytes, replacing, shown, write_bytes
from speech.models.lm.ngram import NEVER, Ints, Level, Ngram, bits_of, packed, unpacked
from speech.models.lm.scorer import LanguageModel, Weights
from speech.models.lm.words import UNKNOWN, Trie, WordModel
from speech.text import WORD_BREAK

SUFFIX = ".safetensors"
FORMAT = "oral-speech-lm/1"
BEGIN, END = "<s>", "</s>"
_LOG10 = math.log(10)


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelFile:
    """A language model, and the hash of its file."""

    model: LanguageModel
    sha256: str


def save(model: LanguageModel, path: Path) -> None:
    """Write a model; the file is there whole or not at all. Probabilities are kept in half precision."""
    from safetensors.numpy import save as dumped

    arrays = dict(_arrays("letters", model.letters))
    about: dict[str, Any] = {
        "format": FORMAT,
        "units": list(model.letters.units),
        "begin": model.letters.begin,
        "break": model.break_unit,
        "weights": asdict(model.weights),
        "card": model.card,
    }
    if model.words is not None:
        arrays |= dict(_arrays("words", model.words.ngram))
        about["words"] = {"units": list(model.words.ngram.units), "begin": model.words.ngram.begin}
    # One entry alone: the library writes several in any order, and the same model should be the same file.
    write_bytes(path, dumped(arrays, {"about": json.dumps(about, ensure_ascii=False, sort_keys=True)}))


def _arrays(name: str, model: Ngram) -> Iterator[tuple[str, Any]]:
    for order, level in enumerate(model.levels, 1):
        yield f"{name}.{order}.keys", level.keys
        yield f"{name}.{order}.log_probability", level.log_probability.astype(np.float16)
        yield f"{name}.{order}.log_back_off", level.log_back_off.astype(np.float16)


def load(path: Path) -> LanguageModelFile:
    """A model of ours, or an ARPA file, by content.

    Raises
    ------
    PathRefused
        It cannot be read.
    ModelRefused
        `MODEL_LM`: it is none, or not whole.
    """
    data = read_bytes(path)
    where = shown(path)
    digest = hashlib.sha256(data).hexdigest()
    if data[:512].lstrip().startswith((b"\\data\\", b"\xef\xbb\xbf\\data\\")):
        return LanguageModelFile(model=from_arpa(data.decode("utf-8", "replace"), where), sha256=digest)
    return LanguageModelFile(model=_ours(data, where), sha256=digest)


def _ours(data: bytes, where: str) -> LanguageModel:
    from safetensors import SafetensorError
    from safetensors.numpy import load as loaded

    try:
        arrays = loaded(data)
        size = int.from_bytes(data[:8], "little")
        about = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["about"])
        if about["format"] != FORMAT:
            raise ValueError(about["format"])
        letters = _ngram("letters", arrays, about["units"], about["begin"])
        words = None
        if "words" in about:
            units = about["words"]["units"]
            words = word_model(units, _ngram("words", arrays, units, about["words"]["begin"]), {u: n for n, u in enumerate(about["units"])})
        return LanguageModel(
            letters=letters, break_unit=int(about["break"]), words=words, weights=Weights(**about["weights"]), card=about["card"]
        )
    except (SafetensorError, KeyError, ValueError, TypeError, IndexError) as error:
        raise ModelRefused(
            where,
            f"this is no language model of ours, or not whole ({type(error).__name__})",
            "Make it anew with: speech lm train",
            "MODEL_LM",
        ) from error


def _ngram(name: str, arrays: Mapping[str, Any], units: Sequence[str], begin: int | None) -> Ngram:
    levels: list[Level] = []
    while f"{name}.{len(levels) + 1}.keys" in arrays:
        own = f"{name}.{len(levels) + 1}"
        keys = arrays[f"{own}.keys"].astype(np.int64)
        values, back_off = (arrays[f"{own}.{kind}"].astype(np.float32) for kind in ("log_probability", "log_back_off"))
        if not len(keys) == len(values) == len(back_off) or (len(keys) > 1 and not (np.diff(keys) > 0).all()):
            raise ValueError(own)
        levels.append(Level(keys=keys, log_probability=values, log_back_off=back_off))
    if not levels:
        raise ValueError(name)
    return Ngram(units=tuple(units), levels=tuple(levels), begin=begin)


def word_model(names: Sequence[str], ngram: Ngram, letters: Mapping[str, int]) -> WordModel:
    """Words spelt as units divided by spaces (`k a y`), in the letters of the letter model; what is no word has no spelling."""
    spelt = [tuple(letters[unit] for unit in name.split(" ")) if _spells(name, letters) else () for name in names]
    trie = Trie.of([word for word in spelt if word], len(letters))
    numbers = np.array([number for number, word in enumerate(spelt) if word] or [0], np.int32)
    ends = trie.words >= 0
    trie.words[ends] = numbers[trie.words[ends]]
    return WordModel(trie=trie, ngram=ngram)


def _spells(name: str, letters: Mapping[str, int]) -> bool:
    return name not in (UNKNOWN, BEGIN, END) and all(unit in letters and unit != WORD_BREAK for unit in name.split(" "))


# ARPA


def to_arpa(model: Ngram) -> str:
    """The model as ARPA text, units as they are named (a word break is `|`)."""
    lines = ["\\data\\"]
    extra = [name for name in (UNKNOWN, BEGIN, END) if name not in model.units]
    counts = [len(level.keys) + (len(extra) if order == 1 else 0) for order, level in enumerate(model.levels, 1)]
    lines += [f"ngram {order}={count}" for order, count in enumerate(counts, 1)]
    names = [name.replace(" ", "") or "_" for name in model.units]
    for order, level in enumerate(model.levels, 1):
        lines += ["", f"\\{order}-grams:"]
        lines += [f"-99\t{name}\t0" for name in extra if order == 1]
        for units, value, back_off in zip(unpacked(level.keys, order, model.bits), level.log_probability, level.log_back_off, strict=True):
            text = f"{value / _LOG10:.6g}\t{' '.join(names[u] for u in units)}"
            lines.append(text + (f"\t{back_off / _LOG10:.6g}" if order < model.order else ""))
    return "\n".join([*lines, "", "\\end\\", ""])


def from_arpa(text: str, where: str) -> LanguageModel:
    """A model of letters or of words, as its unigrams are.

    Of words, letters are learnt from the list of its words: they lead the search to each.

    Raises
    ------
    ModelRefused
        `MODEL_LM`: it is no ARPA, or a line is not what it should be (its number is named).
    """
    levels = list(_arpa_levels(text, where))
    if not levels or not levels[0]:
        _no_arpa(where, "it has no unigrams")
    names = [row[1][0] for row in levels[0]]
    ngram = _from_rows(names, levels)
    plain = [name for name in names if name not in (UNKNOWN, BEGIN, END)]
    if WORD_BREAK in names and sum(len(n) > 3 for n in plain) < 0.2 * len(plain):
        return LanguageModel(letters=ngram, break_unit=names.index(WORD_BREAK))
    return of_words(ngram, plain)


def of_words(ngram: Ngram, words: Sequence[str]) -> LanguageModel:
    """A model of words with letters learnt from the words themselves, each once."""
    from speech.models.lm.train import TrainSettings, train

    letters = sorted({letter for word in words for letter in word} | {WORD_BREAK})
    number = {letter: place for place, letter in enumerate(letters)}
    order = min(6, 63 // bits_of(len(letters)))
    spelt = [[number[letter] for letter in word] for word in words if word]
    learnt = train(spelt, letters, begin=number[WORD_BREAK], settings=TrainSettings(order=order, at_least=1, smoothing="witten_bell"))
    named = Ngram(
        units=tuple(name if name in (UNKNOWN, BEGIN, END) else " ".join(name) for name in ngram.units),
        levels=ngram.levels,
        begin=ngram.begin,
    )
    if UNKNOWN not in named.units:
        named = _with_unknown(named)
    return LanguageModel(
        letters=learnt, break_unit=number[WORD_BREAK], words=word_model(named.units, named, number), weights=Weights(words=0.9)
    )


def _with_unknown(model: Ngram) -> Ngram:
    """The model with a unit for what it does not know, its last."""
    if bits_of(len(model.units) + 1) != model.bits:
        levels = []
        for order, level in enumerate(model.levels, 1):
            keys = packed(unpacked(level.keys, order, model.bits).tolist(), bits_of(len(model.units) + 1))
            levels.append(Level(keys=keys, log_probability=level.log_probability, log_back_off=level.log_back_off))
        return Ngram(units=(*model.units, UNKNOWN), levels=tuple(levels), begin=model.begin)
    return Ngram(units=(*model.units, UNKNOWN), levels=model.levels, begin=model.begin)


def _arpa_levels(text: str, where: str) -> Iterator[list[tuple[float, list[str], float]]]:
    """Rows of each order: log10 probability, units, log10 back-off weight."""
    rows: list[tuple[float, list[str], float]] | None = None
    order = 0
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("\\") and line.endswith("-grams:"):
            if rows is not None:
                yield rows
            order += 1
            rows = []
            if line != f"\\{order}-grams:":
                _no_arpa(where, f"line {number} should be \\{order}-grams:")
        elif line == "\\end\\":
            break
        elif rows is not None and line:
            parts = line.split()
            try:
                back_off = float(parts[order + 1]) if len(parts) > order + 1 else 0.0
                rows.append((float(parts[0]), parts[1 : order + 1], back_off))
            except (ValueError, IndexError):
                _no_arpa(where, f"line {number} is no {order}-gram")
            if len(parts) not in (order + 1, order + 2):
                _no_arpa(where, f"line {number} has {len(parts)} columns")
    if rows is not None:
        yield rows


def _from_rows(names: Sequence[str], levels: Sequence[Sequence[tuple[float, list[str], float]]]) -> Ngram:
    number = {name: place for place, name in enumerate(names)}
    bits = bits_of(len(names))
    made: list[Level] = []
    for order, rows in enumerate(levels, 1):
        if bits * order > 63:
            break  # longer n-grams than a key holds are left to their shorter ones
        known = [(value, [number[u] for u in units], back) for value, units, back in rows if all(u in number for u in units)]
        keys: Ints = packed([units for _, units, _ in known], bits) if known else np.zeros(0, np.int64)
        place = np.argsort(keys, kind="stable")
        values = np.maximum(np.array([v for v, _, _ in known], np.float64) * _LOG10, NEVER)[place]
        back_off = (np.array([b for _, _, b in known], np.float64) * _LOG10)[place]
        keys = keys[place]
        if made:
            there = np.isin(keys >> bits, made[-1].keys)
            keys, values, back_off = keys[there], values[there], back_off[there]
        if not len(keys):
            break
        made.append(Level(keys=keys, log_probability=values.astype(np.float32), log_back_off=back_off.astype(np.float32)))
    if len(made) < len(levels) or bits * len(made) > 63:
        # What nothing longer follows any more leaves nothing to it.
        last = made[-1]
        made[-1] = Level(keys=last.keys, log_probability=last.log_probability, log_back_off=np.zeros_like(last.log_back_off))
    begins = BEGIN in number and any(units[0] == BEGIN for rows in levels[1:] for _, units, _ in rows)
    begin = number[BEGIN] if begins else number.get(WORD_BREAK)
    return Ngram(units=tuple(names), levels=tuple(made), begin=begin)


def _no_arpa(where: str, what: str) -> NoReturn:
    raise ModelRefused(where, f"this is not a whole ARPA file: {what}", "Write it anew with the program that made it", "MODEL_LM")


def write_arpa(model: Ngram, path: Path) -> None:
    """Write ARPA text; there whole or not at all."""
    with replacing(path) as part:
        part.write_text(to_arpa(model), encoding="utf-8")


def names_of(words: Iterable[Sequence[int]], units: Sequence[str]) -> list[str]:
    """Words given as unit numbers, spelt with spaces."""
    return [" ".join(units[u] for u in word) for word in words]
