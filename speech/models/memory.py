"""Whether a model fits into memory, asked before it is loaded: of the system, and of the container it may run in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from speech.errors import MemoryFailure

_GROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60
"""Version 1 of control groups writes a number near 2^63 where there is no limit."""


def free_memory(groups: Path = _GROUPS, own: Path = Path("/proc/self/cgroup")) -> int | None:
    """Bytes that a program may still take, or None where nobody says: the least of what system and container allow."""
    found = [n for n in (_system(), *_container(groups, own)) if n is not None]
    return min(found, default=None)


def _system() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def _container(groups: Path, own: Path) -> Iterator[int]:
    """What each control group above this process leaves; both versions of their files."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            root, limit, used = groups, "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            root, limit, used = groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        # Inside a container the path is often that of the host, and its own group is the root that is seen.
        inner = Path(path.lstrip("/"))
        for folder in {root / part for part in (inner, *inner.parents)}:
            most, taken = _number(folder / limit), _number(folder / used)
            if most is not None and taken is not None and most < _UNLIMITED:
                yield max(0, most - taken + _given_back(folder / "memory.stat"))


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):  # "max" is no number: there is no limit
        return None


def _given_back(path: Path) -> int:
    """Bytes of files kept in memory, which the system gives back when a program asks for them."""
    try:
        rows = dict(line.split(maxsplit=1) for line in path.read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return 0
    return int(rows.get("inactive_file", rows.get("total_inactive_file", 0)))


def require_memory(name: str, numbers: int, precision: str, free: Callable[[], int | None] = free_memory) -> None:
    """Refuse a model of so many weights that will not fit, before loading it.

    Raises
    ------
    MemoryFailure
        `MODEL_MEMORY`: what is needed (weights, plus a fifth and 300 MB to work in) and what is free.
    """
    need = int(numbers * (2 if precision == "bf16" else 4) * 1.2) + 300_000_000
    here = free()
    if here is not None and here < need:
        raise MemoryFailure(
            name,
            f"{numbers / 1e6:.0f} million weights in {precision} need about {need / 1e9:.1f} GB, {here / 1e9:.1f} GB are free",
            "Close other programs, raise the container's limit, or choose a smaller model (--model mini)",
            "MODEL_MEMORY",
        )
