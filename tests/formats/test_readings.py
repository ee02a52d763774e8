"""Other readings as lines that people read and type."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.formats import _readings
from speech.types import Alternative


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.42\nkawsay 0.31\nkausay 0.2", (0.42, [("kawsay", 0.31), ("kausay", 0.2)])),
        ("kawsay 0.31", (None, [("kawsay", 0.31)])),
        ("kawsay", (None, [("kawsay", None)])),
        ("ishkay kawsay ?\r\n\n", (None, [("ishkay kawsay", None)])),
        ("kawsay 12", (None, [("kawsay 12", None)])),
        ("high\nkawsay nan", (None, [("high", None), ("kawsay nan", None)])),
        ("1", (1.0, [])),
        ("", (None, [])),
        (r"a\nb\\n 0.5", (None, [("a\nb\\n", 0.5)])),
    ],
)
def test_lines_of_people_are_read(text: str, expected: tuple[float | None, list[tuple[str, float | None]]]) -> None:
    confidence, readings = _readings.read(text)
    assert (confidence, [(r.text, r.confidence) for r in readings]) == expected


_SURE = st.none() | st.floats(0, 1)
_TEXT = st.text(st.sampled_from("a0.5 ?\\nr\n\re-"))


@given(confidence=_SURE, readings=st.lists(st.builds(Alternative, text=_TEXT, confidence=_SURE), min_size=1).map(tuple))
@settings(deadline=None, derandomize=True, database=None)
def test_any_readings_come_back(confidence: float | None, readings: tuple[Alternative, ...]) -> None:
    text = _readings.written(confidence, readings)
    assert _readings.read(text) == (confidence, readings)
    assert len(text.split("\n")) == len(readings) + (confidence is not None)
