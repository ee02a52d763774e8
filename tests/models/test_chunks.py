"""Chunks cover a segment without gap or seam, whatever the size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.models import chunks

REACH, STRIDE = 1360, 640


def frames(samples: int) -> int:
    return max(0, (samples - REACH) // STRIDE + 1)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(length=st.integers(1, 4_000_000), chunk_s=st.integers(6, 40))
def test_joined_frames_are_those_of_one_piece(length: int, chunk_s: int) -> None:
    plan = chunks.plan(length, chunk=chunk_s * 16_000, overlap=32_000, stride=STRIDE)
    # Each frame is numbered by where it starts in the segment; joined, the numbers must run on.
    pieces = [(c.start // STRIDE + np.arange(frames(c.end - c.start), dtype=np.float32))[:, None] for c in plan]
    np.testing.assert_array_equal(chunks.joined(plan, pieces)[:, 0], np.arange(frames(length)))
    assert all(c.end - c.start <= chunk_s * 16_000 for c in plan)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(length=st.integers(REACH, 128_000), before=st.integers(0, 200_000), after=st.integers(0, 200_000))
def test_a_surrounded_segment_keeps_its_own_frames(length: int, before: int, after: int) -> None:
    chunk = chunks.surrounded(length, least=128_000, before=before, after=after, stride=STRIDE, frames=frames(length))
    assert -before <= chunk.start <= 0 <= length <= chunk.end <= length + after
    assert length <= chunk.end - chunk.start <= max(length, 128_000)
    heard = (chunk.start // STRIDE + np.arange(frames(chunk.end - chunk.start), dtype=np.float32))[:, None]
    np.testing.assert_array_equal(chunks.joined([chunk], [heard])[:, 0], np.arange(frames(length)))


def test_a_segment_that_fits_is_one_piece() -> None:
    assert len(chunks.plan(160_000, chunk=160_000, overlap=32_000, stride=640)) == 1


def test_a_chunk_that_cannot_advance_is_refused() -> None:
    with pytest.raises(ValueError, match="does not exceed"):
        chunks.plan(1_000_000, chunk=64_000, overlap=32_000, stride=640)
