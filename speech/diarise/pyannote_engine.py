"""The diariser of pyannote.audio: its own pipeline, from files that are on this machine and trusted, on samples in memory.

pyannote reads no audio, opens no connection and sends no telemetry here. Its checkpoints are pickles: see `trust`.
Speech is what its own segmentation takes for speech. A recording's samples lie in memory as a whole (230 MB an hour).
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import pickle
import random
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from speech.diarise import trust as trusted
from speech.diarise.checkpoints import Checkpoint, Found, find
from speech.diarise.records import Progress, Sound, SpeakerCount, Voice, Voices
from speech.errors import ModelRefused, UsageFailure
from speech.models import guard
from speech.types import Span, Turn

RATE = 16_000
BATCH = 1
"""Windows computed at once. Pipelines ask for 32; here 8 took a third more time than 1, and 0.3 GB (`benchmarks/pyannote_runs.py`)."""
_SHORTEST = RATE // 10

_SAID: Mapping[str, str] = {"segmentation": "hearing voices", "embeddings": "telling voices apart"}
_QUIET = (
    r"\s*torchcodec is not installed correctly",  # it is never asked to read
    "Model has been trained with a task-dependent loss function",
    "Lightning automatically upgraded your loaded checkpoint",
    r"\s*The detected number of speakers",  # the turns say how many there are
    "Mean of empty slice",  # too little speech for one voice: it gets no vector
    "invalid value encountered in",
    r"std\(\): degrees of freedom",
)
_UNLOADABLE = (
    RuntimeError,
    LookupError,
    AttributeError,
    ImportError,
    TypeError,
    ValueError,
    OSError,
    EOFError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)


def load(name: str, *, trust: Sequence[str] = ()) -> Pyannote:
    """The pipeline of a name as in `--diariser`: `pyannote`, OWNER/NAME in the hub's cache, or a folder with its config.

    `trust` holds what `--trust-checkpoint` named. Opens no connection.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`: pyannote.audio, the pipeline or a part of it is not on this machine; `MODEL_PICKLE`: not
        trusted yet, or changed since; `MODEL_CONFIG`, `MODEL_NOT_WEIGHTS`, `MODEL_SHAPE`.
    """
    require_installed(name)
    found = find(name)
    trusted.require(found, trust)
    with _left_as_found():
        _import()
        return Pyannote(found, _built(found))


class Pyannote:
    """A `Diariser`: pyannote.audio's SpeakerDiarization. It gives no margins: the pipeline keeps to itself how far others lie behind."""

    def __init__(self, found: Found, pipeline: Any) -> None:
        self.name = found.name
        self.sha256_by_checkpoint: Mapping[str, str] = {c.name: c.sha256 for c in found.checkpoints}
        self._clustering = found.clustering
        self._pipeline = pipeline

    def voices(self, sound: Sound, rms: float, speech: Sequence[Span], count: SpeakerCount, progress: Progress) -> Voices:
        """Who speaks when; `rms` and `speech` are not used.

        Raises
        ------
        UsageFailure
            `SPEAKERS`: more speakers are asked for than the sound holds voices, or the pipeline must be told how many.
        """
        import torch

        if self._clustering == "KMeansClustering" and count.exact is None:
            raise UsageFailure(self.name, "this pipeline must be told how many people speak", "Add --speakers N", "SPEAKERS")
        if sound.length_samples < _SHORTEST:
            return Voices()
        waveform = torch.from_numpy(np.ascontiguousarray(sound.read(0, sound.length_samples), dtype=np.float32))[None]
        with _left_as_found():
            try:
                output = self._pipeline({"waveform": waveform, "sample_rate": RATE}, hook=_hook(progress), **_bounds(count))
            except ValueError as error:
                if "clusters" not in str(error) or count == SpeakerCount():
                    raise
                raise UsageFailure(
                    self.name, f"there are too few voices in the sound for so many speakers ({error})", "Leave out --speakers", "SPEAKERS"
                ) from error
        return _voices(output, 1000 * sound.length_samples // RATE)


def require_installed(name: str) -> None:
    """Go on only where pyannote.audio is installed; it is not imported.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`.
    """
    try:
        spec = importlib.util.find_spec("pyannote.audio")
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise ModelRefused(
            name, "pyannote.audio is not installed", "pip install 'oral-speech[diarise]', or take --diariser embedded", "MODEL_NOT_HERE"
        )


def _import() -> None:
    """Import pyannote.audio so that it says nothing on our streams and nothing to anybody else."""
    guard.load()
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"  # read at import and at each run
    from pyannote.audio.pipelines import clustering
    from pyannote.audio.telemetry import metrics

    metrics.provider.shutdown()  # its thread waits for something to send from the import on
    clustering.print = logging.getLogger(__name__).info  # it prints into standard output, which is for results
    for name in ("lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)


@contextlib.contextmanager
def _left_as_found() -> Iterator[None]:
    """Whatever pyannote does inside, random numbers, torch's threads and gradients, and the filters of warnings are as before."""
    import torch

    threads, gradients, state, numpy_state = torch.get_num_threads(), torch.is_grad_enabled(), random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            for message in _QUIET:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)
        torch.set_grad_enabled(gradients)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def _built(found: Found) -> Any:
    """pyannote's own pipeline from the bytes that were hashed."""
    from pyannote.audio import Pipeline
    from pyannote.audio.utils.dependencies import MissingDependency, WrongDependencyVersion

    config: dict[str, Any] = {
        "dependencies": dict(found.wants),
        "pipeline": {
            "name": "pyannote.audio.pipelines.SpeakerDiarization",
            "params": {
                **found.settings,
                "clustering": found.clustering,
                # A mapping, not a string: a string with "wespeaker" or "nvidia" in its path would go to another loader.
                **{part: {"checkpoint": io.BytesIO(found.files(part)[0].data)} for part in ("segmentation", "embedding")},
                "plda": _plda(found),
                "segmentation_batch_size": BATCH,
                "embedding_batch_size": BATCH,
            },
        },
    }
    config |= {"freeze": dict(found.frozen)} if found.frozen else {}
    config |= {"params": dict(found.values)} if found.values else {}
    try:
        pipeline = Pipeline.from_pretrained(config)
        if not pipeline.instantiated:
            pipeline.instantiate(pipeline.default_parameters())
    except (MissingDependency, WrongDependencyVersion) as error:
        raise ModelRefused(found.name, f"it wants {error.dependency} {error.required}", "Install this version", "MODEL_CONFIG") from error
    except _UNLOADABLE as error:
        code = "MODEL_SHAPE" if "size mismatch" in str(error) or "state_dict" in str(error) else "MODEL_CONFIG"
        raise ModelRefused(
            found.name,
            f"pyannote.audio cannot build this pipeline ({type(error).__name__}: {' '.join(str(error).split())[:300]})",
            "Fetch it again, or choose a pipeline for pyannote.audio 4",
            code,
        ) from error
    return pipeline


