"""Options and the loop that several commands share."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import click

from speech.cli.streams import show_error
from speech.errors import SpeechError, UsageFailure
from speech.files import shown

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
PURPOSES = ("research", "community", "education", "archive", "commercial")

log = logging.getLogger("speech.cli")


def stated(function: Decorated) -> Decorated:
    """--json, --purpose, --debug: what every command that reads recordings takes."""
    function = click.option("--debug", is_flag=True, help="Show the trace of an error.")(function)
    function = click.option(
        "--purpose",
        type=click.Choice(PURPOSES),
        default="research",
        show_default=True,
        help="What the result is for; consent may depend on it.",
    )(function)
    return click.option("--json", "as_json", is_flag=True, help="One object a line and an input on standard output.")(function)


def told(function: Decorated) -> Decorated:
    """--json and --debug: what a command takes that reads no recording."""
    function = click.option("--debug", is_flag=True, help="Show the trace of an error.")(function)
    return click.option("--json", "as_json", is_flag=True, help="Objects on standard output, a line each.")(function)


def reading(function: Decorated) -> Decorated:
    """How recordings are read."""
    function = click.option("--track", type=click.IntRange(min=1), help="Which sound track of a film, from 1.")(function)
    function = click.option("--channels", metavar="N,N", help="Use only these channels, from 1.")(function)
    function = click.option(
        "--assume-rate", type=click.IntRange(4_000, 768_000), metavar="HZ", help="The true sample rate, where the header is wrong."
    )(function)
    function = click.option("--accept-damaged", is_flag=True, help="Take a damaged recording as it is.")(function)
    return click.option("--strict", is_flag=True, help="Refuse every recording with a finding, and every loss on writing.")(function)


def telling_speakers(function: Decorated) -> Decorated:
    """--diariser and --trust-checkpoint: what tells speakers apart."""
    function = click.option(
        "--trust-checkpoint", "trust", multiple=True, metavar="PATH|REPOSITORY",
        help="Open this checkpoint of pyannote.audio although it is a pickle, which can run anything; remembered by its hash.",
    )(function)  # fmt: skip
    return click.option(
        "--diariser", default="embedded", show_default=True, metavar="NAME|PATH|REPOSITORY",
        help="embedded; or, with the extra diarise, pyannote, a folder with a pipeline of it, or its repository on this machine.",
    )(function)  # fmt: skip


def read_settings(*, strict: bool, accept_damaged: bool, assume_rate: int | None, channels: str | None, track: int | None) -> Any:
    """The options of `reading` as the audio room's settings."""
    from speech.audio import ReadSettings

    return ReadSettings(strict=strict, accept_damaged=accept_damaged, assume_rate=assume_rate, channels=_numbers(channels), track=track)


def _numbers(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageFailure(
            f"--channels {text}", "these are not numbers divided by commas", "For example --channels 1,2", "CHANNELS"
        ) from error


def attempt(given: str, work: Callable[[], None], *, as_json: bool, debug: bool) -> int:
    """Do `work`, which is about the input `given`; what goes wrong is shown. Returns its exit status."""
    from speech.cli import internal

    try:
        work()
    except SpeechError as error:
        show_error(error, as_json=as_json, debug=debug, path=shown(given))
        return error.exit_status
    except Exception as bug:
        log.exception("a bug at %s", shown(given))
        show_error(internal(bug, shown(given)), as_json=as_json, debug=debug, path=shown(given))
        return 2
    return 0


class LanguageCode(click.ParamType):  # type: ignore[type-arg]  # generic in later versions alone
    """A language's code in any case."""

    name = "code"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """In small letters, as ISO 639-3 has it."""
        return str(value).strip().lower()


LANGUAGE = LanguageCode()
