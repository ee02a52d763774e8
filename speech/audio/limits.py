"""A limit to the memory that reading hostile sound may take, for a process that does nothing else."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path


def bound_memory(most_bytes: int) -> bool:
    """Let this process take so much memory beyond what it has; a file that asks for more is refused (`AUDIO_*`). Whether it is set.

    Only on Linux: elsewhere no limit holds for what libraries map.
    """
    if sys.platform != "linux":
        return False
    import resource

    import av  # noqa: F401  # the libraries' own memory is not the file's
    import numpy  # noqa: F401
    import soundfile  # noqa: F401
    import soxr  # noqa: F401

    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        now = int(next(line for line in lines if line.startswith("VmData:")).split()[1]) << 10
        resource.setrlimit(resource.RLIMIT_DATA, (now + most_bytes, resource.getrlimit(resource.RLIMIT_DATA)[1]))
        return True
    return False
