"""The page says what the scores say, marks the errors that were counted, and loads and runs nothing."""

from __future__ import annotations

import html
import re

from speech.score import Pair, score, score_report

PAIRS = [
    Pair(id="good", reference="kay wasi", hypothesis="kay wasi", language="que", speaker="s1", words=(("kay", 0.9), ("wasi", 0.8))),
    Pair(id="<b>bad</b>", reference="chay mama", hypothesis="chai", language="que", speaker="s2", words=(("chai", 0.7),)),
    Pair(id="tone", reference="ọjọ́", hypothesis="ọjọ", language="yor", speaker="s3"),
    Pair(id="silent", reference="", hypothesis="a\u202eb", language="yor", speaker="s3"),
]


def test_the_page_has_every_part_and_its_counts() -> None:
    scores = score(PAIRS)
    page = score_report(scores, PAIRS)
    counts = scores.overall.words.counts
    assert (counts.errors, counts.reference) == (4, 5)  # chay, mama; ọjọ́; one added
    for said in (
        "Summary",
        "How it was counted",
        "Rates by languages",
        "Rates by speakers",
        "Tone and diacritics",
        "Confidences",
        "Worst clips",
    ):
        assert said in page
    assert "80.0 %" in page and scores.normalisation in html.unescape(page)
    assert "Empty references" in page and "TEXT_BIDI" in page


def test_errors_are_marked_by_more_than_colour_and_text_is_escaped() -> None:
    page = score_report(score(PAIRS), PAIRS)
    assert "<del>ọ́</del>" in page and "<ins>ọ</ins>" in page
    assert "<del>y ␣ mama</del>" in page or "<del>y</del><del> ␣ mama</del>" in page
    assert "<b>bad</b>" not in page and "&lt;b&gt;bad&lt;/b&gt;" in page


def test_the_page_loads_and_runs_nothing() -> None:
    page = score_report(score(PAIRS), PAIRS)
    assert not re.search(r"<(script|link|img|iframe|object|embed)\b|\b(src|href|on\w+)=|url\(|@import", page)
    assert [u for u in re.findall(r"https?://[^\"' <]+", page) if u != "http://www.w3.org/2000/svg"] == []
    assert "default-src 'none'" in page.replace("&#x27;", "'")


def test_the_page_is_the_same_each_time() -> None:
    assert score_report(score(PAIRS), PAIRS) == score_report(score(PAIRS), PAIRS)


def test_the_worst_clip_comes_first_and_faultless_ones_do_not_come() -> None:
    page = score_report(score(PAIRS), PAIRS)
    worst = page[page.index("Worst clips") :]
    assert re.findall(r"<h3><bdi dir=\"auto\">(.*?)</bdi>", worst) == ["&lt;b&gt;bad&lt;/b&gt;", "tone"]


def test_a_faultless_result_has_a_page_too() -> None:
    page = score_report(score(PAIRS[:1]), PAIRS[:1])
    assert "No clip has an error" in page
