"""Keeps a torchaudio built for CUDA from breaking transformers beside a CPU build of torch.

torchaudio is no dependency of ours, but pyannote.audio brings it, and its registry wheel on Linux does not
load without CUDA libraries; transformers imports it when it is there and would fail with it. `load` puts a
small substitute in the place of torchaudio's native part, and only then. Call it before transformers.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import Literal

Mode = Literal["absent", "native", "without native parts"]
_mode: Mode | None = None


def load() -> Mode:
    """How torchaudio is used from here on; named in `speech --version`."""
    global _mode
    if _mode is None:
        _mode = _try()
    return _mode


def _try() -> Mode:
    if importlib.util.find_spec("torchaudio") is None:
        return "absent"
    try:
        import torchaudio  # only whether it loads is asked
    except OSError as error:
        if not _names_cuda(error):
            raise
    else:
        return "native"
    for name in [n for n in sys.modules if n == "torchaudio" or n.startswith("torchaudio.")]:
        del sys.modules[name]
    sys.modules["torchaudio._extension"] = _substitute()
    import torchaudio  # noqa: F401  # the second try, now without its native part

    return "without native parts"


def _names_cuda(error: BaseException | None) -> bool:
    while error is not None:
        if "cuda" in str(error).lower():
            return True
        error = error.__cause__
    return False


def _substitute() -> types.ModuleType:
    module = types.ModuleType("torchaudio._extension")

    def absent(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("this torchaudio was built for CUDA and its native parts do not load beside this torch")

    values = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "_check_cuda_version": lambda: None,
        "fail_if_no_align": lambda function: absent,
    }
    for name, value in values.items():
        setattr(module, name, value)
    return module
