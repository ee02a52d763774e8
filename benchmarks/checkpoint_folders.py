"""Folders of checkpoints as people share them: how each is made, whether it loads, and how far it is from plain transformers.

Small random networks of the real architectures, saved by transformers' own calls (`tests/models/folders.py`), three clips each,
heard alone and in one batch. Printed as a table; the limit that the tests hold is 1e-4.
Command: python benchmarks/checkpoint_folders.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from figures import keep

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from speech.models.recogniser import LoadSettings, load
from tests.models import folders  # tests are no package of the program


def difference(kind: folders.Kind, folder: Path) -> tuple[float, str, list[str]]:
    """Largest difference of a log probability, number of symbols and stride, and codes that a person is told."""
    network = kind.make(folder)
    model = load(str(folder), LoadSettings(precision="fp32"))
    clips = folders.clips()
    together = [encoding.emissions for encoding in model.encode_batch([(clip, kind.language) for clip in clips])]
    worst = 0.0
    for clip, ours in zip(clips, together, strict=True):
        theirs = folders.plainly(folder, network, clip)[: len(ours)]
        (alone,) = model.encode_batch([(clip, kind.language)])
        worst = max(worst, float(np.abs(ours - theirs).max()), float(np.abs(alone.emissions - theirs).max()))
    shape = f"{len(model.symbols(kind.language))} symbols, {1000 * model.stride // model.sample_rate} ms"
    return worst, shape, [finding.code for finding in model.findings(kind.language)]


def main() -> None:
    print("| folder | made how | loads as | largest difference | said |\n|---|---|---|---|---|")
    figures: dict[str, float] = {}
    for kind in folders.KINDS:
        with tempfile.TemporaryDirectory() as name:
            worst, shape, codes = difference(kind, Path(name) / "model")
        print(f"| {kind.name} | {kind.made} | {shape} | {worst:.0e} | {', '.join(codes)} |")
        figures[kind.name] = float(f"{worst:.1e}")
    keep("checkpoint_folders", figures)


if __name__ == "__main__":
    main()
