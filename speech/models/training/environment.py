"""What a run card says of the program and the machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch


def environment() -> dict[str, Any]:
    """What a run card says of the program and the machine; no host name, no path of a person."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        dirty = bool(subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout.strip())
    except (OSError, subprocess.CalledProcessError):
        commit, dirty = "", False
    return {
        "command": [Path(sys.argv[0]).name, *map(_anywhere, sys.argv[1:])],
        "commit": commit,
        "dirty": dirty,
        "processor": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "versions": {name: metadata.version(name) for name in ("torch", "transformers", "numpy")},
        "python": platform.python_version(),
    }


def _anywhere(argument: str) -> str:
    """An argument as it could be typed on another machine: a path below the home as ~, one near the working folder from there."""
    if not argument.startswith("/"):
        return argument
    path, here = Path(argument), Path.cwd()
    if path.is_relative_to(Path.home()):
        return f"~/{path.relative_to(Path.home())}"
    if path.is_relative_to(here.parent) and here.parent != Path("/"):
        return os.path.relpath(path, here)
    return path.name
