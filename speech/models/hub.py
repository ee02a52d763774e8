"""From the name of a model to its folder: the embedded one, a path, the user's folder, or the hub's local cache.

Nothing here opens a connection but `download`, which is called only by `speech model add`. A model that is not on
this machine is refused at once, with the command that fetches it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from speech.errors import ModelRefused, NetworkFailure
from speech.files import DISK_ERRORS, disk_errors, is_folder, shown
from speech.models.families import family_of

MINI = "mini"
BASE_VARIABLE = "SPEECH_BASE"
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A repository we name shortly, with the revision that was read when this was written, and its licence."""

    repository: str
    licence: str
    revision: str | None = None
    """None: the newest there is."""


KNOWN = {
    "omniasr-ctc-300m": Known(repository="hf-audio/omniasr-ctc-300m-v2", licence="Apache-2.0"),
    "mms-1b-all": Known(repository="facebook/mms-1b-all", revision="3d33597edbdaaba14a8e858e2c8caa76e3cec0cd", licence="CC-BY-NC-4.0"),
}


def mini_folder() -> Path:
    """Where the embedded model lies inside the package."""
    return Path(str(resources.files("speech.models").joinpath("mini")))


def app_base() -> str:
    """The model that learns in the app, named as on the command line: what SPEECH_BASE says, else `mini`."""
    return os.environ.get(BASE_VARIABLE) or MINI


def user_folder() -> Path:
    """Where models and adapters of this person are kept: SPEECH_MODELS, or the platform's data folder."""
    import platformdirs

    return Path(os.environ.get("SPEECH_MODELS") or Path(platformdirs.user_data_dir("oral-speech", appauthor=False)) / "models")


def resolve(name: str) -> Path:
    """The folder of a model named as on the command line: `mini`, a path, a kept name, or a repository.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`: it is not on this machine; the mend is the command that fetches it.
    """
    if name == MINI:
        return mini_folder()
    path = Path(name)
    if is_folder(path):
        return path
    kept = user_folder() / name.replace("/", "--")
    if _plain(name) and kept.is_dir():
        return kept
    repository = KNOWN[name].repository if name in KNOWN else name
    if _REPOSITORY.fullmatch(repository):
        found = _cached(repository)
        if found:
            return found
        raise _not_here(name, repository)
    raise ModelRefused(
        shown(name),
        "there is no model of this name and no folder at this path",
        f"Choose {MINI}, {', '.join(KNOWN)}, OWNER/NAME of a repository, or the path of a folder; speech model list shows what is here",
        "MODEL_NOT_HERE",
    )


def _plain(name: str) -> bool:
    return bool(re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name)) and ".." not in name


def _revision(repository: str) -> str | None:
    return next((k.revision for k in KNOWN.values() if k.repository == repository), None)


def cache_folder() -> Path:
    """The hub's cache on this machine, wherever the hub's own library puts it."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def snapshots() -> dict[str, Path]:
    """Repositories of the hub's cache that hold a checkpoint in safetensors, with their newest snapshot."""
    found: dict[str, Path] = {}
    for folder in sorted(cache_folder().glob("models--*")):
        repository = folder.name.removeprefix("models--").replace("--", "/", 1)
        snapshot = _cached(repository)
        if snapshot and any(snapshot.glob("model*.safetensors")):
            found[repository] = snapshot
    return found


def cached() -> dict[str, Path]:
    """Those of `snapshots` that can be heard."""
    return {repository: snapshot for repository, snapshot in snapshots().items() if _heard(snapshot)}


def cached_file(repository: str, name: str, *, revision: str | None = None) -> Path | None:
    """A file of a repository in the hub's cache: of the revision, or of the newest snapshot that has it. Opens no connection."""
    folder = cache_folder() / f"models--{repository.replace('/', '--')}"
    wanted = revision
    if revision and ".." not in revision and (folder / "refs" / revision).is_file():
        wanted = (folder / "refs" / revision).read_text(encoding="utf-8").strip()
    snapshots = folder / "snapshots"
    found = [p for p in snapshots.glob("*") if (p / name).is_file()] if snapshots.is_dir() else []
    newest = max((p for p in found if wanted in (None, p.name)), key=lambda p: p.stat().st_mtime, default=None)
    return newest / name if newest else None


