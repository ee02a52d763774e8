"""The pure functions of the element, asked in the browser that will run them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from speech.review.words import graphemes
from tests.conftest import REPOSITORY

Ask = Callable[..., Any]


STATIC = REPOSITORY / "speech" / "ui" / "static"


@pytest.fixture(scope="module")
def ask(browser: Browser) -> Iterator[Ask]:
    """Asks one of the functions by name, on an empty page that has the element's files and no server."""
    with browser.new_context() as context:
        context.route("**/*", lambda route: route.fulfill(status=200, content_type="text/html", body="<!doctype html>"))
        context.route("**/static/*.js", lambda route: route.fulfill(path=STATIC / urlsplit(route.request.url).path.rpartition("/")[2]))
        page = context.new_page()
        page.goto("http://app.invalid/")

        def asked(name: str, *given: Any) -> Any:
            return page.evaluate("([name, given]) => import('/static/review-text.js').then(m => m[name](...given))", [name, list(given)])

        yield asked


def test_graphemes_are_counted_as_the_server_counts_them(ask: Ask) -> None:
    for text in ("ɛ̃́ŋɡbɔ̀", "ñuka wasi", "ጸሐይ", "ߒߞߏ߫", "مُدَرِّسَة", "ẹ̀kọ́", "👩‍🌾 a\u0301", "ท้องฟ้า"):
        assert ask("graphemes", text) == graphemes(text)


def test_a_difference_is_by_letter_and_makes_the_other_text(ask: Ask) -> None:
    assert ask("difference", "mo fẹ lọ", "mo fẹ́ lọ") == [["=", "mo f"], ["-", "ẹ"], ["+", "ẹ́"], ["=", " lọ"]]
    for before, after in (("", "abc"), ("abc", ""), ("wasi", "wasikuna"), ("kan mana rinki", "mana kan rirka"), ("same", "same")):
        runs = ask("difference", before, after)
        assert "".join(t for s, t in runs if s != "+") == before
        assert "".join(t for s, t in runs if s != "-") == after


def test_a_tone_key_cycles_through_the_marks_to_none(ask: Ask) -> None:
    marks = ["\u0300", "\u0301"]
    text, seen = "fẹ", []
    for _ in range(3):
        change = ask("cycled", text, len(text), marks)
        text = text[: change["from"]] + change["text"]
        seen.append(text)
    assert seen == ["fẹ̀", "fẹ́", "fẹ"]
    assert ask("cycled", "a ", 2, marks) is None
    assert ask("cycled", "", 0, marks) is None
    assert ask("cycled", "à", 1, marks, "\u0300")["text"] == "a"


def test_letters_outside_an_alphabet(ask: Ask) -> None:
    yoruba = {"alphabet": ["a", "e", "ẹ", "gb", "o"], "marks": ["\u0300", "\u0301"]}
    assert ask("outside", "Gbẹ́ à ó, 12!", yoruba) == []
    assert ask("outside", "xa qa x", yoruba) == ["x", "q"]
    assert ask("outside", "anything", {"alphabet": [], "marks": []}) == []


def test_how_sure_the_machine_was(ask: Ask) -> None:
    usual = {"sure": 0.8, "doubtful": 0.5}
    found = [ask("sureness", c, usual) for c in (None, 0.95, 0.8, 0.79, 0.5, 0.49)]
    assert found == ["sure", "sure", "sure", "unsure", "unsure", "doubtful"]
    assert [ask("sureness", c, {"sure": 0.3, "doubtful": 0.1}) for c in (0.3, 0.29, 0.09)] == ["sure", "unsure", "doubtful"]


def test_times_are_written_alike(ask: Ask) -> None:
    assert [ask("clock", ms) for ms in (0, 950, 61_250, 3_723_400)] == ["0:00.0", "0:00.9", "1:01.2", "1:02:03.4"]
    assert ask("clock", 7_200_000, False) == "2:00:00"
