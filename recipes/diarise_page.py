"""The page of diarisation error rates and its plots, from rows that a run kept. Used by score_diarise.py.

A row is one system on one recording, in milliseconds; margins are kept by their bins. Nothing is computed here but sums, rates and
intervals, so that a page can be printed anew without hearing anything.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from speech.diarise.thresholds import UNSURE_MARGIN
from speech.files import write_text
from speech.report.plots import Band, calibration_plot, interval_plot

DOCS = Path(__file__).resolve().parent.parent / "docs"
KEPT = DOCS / "score_runs" / "diarise.jsonl"
KEPT_PIPELINE = DOCS / "score_runs" / "diarise_pipeline.jsonl"
DRAWS = 1000
CALIBRATED = ("embedded", "with Resemblyzer")
SYSTEMS = ("embedded", "embedded, number told", "with Resemblyzer", "with Resemblyzer, told", "one speaker", "random speakers")
EDGES = (0, 0.5, 0.7, UNSURE_MARGIN, 0.9, 1.01)
"""Bins of margins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A system on a recording: milliseconds of reference speech, missed, false alarm, confusion; speakers there and found."""

    set: str = ""
    name: str = ""
    system: str = ""
    collar_ms: int
    total: int
    missed: int
    false: int
    confused: int
    speakers: int
    found: int

    @property
    def wrong(self) -> int:
        return self.missed + self.false + self.confused


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """Milliseconds of reference speech in a case; of these not in a span of speech detection; of these in no turn; spans beside speech."""

    set: str = ""
    name: str = ""
    speech: int
    missed: int
    without_turn: int
    beside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Turns of a set whose margin lies from `low` to under `high`: how many, the sum of their margins, how many of them are right."""

    set: str
    system: str
    low: float
    high: float
    turns: int
    sum: float
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """Sound that is whole of speech, and per cent of it without speech detection, without a turn either, and not named as loud either."""

    name: str
    seconds: float
    undetected: float
    without_turn: float
    unnamed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRun:
    """A pipeline of pyannote.audio on a recording: its length, processor time, and what came out."""

    set: str
    name: str
    sound_ms: int
    processor_ms: int
    turns: int


@dataclass(slots=True, kw_only=True)
class Report:
    """All rows of a run."""

    parts: list[Parts] = field(default_factory=list)
    detected: list[Detected] = field(default_factory=list)
    margins: list[Margins] = field(default_factory=list)
    stand_ins: list[StandIn] = field(default_factory=list)
    pipelines: list[PipelineRun] = field(default_factory=list)

    @property
    def sets(self) -> list[str]:
        return list(dict.fromkeys(p.set for p in self.parts))

    def of(self, name: str, system: str, collar_ms: int = 0) -> list[Parts]:
        """A system's recordings of a set."""
        return [p for p in self.parts if (p.set, p.system, p.collar_ms) == (name, system, collar_ms)]


_KINDS: dict[str, type[Parts] | type[Detected] | type[Margins] | type[StandIn] | type[PipelineRun]] = {
    "parts": Parts,
    "detected": Detected,
    "margins": Margins,
    "stand_ins": StandIn,
    "pipelines": PipelineRun,
}


def keep(report: Report, path: Path) -> None:
    """Write a run's rows, a JSON object a line."""
    rows = [{"kind": kind, **asdict(row)} for kind in _KINDS for row in getattr(report, kind)]
    path.parent.mkdir(exist_ok=True)
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def kept(*paths: Path) -> Report:
    """What `keep` wrote into those of these files that are there."""
    report = Report()
    for line in itertools.chain.from_iterable(p.read_text(encoding="utf-8").splitlines() for p in paths if p.exists()):
        row = json.loads(line)
        kind = row.pop("kind")
        getattr(report, kind).append(_KINDS[kind](**row))
    return report


def binned(name: str, system: str, margins: Sequence[tuple[float, bool]]) -> list[Margins]:
    """Margins of turns, and whether each turn was right, by bins."""
    rows = []
    for low, high in itertools.pairwise(EDGES):
        within = [(m, right) for m, right in margins if low <= m < high]
        total, right = sum(m for m, _ in within), sum(right for _, right in within)
        rows.append(Margins(set=name, system=system, low=low, high=high, turns=len(within), sum=round(total, 4), right=right))
    return rows


