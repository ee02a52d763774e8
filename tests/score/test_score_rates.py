"""Counts and rates are those of jiwer and of the hand; letters are graphemes, and tones stand apart."""

from __future__ import annotations

import random
from collections.abc import Sequence

import jiwer
import pytest

from speech import languages
from speech.errors import ModelRefused, TextRefused
from speech.score import Counts, Pair, ScoreSettings, score, summary_lines
from speech.score.counting import SPACE, kind_of, letters
from speech.text import normalise

YOR = languages.load("yor")


def pairs_of(*texts: tuple[str, str], language: str = "und") -> list[Pair]:
    return [Pair(id=f"r{n}", reference=r, hypothesis=h, language=language) for n, (r, h) in enumerate(texts)]


def noisy(language: str, seed: int, number: int = 40) -> list[Pair]:
    """Random words of a language's letters, and the same with random errors."""
    table, chance = languages.load(language), random.Random(seed)
    made = []
    for n in range(number):
        words = ["".join(chance.choices(table.letters, k=chance.randint(1, 6))) for _ in range(chance.randint(1, 9))]
        reference = " ".join(words)
        hypothesis = "".join(chance.choice(["", c, c, c, c, c, " ", chance.choice(table.letters)]) for c in reference)
        made.append(
            Pair(id=f"{language}{n}", reference=reference, hypothesis=hypothesis, language=language, recording=f"{language}{n % 4}")
        )
    return made


def four(counts: Counts) -> tuple[int, int, int, int]:
    return (counts.hits, counts.substitutions, counts.deletions, counts.insertions)


@pytest.mark.parametrize("language", ["yor", "bre", "que"])
def test_counts_are_those_of_jiwer_called_directly(language: str) -> None:
    pairs = noisy(language, seed=len(language))
    table = languages.load(language)
    references = [normalise(p.reference, table) for p in pairs]
    hypotheses = [normalise(p.hypothesis, table) for p in pairs]
    overall = score(pairs).overall
    words = jiwer.process_words(references, hypotheses)
    assert four(overall.words.counts) == (words.hits, words.substitutions, words.deletions, words.insertions)
    assert overall.words.value == pytest.approx(words.wer)
    points = jiwer.process_characters(references, hypotheses)
    assert four(overall.code_points.counts) == (points.hits, points.substitutions, points.deletions, points.insertions)
    assert overall.code_points.value == pytest.approx(points.cer)


def test_letters_and_code_points_are_one_where_every_letter_has_a_code_point() -> None:
    # Kichwa letters are all composed, so the two ways of counting must meet, spaces included.
    overall = score(noisy("que", seed=5)).overall
    assert four(overall.letters.counts) == four(overall.code_points.counts)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "words", "graphemes", "points"),
    [
        # hits, substitutions, deletions, insertions, counted by hand
        ("a b c", "a x c", (2, 1, 0, 0), (4, 1, 0, 0), (4, 1, 0, 0)),
        ("a b", "ab", (0, 1, 1, 0), (2, 0, 1, 0), (2, 0, 1, 0)),  # a lost space is one error of letters
        ("mama", "", (0, 0, 1, 0), (0, 0, 4, 0), (0, 0, 4, 0)),
        ("", "a b", (0, 0, 0, 2), (0, 0, 0, 3), (0, 0, 0, 3)),
        ("Ọjọ́, dára!", "ọjọ́ dára", (2, 0, 0, 0), (8, 0, 0, 0), (9, 0, 0, 0)),  # ọ́ is two code points
        ("ọjọ́", "ọjọ", (0, 1, 0, 0), (2, 1, 0, 0), (3, 0, 1, 0)),  # the tone alone
        ("ọ̀rọ̀", "orọ́", (0, 1, 0, 0), (1, 2, 0, 0), (2, 2, 1, 0)),
    ],
)
def test_counts_are_those_of_the_hand(
    reference: str, hypothesis: str, words: Sequence[int], graphemes: Sequence[int], points: Sequence[int]
) -> None:
    row = score(pairs_of((reference, hypothesis), language="yor")).rows[0]
    assert four(row.words) == tuple(words)
    assert four(row.letters) == tuple(graphemes)
    assert four(row.code_points) == tuple(points)


def test_yoruba_tones_are_counted_apart_from_letters() -> None:
    scores = score(pairs_of(("ọjọ́ dára", "ọjọ̀ dara"), ("ẹ̀kọ́", "èkọ́"), ("ṣe", "se"), ("bàbá", "babe"), language="yor"))
    [marks] = scores.marks
    # ọ́ to ọ̀, á to a, à to a are tone; ẹ̀ to è and ṣ to s are dots; á to e is another letter.
    assert (marks.tone, marks.diacritic, marks.letter, marks.missing, marks.added) == (3, 2, 1, 0, 0)
    assert marks.reference == 8 + 3 + 2 + 4
    assert {(c.reference, c.hypothesis, c.count, c.kind) for c in scores.mark_confusions} == {
        ("ọ́", "ọ̀", 1, "tone"),
        ("á", "a", 1, "tone"),
        ("à", "a", 1, "tone"),
        ("ẹ̀", "è", 1, "diacritic"),
        ("ṣ", "s", 1, "diacritic"),
    }
    assert [(c.reference, c.hypothesis, c.count) for c in scores.confusions] == [("á", "e", 1)]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "kind"),
    [
        ("ó", "o", "tone"),
        ("ó", "ò", "tone"),
        ("ọ́", "ọ", "tone"),
        ("ọ", "o", "diacritic"),
        ("ọ́", "o", "diacritic"),
        ("ó", "e", "letter"),
        ("ó", "", "letter"),
        ("कि", "की", "letter"),  # vowel signs are letters
        ("क", "क़", "diacritic"),
    ],
)
def test_two_letters_differ_in_tone_diacritic_or_letter(reference: str, hypothesis: str, kind: str) -> None:
    assert kind_of(reference, hypothesis, YOR) == kind


