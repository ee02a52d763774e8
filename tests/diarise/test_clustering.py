"""Vectors into speakers: how many, within asked bounds, and who speaks in each frame."""

from __future__ import annotations

import numpy as np
import pytest

from speech.diarise.clustering import ClusterSettings, clusters, posteriors

SETTINGS = ClusterSettings(distances=(0.4, 0.5, 0.6), least_blocks=3)


def said_by(speakers: list[int], *, noise: float = 0.05, seed: int = 3) -> np.ndarray:
    """A unit vector a stretch: each speaker near an axis of his or her own."""
    rng = np.random.default_rng(seed)
    rows = np.eye(16, dtype=np.float32)[speakers] + rng.normal(0, noise, (len(speakers), 16)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def same(labels: np.ndarray, speakers: list[int]) -> bool:
    """Whether labels divide as the speakers do, whatever they are called."""
    return len({(a, b) for a, b in zip(labels.tolist(), speakers, strict=True)}) == len(set(speakers)) == len(set(labels.tolist()))


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_as_many_speakers_as_there_are(number: int) -> None:
    speakers = [n % number for n in range(40)]
    assert same(clusters(said_by(speakers), SETTINGS), speakers)


def test_asked_bounds_hold() -> None:
    vectors = said_by([n % 3 for n in range(60)])
    assert len(set(clusters(vectors, SETTINGS, least=2, most=2).tolist())) == 2
    assert len(set(clusters(vectors, SETTINGS, least=5).tolist())) == 5
    assert len(set(clusters(vectors, SETTINGS, least=1, most=7).tolist())) == 3


def test_a_single_stray_stretch_is_no_speaker() -> None:
    assert same(clusters(said_by([0] * 20 + [1] * 20 + [2]), SETTINGS)[:40], [0] * 20 + [1] * 20)


def test_nobodys_sound_takes_no_place_of_a_speaker_whose_number_is_told() -> None:
    rng = np.random.default_rng(4)
    axes = np.zeros((3, 16), np.float32)
    axes[0, :2], axes[1, :2], axes[2, 5] = (1, 0.3), (0.3, 1), 1  # two people alike, and a sound like neither
    who = [0] * 30 + [1] * 30 + [2] * 3
    rows = axes[who] + rng.normal(0, 0.03, (len(who), 16)).astype(np.float32)
    vectors = np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
    assert same(clusters(vectors, SETTINGS, least=2, most=2)[:60], who[:60])


def test_long_recordings_are_joined_in_parts_with_the_same_answer() -> None:
    speakers = [n // 10 % 3 for n in range(900)]
    small = ClusterSettings(distances=(0.4, 0.5, 0.6), least_blocks=3, at_once=100)
    assert same(clusters(said_by(speakers), small), speakers)


def test_voices_near_each_other_are_told_apart_by_how_well_a_cut_divides() -> None:
    """Two voices at a cosine distance of 0.45: a fixed distance of 0.6 would join them, one of 0.4 split none of them."""
    rng = np.random.default_rng(4)
    first = np.eye(16)[0]
    second = 0.55 * first + np.sqrt(1 - 0.55**2) * np.eye(16)[1]
    speakers = [0, 1] * 30
    rows = np.stack([(first, second)[n] for n in speakers]) + rng.normal(0, 0.04, (60, 16))
    vectors = np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
    assert same(clusters(vectors, SETTINGS), speakers)
    assert clusters(vectors, ClusterSettings(distances=(0.6,), least_blocks=3)).max() == 0


def test_one_stretch_and_none() -> None:
    assert clusters(said_by([0]), SETTINGS).tolist() == [0]
    assert clusters(np.zeros((0, 16), np.float32), SETTINGS).tolist() == []


def test_the_chain_is_sure_within_turns_and_less_so_at_their_borders() -> None:
    speakers = [0] * 50 + [1] * 50
    vectors = said_by(speakers, noise=0.3)
    chances, means = posteriors(
        [slice(0, 60), slice(60, 100)], vectors.__getitem__, np.ones(100, np.float32), np.eye(16, dtype=np.float32)[:2], SETTINGS
    )
    assert chances.shape == (100, 2)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)
    assert np.argmax(chances, axis=1).tolist() == speakers
    assert chances[25, 0] > chances[49, 0]
    np.testing.assert_allclose(np.linalg.norm(means, axis=1), 1, atol=1e-5)


def test_frames_without_weight_follow_their_neighbours() -> None:
    vectors = said_by([0] * 30 + [1] * 3 + [0] * 30)
    weights = np.ones(63, np.float32)
    weights[30:33] = 0
    chances, _ = posteriors([slice(0, 63)], vectors.__getitem__, weights, np.eye(16, dtype=np.float32)[:2], SETTINGS)
    assert np.argmax(chances, axis=1).tolist() == [0] * 63
