"""The CTC loss of a batch, from log probabilities and the symbols that each clip spells."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def frames_needed(symbols: Sequence[object]) -> int:
    """Frames that CTC needs for symbols: one each, and a blank between two that are the same."""
    return len(symbols) + sum(a == b for a, b in itertools.pairwise(symbols))


def ctc(scores: Tensor, targets: Sequence[Sequence[int]], *, frames: Sequence[int] | None = None, blank: int = 0) -> Tensor:
    """The loss of all clips together, in nats; divide it by what the batch is to be weighed by.

    A clip whose symbols and repeats need more frames than it has counts nothing.

    Parameters
    ----------
    scores : (frames, clips, symbols), natural-log probabilities
    targets : of each clip, without blanks; empty where nothing is said
    frames : of each clip, where the batch is padded

    Source
    ------
    Graves et al. 2006.
    """
    flat = torch.tensor([symbol for row in targets for symbol in row], dtype=torch.long, device=scores.device)
    sizes = torch.tensor([len(row) for row in targets])
    lengths = torch.tensor(frames) if frames is not None else torch.full((len(targets),), len(scores))
    return F.ctc_loss(scores, flat, lengths, sizes, blank=blank, reduction="sum", zero_infinity=True)
