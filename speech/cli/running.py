"""A run of a verb over recordings: what is asked for, where it goes, and the loop that shows each result once it is there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from speech.cli.account import Account
from speech.cli.options import attempt
from speech.cli.progress import RunBar
from speech.cli.streams import Streams, show_error
from speech.collections.made import Made
from speech.errors import PathRefused, UsageFailure
from speech.files import shown

if TYPE_CHECKING:
    from speech.collections.results import Source
    from speech.collections.runs import Item, Run

R = TypeVar("R", bound=Made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """Where results go: files of these formats under `out`, else the first format on standard output; objects as `--json` asks.

    `lines` says what goes to standard output of a verb that shows no format.
    """

    out: Path | None
    names: Sequence[str]
    as_json: bool
    debug: bool
    lines: Callable[[Any, str], str] | None = None


def work_through(
    run: Run[R], items: Sequence[Item], account: Account, showing: Showing, *, cores: int, each: Callable[[R], None] | None = None
) -> int:
    """Work on all items, several at once, and show and write what comes of each; `each` is told every result. The exit status."""
    from speech import formats
    from speech.audio.folders import about_ms
    from speech.collections.many import Outcomes

    bar = RunBar([shown(i.recording.name) for i in items], lambda: [about_ms(i.recording) for i in items])
    outcomes: Outcomes[Item, R] = Outcomes(items, run.hear, cores=cores, progress=bar.of)
    out, as_json, debug = showing.out, showing.as_json, showing.debug

    def show(item: Item, outcome: R | Exception) -> int:
        path, shown_status = shown(item.recording), 0

        def work() -> None:
            nonlocal shown_status
            bar.settled(item.number, heard=not (isinstance(outcome, Exception) or outcome.unchanged))
            result = run.deliver(item, outcome)
            if as_json:
                Streams.json(result.as_dict(path))
            elif showing.lines is not None:
                Streams.bytes(showing.lines(result, path).encode("utf-8"))
            elif out is None:
                Streams.bytes(formats.by_name(showing.names[0]).render(result.for_format(showing.names[0])))
            account.add(result, path)
            if each is not None:
                each(result)
            if result.refusal:
                shown_status = result.refusal.exit_status
                show_error(result.refusal, as_json=False, debug=debug)

        return max(attempt(item.given, work, as_json=as_json, debug=debug), shown_status)

    status = 0
    with contextlib.closing(outcomes), bar:
        try:
            # A file is written as soon as its recording is done; what goes to the screen keeps its order.
            for item, outcome in outcomes.as_done() if out else zip(items, outcomes, strict=True):
                status = max(status, show(item, outcome))
        except BaseException:
            # Ctrl-C or SIGTERM: what is finished is kept.
            for item, outcome in outcomes.finished():
                if not isinstance(outcome, Exception):
                    show(item, outcome)
            raise
    return status


def items_of(sources: Sequence[Source | PathRefused], out: Path | None, names: Sequence[str]) -> list[Item]:
    """What is to be heard, in order, each with its place under `out`; refusals of folders and of names in their place."""
    from speech.collections.results import Source, places
    from speech.collections.runs import Item

    recordings = [s for s in sources if isinstance(s, Source)]
    placed = iter(places(recordings, out, names) if out is not None else [None] * len(recordings))
    items = []
    for number, source in enumerate(sources):
        if isinstance(source, Source):
            items.append(Item(number=number, recording=source.recording, place=next(placed)))
        else:
            items.append(Item(number=number, recording=Path(source.where), place=source))
    return items


def formats_asked(asked: str, out: Path | None, as_json: bool, *, default: str) -> tuple[str, ...]:
    """The names of the formats asked for, or the default's."""
    from speech import formats

    given = (asked or default).lower().split(",")
    names = tuple(dict.fromkeys(name.strip() for name in given if name.strip()))
    for name in names:
        if name not in formats.names():
            raise UsageFailure(f"--format {name}", "there is no such format", f"Choose from {', '.join(formats.names())}", "FORMAT_UNKNOWN")
    if out is None and len(names) > 1:
        raise UsageFailure(
            f"--format {asked}", "several formats do not fit on standard output", "Name a folder with --out", "FORMAT_SEVERAL"
        )
    if out is None and asked and as_json:
        raise UsageFailure(f"--format {asked} --json", "both would go to standard output", "Name a folder with --out", "FORMAT_SEVERAL")
    return names
