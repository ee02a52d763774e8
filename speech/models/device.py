"""Where the network computes: the processor, or a GPU where there is one.

torch knows two kinds here: `cpu` and `cuda` (NVIDIA's, and AMD's under ROCm). `make TORCH=cuda` installs for it.
"""

from __future__ import annotations

import torch

from speech.errors import UsageFailure

CHOICES: tuple[str, ...] = ("auto", "cpu", "cuda")


def choose(asked: str) -> str:
    """`auto` as the machine has it: the GPU where torch finds one, else the processor; another choice as asked.

    Raises
    ------
    UsageFailure
        `DEVICE`: no such choice, or a GPU asked where torch finds none.
    """
    if asked not in CHOICES:
        raise UsageFailure(f"--device {asked}", "there is no such choice", f"Choose one of {', '.join(CHOICES)}", "DEVICE")
    found = torch.cuda.is_available()
    if asked == "cuda" and not found:
        build = "this torch is built for the processor alone" if torch.version.cuda is None else "torch finds no GPU that it can use"
        raise UsageFailure("--device cuda", build, "Use --device cpu, or install torch for your GPU: make TORCH=cuda", "DEVICE")
    return "cuda" if asked == "cuda" or (asked == "auto" and found) else "cpu"
