"""Whether a laptop can adapt the large models: one step of MMS-1B's and of Omnilingual 300M's real shape, with random weights.

The step is that of `speech adapt`, 48 s of sound, through the learner itself: attention adapters for MMS-1B, low-rank ones for
Omnilingual, activations computed again on the way back. Peak memory and times are those of a process of its own.
Command: python benchmarks/adapt_large.py [mms_1b|omniasr_300m] [--keep-activations] [--full]     both shapes unless named
Needs: the memory that it prints, at most 8 GiB unless --full is said (every weight learns then); 5 GB of disk in the temporary folder.
"""

from __future__ import annotations

import json
import sys
import tempfile

from figures import keep
from large_models import SHAPES, child

STEP = """
import json, sys, time
from pathlib import Path
import numpy as np
from speech.adapt import learner as learners
from speech.adapt.needs import memory_needed
from speech.adapt.whole import head_or_donor
from speech.models.checkpoint import open_checkpoint
if sys.argv[2] == "keep":
    learners.LARGE = 10**12
import torch
from speech.models.training.losses import ctc
def peak():
    return next(int(line.split()[1]) / 1024**2 for line in open("/proc/self/status") if line.startswith("VmHWM"))
begun = time.perf_counter()
checkpoint = open_checkpoint(Path(sys.argv[1]))
donor = "que" if "que" in checkpoint.adapters else "none"
learner = learners.Learner(checkpoint, "zzz", tuple("abdeghijklmnoprstuwy"), mode=sys.argv[3], donor=head_or_donor(checkpoint, donor))
loaded, after = time.perf_counter() - begun, peak()
moving = [p for p in learner.parameters() if p.requires_grad]
optimiser = torch.optim.AdamW(moving)
mean = [p.detach().clone() for p in moving]
times, worked = [], []
for _ in range(2):
    begun, work = time.perf_counter(), time.process_time()
    learner.train()
    inputs = torch.randn(8, 6 * 16000)
    learner.zero_grad(set_to_none=True)
    loss = ctc(learner(inputs), [[5 + n % 20 for n in range(40)]] * 8, blank=learner.blank)
    loss.backward()
    optimiser.step()
    times.append(time.perf_counter() - begun)
    worked.append(time.process_time() - work)
assert all(p.grad is not None for p in moving)
print(json.dumps({"load": loaded, "times": times, "worked": worked, "after": after, "gb": peak(),
                  "needed": memory_needed(checkpoint, sys.argv[3]) / 1024**3,
                  "moving": sum(p.numel() for p in moving), "half": learner.half_precision}))
"""


def main() -> None:
    keeps, mode = "--keep-activations" in sys.argv, "full" if "--full" in sys.argv else "adapter"
    for shape in [a for a in sys.argv[1:] if a in SHAPES] or list(SHAPES):
        print(f"{shape}:")
        with tempfile.TemporaryDirectory() as name:
            parameters = int(child(SHAPES[shape], name))
            found = json.loads(child(STEP, name, "keep" if keeps else "again", mode))
        step = min(found["times"])
        keep(
            f"adapt_large_{shape}" + ("_kept" if keeps else "") + ("_full" if mode == "full" else ""),
            {
                "parameters, millions": round(parameters / 1e6),
                "weights that learn, millions": round(found["moving"] / 1e6, 2),
                "precision": "bf16" if found["half"] else "fp32",
                "load, seconds": round(found["load"], 1),
                "first step of 48 s, seconds": round(found["times"][0], 1),
                "a step then, seconds": round(step, 1),
                "a step then, seconds of all cores together": round(min(found["worked"]), 1),
                "times real time": round(48 / step, 2),
                "300 steps, hours": round(300 * step / 3600, 2),
                "peak GiB once loaded": round(found["after"], 2),
                "peak GiB": round(found["gb"], 2),
                "GiB that adapt says it needs": round(found["needed"], 2),
            },
        )


if __name__ == "__main__":
    main()
