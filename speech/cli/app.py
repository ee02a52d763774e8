"""`speech app`: transcribe, review and teach in the browser; who may sign in; what it wrote."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import click

from speech.cli.options import told
from speech.cli.streams import Streams
from speech.errors import UsageFailure
from speech.files import shown


class _App(click.Group):
    """Subcommands by name; anything else is a folder to open."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] not in (["--help"], ["-h"]) and (not args or args[0] not in self.commands):
            args = ["open", *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if not args or args[0] not in self.commands:
            args = ["open", *args]
        return super().resolve_command(ctx, args)


@click.group("app", cls=_App, short_help="Transcribe, review and teach in the browser.")
def command() -> None:
    """Open recordings in the browser: transcribe them, correct the drafts, and let the corrections teach the model.

    \b
    speech app tapes                     the recordings of a folder
    speech app open --help               all options
    """


@command.command("open")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen; any other needs --users.")
@click.option("--port", default=7860, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 takes one that is free.")
@click.option("--database", metavar="URL", help="A store on a PostgreSQL server; its password comes from PGPASSWORD.")
@click.option(
    "--users", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Who may sign in; made by: speech app users add."
)
@click.option("--public", default="", metavar="URL", help="The address that people open, where a server with https stands before this one.")
@click.option("--no-browser", is_flag=True, help="Only show the address.")
@click.option("--debug", is_flag=True, help="Show the trace of an error.")
def open_app(
    folder: Path, host: str, port: int, database: str | None, users: Path | None, public: str, no_browser: bool, debug: bool
) -> int:
    """Open the app on FOLDER, which holds recordings and, where there are any, their ELAN files. Nothing in it is changed.

    In place of a folder a recording, or its ELAN file, may be named: its folder is opened, at this recording.
    """
    missing = [name for name in ("gradio", "fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageFailure(
            "speech app", f"parts of the app are not installed ({', '.join(missing)})", "pip install 'oral-speech[app]'", "APP_EXTRA"
        )
    from speech.review.workspace import meant_by
    from speech.ui.server import serve

    folder, recording = meant_by(folder)
    if recording is not None:
        Streams.note(f"Opening the folder {shown(folder)}, at {shown(recording.name)}.")

    def tell(address: str) -> None:
        Streams.result(address)
        Streams.note("The app runs at this address until you press Ctrl-C here. A key in it works once.")
        if not no_browser:
            import webbrowser

            webbrowser.open(address)

    serve(folder, host=host, port=port, database=database, users=users, public=public, recording=recording, told=tell)
    return 0


@command.group("users")
def users_group() -> None:
    """Who may sign in to an app that other machines can reach."""


_USERS = click.option(
    "--users", "path", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="The file of people."
)


@users_group.command("add")
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["listener", "speaker", "reviewer", "adjudicator", "keeper"]), default="reviewer", show_default=True,
    help="What the person may do; each may what those before may.",
)  # fmt: skip
@_USERS
@told
def add(name: str, role: str, path: Path, as_json: bool, debug: bool) -> int:
    """Let NAME sign in, or give NAME another role and password. The password is asked for, or read from standard input."""
    from speech.ui.users import add_user, check_name

    name = check_name(name)
    if sys.stdin.isatty():
        password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    add_user(path, name, role, password)
    _say({"path": shown(path), "ok": True, "name": name, "role": role}, f"{name} may sign in as {role} ({shown(path)})", as_json)
    return 0


@users_group.command("remove")
@click.argument("name")
@_USERS
@told
def remove(name: str, path: Path, as_json: bool, debug: bool) -> int:
    """Let NAME sign in no more, from this moment; what they edited stays."""
    from speech.ui.users import remove_user

    remove_user(path, name)
    _say({"path": shown(path), "ok": True, "name": name}, f"{shown(name)} may sign in no more", as_json)
    return 0


@users_group.command("list")
@_USERS
@told
def list_users(path: Path, as_json: bool, debug: bool) -> int:
    """Names and roles."""
    from speech.ui.users import read_users

    for name, person in sorted(read_users(path).items()):
        _say({"path": shown(path), "ok": True, "name": name, "role": person["role"]}, f"{name}: {person['role']}", as_json)
    return 0


@command.command("clean")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Delete without asking.")
@told
def clean(folder: Path, yes: bool, as_json: bool, debug: bool) -> int:
    """Show every place that the app wrote for FOLDER, with sizes, and delete what can be made again, once you say so.

    Originals, recordings that were uploaded, edits and the ledger are never deleted.
    """
    from speech.ui.places import delete, places_of

    found = places_of(folder)
    for place in found:
        line = f"{place.bytes / 1e6:10.1f} MB  {shown(place.path)}  {place.what}{'' if place.goes else ' (kept)'}"
        _say(
            {"path": shown(place.path), "ok": True, "bytes": place.bytes, "what": place.what, "deleted": False, "goes": place.goes},
            line,
            as_json,
        )
    going = [place for place in found if place.goes and place.bytes]
    if not going:
        Streams.note("There is nothing to delete.")
        return 0
    if not yes and not click.confirm(f"Delete {sum(p.bytes for p in going) / 1e6:.1f} MB?", err=True):
        return 0
    for place in going:
        delete(place)
        _say({"path": shown(place.path), "ok": True, "bytes": place.bytes, "deleted": True}, f"deleted: {shown(place.path)}", as_json)
    return 0


def _say(row: dict[str, object], line: str, as_json: bool) -> None:
    if as_json:
        Streams.json(row)
    else:
        Streams.result(line)
