"""A whole signal in memory at another sample rate. Recordings are resampled as they are read, block by block (`signal`)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from speech.audio.records import RATE


def resampled(samples: NDArray[Any], rate: float, *, quality: Literal["HQ", "MQ"] = "HQ") -> NDArray[Any]:
    """Samples (samples,) or (samples, channels) taken at `rate`, at 16 kHz, in their own number format."""
    import soxr

    return np.asarray(soxr.resample(samples, rate, RATE, quality=quality))
