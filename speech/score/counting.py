"""Alignments of normalised texts by jiwer, and what is counted in them.

jiwer aligns; this module cuts letters for it (it knows code points, not graphemes) and reads its alignments.
Counts are kept a row, so that any grouping of rows is a sum.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from speech.languages import Language
from speech.score.records import Counts, Kind
from speech.text import graphemes

SPACE = "␣"
"""Stands for the space between words where letters are aligned; normalised text cannot hold it."""

Alignment = Sequence[Any]
"""jiwer's chunks of one row: type, ref_start_idx, ref_end_idx, hyp_start_idx, hyp_end_idx."""


def letters(text: str) -> list[str]:
    """The graphemes of a normalised text, words divided by `SPACE`."""
    found: list[str] = []
    for word in text.split():
        if found:
            found.append(SPACE)
        found.extend(graphemes(word))
    return found


def align_words(references: Sequence[str], hypotheses: Sequence[str]) -> list[Alignment]:
    """A word alignment a row, of texts whose words are divided by single spaces."""
    import jiwer

    return list(jiwer.process_words(list(references), list(hypotheses)).alignments)


def align_letters(references: Sequence[str], hypotheses: Sequence[str]) -> list[Alignment]:
    """A grapheme alignment a row: letters joined by spaces go to jiwer as words."""
    return align_words([" ".join(letters(r)) for r in references], [" ".join(letters(h)) for h in hypotheses])


def align_code_points(references: Sequence[str], hypotheses: Sequence[str]) -> list[Alignment]:
    """A code point alignment a row, as jiwer's CER and published figures have it."""
    import jiwer

    return list(jiwer.process_characters(list(references), list(hypotheses)).alignments)


def counts_of(alignment: Alignment) -> Counts:
    """What one row's alignment counts."""
    found: Counter[str] = Counter()
    for chunk in alignment:
        found[chunk.type] += max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
    return Counts(hits=found["equal"], substitutions=found["substitute"], deletions=found["delete"], insertions=found["insert"])


def differences(alignment: Alignment, reference: Sequence[str], hypothesis: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each error of one row: a letter and what stands in its place; empty for what is missing or added."""
    for chunk in alignment:
        was = reference[chunk.ref_start_idx : chunk.ref_end_idx]
        given = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
        if chunk.type == "substitute":
            yield from zip(was, given, strict=True)
        elif chunk.type == "delete":
            yield from ((sign, "") for sign in was)
        elif chunk.type == "insert":
            yield from (("", sign) for sign in given)


def kind_of(reference: str, hypothesis: str, language: Language) -> Kind:
    """Whether two letters differ by tone marks only, by diacritics, or are two letters.

    Tone marks are those a language's table lists under `marks`; without a list no mark is known to be a tone.
    Vowel signs of Indic scripts (combining class 0) and the virama are letters, not diacritics.
    """
    if not reference or not hypothesis:
        return "letter"
    (base, marks), (other, others) = _split(reference), _split(hypothesis)
    if base != other:
        return "letter"
    differing = (marks - others) + (others - marks)
    return "tone" if differing and all(m in language.marks for m in differing) else "diacritic"


def _split(letter: str) -> tuple[str, Counter[str]]:
    parts = unicodedata.normalize("NFD", letter)
    marks = [p for p in parts if unicodedata.combining(p) not in (0, 9)]
    return "".join(p for p in parts if unicodedata.combining(p) in (0, 9)), Counter(marks)