def _plda(found: Found) -> Any:
    """The pipeline's PLDA; one that changes nothing where it is not used.

    The constructor asks for one in any case, and without it fetches that of community-1, agglomerative clustering or not.
    """
    from pyannote.audio.core.plda import PLDA

    files: list[Checkpoint] = found.files("plda")
    if files:
        try:
            return PLDA(*(io.BytesIO(f.data) for f in files))
        except _UNLOADABLE as error:
            raise ModelRefused(
                files[0].name, f"this is no PLDA of pyannote.audio ({type(error).__name__})", "Fetch the files again", "MODEL_CONFIG"
            ) from error
    transform, plda = io.BytesIO(), io.BytesIO()
    np.savez(transform, mean1=np.zeros(2), mean2=np.zeros(2), lda=np.eye(2))
    np.savez(plda, mu=np.zeros(2), tr=np.eye(2), psi=np.ones(2))
    return PLDA(io.BytesIO(transform.getvalue()), io.BytesIO(plda.getvalue()))


def _hook(progress: Progress) -> Any:
    def hook(step: str, artefact: object, *, file: object = None, total: int | None = None, completed: int | None = None) -> None:
        if total and completed is not None and step in _SAID:
            progress(_SAID[step], int(min(completed, total)), int(total))

    return hook


def _bounds(count: SpeakerCount) -> dict[str, int | None]:
    if count.exact is not None:
        return {"num_speakers": count.exact}
    return {"min_speakers": count.least, "max_speakers": count.most}


def _voices(output: Any, length_ms: int) -> Voices:
    """Turns within the recording, whose speakers are numbered as they first speak, and a unit vector a speaker."""
    annotation = output.speaker_diarization
    found = [
        (max(0, round(1000 * segment.start)), min(length_ms, round(1000 * segment.end)), label)
        for segment, _, label in annotation.itertracks(yield_label=True)
    ]
    found = sorted(f for f in found if f[0] < f[1])
    names: dict[str, str] = {}
    for _, _, label in found:
        names.setdefault(label, f"S{len(names) + 1}")
    turns = tuple(Turn(span=Span(start_ms=start, end_ms=end), speaker=names[label]) for start, end, label in found)
    vectors = {} if output.speaker_embeddings is None else dict(zip(annotation.labels(), output.speaker_embeddings, strict=True))
    return Voices(turns=turns, voice_by_speaker={names[k]: v for k in names if k in vectors and (v := _unit(vectors[k])) is not None})


def _unit(vector: Any) -> Voice | None:
    """The vector at length 1; None where there is none (a speaker heard only below others gets zeros)."""
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length, dtype=np.float32) if np.isfinite(length) and length > 0 else None
