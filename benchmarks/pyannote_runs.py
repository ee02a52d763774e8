"""What the diariser `pyannote` costs: the extra's size, its import, and its run in the shapes of community-1.

The networks have random weights: who speaks when means nothing here, and so much is heard as speech that the time is an
upper bound. Processor seconds, one thread, by the number of windows computed at once; the sound is a recording, or the
first 14 s of the sample that pyannote.audio packages.
Command: python benchmarks/pyannote_runs.py [RECORDING]
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from figures import keep

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def needed(requirements: list[str]) -> set[str]:
    """The installed packages that these ask for, and those that they ask for."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    seen: set[tuple[str, str]] = set()
    todo = [(Requirement(r), "") for r in requirements]
    while todo:
        asked, extra = todo.pop()
        if asked.marker and not asked.marker.evaluate({"extra": extra}):
            continue
        for wanted in {"", *asked.extras}:
            if (canonicalize_name(asked.name), wanted) in seen:
                continue
            try:
                further = metadata.distribution(asked.name).requires or []
            except metadata.PackageNotFoundError:
                continue
            seen.add((canonicalize_name(asked.name), wanted))
            todo += [(Requirement(r), wanted) for r in further]
    return {name for name, _ in seen}


def megabytes(package: str) -> float:
    """What a package takes on the disk."""
    files = [Path(str(f.locate())) for f in metadata.distribution(package).files or []]
    return sum(f.stat().st_size for f in files if f.is_file()) / 1e6


def seconds(act: Callable[[], object]) -> float:
    """Processor seconds of an act."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def main() -> None:
    asked = metadata.distribution("oral-speech").requires or []
    core = needed([r for r in asked if "extra ==" not in r])
    extra = needed([r.split(";")[0] for r in asked if 'extra == "diarise"' in r]) - core
    figures: dict[str, object] = {"packages of the extra": len(extra), "MB of the extra": round(sum(map(megabytes, extra)))}

    import torch

    from speech import audio
    from speech.diarise import pyannote_engine
    from speech.diarise.records import SpeakerCount
    from tests.diarise import small  # tests are no package of the program

    torch.set_num_threads(1)
    figures["import, s"] = round(seconds(small.require), 1)
    import pyannote.audio

    given = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(pyannote.audio.__file__).parent / "sample" / "sample.wav"
    with audio.load(given) as signal, tempfile.TemporaryDirectory() as name:
        os.environ["SPEECH_MODELS"] = name
        length = signal.length_samples if len(sys.argv) > 1 else 14 * audio.RATE
        sound = small.Samples(signal.read(0, length))
        folder = str(small.save_random(Path(name) / "pipeline", whole=True))
        diariser = pyannote_engine.load(folder, trust=[folder])
        for batch in (1, 8, 32):
            diariser._pipeline.segmentation_batch_size = diariser._pipeline.embedding_batch_size = batch
            spent = seconds(lambda: diariser.voices(sound, 0.1, [], SpeakerCount(), lambda *_: None))
            figures[f"s per second of sound, {batch} at once"] = round(spent * audio.RATE / length, 2)
            figures[f"peak MB, {batch} at once"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
    keep("pyannote_runs", figures)


if __name__ == "__main__":
    main()
