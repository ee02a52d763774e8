"""The page of how well languages are told and its plots, from figures that a run kept. Used by score_identify.py.

A figure is a count of pieces or a number, with the table, the row, the length and the column where it stands, so that a page can be
printed anew without hearing anything.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from speech.files import write_text
from speech.report.plots import Band, calibration_plot, interval_plot

DOCS = Path(__file__).resolve().parent.parent / "docs"
KEPT = DOCS / "score_runs" / "lid.jsonl"
KEPT_UNHEARD = DOCS / "score_runs" / "lid_unheard.jsonl"
SECONDS = (1, 3, 5, 10)
BINS = 10
"""Of probability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number, or how many of so many pieces, with the ends of an interval where it has its own; `seconds` 0: of all lengths."""

    table: str
    row: str
    seconds: int = 0
    column: str
    value: float
    of: int | None = None
    low: float | None = None
    high: float | None = None

    @property
    def ends(self) -> tuple[float, float, float] | None:
        """A share or mean with the ends of its interval: its own, or that of its counts; None of nothing."""
        if self.low is not None and self.high is not None:
            return self.value, self.low, self.high
        return wilson(self.value, self.of) if self.of else None


class Figures:
    """The figures of a run, found by where they stand."""

    def __init__(self, figures: Iterable[Figure] = ()) -> None:
        self.rows = list(figures)
        self._at = {(f.table, f.row, f.seconds, f.column): f for f in self.rows}

    def names(self, table: str) -> list[str]:
        """Rows of a table, as they came."""
        return list(dict.fromkeys(f.row for f in self.rows if f.table == table))

    def columns(self, table: str, row: str) -> list[str]:
        """Columns of a row, as they came."""
        return list(dict.fromkeys(f.column for f in self.rows if (f.table, f.row) == (table, row)))

    def get(self, table: str, row: str, column: str, seconds: int = 0) -> Figure | None:
        return self._at.get((table, row, seconds, column))

    def value(self, table: str, row: str, column: str, seconds: int = 0) -> float:
        """A number."""
        return self._at[table, row, seconds, column].value

    def share(self, table: str, row: str, column: str, seconds: int = 0) -> str:
        """A share in per cent with its 95 % interval."""
        found = self.get(table, row, column, seconds)
        if found is None or found.ends is None:
            return "–"
        share, low, high = found.ends
        return f"{100 * share:.0f} ({100 * low:.0f}–{100 * high:.0f})"

    def mean(self, table: str, row: str, column: str, seconds: int) -> str:
        """A mean in per cent with the interval that was drawn for it."""
        found = self.get(table, row, column, seconds)
        if found is None or found.ends is None:
            return "–"
        mean, low, high = found.ends
        return f"{100 * mean:.1f} ({100 * low:.1f}–{100 * high:.1f})"


def wilson(count: float, of: int) -> tuple[float, float, float]:
    """A share with its 95 % interval."""
    p, z = count / of, 1.96
    middle, half = (p + z * z / (2 * of)) / (1 + z * z / of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return p, max(0.0, middle - half), min(1.0, middle + half)


def keep(figures: Figures, path: Path) -> None:
    """Write figures, a JSON object a line."""
    rows = [{k: v for k, v in asdict(f).items() if v is not None} for f in figures.rows]
    path.parent.mkdir(exist_ok=True)
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def kept(*paths: Path) -> Figures:
    """What `keep` wrote into those of these files that are there."""
    lines = [line for path in paths if path.exists() for line in path.read_text(encoding="utf-8").splitlines()]
    return Figures(Figure(**json.loads(line)) for line in lines)


PREFACE = (
    "Made by `python recipes/score_identify.py`; `--page` prints it anew from the figures that the run kept in [score_runs](score_runs). "
    "Pieces of 1, 3, 5 and 10 s of one voice; shorter clips are joined within a voice (within a session where voices are not labelled). "
    "Per cent with 95 % intervals (Wilson, over pieces: pieces of one voice are not independent). Two figures a length: the likeliest of "
    "the seven languages, as if it were known to be one of them; and what the verb says, with none of these among the answers. Research "
    "collections are evaluated only; weights and thresholds come from train and dev of open ones."
)
BASE = (
    "The base of these figures trained on both Malagasy readers, so that only the head is new to the voice, but where a row says more; "
    "`--model FOLDER` scores by another base."
)
UNHEARD = (
    'Rows "by a base without" are by a base that was trained anew without this collection (`train_base.py --without`), with adapters and '
    "head fitted without it, too (`score_identify.py --model FOLDER --unheard NAME`). How well this base tells the voices that it does "
    "know stands beside it: it learnt for fewer hours than the one that ships."
)
HEADING = "| | pieces | " + " | ".join(f"{s} s | {s} s, or none" for s in SECONDS) + " |\n|---|---" + "|---" * 8 + "|"


def _accuracy(figures: Figures, table: str) -> list[str]:
    """The language alone, and with none of these among the answers, a row a collection."""
    rows = []
    for name in figures.names(table):
        cells = [figures.share(table, name, column, s) for s in SECONDS for column in ("likeliest", "told")]
        rows.append(f"| {name} | {figures.value(table, name, 'pieces'):.0f} | {' | '.join(cells)} |")
    return rows


def _mean(figures: Figures, table: str, name: str) -> str:
    cells = [figures.mean(table, name, column, s) for s in SECONDS for column in ("likeliest", "told")]
    return f"| **{name}** | | {' | '.join(cells)} |"


def _unknown(figures: Figures) -> list[str]:
    rows = []
    for name in figures.names("unknown"):
        cells = []
        for s in (1, 3, 10):
            auroc = figures.get("unknown", name, "AUROC", s)
            told, at_threshold = (figures.share("unknown", name, column, s) for column in ("told", "at the threshold"))
            cells.append(f"{auroc.value:.3f} | {told} | {at_threshold}" if auroc else "– | – | –")
        named = "**all**" if name == "all" else name
        rows.append(f"| {named} | {figures.value('unknown', name, 'pieces'):.0f} | {' | '.join(cells)} |")
    return rows


def _one_voice(figures: Figures) -> str:
    said = []
    for code in figures.names("one voice"):
        found = [(c, int(figures.value("one voice", code, c))) for c in figures.columns("one voice", code)]
        said.append(f"{code}: " + ", ".join(f"{name} {count}" for name, count in found))
    return "Maninka, Pular, Susu (one voice), none of them known, all lengths, what is said: " + "; ".join(said) + "."


def _thresholds(figures: Figures) -> str:
    right = ", ".join(f"{figures.share('threshold', 'known voices', 'right', s)} at {s} s" for s in SECONDS)
    wider = ", ".join(f"{figures.value('threshold', 'with new voices and domains', 'AUROC', s):.3f} at {s} s" for s in SECONDS)
    return (
        f"At that threshold the right language is told of the known voices in {right}. With new voices and domains among the known the "
        f"AUROC is {wider}."
    )


def _background(figures: Figures) -> str:
    said = [
        f"{name} {figures.value('background', name, 'head'):.3f}, by a head fitted without both "
        f"{figures.value('background', name, 'without both'):.3f}"
        for name in figures.names("background")
    ]
    return "Of languages that are in the background, AUROC at 3 s: " + "; ".join(said) + "."


def _parts(figures: Figures) -> list[str]:
    names = figures.names("parts")
    columns = figures.columns("parts", names[0]) if names else []
    rows = [f"| weighed | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    for name in names:
        cells = [f"{100 * figures.value('parts', name, c):.0f}" for c in columns]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def _transcripts(figures: Figures) -> list[str]:
    weight = figures.get("transcripts", "weight", "chosen")
    if weight is None:
        return ["(not in a smoke run, and not without language models)"]
    columns = ("head", "transcripts alone", "ranked anew")
    rows = [f"Weight of the transcripts, chosen on dev: {weight.value}.", "", f"| | {' | '.join(columns)} |", "|---|---|---|---|"]
    for name in figures.names("transcripts")[1:]:
        rows.append(f"| {name} | {' | '.join(figures.share('transcripts', name, c) for c in columns)} |")
    return rows


def _control(figures: Figures) -> str:
    def both(column: str) -> str:
        return " and ".join(f"{100 * figures.value('control', 'pauses', column, s):.0f} % at {s} s" for s in (1, 3))

    return (
        f"What lies between the words of the test clips, heard as if it were speech: the head finds the language of the clip in "
        f"{both('head')} (mean of languages; chance {100 * figures.value('control', 'pauses', 'chance'):.0f} %), and says none of these of "
        f"{both('none of these')}. A first stage fitted on the pauses of train, unperturbed, reaches {both('fitted on pauses')}: so much "
        "could be told in this data by the telephone and the room alone."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot's file, its heading on the page, what it shows in words, and how it is drawn."""

    file: str
    heading: str
    told: str
    draw: Callable[[Figures], str]

    @property
    def shown(self) -> str:
        return f"{self.heading}:\n\n![{self.told}](images/{self.file})"


