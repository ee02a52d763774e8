"""Which number format the network computes in: what this processor really has, never what torch would accept.

On a processor without bf16 instructions torch computes bf16 matrix products in software, hundreds of times
slower and without a word. So the processor is asked; where torch's private questions are gone, a product is timed.
"""

from __future__ import annotations

import time
from typing import Literal

import torch

from speech.errors import UsageFailure

Precision = Literal["fp32", "bf16", "int8"]
_FORMATS: tuple[Precision, ...] = ("fp32", "bf16", "int8")
CHOICES: tuple[str, ...] = ("auto", "fp32", "bf16", "int8")


def has_bf16() -> bool:
    """Whether bf16 matrix products are faster here than fp32 ones."""
    asked = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    known = [question for question in asked if question is not None]
    if known:
        return any(bool(question()) for question in known)
    return _timed_bf16()


def _timed_bf16(size: int = 192) -> bool:
    """A product of about 10 ms in both formats, best of three."""
    times = {}
    for kind in (torch.float32, torch.bfloat16):
        a = torch.ones(size, size, dtype=kind)
        best = float("inf")
        for _ in range(3):
            begun = time.perf_counter()
            a @ a
            best = min(best, time.perf_counter() - begun)
        times[kind] = best
    return times[torch.bfloat16] < times[torch.float32]


def choose(asked: str, device: str = "cpu") -> Precision:
    """`auto` as the device has it: bf16 where it is in hardware, else fp32; another choice as asked.

    Raises
    ------
    UsageFailure
        `PRECISION`: no such choice, bf16 asked where it would be hundreds of times slower, or int8 on a GPU.
    """
    has = has_bf16() if device == "cpu" else torch.cuda.is_bf16_supported()
    if asked == "auto":
        return "bf16" if has else "fp32"
    if asked == "bf16" and not has:
        raise UsageFailure(
            "--precision bf16",
            "there are no bf16 instructions here; it would be hundreds of times slower",
            "Use --precision auto",
            "PRECISION",
        )
    if asked == "int8" and device != "cpu":
        raise UsageFailure("--precision int8", "torch computes it on the processor alone", "Use --precision auto", "PRECISION")
    for choice in _FORMATS:
        if asked == choice:
            return choice
    raise UsageFailure(f"--precision {asked}", "there is no such choice", f"Choose one of {', '.join(CHOICES)}", "PRECISION")


def apply(network: torch.nn.Module, precision: Precision) -> torch.nn.Module:
    """The network in that format: weights in bf16, or linear layers in int8 made at load (activations per batch)."""
    if precision == "bf16":
        return network.to(torch.bfloat16)
    if precision == "int8":
        import warnings

        with warnings.catch_warnings():
            # torch announces that this moves to another package; the bound on torch keeps it here.
            warnings.simplefilter("ignore")
            return torch.ao.quantization.quantize_dynamic(network, {torch.nn.Linear}, dtype=torch.qint8)  # type: ignore[no-any-return,no-untyped-call]
    return network