def interval(rows: Sequence[Parts]) -> tuple[float, float, float]:
    """DER with a 95 % interval by drawing whole recordings anew."""
    rng = np.random.default_rng(0)
    wrong, total = np.array([r.wrong for r in rows]), np.array([r.total for r in rows])
    picks = rng.integers(0, len(rows), (DRAWS, len(rows)))
    drawn = wrong[picks].sum(axis=1) / total[picks].sum(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(wrong.sum() / total.sum()), float(low), float(high)


def reliability(margins: Iterable[Margins]) -> list[str]:
    """How many turns, their mean margin, and the share of them that were given to the right speaker."""
    rows = list(margins)
    turns = sum(m.turns for m in rows)
    if not turns:
        return ["0", "", ""]
    return [str(turns), f"{100 * sum(m.sum for m in rows) / turns:.0f}", f"{100 * sum(m.right for m in rows) / turns:.0f}"]


PREFACE = """\
Made by `python recipes/score_diarise.py`; `--page` prints it anew from the rows that the run kept in [score_runs](score_runs). DER
(`speech.score.times`) in per cent of reference speech, overlap counted, with a 95 % interval that draws whole recordings anew; its
parts; DER with a collar of 0.25 s on each side. Composed conversations (2 to 5
speakers, 3 minutes each, pauses, back-channels, wind, sounds in pauses, one room and one band over all) hold speakers who trained and
tuned nothing: Mboshi (3), Malagasy (2), Southern Quechua (24, most of them with little speech), the three Arabic test speakers of
26, and all these and three more readers mixed. Their microphones still differ somewhat. Meeting excerpts are of 30 s and gate
nothing. "with Resemblyzer": with that package's voice vectors beside ours, as where it is installed (its weights learnt from
thousands of people; `pip install --no-deps Resemblyzer==0.1.4`). Baselines: all speech that was detected as one speaker's, or each
span of it as one of the true number by lot."""
ACTIVITY = """\
## Speech activity

Reference speech that is in no span (what `coverage` would call silence), reference speech without a turn (listed as skipped
where speech detection heard it), and turns beside reference speech, in per cent of reference speech.

| set | speech, min | in no span | without a turn | turns beside speech |
|---|---|---|---|---|"""
MARGINS = f"""\
## How sure a turn is

A turn's margin is the share of such turns that went to the right speaker in conversations of tuning speakers
(`recipes/tune_diarise.py --margins`); under {UNSURE_MARGIN} a turn is marked unsure. This is what margins were worth here, on speakers of
other corpora, their number unknown. A turn is right where most of the speech in it is of the person whom its speaker stands for;
where two people are taken for one, the turns of one of them are wrong.

| margin | embedded: turns | mean margin, % | right, % | with Resemblyzer: turns | mean margin, % | right, % |
|---|---|---|---|---|---|---|"""
STAND_INS = """\
What stands in for singing, whispering and far speech: no recording of these with a free licence is at hand. eSpeak NG draws a
whisper's noise anew in every run, so that its row moves by some tenths.

| stand-in | seconds | not by speech detection, % | in no span, % | and not named as loud without speech, % |
|---|---|---|---|---|"""
PIPELINE = """\
## The pipeline of pyannote.audio on the same files

`--diariser pyannote` runs pyannote.audio's own pipeline class. Its trained weights are fetched with an account alone, so they are not
scored here; `score_diarise.py --pipeline FOLDER --trust-checkpoint FOLDER` scores those that you have. What ran here (`--pipeline random`)
is the pipeline with small networks of its kinds (PyanNet, WeSpeaker's ResNet34, VBx) whose weights are random, on the first recording
of each set. Who speaks when means nothing there, so no rate is given: it shows that the pipeline takes these files from beginning to
end, and what that costs. Processor time is of one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot's file, its heading on the page, what it shows in words, and how it is drawn."""

    file: str
    heading: str
    told: str
    draw: Callable[[Report], str]

    @property
    def shown(self) -> str:
        return f"{self.heading}:\n\n![{self.told}](images/{self.file})"


def _rates(title: str, systems: Sequence[str]) -> Callable[[Report], str]:
    """DER of some systems, set by set."""

    def draw(report: Report) -> str:
        bands = []
        for name in report.sets:
            heading = name
            for system in systems:
                if rows := report.of(name, system):
                    rate, low, high = interval(rows)
                    bands.append(Band(name=system, value=rate, low=low, high=high, heading=heading))
                    heading = ""
        return str(interval_plot(title, bands))

    return draw


def _sureness(system: str) -> Callable[[Report], str]:
    """Mean margin and share right, a dot a bin."""

    def draw(report: Report) -> str:
        bins = []
        for low in EDGES[:-1]:
            rows = [m for m in report.margins if m.system == system and m.low == low]
            turns = sum(m.turns for m in rows)
            if turns:
                bins.append((sum(m.sum for m in rows) / turns, sum(m.right for m in rows) / turns, turns))
        return str(calibration_plot(f"Margins of turns, {system}", bins, across="margin", counted="turns"))

    return draw


UNKNOWN = Plot(
    file="diarise_scores.svg",
    heading="DER, number of speakers unknown, with 95 % intervals, beside one baseline",
    told="Diarisation error rates with intervals, number of speakers unknown: by set, the embedded diariser, the same with Resemblyzer, "
    "and all speech as one speaker's",
    draw=_rates("Diarisation error rate, number unknown, no collar, 95 % interval", ("embedded", "with Resemblyzer", "one speaker")),
)
TOLD = Plot(
    file="diarise_scores_told.svg",
    heading="DER, number of speakers told, beside the other",
    told="Diarisation error rates with intervals, number of speakers told: by set, the embedded diariser, the same with Resemblyzer, "
    "and speakers drawn by lot",
    draw=_rates(
        "Diarisation error rate, number told, no collar, 95 % interval",
        ("embedded, number told", "with Resemblyzer, told", "random speakers"),
    ),
)
SURE = tuple(
    Plot(
        file=f"diarise_margins_{file}.svg",
        heading=f"Turns given to the right speaker by their margin, {system}",
        told=f"Share of turns that went to the right speaker by margin, {system}, beside the line where both are equal",
        draw=_sureness(system),
    )
    for file, system in zip(("embedded", "resemblyzer"), CALIBRATED, strict=True)
)
PLOTS = (UNKNOWN, TOLD, *SURE)


def page(report: Report) -> str:
    """The report's text."""
    lines = ["# Who speaks when: error rates", "", PREFACE, "", UNKNOWN.shown, "", TOLD.shown, ""]
    lines += [*rates(report), "", ACTIVITY]
    for name in report.sets:
        found = [d for d in report.detected if d.set == name]
        speech = sum(d.speech for d in found)
        missed, without_turn, beside = (100 * sum(getattr(d, k) for d in found) / speech for k in ("missed", "without_turn", "beside"))
        lines.append(f"| {name} | {speech / 60000:.1f} | {missed:.2f} | {without_turn:.2f} | {beside:.2f} |")
    lines += ["", MARGINS]
    for low, high in itertools.pairwise(EDGES):
        cells = [c for k in CALIBRATED for c in reliability(m for m in report.margins if m.system == k and m.low == low)]
        lines.append(f"| {low} to {min(1, high)} | {' | '.join(cells)} |")
    lines += ["", SURE[0].shown, "", SURE[1].shown]
    lines += [
        "",
        "The same by set, all margins together, embedded.",
        "",
        "| set | turns | mean margin, % | right, % |",
        "|---|---|---|---|",
    ]
    for name in report.sets:
        own = reliability(m for m in report.margins if (m.set, m.system) == (name, CALIBRATED[0]))
        lines.append(f"| {name} | {' | '.join(own)} |")
    lines += ["", STAND_INS]
    for s in report.stand_ins:
        lines.append(f"| {s.name} | {s.seconds:.0f} | {s.undetected:.1f} | {s.without_turn:.1f} | {s.unnamed:.1f} |")
    if report.pipelines:
        lines += ["", PIPELINE, "", *pipeline_rows(report.pipelines)]
    return "\n".join(lines) + "\n"


def rates(report: Report) -> list[str]:
    """The table of error rates."""
    lines = ["| set | recordings | system | DER | missed | false alarm | confusion | with collar | number right |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for name, system in itertools.product(report.sets, (*SYSTEMS, "pipeline")):
        if rows := report.of(name, system):
            lines.append(f"| {name} | {len(rows)} | {system} | {_cells(rows, report.of(name, system, 250))} |")
    return lines


def _cells(rows: Sequence[Parts], forgiven: Sequence[Parts]) -> str:
    """DER, its parts, with a collar, and how often the number of speakers is right."""
    rate, low, high = (100 * x for x in interval(rows))
    total = sum(r.total for r in rows)
    shares = [f"{100 * sum(getattr(r, part) for r in rows) / total:.1f}" for part in ("missed", "false", "confused")]
    exact = sum(r.speakers == r.found for r in rows)
    cells = [f"{rate:.1f} ({low:.1f}–{high:.1f})", *shares, f"{100 * interval(forgiven)[0]:.1f}", f"{exact} of {len(rows)}"]
    return " | ".join(cells)


def pipeline_rows(runs: Sequence[PipelineRun]) -> list[str]:
    """What a pipeline's run costs, by set."""
    rows = ["| set | recordings | sound, min | processor time, s | a second of sound, s | turns |", "|---|---|---|---|---|---|"]
    for name in [*dict.fromkeys(r.set for r in runs), ""]:
        own = [r for r in runs if r.set == name or not name]
        sound, spent = sum(r.sound_ms for r in own) / 1000, sum(r.processor_ms for r in own) / 1000
        rows.append(
            f"| {name or '**all**'} | {len(own)} | {sound / 60:.1f} | {spent:.0f} | {spent / sound:.2f} | {sum(r.turns for r in own)} |"
        )
    return rows


def write(report: Report) -> None:
    """The page and its plots, into docs/."""
    write_text(DOCS / "diarise_scores.md", page(report))
    for plot in PLOTS:
        write_text(DOCS / "images" / plot.file, plot.draw(report) + "\n")