def _band(figure: Figure, heading: str) -> Band:
    """A length's row of a plot."""
    assert figure.ends is not None  # asked before
    value, low, high = figure.ends
    return Band(name=f"{figure.seconds} s", value=value, low=low, high=high, heading=heading)


def _by_seconds(figures: Figures) -> str:
    """The likeliest language, by seconds heard: known voices, then each row of the first table."""
    bands = []
    for table, name in (("mean", "mean of languages"), *(("new", n) for n in figures.names("new"))):
        for s in SECONDS:
            found = figures.get(table, name, "likeliest", s)
            if found is not None and found.ends is not None:
                heading = ("Known voices, mean of languages" if table == "mean" else name) if s == SECONDS[0] else ""
                bands.append(_band(found, heading))
    return str(interval_plot("Right language by seconds heard, likeliest of seven, 95 % interval", bands))


def _told_all_the_same(figures: Figures) -> str:
    """Unknown languages of which one of the seven is told, by seconds heard."""
    bands = []
    for name in figures.names("unknown"):
        for s in (1, 3, 10):
            found = figures.get("unknown", name, "told", s)
            if found is not None and found.ends is not None:
                bands.append(_band(found, name if s == SECONDS[0] else ""))
    return str(interval_plot("Unknown languages told as one of the seven, 95 % interval", bands))


