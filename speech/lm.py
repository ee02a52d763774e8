"""`speech lm`: a language model from text, transcripts or manifests, and what it is worth on text it has not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech import formats, languages
from speech.collections import consent
from speech.collections.manifest import read_manifest
from speech.errors import Finding, TextRefused
from speech.files import sha256_of
from speech.languages import Language
from speech.models.lm.choosing import Tried, choose
from speech.models.lm.files import names_of, word_model
from speech.models.lm.ngram import longest_order
from speech.models.lm.scorer import LanguageModel, Weights
from speech.models.lm.train import TrainSettings, perplexity, train
from speech.models.lm.words import UNKNOWN, WordModel, most_frequent, spelt_words
from speech.text import WORD_BREAK, normalise, spell
from speech.text.decode import lines, read_text

SCOPE = "train_asr"
PLAIN = (".txt", ".text", "")
MANIFESTS = (".tsv", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Sentences of one file, as they are written, and on what ground they may be learnt from."""

    name: str
    sha256: str
    sentences: tuple[str, ...]
    ground: str
    licence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnSettings:
    """How a language model is made: the letters' n-grams, and those of words. The weights were measured on dev (recipes/train_lms.py)."""

    letters: TrainSettings | None = None
    """None: smoothing, order and pruning are chosen by perplexity on every tenth sentence (`speech.models.lm.choosing`)."""
    word_order: int = 2
    most_words: int = 100_000
    weights: Weights = field(default_factory=lambda: Weights(weight=0.7, bonus=1.05, words=0.6))


def read_texts(paths: Sequence[Path], *, context: consent.Context, encoding: str | None = None) -> list[Text]:
    """The sentences of plain texts, of transcripts in any format we read, and of manifests (rows of train only).

    The gate is asked for what people said: `train_asr`. A plain text without a card beside it is taken as the user's own.

    Raises
    ------
    ConsentRefused
        What people said may not be learnt from.
    PathRefused, FormatRefused, ManifestRefused, TextRefused
        A file cannot be read.
    """
    return [_read(path, context, encoding) for path in paths]


def _read(path: Path, context: consent.Context, encoding: str | None) -> Text:
    decision = consent.answer({SCOPE}, consent.item_of(path), context=context)
    suffix = path.suffix.lower()
    if not decision.allowed and not (suffix in PLAIN and decision.code == "NO_CARD"):
        consent.require({SCOPE}, consent.item_of(path), context=context)  # refuses, as it answered above
    if suffix in PLAIN:
        sentences = tuple(line for line in lines(read_text(path, encoding=encoding)) if line.strip())
    elif suffix in MANIFESTS:
        rows = read_manifest(path).rows
        sentences = tuple(row.text for row in rows if row.text and row.split == "train")
    else:
        sentences = tuple(s.text for s in formats.read(path, encoding=encoding).segments if s.text.strip())
    ground = "the user's own text" if not decision.allowed else ", ".join(decision.records) or decision.code
    return Text(name=path.name, sha256=sha256_of(path), sentences=sentences, ground=ground)


def learn(texts: Sequence[Text], language: str, settings: LearnSettings | None = None) -> tuple[LanguageModel, list[Finding]]:
    """A language model of letters and words of a language.

    Returns
    -------
    Findings: `TEXT_ALPHABET`, sentences left out because of letters or digits that the language does not have.

    Raises
    ------
    TextRefused
        `TEXT_EMPTY`: no sentence is left.
    """
    settings = settings or LearnSettings()
    table = languages.load(language)
    left_out: Counter[str] = Counter()
    rows, units, words = _numbered(usable((s for t in texts for s in t.sentences), table, left_out), table)
    if not rows:
        raise TextRefused(", ".join(t.name for t in texts), "no sentence can be learnt from", "Give text of the language", "TEXT_EMPTY")
    begin = units.index(WORD_BREAK)
    tried: list[Tried] = []
    chosen = settings.letters
    if chosen is None:
        chosen, tried = choose(rows, units, begin=begin)
    chosen = replace(chosen, order=min(chosen.order, longest_order(len(units))))
    letters = train(rows, units, begin=begin, settings=chosen)
    card: dict[str, Any] = {
        "language": language,
        "texts": [
            {"name": t.name, "sha256": t.sha256, "sentences": len(t.sentences), "ground": t.ground, "licence": t.licence} for t in texts
        ],
        "sentences": len(rows),
        "words": words,
        "order": chosen.order,
        "smoothing": chosen.smoothing,
        "kept": f"n-grams of {chosen.from_order} and more symbols that stand in at least {chosen.at_least} sentences",
    }
    if tried:
        card["chosen_among"] = [asdict(one) for one in tried]
    model = LanguageModel(
        letters=letters, break_unit=begin, words=_learn_words(rows, units, begin, settings), weights=settings.weights, card=card
    )
    what = ", ".join(f"{count:,} with {why}" for why, count in left_out.most_common())
    findings = [Finding(code="TEXT_ALPHABET", where="texts", what=f"sentences left out: {what}")] if left_out else []
    return model, findings


def usable(sentences: Iterable[str], table: Language, left_out: Counter[str]) -> Iterator[str]:
    """Sentences normalised, without those whose letters the language does not have; `left_out` counts them by reason."""
    from speech.text import outside_alphabet

    for sentence in sentences:
        plain = normalise(sentence, table)
        outside = outside_alphabet(plain, table) if plain else []
        if any(c.isdigit() for c in outside):
            left_out["digits"] += 1
        elif outside:
            left_out["letters outside the alphabet"] += 1
        elif plain:
            yield plain


def _numbered(sentences: Iterable[str], table: Language) -> tuple[list[NDArray[np.uint16]], list[str], int]:
    """Sentences as numbers of their units, the units by number in order of their names, and how many words there are.

    Two bytes a letter: of a large text nothing else is held.
    """
    first_seen: dict[str, int] = {WORD_BREAK: 0}
    rows: list[NDArray[np.uint16]] = []
    words = 0
    for sentence in sentences:
        rows.append(np.array([first_seen.setdefault(unit, len(first_seen)) for unit in spell(sentence, table)], np.uint16))
        words += len(sentence.split())
    units = sorted(first_seen)
    number = np.array([units.index(unit) for unit in first_seen], np.uint16)
    return [number[row] for row in rows], units, words


def _learn_words(rows: Sequence[NDArray[np.uint16]], units: Sequence[str], break_unit: int, settings: LearnSettings) -> WordModel:
    """A model of words: each that occurs, and pairs that stand in at least two sentences."""
    words = most_frequent(rows, break_unit, settings.most_words)
    place = {word: n for n, word in enumerate(words)}
    begin, unknown, names = len(words), len(words) + 1, [*names_of(words, units), "<s>", UNKNOWN]
    texts = (np.array([place.get(w, unknown) for w in text], np.int32) for text in spelt_words(rows, break_unit))
    ngram = train(texts, names, begin=begin, settings=TrainSettings(order=settings.word_order, at_least=2, from_order=2))
    return word_model(names, ngram, {unit: n for n, unit in enumerate(units)})


def held_out(model: LanguageModel, sentences: Iterable[str], language: str) -> dict[str, float]:
    """Perplexity a letter (the letters alone) of sentences that the model has not seen, and how many letters they have."""
    table = languages.load(language)
    number = {unit: n for n, unit in enumerate(model.letters.units)}
    spelt = [spell(normalise(s, table), table) for s in sentences]
    value, size = perplexity(model.letters, [[number[u] for u in s if u in number] for s in spelt if s])
    return {"perplexity": round(value, 3), "letters": size}
