"""safetensors files looked at before anything loads them: whole, well-formed, finite, and hashed by content.

Nothing here unpickles. The header is read by hand because the libraries let pass what matters to us: a tensor
named twice, bytes after the last tensor, weights that are not numbers. Needs no torch.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from speech.errors import ModelRefused
from speech.files import check_readable, read_errors, shown

_WIDTH = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16}
_LONGEST_HEADER = 100_000_000
_CHUNK = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One tensor of a file: type, shape, and where its bytes lie."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def entries(path: Path) -> dict[str, Entry]:
    """The tensors of a safetensors file by name, the file checked against its own header.

    Raises
    ------
    ModelRefused
        `MODEL_PICKLE`, `MODEL_NOT_WEIGHTS` (a pointer file, a page), `MODEL_HEADER`, `MODEL_TRUNCATED`.
    """
    size = check_readable(path).st_size
    where = shown(path)
    with read_errors(path), path.open("rb") as file:
        first = file.read(1024)
        _refuse_foreign(first, where, path.suffix)
        length = int.from_bytes(first[:8], "little")
        if size < 8 or length > min(_LONGEST_HEADER, size - 8):
            raise ModelRefused(
                where,
                f"the header claims {length} bytes, the file holds {size}",
                "Fetch the file again: it is cut or no safetensors file",
                "MODEL_TRUNCATED" if 0 < length <= _LONGEST_HEADER else "MODEL_HEADER",
            )
        file.seek(8)
        header = _parse(file.read(length), where)
    found = {name: _entry(name, raw, 8 + length, where) for name, raw in header.items() if name != "__metadata__"}
    _check_places(found, 8 + length, size, where)
    return found


def _refuse_foreign(first: bytes, where: str, suffix: str) -> None:
    if (
        first[:2] == b"PK"
        or (first[:1] == b"\x80" and first[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"))
        or suffix in (".bin", ".pt", ".pth", ".ckpt", ".pkl")
    ):
        raise ModelRefused(
            where,
            "this is a pickle, which can run any program when it is loaded; it was not opened",
            "Convert it to safetensors in an environment without private data",
            "MODEL_PICKLE",
        )
    if first.startswith(b"version https://git-lfs"):
        raise ModelRefused(where, "this is a git-lfs pointer, not the weights", "Run: git lfs pull", "MODEL_NOT_WEIGHTS")
    if first.lstrip()[:1] == b"<":
        raise ModelRefused(where, "this is a web page, not weights", "Download the file itself, not its page", "MODEL_NOT_WEIGHTS")


def _parse(data: bytes, where: str) -> Mapping[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice = (
            {name for name, _ in pairs if sum(other == name for other, _ in pairs) > 1}
            if len({n for n, _ in pairs}) < len(pairs)
            else set()
        )
        if twice:
            raise ModelRefused(
                where, f"tensor {sorted(twice)[0]} stands twice in the header", "Fetch the file again, or save it anew", "MODEL_HEADER"
            )
        return dict(pairs)

    try:
        header = json.loads(data, object_pairs_hook=once)
    except (UnicodeDecodeError, ValueError) as error:
        raise ModelRefused(
            where, f"the header is not JSON ({error})", "Fetch the file again: it is damaged or no safetensors file", "MODEL_HEADER"
        ) from error
    if not isinstance(header, dict):
        raise ModelRefused(where, "the header is not a table of tensors", "Fetch the file again", "MODEL_HEADER")
    return header


def _entry(name: str, raw: Any, origin: int, where: str) -> Entry:
    try:
        shape = tuple(int(n) for n in raw["shape"])
        start, end = (int(n) for n in raw["data_offsets"])
        due = math.prod(shape) * _WIDTH[raw["dtype"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelRefused(
            where, f"tensor {name} is described badly ({error})", "Fetch the file again, or save it anew", "MODEL_HEADER"
        ) from error
    if end - start != due or start < 0 or min(shape, default=0) < 0:
        raise ModelRefused(
            where,
            f"tensor {name} of shape {list(shape)} is due {due} bytes and has {end - start}",
            "Fetch the file again, or save it anew",
            "MODEL_HEADER",
        )
    return Entry(dtype=raw["dtype"], shape=shape, start=origin + start, end=origin + end)


def _check_places(found: Mapping[str, Entry], origin: int, size: int, where: str) -> None:
    place = origin
    for name, entry in sorted(found.items(), key=lambda item: (item[1].start, item[1].end)):
        if entry.start != place:
            raise ModelRefused(
                where, f"the bytes of tensor {name} overlap others or leave a gap", "Fetch the file again, or save it anew", "MODEL_HEADER"
            )
        place = entry.end
    if place != size:
        raise ModelRefused(
            where,
            f"the file holds {size} bytes, its tensors need {place}",
            "Fetch the file again: the copy is not whole",
            "MODEL_TRUNCATED",
        )


def content_sha256(
    files: Iterable[tuple[Path, Mapping[str, Entry]]], *, rename: Callable[[str], str | None] = lambda name: name, finite: bool = True
) -> str:
    """A hash of tensors by name, type, shape and bytes, whatever file and order they lie in.

    `rename` maps a stored name to its canonical one, or to None to leave the tensor out. With `finite`, weights
    that are not numbers are refused on the way.

    Raises
    ------
    ModelRefused
        `MODEL_NONFINITE`: names the first such tensor.
    """
    rows = sorted(
        (canonical, name, path, entry) for path, found in files for name, entry in found.items() if (canonical := rename(name)) is not None
    )
    digest = hashlib.sha256()
    for canonical, name, path, entry in rows:
        digest.update(f"{canonical}\0{entry.dtype}\0{','.join(map(str, entry.shape))}\0".encode())
        with read_errors(path), path.open("rb") as file:
            file.seek(entry.start)
            left = entry.end - entry.start
            while left:
                data = file.read(min(_CHUNK, left))
                if not data:
                    raise ModelRefused(shown(path), f"tensor {name} ends early", "Fetch the file again", "MODEL_TRUNCATED")
                left -= len(data)
                digest.update(data)
                if finite and not _finite(data, entry.dtype):
                    raise ModelRefused(
                        shown(path),
                        f"tensor {name} holds values that are not numbers (NaN or infinite)",
                        "Fetch the file again, or train again from the last good checkpoint",
                        "MODEL_NONFINITE",
                    )
    return digest.hexdigest()


def _finite(data: bytes, dtype: str) -> bool:
    if dtype == "BF16":
        # A bf16 value is not a number, or infinite, when all eight bits of its exponent are set.
        return not bool(np.any((np.frombuffer(data, np.uint16) & 0x7F80) == 0x7F80))
    kind = _FLOATS.get(dtype)
    return kind is None or bool(np.isfinite(np.frombuffer(data, kind)).all())


def canonical_name(name: str) -> str:
    """One name for a tensor of the positional convolution, which older files write as weight_g and weight_v."""
    return name.replace(".parametrizations.weight.original0", ".weight_g").replace(".parametrizations.weight.original1", ".weight_v")


def base_name(name: str, head: str = "lm_head") -> str | None:
    """The canonical name of a tensor of the base; None for adapters, the head and the training mask."""
    if ".adapter_layer." in name or name.startswith(f"{head}.") or name.endswith("masked_spec_embed"):
        return None
    return canonical_name(name)


def header_of(path: Path) -> dict[str, str]:
    """What the header of a `.safetensors` file that `entries` has checked states beside its tensors."""
    with read_errors(path), path.open("rb") as file:
        found = json.loads(file.read(int.from_bytes(file.read(8), "little"))).get("__metadata__", {})
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def tensors_of(path: Path) -> dict[str, Any]:
    """All tensors of a `.safetensors` file, by name, as torch's."""
    from safetensors.torch import load_file

    return dict(load_file(path))


def tensors_under(paths: Iterable[Path], prefix: str) -> dict[str, Any]:
    """The tensors of several files whose names begin so, as torch's; the others are not read."""
    from safetensors import safe_open

    found: dict[str, Any] = {}
    for path in paths:
        with safe_open(path, framework="pt") as file:
            found |= {name: file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}
    return found