def _sureness(row: str, title: str) -> Callable[[Figures], str]:
    """What was right by the probability that was said, a dot a bin."""

    def draw(figures: Figures) -> str:
        bins = []
        for n in range(BINS):
            right, mean = figures.get("sure", row, f"bin {n}"), figures.get("sure", row, f"bin {n}, mean")
            if right is not None and mean is not None and right.of:
                bins.append((mean.value, right.value / right.of, right.of))
        return str(calibration_plot(title, bins, across="probability", counted="pieces"))

    return draw


MIXED, OTHER_KINDS = "known voices and unseen languages, as many of each", "interviews and radio"
HEARD = Plot(
    file="lid_seconds.svg",
    heading="The likeliest language is the right one, by seconds heard, with 95 % intervals",
    told="Share of pieces whose likeliest language is right by seconds heard, with intervals: known voices, new Malagasy voices, Breton "
    "and Quechua of other kinds",
    draw=_by_seconds,
)
STRANGE = Plot(
    file="lid_unknown.svg",
    heading="One of the seven is told all the same, by seconds heard, with 95 % intervals",
    told="Share of pieces of languages it does not know that are told as one of the seven, by seconds heard, with intervals",
    draw=_told_all_the_same,
)
SURE = (
    Plot(
        file="lid_sure.svg",
        heading="What is right by the probability that was said, known voices and unseen languages, as many of each",
        told="Share of answers that are right by probability, known voices and unseen languages, beside the line where both are equal",
        draw=_sureness(MIXED, "Probability of what is said, known voices and unseen languages"),
    ),
    Plot(
        file="lid_sure_domains.svg",
        heading="The same of interviews and radio",
        told="Share of answers that are right by probability, Breton interviews and Quechua radio, beside the line where both are equal",
        draw=_sureness(OTHER_KINDS, "Probability of what is said, interviews and radio"),
    ),
)


def plots(figures: Figures) -> list[Plot]:
    """The plots that there are figures for: bins of probability are kept since they are drawn."""
    return [HEARD, STRANGE, *(plot for plot in SURE if figures.get("sure", MIXED, "bin 9"))]


def page(figures: Figures) -> str:
    """The report's text."""
    unheard = figures.names("unheard")
    lines = ["# Telling languages: how well the embedded model does it", "", PREFACE, "", "## New voices and other domains", "", BASE]
    lines += [*(["", UNHEARD] if unheard else []), "", HEADING, *_accuracy(figures, "new")]
    if unheard:
        lines += [*_accuracy(figures, "unheard"), *(_mean(figures, "unheard mean", n) for n in figures.names("unheard mean"))]
    lines += ["", HEARD.shown, "", _one_voice(figures), "", "## The voices that it knows", "", HEADING]
    lines += [*_accuracy(figures, "known"), _mean(figures, "mean", "mean of languages"), "", "## Languages that it does not know", ""]
    lines.append(
        "AUROC: how often a piece of a known voice stands above one of this language (the first table's pieces are not among the known). "
        "The background holds eSpeak NG voices of some fifty languages, English and Greek among them. "
        "Then how often one of the seven is told all the same; and how often where at most 5 % of the languages left out on dev pass "
        f"(threshold {figures.value('threshold', 'dev', 'threshold'):.2f})."
    )
    lines += ["", "| | pieces | " + " | ".join(f"{s} s: AUROC | told | at the threshold" for s in (1, 3, 10)) + " |"]
    lines += ["|---|---" + "|---" * 9 + "|", *_unknown(figures), "", STRANGE.shown, "", _thresholds(figures), "", _background(figures)]
    lines += ["", "## How sure it is", ""]
    lines += ["Calibration error of what is said, a language or none of these (ten bins), and how often it is right.", ""]
    lines += ["| | error | right |", "|---|---|---|"]
    for name in figures.names("sure"):
        lines.append(f"| {name} | {figures.value('sure', name, 'error'):.3f} | {100 * figures.value('sure', name, 'right'):.0f} |")
    for plot in plots(figures)[2:]:
        lines += ["", plot.shown]
    lines += ["", "## What each part gives (3 s)", "", *_parts(figures)]
    lines += ["", "## Transcripts beside it (3 s)", "", *_transcripts(figures), "", "## Control", "", _control(figures)]
    return "\n".join(lines) + "\n"


def unheard_page(figures: Figures) -> str:
    """The rows of a base that never heard a collection."""
    means = [_mean(figures, "unheard mean", n) for n in figures.names("unheard mean")]
    return "\n".join([HEADING, *_accuracy(figures, "unheard"), *means])


def write(figures: Figures) -> None:
    """The page and its plots, into docs/."""
    write_text(DOCS / "lid_scores.md", page(figures))
    for plot in plots(figures):
        write_text(DOCS / "images" / plot.file, plot.draw(figures) + "\n")
