"""The real sizes carried: the full architectures of MMS-1B and of Omnilingual ASR CTC 300M, with random weights.

Each checkpoint is written in the hub's layout, in half precision, into a temporary folder, loaded by our own path, and hears
20 s. Peak memory and times are those of a process of its own.
Command: python benchmarks/large_models.py [mms_1b|omniasr_300m] [fp32|bf16]     both shapes, precision auto, unless named
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from figures import keep

HEAD = """
import json, sys
from pathlib import Path
from speech.models import guard
guard.load()
import torch
from safetensors.torch import save_file
import transformers
folder = Path(sys.argv[1])

def written(kind, config):
    with torch.device("meta"):
        network = kind(config)
    torch.manual_seed(0)
    tensors = {n: (torch.randn(t.shape) * 0.02).half() for n, t in network.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config.to_dict() | {"architectures": [kind.__name__], "dtype": "float32"}))
    print(sum(t.numel() for t in tensors.values()))
    return tensors
"""

MMS_1B = """
symbols = ["<pad>", "<s>", "</s>", "<unk>", "|"] + [chr(c) for c in range(97, 123)]
config = transformers.Wav2Vec2Config(
    vocab_size=len(symbols), hidden_size=1280, num_hidden_layers=48, num_attention_heads=16, intermediate_size=5120,
    feat_extract_norm="layer", conv_bias=True, do_stable_layer_norm=True, adapter_attn_dim=16, pad_token_id=0,
)
tensors = written(transformers.Wav2Vec2ForCTC, config)
adapter = {n: t for n, t in tensors.items() if "adapter_layer" in n or n.startswith("lm_head")}
for code in ("que", "yor"):
    save_file({n: t.clone() for n, t in adapter.items()}, folder / f"adapter.{code}.safetensors", metadata={"format": "pt"})
(folder / "vocab.json").write_text(json.dumps({c: {s: n for n, s in enumerate(symbols)} for c in ("que", "yor")}))
(folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True, "return_attention_mask": True, "sampling_rate": 16000}))
"""

OMNIASR_300M = """
config = transformers.OmniASRCTCConfig()
written(transformers.OmniASRForCTC, config)
pieces = ["<s>", "<pad>", "</s>", "<unk>", "\u2581"] + [chr(0x4E00 + n) for n in range(config.vocab_size - 5)]
(folder / "vocab.json").write_text(json.dumps({s: n for n, s in enumerate(pieces)}))
transformers.OmniASRFeatureExtractor().save_pretrained(folder)
"""

RUN = """
import json, resource, sys, time
import numpy as np
from speech.models.recogniser import LoadSettings, load
begun = time.perf_counter()
model = load(sys.argv[1], LoadSettings(precision=sys.argv[2]))
for code in ("que", "yor"):
    model.use(code)
loaded = time.perf_counter() - begun
batch = [(np.random.default_rng(0).standard_normal(20 * 16000).astype(np.float32), "que")]
times = []
for _ in range(3):
    begun = time.perf_counter()
    for _ in model.stream([batch]):
        pass
    times.append(time.perf_counter() - begun)
begun = time.perf_counter()
for n in range(1000):
    model._bank.use("que" if n % 2 else "yor")
switch = (time.perf_counter() - begun) / 1000
print(json.dumps({"load": loaded, "times": times, "switch_ms": 1000 * switch, "precision": model.precision,
                  "gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2}))
"""

SHAPES = {"mms_1b": HEAD + MMS_1B, "omniasr_300m": HEAD + OMNIASR_300M}


def child(program: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.splitlines()[-1]


def main() -> None:
    precision = next((a for a in sys.argv[1:] if a not in SHAPES), "auto")
    for shape in [a for a in sys.argv[1:] if a in SHAPES] or list(SHAPES):
        print(f"{shape}:")
        with tempfile.TemporaryDirectory() as name:
            parameters = int(child(SHAPES[shape], name))
            size = sum(p.stat().st_size for p in Path(name).iterdir())
            found = json.loads(child(RUN, name, precision))
        keep(
            f"large_models_{shape}" + ("" if precision == "auto" else f"_{precision}"),
            {
                "parameters, millions": round(parameters / 1e6),
                "files, GB": round(size / 1e9, 2),
                "precision": found["precision"],
                "load and verify with two languages, seconds": round(found["load"], 1),
                "20 s of sound, first, seconds": round(found["times"][0], 1),
                "20 s of sound, then, seconds": round(min(found["times"][1:]), 1),
                "times real time": round(20 / min(found["times"][1:]), 2),
                "switch of language, milliseconds": round(found["switch_ms"], 5),
                "peak GB": round(found["gb"], 2),
            },
        )


if __name__ == "__main__":
    main()
