"""`speech lm`: a language model from text, transcripts or manifests, and what it is worth on text it has not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from speech import formats, languages
from speech.collections import consent
from speech.collections.manifest import read_manifest
from speech.errors import Finding, TextRefused
from speech.files import sha256_of
from speech.languages import Language
from speech.models.lm.files import names_of, word_model
from speech.models.lm.ngram import longest_order
from speech.models.lm.scorer import LanguageModel, Weights
from speech.models.lm.train import TrainSettings, perplexity, train
from speech.models.lm.words import UNKNOWN, spelt_words
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
    """How a language model is made: the letters' n-grams, and those of words. The defaults were measured on dev (recipes/train_lms.py)."""

    letters: TrainSettings = field(default_factory=TrainSettings)
    word_order: int = 2
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
    sentences, left_out = usable((s for t in texts for s in t.sentences), table)
    if not sentences:
        raise TextRefused(", ".join(t.name for t in texts), "no sentence can be learnt from", "Give text of the language", "TEXT_EMPTY")
    spelt = [spell(sentence, table) for sentence in sentences]
    units = sorted({unit for sentence in spelt for unit in sentence} | {WORD_BREAK})
    number = {unit: place for place, unit in enumerate(units)}
    rows = [[number[unit] for unit in sentence] for sentence in spelt]
    order = min(settings.letters.order, longest_order(len(units)))
    letters = train(rows, units, begin=number[WORD_BREAK], settings=replace(settings.letters, order=order))
    words = _learn_words(rows, units, number, settings.word_order)
    card: dict[str, Any] = {
        "language": language,
        "texts": [
            {"name": t.name, "sha256": t.sha256, "sentences": len(t.sentences), "ground": t.ground, "licence": t.licence} for t in texts
        ],
        "sentences": len(sentences),
        "words": sum(len(s.split()) for s in sentences),
        "order": order,
        "smoothing": settings.letters.smoothing,
        "kept": f"n-grams of {settings.letters.from_order} and more symbols that stand in at least {settings.letters.at_least} sentences",
    }
    model = LanguageModel(letters=letters, break_unit=number[WORD_BREAK], words=words, weights=settings.weights, card=card)
    what = ", ".join(f"{count:,} with {why}" for why, count in left_out.most_common())
    findings = [Finding(code="TEXT_ALPHABET", where="texts", what=f"sentences left out: {what}")] if left_out else []
    return model, findings


def usable(sentences: Iterable[str], table: Language) -> tuple[list[str], Counter[str]]:
    """Sentences normalised, without those whose letters the language does not have; how many were left out, and why."""
    from speech.text import outside_alphabet

    found: list[str] = []
    left_out: Counter[str] = Counter()
    for sentence in sentences:
        plain = normalise(sentence, table)
        outside = outside_alphabet(plain, table) if plain else []
        if any(c.isdigit() for c in outside):
            left_out["digits"] += 1
        elif outside:
            left_out["letters outside the alphabet"] += 1
        elif plain:
            found.append(plain)
    return found, left_out


def _learn_words(rows: Sequence[Sequence[int]], units: Sequence[str], number: dict[str, int], order: int) -> Any:
    """A model of words: each that occurs, and pairs that stand in at least two sentences."""
    texts = list(spelt_words(rows, number[WORD_BREAK]))
    words = sorted({word for text in texts for word in text})
    place = {word: n for n, word in enumerate(words)}
    begin, names = len(words), [*names_of(words, units), "<s>", UNKNOWN]
    settings = TrainSettings(order=order, at_least=2, from_order=2)
    ngram = train([[place[w] for w in text] for text in texts], names, begin=begin, settings=settings)
    return word_model(names, ngram, number)


def held_out(model: LanguageModel, sentences: Iterable[str], language: str) -> dict[str, float]:
    """Perplexity a letter (the letters alone) of sentences that the model has not seen, and how many letters they have."""
    table = languages.load(language)
    number = {unit: n for n, unit in enumerate(model.letters.units)}
    spelt = [spell(normalise(s, table), table) for s in sentences]
    value, size = perplexity(model.letters, [[number[u] for u in s if u in number] for s in spelt if s])
    return {"perplexity": round(value, 3), "letters": size}
