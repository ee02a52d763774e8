"""What is said of as many minutes elsewhere: the nearest run of each language, of the same way of learning, and nothing for others."""

from __future__ import annotations

import pytest

from speech.adapt import reached

ROWS = [
    {"language": "aaa", "name": "Aaa", "voices": "v", "minutes": 5.0, "moved": "adapter", "cer": 0.61},
    {"language": "aaa", "name": "Aaa", "voices": "v", "minutes": 10.0, "moved": "adapter", "cer": 0.52},
    {"language": "aaa", "name": "Aaa", "voices": "v", "minutes": 10.0, "moved": "full", "cer": 0.44},
    {"language": "bbb", "name": "Bbb", "voices": "w", "minutes": 9.0, "moved": "full", "cer": 0.33},
]


def test_the_nearest_of_each_language_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reached, "rows", lambda: ROWS)
    assert reached.said(8.0, "adapter").endswith("52 % after 10 minutes of Aaa (v; with --full 44 %)")
    assert "33 % after 9 minutes of Bbb (w)" in reached.said(8.0, "full") and "--full" not in reached.said(8.0, "full")
    assert reached.said(4.0, "adapter").endswith("61 % after 5 minutes of Aaa (v)")
    assert reached.said(600.0, "adapter") == reached.said(8.0, "layers") == ""


def test_the_figures_that_ship_are_shares_of_one() -> None:
    assert reached.rows() and all(0 < row["cer"] < 1.5 and row["minutes"] > 0 for row in reached.rows())
