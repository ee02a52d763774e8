"""The command line: `speech VERB INPUT...`. This file starts it, maps every end to its exit status, and no more.

0 all done, 1 something was refused, 2 the run failed or the command was wrong, 130 interrupted, 143 after SIGTERM.
Each command is a module beside this one, imported when it is called; it parses, calls a verb, and shows.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click

from speech.cli.streams import Streams, show_error
from speech.errors import InternalFailure, SpeechError

COMMANDS = {
    "adapt": "Minutes of transcribed speech into a model's adapter for a new language.",
    "align": "An old transcript placed on its recording: lines and words with times.",
    "app": "Transcribe, review and teach in the browser.",
    "consent": "What was agreed about recordings: recorded, withdrawn, shown.",
    "diarise": "Who speaks when: turns with speakers, as RTTM and other formats.",
    "identify": "Which language is spoken: in recordings, and in each turn.",
    "lm": "Language models: made from text, shown, written as ARPA.",
    "manifest": "Manifests: made of a folder, checked, counted.",
    "model": "Models and adapters on this machine: list, add, show, check, remove.",
    "probe": "What an audio file really holds, against what its header claims.",
    "review": "Reviewed transcripts: exported, taken back from ELAN, counted.",
    "say": "Text as speech, by a voice that says what it cannot say.",
    "score": "Error rates of transcripts against references, with counts and intervals.",
    "transcribe": "Recordings into transcripts: ELAN and other formats.",
}


_KEPT = "what was finished is kept; the same command does the rest."


class _Commands(click.Group):
    """Commands by name, each imported on first use: `speech --help` loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"speech.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # a module of ours without a command is a bug
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda c, _p, v: _version(c) if v else None,
    help="Version and parts in use.",
)
def speech() -> None:
    """Recordings of oral languages into transcripts that people can trust and mend. Works without a network.

    \b
    speech transcribe story.wav --language que --out transcripts
    speech probe story.wav
    speech score reference.eaf transcript.eaf
    """


def _version(ctx: click.Context) -> None:
    from importlib import metadata

    from speech import __version__
    from speech.models import guard

    click.echo(f"oral-speech {__version__}")
    for name in ("torch", "transformers", "numpy"):
        click.echo(f"{name} {metadata.version(name)}")
    click.echo(f"torchaudio {guard.load()}")
    ctx.exit(0)


class Terminated(BaseException):
    """SIGTERM arrived."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit status."""
    status = run(arguments)
    if status in (130, 143):
        # Recordings under way in threads need not be waited for: what is finished is on disk.
        logging.shutdown()
        os._exit(status)
    sys.exit(status)


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit status of a command line; every exception ends here."""
    Streams.guard()
    _watch_signals()
    _log_to_file()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    try:
        status = speech.main(args=arguments, prog_name="speech", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, click.Abort):
        Streams.note("Interrupted: " + _KEPT)
        return 130
    except Terminated:
        Streams.note("Stopped by SIGTERM: " + _KEPT)
        return 143
    except click.exceptions.NoArgsIsHelpError as asked:
        Streams.result(asked.format_message())  # a command of commands, by itself: no mistake
        return 0
    except click.ClickException as wrong:
        _show_usage(wrong)
        return 2
    except SpeechError as error:
        show_error(error, as_json="--json" in arguments, debug=debug)
        return error.exit_status
    except BaseException as bug:  # the last net: a crash must not read as a refusal
        if isinstance(bug, SystemExit):
            return bug.code if isinstance(bug.code, int) else 2
        logging.getLogger(__name__).exception("a bug in this program")
        show_error(internal(bug), as_json="--json" in arguments, debug=debug)
        return 2
    finally:
        Streams.flush()


def internal(bug: BaseException, where: str = "speech") -> InternalFailure:
    """A bug as a failure with its own code; what it was is in the log."""
    failure = InternalFailure(
        where,
        f"a bug in this program ({type(bug).__name__})",
        "Run again with --debug and report what it prints; the recording is untouched",
        "INTERNAL",
    )
    failure.__cause__ = bug
    return failure


def _show_usage(wrong: click.ClickException) -> None:
    context = getattr(wrong, "ctx", None)
    hint = f" Help: {context.command_path} --help" if context else ""
    Streams.note(f"speech: {wrong.format_message()}{hint}")


def _watch_signals() -> None:
    """First Ctrl-C unwinds, a second one leaves at once; SIGTERM unwinds to 143."""
    seen = {"interrupts": 0}

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        seen["interrupts"] += 1
        if seen["interrupts"] > 1:
            os._exit(130)
        raise KeyboardInterrupt

    def terminated(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    try:
        signal.signal(signal.SIGINT, interrupted)
        signal.signal(signal.SIGTERM, terminated)
    except ValueError:
        # Not the main thread: whoever runs us there handles signals.
        return


def _log_to_file() -> None:
    """Warnings and traces into the platform's log folder, where there is one to write to."""
    root = logging.getLogger("speech")
    if root.handlers:
        return
    root.propagate = False
    root.addHandler(logging.NullHandler())
    try:
        import platformdirs

        folder = Path(os.environ.get("SPEECH_LOG") or platformdirs.user_log_dir("oral-speech", appauthor=False))
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(folder / "speech.log", encoding="utf-8", delay=True)
    except (OSError, RuntimeError):
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