def is_repository(name: str) -> bool:
    """Whether a name has the form OWNER/NAME."""
    return bool(_REPOSITORY.fullmatch(name))


def _heard(folder: Path) -> bool:
    """Whether a folder's configuration is of a family that can be heard."""
    try:
        family_of(json.loads((folder / "config.json").read_text(encoding="utf-8")), shown(folder))
    except (OSError, ValueError, AttributeError, ModelRefused):
        return False
    return True


def _cached(repository: str) -> Path | None:
    """The repository's newest snapshot in the hub's cache that has a config, the pinned one first. Opens no connection."""
    snapshots = cache_folder() / f"models--{repository.replace('/', '--')}" / "snapshots"
    found = [p for p in snapshots.glob("*") if (p / "config.json").exists()] if snapshots.is_dir() else []
    pinned = _revision(repository)
    return max(found, key=lambda p: (p.name == pinned, p.stat().st_mtime), default=None)


def _not_here(name: str, repository: str) -> ModelRefused:
    revision = _revision(repository)
    pin = f" --revision {revision}" if revision else ""
    return ModelRefused(
        name,
        "this model is not on this machine",
        f"With a network: speech model add {repository} --language CODE, or: hf download {repository}{pin}; "
        f"without one, --model {MINI} works",
        "MODEL_NOT_HERE",
    )


def fetch(repository: str, *, language_codes: Sequence[str], revision: str | None = None) -> Path:
    """Fetch a repository's safetensors, vocabulary and the named adapters into the hub's cache; returns the snapshot.

    Raises
    ------
    NetworkFailure
        `NETWORK_OFFLINE`: offline mode is set, or the hub cannot be reached.
    ModelRefused
        `MODEL_GATED`: the terms must be accepted, or the token is missing or wrong (it is never shown).
    """
    patterns = [
        "config.json",
        "*preprocessor_config.json",
        "processor_config.json",
        "vocab.json",
        "added_tokens.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model*.safetensors*",
    ]
    patterns += [f"adapter.{code}.*" for code in language_codes]
    return download(repository, patterns, ignored=("*.bin", "*.pt"), revision=revision or _revision(repository))


def download(repository: str, patterns: Sequence[str], *, ignored: Sequence[str] = (), revision: str | None = None) -> Path:
    """Fetch the files of a repository that match into the hub's cache; returns the snapshot. The one place that connects.

    The token is the hub's own affair: `HF_TOKEN`, or what `hf auth login` kept.

    Raises
    ------
    As `fetch`.
    """
    if os.environ.get("HF_HUB_OFFLINE", "") in ("1", "true", "TRUE", "yes", "ON"):
        raise NetworkFailure(
            repository, "HF_HUB_OFFLINE is set", "Unset it to fetch, or carry the folder over and give its path", "NETWORK_OFFLINE"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        found = snapshot_download(
            repository,
            revision=revision,
            allow_patterns=list(patterns),
            ignore_patterns=list(ignored),
            etag_timeout=10,
        )
    except (GatedRepoError, RepositoryNotFoundError) as error:
        raise ModelRefused(
            repository,
            "the hub does not give this repository to you",
            f"Accept its terms at https://huggingface.co/{repository} and set HF_TOKEN",
            "MODEL_GATED",
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno in DISK_ERRORS:
            with disk_errors(cache_folder()):
                raise
        raise NetworkFailure(
            repository,
            "the hub cannot be reached",
            "Check the network and proxy, or carry the folder over and give its path",
            "NETWORK_OFFLINE",
        ) from error
    return Path(found)


def adapter_places(language: str, base_hash: str, *, flag: Path | None, collection: Path | None, package: Path) -> list[Path]:
    """Where `adapter.<lang>.safetensors` is looked for, first to last: flag, collection, user's folder, the model's own."""
    name = f"adapter.{language}.safetensors"
    places: list[Path] = []
    if flag is not None:
        places.append(flag if flag.suffix == ".safetensors" else flag / name)
    if collection is not None:
        places.append(collection / "adapters" / name)
    places.append(user_folder() / "adapters" / base_hash[:16] / name)
    places.append(package / name)
    return places
