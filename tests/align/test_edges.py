"""Edges of lines by loudness."""

from __future__ import annotations

import numpy as np

from speech.align.edges import HOP_S, Heard, line_edges, loudness, with_margin

RATE = 16_000


def session(*spans: tuple[float, float], length: float = 6.0, floor: float = 0.001) -> np.ndarray:
    rng = np.random.default_rng(0)
    sound = rng.normal(size=int(length * RATE)).astype(np.float32) * floor
    for start, end in spans:
        part = slice(int(start * RATE), int(end * RATE))
        sound[part] += rng.normal(size=sound[part].shape).astype(np.float32) * 0.1
    return loudness(sound, RATE)


def heard(*peaks: tuple[float, float]) -> list[Heard]:
    return [Heard(laid=(first - 0.5, last + 0.5), first=first, last=last) for first, last in peaks]


def test_edges_are_where_sound_begins_and_ends() -> None:
    levels = session((1.0, 2.0), (3.5, 5.0))
    found = line_edges(heard((1.15, 1.85), (3.6, 4.8)), levels)
    assert np.allclose(found, [(1.0, 2.0), (3.5, 5.0)], atol=0.03)


def test_an_edge_lies_no_farther_than_its_reach_and_no_line_in_another() -> None:
    levels = session((0.5, 5.5))
    found = line_edges(heard((1.0, 2.0), (2.2, 5.0)), levels)
    assert found[0][0] >= 1.0 - 0.46 and found[0][1] == found[1][0] and 2.0 <= found[0][1] <= 2.2


def test_where_words_fit_badly_the_pause_and_the_level_tell() -> None:
    levels = session((1.0, 2.0), (3.5, 5.0))
    unsure = [Heard(laid=(0.8, 2.3), first=None, last=None), Heard(laid=(3.3, 5.2), first=4.2, last=None)]
    found = line_edges(unsure, levels)
    assert np.allclose(found, [(1.0, 2.0), (4.2 - 0.45, 5.0)], atol=0.03), "a peak that is sure is believed; an edge without one is heard"
    silent = line_edges([Heard(laid=(1.0, 2.0), first=None, last=None)], np.full(600, -90, np.float32))
    assert np.allclose(silent, [(1.0, 2.0)], atol=0.02)
    two = line_edges([Heard(laid=(1.0, 2.4), first=1.1, last=None), Heard(laid=(2.4, 5.0), first=2.2, last=4.9)], levels)
    assert two[0][1] <= two[1][0]


def test_silence_throughout_and_no_sound_at_all() -> None:
    assert line_edges(heard((1.0, 2.0)), np.full(600, -90, np.float32)) == [(1.0 - 0.45, 2.45)]
    assert line_edges([], np.zeros(0, np.float32)) == [] and len(loudness(np.zeros(3, np.float32), RATE)) == 0


def test_margins_take_half_of_a_pause_at_most() -> None:
    assert np.allclose(with_margin([(1.0, 2.0), (2.1, 3.0)], 3.02, 0.1), [(0.9, 2.05), (2.05, 3.02)])
    assert HOP_S == 0.01
