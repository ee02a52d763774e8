"""docs/app_scores.md: the app's figures, from what the commands left in results/ and docs/review_runs/; nothing is measured here.

Each command writes the page anew when it is done.
Command: python benchmarks/app_page.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from figures import RESULTS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "app_scores.md"
RUNS = ROOT / "docs" / "review_runs"
"""Cards of recipes/real_review.py and recipes/choose_next.py."""

HEAD = """# The app in figures

Made by the commands named below, each from what it measured; `python benchmarks/app_page.py` puts the page together. All on one
machine that also ran the server, and other work beside it where its load says so. Recordings, texts and drafts are the shared speech,
or made by seed.
"""
TABLE = "| what | measured | goal | |\n|---|---|---|---|"


def write() -> None:
    """The page, from all that is there."""
    PAGE.write_text("\n".join([HEAD, *_size(), *_effort(), *_load(), *_review(), *_choice()]).rstrip() + "\n", encoding="utf-8")


def _kept(name: str) -> dict[str, Any] | None:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _cards(kind: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RUNS.glob(f"{kind}_*.json"))]


def _machine(found: Mapping[str, Any]) -> str:
    machine = found["machine"]
    return f"{machine['processor']}, {machine['cores']} cores"


def _met(good: bool) -> str:
    return "met" if good else "**missed**"


def _row(what: str, measured: object, goal: str = "", good: bool | None = None) -> str:
    return f"| {what} | {measured} | {goal} | {'' if good is None else _met(good)} |"


def _size() -> Iterator[str]:
    found = _kept("app_size")
    if found is None:
        return
    load = found["load"]
    yield "## Size and sound\n"
    yield f"`python benchmarks/app_size.py`. {found['segments']:,} segments in {found['hours']:g} hours; headless Chromium"
    yield f"{found['Chromium']}; {_machine(found)}; the machine's load (what wanted a core) was {load[0]} when it began and"
    yield f"{load[1]} when it ended.\n"
    yield TABLE
    usable = found["seconds until it may be worked on, a browser that knows nothing of it"]
    heap, elements = found["JS heap after a full scroll, MB"], found["elements, most during a full scroll"]
    said = f"median {usable['median']} s, longest {usable['largest']} of {usable['of']}"
    yield _row("until it may be worked on, nothing kept", said, "3 s", usable["largest"] <= 3)
    yield _row("JS heap after a full scroll", f"{heap} MB", "100 MB", heap < 100)
    yield _row("elements, most during a full scroll", elements, "2,000", elements < 2000)
    for what, goal in (
        ("Enter until the next has the focus, ms", 150),
        ("Enter until the next sounds, ms", 150),
        ("play key until `playing`, ms", 100),
    ):
        row = found[what]
        said = f"median {row['median']}, p95 {row['p95']}, longest {row['largest']} of {row['of']}"
        yield _row(what, said, f"p95 {goal}", row["p95"] < goal)
    for what in ("start, the element's clock, ms off", "stop, the element's clock, ms off"):
        row = found[what]
        said = f"median {row['median']}, p95 {row['p95']}, most {row['largest']} of {row['of']}"
        yield _row(what, said, "50", row["largest"] <= 50)
    yield _row("segments that Enter left out", found["segments skipped by Enter"], "0", not found["segments skipped by Enter"])
    yield from _captured(found["captured"])


def _captured(found: Mapping[str, Any]) -> Iterator[str]:
    yield "\nWhat left the element, captured through an AudioWorklet; ms after (or before: −) the segment's own start and end:\n"
    yield "| original | played | start: least, median, most | stop: least, median, most | plays | within 50 ms |\n|---|---|---|---|---|---|"
    for kind in ("wav", "opus", "mp3"):
        row = found[kind]
        start, stop = row["start, ms off"], row["stop, ms off"]
        good = max(abs(x[k]) for x in (start, stop) for k in ("least", "most")) <= 50
        yield f"| {kind} | {row['played']} | {_three(start)} | {_three(stop)} | {stop['of']} | {_met(good)} |"
    yield "\n| speed | pitch off, at most (goal 2 %) | lasted, of what it should |\n|---|---|---|"
    for speed, row in found["speed"].items():
        yield f"| {speed} | {row['pitch off, %, at most']} % | {row['lasted, of what it should']} |"
    yield ""


def _three(row: Mapping[str, float]) -> str:
    return ", ".join(f"{row[k]:g}".replace("-", "−") for k in ("least", "median", "most"))


def _effort() -> Iterator[str]:
    found = _kept("app_effort")
    if found is None:
        return
    yield "## A reviewer's effort\n"
    yield "`python benchmarks/app_effort.py`. Test clips of the shared speech, drafted by `mini` with its language models, corrected on the"
    yield "page by pressing the cheapest keys (the keyboard that is taken for granted stands in `benchmarks/keyboard.py`), until the"
    yield "store held the reference of every segment. Keys a correct letter, Enter counted, with 95 % intervals over segments; *readings*"
    yield "are the other readings of a word (F4).\n"
    heads = "segments, by CER of the draft|how many|letters|CER %|typing all|with readings|without|with, of typing all|without, of it"
    yield f"| {' | '.join(heads.split('|'))} |"
    yield "|---" * 9 + "|"
    bands = sorted(found["by CER of the segment's draft"].items(), key=lambda band: int(band[0].split()[0]))
    yield from (_effort_row(f"{name} %", row) for name, row in bands if row["segments"])
    about = found["at CER 15"]
    if about["segments"]:
        yield _effort_row("**12.5 to 17.5 %**", about)
    yield from (_effort_row(code, row) for code, row in found["by language"].items())
    yield _effort_row("all", found["all"])
    if about["segments"]:
        here, share = about["with readings"]["keys a letter"], about["with readings, of typing all"]
        yield f"\nGoal at CER 15: 0.25 keys a letter, {_met(here <= 0.25)} ({here}; {share} of typing it all)."
        kinds = about.get("with readings, keys by what they are for, a letter", {})
        if kinds:
            yield "Keys a letter there, by what they are for: " + ", ".join(f"{kind} {kinds[kind]:.2f}" for kind in kinds) + "."
    yield ""


def _effort_row(name: str, row: Mapping[str, Any]) -> str:
    def one(r: Mapping[str, float]) -> str:
        return f"{r['keys a letter']:.2f} ({r['low']:.2f}–{r['high']:.2f})"

    return (
        f"| {name} | {row['segments']} | {row['letters']:,} | {row['CER %']} | {row['typing all']:.2f} | {one(row['with readings'])} | "
        f"{one(row['without'])} | {row['with readings, of typing all']:.2f} | {row['without, of typing all']:.2f} |"
    )


def _load() -> Iterator[str]:
    found = _kept("app_load")
    if found is None:
        return
    first, last = found["memory, MB, at the start and the end"]
    lost = found["acknowledged and not in the store"]
    yield "## Several people at once, and a server that is killed\n"
    yield f"`python benchmarks/app_load.py`. {found['people']} people, {found['minutes']:g} minutes, a save every 2 s each;"
    yield f"{_machine(found)}.\n"
    yield TABLE
    said = f"{found['saves']:,}, median {found['save, median ms']} ms, p95 {found['save, p95 ms']} ms"
    yield _row("saves", said, "p95 300 ms", found["save, p95 ms"] < 300)
    yield _row("errors", found["errors"], "0", not found["errors"])
    yield _row("conflicts, answered with both texts", found["conflicts answered with both texts"])
    if "ranges played" in found:
        yield _row("ranges of the recording fetched meanwhile", f"{found['ranges played']:,}, p95 {found['range, p95 ms']} ms")
    yield _row("memory of the server, at the start and the end", f"{first} MB, {last} MB", "flat", last <= 1.1 * first)
    what = f"killed {found['kills']} times while they saved: acknowledged, and lost"
    yield _row(what, f"{found['acknowledged']:,}, {lost}", "0 lost", not lost) + "\n"


def _review() -> Iterator[str]:
    for card in _cards("real"):
        before, after = card["before"], card["after"]
        yield f"## A real review: {card['recording']}\n"
        yield f"`python recipes/real_review.py --base PATH`. {card['said']}\n"
        yield "| second half | CER % (95 %) | WER % (95 %) |\n|---|---|---|"
        yield f"| before | {before['cer']['said']} | {before['wer']['said']} |"
        yield f"| after | {after['cer']['said']} | {after['wer']['said']} |\n"
        yield card["exported"] + "\n"


def _choice() -> Iterator[str]:
    cards = _cards("choose")
    if not cards:
        return
    yield "## Choosing what to transcribe next\n"
    yield "`python recipes/choose_next.py`. A pool of clips drafted by a base that never heard the language; so many minutes are taken in"
    yield "the order of the page Learn, or at random, learnt from, and judged on test. Rates in per cent with 95 % intervals over clips.\n"
    for language in dict.fromkeys(card["language"] for card in cards):
        own = [card for card in cards if card["language"] == language]
        yield f"### {own[0]['called']}\n"
        yield "| minutes | order | test CER | test WER |\n|---|---|---|---|"
        for card in sorted(own, key=lambda c: (c["asked_minutes"], c["order"], c["seed"])):
            rates = " | ".join(card["test"][kind]["said"] for kind in ("cer", "wer"))
            yield f"| {card['minutes']} | {card['order']}, seed {card['seed']} | {rates} |"
        said = compared(own)
        yield from ["", *said, ""] if said else [""]


def compared(cards: list[dict[str, Any]]) -> list[str]:
    """What random order needs for the CER that the page's order reaches, read off the line through its points (logarithm of minutes)."""
    import numpy as np

    points: dict[int, list[tuple[float, float]]] = {}
    for card in cards:
        if card["order"] == "random":
            points.setdefault(card["asked_minutes"], []).append((card["minutes"], 100 * card["test"]["cer"]["value"]))
    if len(points) < 2:
        return []
    mean = sorted((float(np.mean([m for m, _ in own])), float(np.mean([c for _, c in own]))) for own in points.values())
    at = np.log([m for m, _ in mean])
    rate = np.minimum.accumulate([c for _, c in mean])  # a line that only falls, so that each rate is met once
    said = []
    for card in sorted((c for c in cards if c["order"] == "teaches"), key=lambda c: c["asked_minutes"]):
        cer = 100 * card["test"]["cer"]["value"]
        if cer > rate[0] or cer < rate[-1]:
            where = f"fewer than {mean[0][0]:.1f}" if cer > rate[0] else f"more than {mean[-1][0]:.1f}"
            said.append(f"- {card['minutes']} minutes in the page's order: {cer:.1f} %; random order needs {where} minutes for it")
            continue
        needs = float(np.exp(np.interp(-cer, -rate, at)))
        share = card["minutes"] / needs
        said.append(
            f"- {card['minutes']} minutes in the page's order: {cer:.1f} %; random order needs {needs:.1f} minutes for it, "
            f"so {100 * share:.0f} % of them are enough (goal 60 %: {_met(share <= 0.6)})"
        )
    return said


if __name__ == "__main__":
    write()
