"""Sentences and their pauses."""

from __future__ import annotations

import pytest

from speech.say.sentences import AFTER_PARAGRAPH_MS, AFTER_SENTENCE_MS, LONGEST, sentences


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("Habari yako? Nina 3.5 kg. Sawa!", ["Habari yako?", "Nina 3.5 kg.", "Sawa!"]),
        ("ሰላም ነው። እንዴት ነህ፧ ደህና", ["ሰላም ነው።", "እንዴት ነህ፧", "ደህና"]),
        ("مرحبا؟ نعم.", ["مرحبا؟", "نعم."]),
        ("हाँ। नहीं॥ ठीक", ["हाँ।", "नहीं॥", "ठीक"]),
        ("你好。再见。", ["你好。", "再见。"]),
        ("« Ya. » Hapana", ["« Ya. »", "Hapana"]),
        ("...\n\n—", []),
        ("one\nline", ["one line"]),
    ],
)
def test_sentences_of_several_scripts(text: str, due: list[str]) -> None:
    assert [s.text for s in sentences(text)] == due


def test_pauses_are_longer_after_a_paragraph_shorter_at_speed_and_none_at_the_end() -> None:
    assert [s.pause_ms for s in sentences("A. B.\n\nC.")] == [AFTER_SENTENCE_MS, AFTER_PARAGRAPH_MS, 0]
    assert [s.pause_ms for s in sentences("A. B.", speed=2.0)] == [AFTER_SENTENCE_MS // 2, 0]


def test_long_sentences_are_cut_and_nothing_is_lost() -> None:
    clause = "neno " * 30
    text = f"{clause.strip()}, {clause.strip()}, {clause.strip()}, {'x' * 900}."
    pieces = [s.text for s in sentences(text)]
    assert len(pieces) > 3 and all(len(piece) <= LONGEST for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
