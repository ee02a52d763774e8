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
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "commit": commit,
        "dirty": dirty,
        "processor": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "versions": {name: metadata.version(name) for name in ("torch", "transformers", "numpy")},
        "python": platform.python_version(),
    }