def test_letters_are_graphemes_with_a_sign_between_words() -> None:
    assert letters("ọ́ ŋ́a") == ["ọ́", SPACE, "ŋ́", "a"]
    assert letters("a \u0301b") == ["a", SPACE, "\u0301", "b"]


def test_confusions_are_counted_and_the_most_frequent_comes_first() -> None:
    scores = score(pairs_of(("pata pata", "bata bata"), ("kapu", "kabu"), ("mi", "i"), language="que"))
    assert [(c.reference, c.hypothesis, c.count) for c in scores.confusions] == [("p", "b", 3), ("m", "", 1)]
    assert score(pairs_of(("pa", "ba"), ("mi", "i")), ScoreSettings(top=1)).confusions[0].count == 1


def test_groups_add_up_to_the_whole() -> None:
    pairs = [*noisy("yor", 1), *noisy("que", 2), *noisy("bre", 3, number=7)]
    scores = score(pairs)
    assert [g.name for g in scores.languages] == ["bre", "que", "yor"]
    for read in ("words", "letters", "code_points"):
        total = sum((getattr(g, read).counts for g in scores.languages), Counts())
        assert total == getattr(scores.overall, read).counts == sum((getattr(r, read) for r in scores.rows), Counts())


def test_macro_average_worst_and_ratio_are_over_languages_not_clips() -> None:
    # que 1 of 4 words wrong, in two clips; bre 1 of 2: the mean is 0.375 whatever the number of clips.
    pairs = [
        Pair(id="1", reference="a b", hypothesis="a b", language="que"),
        Pair(id="2", reference="a b", hypothesis="a x", language="que"),
        Pair(id="3", reference="a b", hypothesis="x b", language="bre"),
    ]
    scores = score(pairs)
    assert scores.by_language is not None
    spread = scores.by_language.words
    assert spread.macro == 0.375 and (spread.worst, spread.worst_rate) == ("bre", 0.5)
    assert (spread.best, spread.best_rate, spread.ratio, spread.groups) == ("que", 0.25, 2.0, 2)
    assert scores.overall.words.value == 2 / 6


def test_the_ratio_to_a_faultless_group_is_not_known() -> None:
    pairs = [Pair(id="1", reference="a", hypothesis="a", language="que"), Pair(id="2", reference="a", hypothesis="b", language="bre")]
    spreads = score(pairs).by_language
    assert spreads is not None and spreads.words.ratio is None


def test_speakers_are_kept_apart_by_language_and_the_unnamed_are_in_no_spread() -> None:
    pairs = [
        Pair(id="1", reference="a", hypothesis="a", language="que", speaker="s1"),
        Pair(id="2", reference="a", hypothesis="b", language="bre", speaker="s1"),
        Pair(id="3", reference="a", hypothesis="b", language="bre"),
    ]
    scores = score(pairs)
    assert [(g.name, g.language) for g in scores.speakers] == [("", "bre"), ("s1", "bre"), ("s1", "que")]
    assert scores.by_speaker is not None and scores.by_speaker.words.groups == 2


def test_digraphs_are_read_by_the_rules_of_each_pairs_own_language() -> None:
    pairs = [
        Pair(id="1", reference="c’hi", hypothesis="c'hi", language="bre"),
        Pair(id="2", reference="c’hi", hypothesis="c hi", language="que"),
    ]
    assert score(pairs).overall.words.counts.errors == 0


def test_nothing_to_score_and_no_code_are_refused() -> None:
    with pytest.raises(TextRefused) as caught:
        score([])
    assert caught.value.code == "TEXT_EMPTY"
    with pytest.raises(ModelRefused) as other:
        score(pairs_of(("a", "a"), language="../x"))
    assert other.value.code == "LANGUAGE_CODE"


def test_the_result_for_machines_has_counts_beside_every_rate_and_states_its_rules() -> None:
    made = score([*noisy("yor", 1), *noisy("que", 2)]).as_dict()
    assert made["normalisation"].startswith("NFC") and [r["language"] for r in made["rules"]] == ["que", "yor"]

    def rates(value: object) -> list[dict[str, object]]:
        if isinstance(value, dict):
            own = [value] if "rate" in value else []
            return own + [r for v in value.values() for r in rates(v)]
        return [r for v in value for r in rates(v)] if isinstance(value, list) else []

    found = rates(made)
    assert len(found) > 200
    assert all({"errors", "reference", "hits", "substitutions", "deletions", "insertions"} <= set(r) for r in found)


def test_the_summary_names_rates_counts_intervals_and_rules() -> None:
    scores = score([*noisy("yor", 1), *noisy("que", 2)])
    lines = summary_lines(scores)
    counts = scores.overall.words.counts
    assert any(f"{counts.errors:,} errors in {counts.reference:,} words" in line and "95 % interval" in line for line in lines)
    assert any(line.startswith("Over 2 languages") and "worst" in line for line in lines)
    assert lines[-2].startswith("Normalisation: NFC")
