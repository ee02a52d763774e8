"""What a pyannote pipeline is made of: its config read and bounded, every file it points to found on this machine.

Nothing is unpickled and pyannote is not imported. A config may name any Python class as its pipeline or its
preprocessors, and files anywhere on the hub: here only the diarisation pipeline passes, and only files that are
in its folder, at a path, or in the hub's cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from speech.errors import ModelRefused, Refusal
from speech.files import is_folder, read_bytes, shown
from speech.models import hub

PYANNOTE = "pyannote"
COMMUNITY = "pyannote/speaker-diarization-community-1"
CONFIG = "config.yaml"
Part = Literal["segmentation", "embedding", "plda"]

_FILES: Mapping[Part, tuple[str, ...]] = {
    "segmentation": ("pytorch_model.bin",),
    "embedding": ("pytorch_model.bin",),
    "plda": ("xvec_transform.npz", "plda.npz"),
}
_CLASSES = tuple(f"pyannote.audio.pipelines.{name}SpeakerDiarization" for name in ("", "speaker_diarization."))
_CLUSTERINGS = ("AgglomerativeClustering", "KMeansClustering", "VBxClustering")
_TAKEN = ("segmentation_step", "embedding_exclude_overlap")
_OURS = ("clustering", "segmentation", "embedding", "plda", "segmentation_batch_size", "embedding_batch_size")
_IGNORED = ("legacy", "der_variant", "token", "use_auth_token", "cache_dir")
_OTHERS = ("speechbrain/", "nvidia/", "hbredin/wespeaker")
_LONGEST_CONFIG = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A file that pyannote loads, read once: what is hashed is what is loaded."""

    part: Part
    name: str
    """OWNER/NAME/FILE of a repository, or a path."""
    path: Path
    repository: str = ""
    data: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A pipeline on this machine: what its config says, as far as it is taken, and its files."""

    name: str
    folder: Path
    clustering: str
    settings: Mapping[str, Any]
    """Parameters of the pipeline's constructor besides its models."""
    values: Mapping[str, Any]
    """What was tuned (thresholds), by section."""
    frozen: Mapping[str, Any]
    wants: Mapping[str, str]
    """Packages and their versions."""
    checkpoints: tuple[Checkpoint, ...]

    def files(self, part: Part) -> list[Checkpoint]:
        """Those of one part."""
        return [c for c in self.checkpoints if c.part == part]


