"""What the demonstrations share: a refusal is said as the command line says it, without a trace."""

from __future__ import annotations

import sys
from collections.abc import Callable


def plainly(main: Callable[[], None]) -> None:
    """Run a demonstration; end it with the refusal, what mends it, and its code."""
    from speech.errors import SpeechError

    try:
        main()
    except SpeechError as error:
        sys.exit(f"{error} [{error.code}]")
