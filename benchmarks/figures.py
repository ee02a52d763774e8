"""Where benchmark figures are kept: one JSON a benchmark under results/, with the machine's kind and the versions."""

from __future__ import annotations

import json
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "speech"


def keep(name: str, figures: dict[str, Any]) -> None:
    """Print and write the figures of one benchmark."""
    import torch

    row = {
        **figures,
        "machine": {"processor": _processor(), "cores": torch.get_num_threads(), "python": platform.python_version()},
        "versions": {n: metadata.version(n) for n in ("torch", "transformers", "numpy", "silero-vad")},
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(row, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    for key, value in figures.items():
        print(f"{key}: {value}")


def _processor() -> str:
    """The processor's family and the number formats it has in hardware."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    model = re.search(r"model name\s*: (.*)", text)
    flags = [f for f in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile") if re.search(rf"\b{f}\b", text)]
    return f"{model.group(1) if model else platform.machine()} ({', '.join(flags)})"


def two_lengths(folder: Path) -> tuple[Path, Path]:
    """Recordings of 30 minutes and of 3 hours, written into a folder: made speech, and the same six times, each turn a second later."""
    import numpy as np
    import soundfile

    half_hour = made_speech(1800)
    short, long = folder / "30min.wav", folder / "3h.wav"
    soundfile.write(short, half_hour, 16_000)
    with soundfile.SoundFile(long, "w", 16_000, 1) as file:
        for turn in range(6):
            file.write(np.roll(half_hour, turn * 16_000))
    return short, long


def made_speech(seconds: float) -> Any:
    """Sound at 16 kHz of at least `seconds`: eSpeak NG sentences with pauses, repeated. For speed and memory, not quality."""
    import numpy as np
    import soxr

    from speech.say import Espeak

    espeak = Espeak()
    sentences = (
        "Ñukanchik ayllukunaka hatun llaktapi kawsanchik.",
        "Punchanta mamaka chakrapi llankan, wawakunaka yachana wasiman rinkuna.",
        "Kayaka tukuy mashikunawan tantanakushun.",
    )
    pieces: list[Any] = []
    total = 0
    turn = 0
    rng = np.random.default_rng(0)
    spoken = [
        soxr.resample(espeak.say(s, "que", words_a_minute=w, pitch=p), espeak.sample_rate, 16_000).astype(np.float32)
        for s in sentences
        for w, p in ((120, 40), (150, 55), (170, 65))
    ]
    while total < seconds * 16_000:
        piece = np.concatenate([spoken[turn % len(spoken)], np.zeros(int(rng.uniform(0.3, 1.2) * 16_000), np.float32)])
        piece += (rng.standard_normal(len(piece)) * 1e-3).astype(np.float32)
        pieces.append(piece)
        total += len(piece)
        turn += 1
    return np.concatenate(pieces)[: int(seconds * 16_000)]