def find(name: str) -> Found:
    """The pipeline of a name as in `--diariser`: `pyannote`, OWNER/NAME of a repository, a folder, a config.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`: it, or a file it points to, is not on this machine; `MODEL_CONFIG`, `MODEL_NOT_WEIGHTS`.
    """
    config, repository = _config(name)
    where = shown(config) if not repository else f"{repository}/{CONFIG}"
    read = _parse(read_bytes(config), where)
    pipeline = _table(read, "pipeline", where)
    kind = _plain(pipeline.get("name"), where)
    if kind not in _CLASSES:
        raise _bad(where, f"it names {kind}, which is no pipeline that tells speakers apart", "Choose another pipeline")
    if "preprocessors" in read:
        raise _bad(where, "it names preprocessors, which may be any program", "Take them out of the config")
    parameters = _table(pipeline, "params", where)
    unknown = sorted(set(map(str, parameters)) - {*_TAKEN, *_OURS, *_IGNORED})
    if unknown:
        raise _bad(where, f"it has parameters that are not known here: {', '.join(unknown)}", "Check its version of pyannote.audio")
    clustering = _clustering(parameters, where)
    if clustering not in _CLUSTERINGS:
        raise _bad(where, f"its clustering is {clustering}", f"Choose a pipeline with one of {', '.join(_CLUSTERINGS)}")
    if "version" in read:  # before 4.0
        wants = {"pyannote.audio": _plain(read["version"], where)}
    else:
        wants = {_plain(k, where): _plain(v, where) for k, v in _table(read, "dependencies", where).items()}
    home = _Home(name=name, where=where, folder=config.parent, repository=repository)
    return Found(
        name=name,
        folder=config.parent,
        clustering=clustering,
        settings={k: v for k in _TAKEN if (v := parameters.get(k)) is not None and _plain(v, where)},
        values=_values(read, "params", where),
        frozen=_values(read, "freeze", where),
        wants=wants,
        checkpoints=tuple(c for part in _parts(clustering) for c in _checkpoints(part, parameters.get(part), home)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Home:
    """Where a config stands."""

    name: str
    where: str
    folder: Path
    repository: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where one part of a pipeline is said to be: at a path, or in a repository."""

    root: Path | None = None
    repository: str = ""
    subfolder: str = ""
    revision: str | None = None


def _config(name: str) -> tuple[Path, str]:
    """The config of a pipeline, and its repository where it has one."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") and _is_there(path) and path.is_file():
        return path, ""
    if name != PYANNOTE and is_folder(path):
        if (path / CONFIG).is_file():
            return path / CONFIG, ""
        raise ModelRefused(shown(path), f"there is no {CONFIG} in this folder", "Name the folder of a pyannote pipeline", "MODEL_NOT_HERE")
    repository = COMMUNITY if name == PYANNOTE else name
    if hub.is_repository(repository):
        found = hub.cached_file(repository, CONFIG)
        if found:
            return found, repository
        raise not_here(name, repository)
    raise ModelRefused(
        shown(name),
        "there is no diariser of this name and no folder at this path",
        f"Choose embedded, {PYANNOTE}, OWNER/NAME of a repository, or the path of a pipeline's folder",
        "MODEL_NOT_HERE",
    )


def not_here(name: str, repository: str) -> ModelRefused:
    """That a repository, or a part of it, is not on this machine, and how it comes here."""
    return ModelRefused(
        name,
        f"{repository} is not on this machine" if name != repository else "this pipeline is not on this machine",
        f"With a network: accept its terms at https://huggingface.co/{repository}, set HF_TOKEN, then: speech model add {repository}, "
        f"or: hf download {repository}; without one, --diariser embedded works",
        "MODEL_NOT_HERE",
    )


def _bad(where: str, what: str, mend: str) -> ModelRefused:
    return ModelRefused(where, what, mend, "MODEL_CONFIG")


def _parse(data: bytes, where: str) -> Mapping[str, Any]:
    import yaml

    if len(data) > _LONGEST_CONFIG:
        raise _bad(where, f"{len(data)} bytes are too many for a config", "Name the config of a pipeline")
    try:
        read = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _bad(where, f"this is no YAML ({str(error).splitlines()[0]})", "Fetch the file again") from error
    if not isinstance(read, Mapping) or not isinstance(read.get("pipeline"), Mapping):
        raise _bad(where, "it names no pipeline", "Name the folder of a pyannote pipeline, not of one of its models")
    return read


def _table(read: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    found = read.get(key) or {}
    if not isinstance(found, Mapping):
        raise _bad(where, f"{key} is no table", "Fetch the file again")
    return found


def _values(read: Mapping[str, Any], key: str, where: str) -> dict[str, dict[str, Any]]:
    """Sections of plain values; nothing deeper."""
    sections = {str(k): v for k, v in _table(read, key, where).items()}
    for name, values in sections.items():
        if not isinstance(values, Mapping) or not all(isinstance(v, int | float | str) for v in values.values()):
            raise _bad(where, f"{key}.{name} is no table of plain values", "Fetch the file again")
    return {name: dict(values) for name, values in sections.items()}


def _clustering(parameters: Mapping[str, Any], where: str) -> str:
    return _plain(parameters.get("clustering", "VBxClustering"), where)


def _plain(value: Any, where: str) -> str:
    """A value as text. What is nested is refused: a few lines of YAML can be gigabytes once they are written out."""
    if not isinstance(value, str | int | float):
        raise _bad(where, f"a {type(value).__name__} stands where a name or number should", "Fetch the file again")
    return str(value)[:300]


def _parts(clustering: str) -> tuple[Part, ...]:
    """What a pipeline needs: pyannote's constructor asks for a PLDA always, but only one way of clustering uses it."""
    return ("segmentation", "embedding", "plda") if clustering == "VBxClustering" else ("segmentation", "embedding")


def _checkpoints(part: Part, said: Any, home: _Home) -> list[Checkpoint]:
    source = _source(part, said, home)
    return [_checkpoint(part, file, source, home) for file in _FILES[part]]


def _source(part: Part, said: Any, home: _Home) -> _Source:
    """Where the config says a part is. One that it does not name is that of community-1, as in pyannote's own defaults."""
    subfolder, revision = "", ""
    if said is None:
        said, subfolder = COMMUNITY, part
    elif isinstance(said, Mapping):
        subfolder = _plain(said.get("subfolder") or "", home.where)
        revision, said = _plain(said.get("revision") or "", home.where), said.get("checkpoint")
    if not isinstance(said, str) or not said or "\0" in said + subfolder:
        raise _bad(home.where, f"{part} is neither a path nor the name of a repository", "Fetch the file again")
    name, _, at = said.partition("@")
    wanted = revision or at or None
    if name.startswith("$model/"):
        inside = name.removeprefix("$model/")
        if not home.repository:
            return _Source(root=home.folder, subfolder=inside)
        return _Source(repository=home.repository, subfolder=inside, revision=wanted or home.folder.name)
    for root in (home.folder / said, Path(said)):
        # A name within a fetched pipeline is never a path: what lies under it in the working folder is another's.
        if not home.repository and _is_there(root):
            return _Source(root=root, subfolder=subfolder)
    if not hub.is_repository(name):
        raise _lost(part, home.folder / said, home)
    if name.startswith(_OTHERS):
        raise _bad(home.where, f"its {part} is {name}, a model of another library", "Choose a pipeline of pyannote.audio's own models")
    return _Source(repository=name, subfolder=subfolder, revision=wanted)


def _checkpoint(part: Part, file: str, source: _Source, home: _Home) -> Checkpoint:
    inside = f"{source.subfolder.strip('/')}/{file}".lstrip("/")
    if source.root is None:
        found = hub.cached_file(source.repository, inside, revision=source.revision)
        if found is None:
            raise not_here(home.name if source.repository == home.repository else source.repository, source.repository)
        path, name = found, f"{source.repository}/{inside}"
    else:
        path = source.root / inside if is_folder(source.root) else source.root
        name = shown(path)
        if not _is_there(path):
            raise _lost(part, path, home)
    data = read_bytes(path)
    _check_kind(data, name)
    return Checkpoint(part=part, name=name, path=path, repository=source.repository, data=data, sha256=hashlib.sha256(data).hexdigest())


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def _lost(part: Part, path: Path, home: _Home) -> ModelRefused:
    return ModelRefused(shown(path)[:300], f"{home.where} points to it as {part}, and it is not there", "Put it there", "MODEL_NOT_HERE")


def _check_kind(data: bytes, where: str) -> None:
    """That this is a file of weights at all: asking for trust in a web page would be no question."""
    if data.startswith(b"version https://git-lfs"):
        raise ModelRefused(where, "this is a git-lfs pointer, not the weights", "Run: git lfs pull", "MODEL_NOT_WEIGHTS")
    if data.lstrip()[:1] == b"<":
        raise ModelRefused(where, "this is a web page, not weights", "Download the file itself, not its page", "MODEL_NOT_WEIGHTS")
    if data[:2] != b"PK" and data[:1] != b"\x80":
        raise ModelRefused(where, "this is no checkpoint that pyannote.audio loads", "Fetch the file again", "MODEL_NOT_WEIGHTS")


def fetch(name: str, *, revision: str | None = None) -> Path:
    """Fetch a pipeline and what it points to into the hub's cache; returns its folder. Its checkpoints are not opened.

    Raises
    ------
    As `hub.fetch`: `NETWORK_OFFLINE`, `MODEL_GATED`.
    """
    repository = COMMUNITY if name == PYANNOTE else name
    patterns: Sequence[str] = (CONFIG, "*/pytorch_model.bin", "pytorch_model.bin", "*.npz")
    folder = hub.download(repository, patterns, revision=revision)
    for other, its in _others(folder / CONFIG, repository).items():
        hub.download(other, patterns, revision=its)
    return folder


def _others(config: Path, repository: str) -> dict[str, str | None]:
    """The repositories besides its own that a fetched pipeline points to, with their revisions; none for a single model."""
    try:
        parameters = _table(_table(_parse(read_bytes(config), shown(config)), "pipeline", shown(config)), "params", shown(config))
        home = _Home(name=repository, where=shown(config), folder=config.parent, repository=repository)
        sources = [_source(part, parameters.get(part), home) for part in _parts(_clustering(parameters, home.where))]
    except Refusal:  # said when it is used
        return {}
    return {s.repository: s.revision for s in sources if s.repository != repository}
