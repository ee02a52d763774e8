"""One recording and its old transcript: heard once as a whole, text laid on it, lines and words with times and scores."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from speech import formats, languages
from speech.align.alphabet import Alphabet
from speech.align.edges import HOP_S, Heard, line_edges, loudness, with_margin
from speech.align.laying import Pauses, pauses_of
from speech.align.records import ALL_TIERS, FITS_BADLY, NOT_SAID, NOT_WRITTEN, Aligned, PlacedLine, Settings
from speech.align.text import Line, OldText
from speech.align.windows import Placed, Placement, place_words
from speech.audio import Signal
from speech.audio import load as load_audio
from speech.collections import accounts, consent
from speech.collections.acts import Verb
from speech.collections.made import Clock, Progress
from speech.errors import Finding, FormatRefused
from speech.files import shown
from speech.models.activity import ActivitySettings, segments, speech_probabilities
from speech.models.encoder import encode
from speech.models.recogniser import Later, Recogniser
from speech.types import Act, LanguageUse, Passage, Segment, Skip, Span, Transcript, Word, identified, merged, without

ALIGN = Verb("transcribe", frozenset({"transcribe_local"}))
RATE = 16_000
_SHORT_PAUSES = ActivitySettings(join_ms=100, edge_ms=32)
SCORES = "not calibrated: how well the text fits the sound"
"""Scores rank words, and are no probabilities of being right."""
_LEAST_MS = 50
"""What a line that was not found gets for a place, so that nobody loses it."""


def align(
    recording: Path,
    text: OldText,
    *,
    language: str,
    model: Recogniser | Later,
    context: consent.Context,
    through: str | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Aligned:
    """Place an old transcript on its recording. Writes nothing, downloads nothing.

    Its lines, words, speakers and tiers stay as they are, in their order; times that the file had are not believed. `through` is a
    language of the model whose recogniser hears the recording, where the text's own has none: letters are then mapped.

    Raises
    ------
    ConsentRefused
        Scope `transcribe_local` not granted; raised before a sample is decoded.
    AudioRefused, PathRefused
        The recording cannot be read; FAULTS rows A.
    ModelRefused
        `MODEL_LANGUAGE`: the model does not know the language, and no other was named to hear it through.
    """
    settings = settings or Settings()
    report = progress or (lambda _step, _done, _total: None)
    languages.check_code(language)
    decision = consent.require(ALIGN.scopes, consent.item_of(recording), context=context)
    if isinstance(model, Later):
        model.check()
    clock = Clock()
    with load_audio(recording, settings.read, progress=lambda done, total: report("reading", done, total)) as signal:
        clock.mark("reading")
        recogniser = model() if isinstance(model, Later) else model
        recogniser.use(through or language)
        clock.mark("model")
        alphabet = Alphabet(recogniser, language, through)
        unheard = [alphabet.unheard(word.text) for line in text.lines for word in line.words]
        symbols = [alphabet.symbols(word.text) for line in text.lines for word in line.words]
        probabilities = speech_probabilities(signal, signal.rms, report)
        speech = segments(probabilities, signal.probe.found_ms, settings.activity)
        clock.mark("speech detection")
        whole = Passage(span=Span(start_ms=0, end_ms=signal.length_samples * 1000 // RATE), language=through or language)
        [heard] = encode(signal, [whole], recogniser, settings, progress=lambda done, total: report("recognising", done, total))
        clock.mark("recognition")
        report("placing the text", 0, 1)
        frame_s = recogniser.stride / RATE
        begin_s = (heard.begin_samples + recogniser.reach / 2) / RATE - frame_s / 2
        levels = _levels(signal)
        pauses = _pauses(probabilities, signal, levels, len(heard.emissions), begin_s, frame_s)
        placed = place_words(
            heard.emissions, symbols, blank=alphabet.blank, word_break=alphabet.word_break, frame_s=frame_s, pauses=pauses,
            lines=[line.number for line in text.lines for _ in line.words], unheard=unheard, settings=settings.windows,
        )  # fmt: skip
        made = _lines(text.lines, placed, begin_s, frame_s, levels, settings, alphabet if settings.units == "letters" else None)
        clock.mark("alignment")
        transcript = _transcript(recording, signal, text, made, speech, recogniser, language, through or language, settings)
    lines = tuple(line for line, _ in made)
    refused = _refusal(text, transcript) if text.eaf else None
    return Aligned(
        transcript=transcript,
        findings=tuple(dict.fromkeys((*signal.findings, *_findings(text, lines, alphabet, transcript, refused)))),
        seconds=clock.seconds,
        decision=decision,
        read=settings.read if settings.wav else None,
        lines=tuple(dataclasses.replace(p, start_ms=p.start_ms + signal.offset_ms, end_ms=p.end_ms + signal.offset_ms) for p in lines),
        language=language,
        through=through if through and through != language else "",
        eaf=b"" if refused else text.eaf,
    )


def _levels(signal: Signal) -> np.ndarray:
    """Loudness each 10 ms, of a recording read in blocks."""
    block = 60 * RATE
    return np.concatenate([loudness(signal.read(start, block), RATE) for start in range(0, max(1, signal.length_samples), block)])


def _pauses(probabilities: np.ndarray, signal: Signal, levels: np.ndarray, frames: int, begin_s: float, frame_s: float) -> Pauses:
    """The pauses of a recording in frames of its emissions, short ones between words included."""
    spans = []
    for span in merged(segments(probabilities, signal.probe.found_ms, _SHORT_PAUSES)):
        first, end = (min(max(round((ms / 1000 - begin_s) / frame_s), 0), frames) for ms in (span.start_ms, span.end_ms))
        if first < end:
            spans.append((first, end))
    at = np.round((begin_s + (np.arange(frames) + 0.5) * frame_s) / HOP_S).astype(int)
    return pauses_of(spans, levels[np.clip(at, 0, len(levels) - 1)] if len(levels) else np.zeros(frames, np.float32))


def _lines(
    lines: Sequence[Line], placed: Placed, begin_s: float, frame_s: float, levels: np.ndarray, settings: Settings, spelt: Alphabet | None
) -> list[tuple[PlacedLine, tuple[Word, ...]]]:
    """Each line with its span and its words in time; a line that was not found stands in the smallest place between its neighbours.

    With `spelt` words fall into letters.
    """
    by_line: list[list[Placement | None]] = []
    at = 0
    for line in lines:
        by_line.append(placed.words[at : at + len(line.words)])
        at += len(line.words)
    there = [k for k, line in enumerate(lines) if line.number in placed.lines]
    heard = [_heard(lines[k], placed.lines[lines[k].number], by_line[k], begin_s, frame_s, settings.edges.sure) for k in there]
    sound = line_edges(heard, levels, settings.edges)
    wide = with_margin(sound, len(levels) * HOP_S, settings.edges.margin_s)
    edges = dict(zip(there, zip(sound, wide, strict=True), strict=True))
    made: list[tuple[PlacedLine, tuple[Word, ...]]] = []
    end_ms = len(levels) * 10
    last = 0
    for k, line in enumerate(lines):
        if k in edges:
            inner, outer = edges[k]
            start, end = (round(1000 * t) for t in outer)
            start = min(max(start, last), max(0, end_ms - 1))
            end = max(start + 1, min(end, end_ms))
            spoken = (max(start, round(1000 * inner[0])), min(end, round(1000 * inner[1])))
        else:
            start = min(last, max(0, end_ms - 1))
            room = next((round(1000 * edges[n][1][0]) for n in range(k + 1, len(lines)) if n in edges), end_ms)
            end = max(start + 1, min(start + _LEAST_MS, room))
            spoken = (start, end)
        last = end
        words = _words(line, by_line[k], *spoken, begin_s, frame_s)
        if spelt:
            words = tuple(w for word, p in zip(words, by_line[k], strict=True) for w in _letters(word, p, spelt, begin_s, frame_s))
        score = float(np.mean([p.score if p else 0.0 for p in by_line[k]])) if by_line[k] else 0.0
        line_made = PlacedLine(
            number=line.number, start_ms=start, end_ms=end, found=k in edges, score=round(score, 3), words=len(line.words),
            unplaced=sum(p is None for p in by_line[k]),
        )  # fmt: skip
        made.append((line_made, words))
    return made


def _heard(line: Line, laid: tuple[int, int], placements: Sequence[Placement | None], begin_s: float, frame_s: float, sure: float) -> Heard:
    """A line in seconds: the middle of the first frame of its first word, and of the last frame of its last; signs alone are no words."""
    own = [p for word, p in zip(line.words, placements, strict=True) if p or any(c.isalnum() for c in word.text)]
    first, last = (own[0], own[-1]) if own else (None, None)
    return Heard(
        laid=(begin_s + laid[0] * frame_s, begin_s + laid[1] * frame_s),
        first=begin_s + (first.symbols[0][0] + 0.5) * frame_s if first and first.score >= sure else None,
        last=begin_s + (last.symbols[-1][1] - 0.5) * frame_s if last and last.score >= sure else None,
    )


def _words(line: Line, placements: Sequence[Placement | None], start: int, end: int, begin_s: float, frame_s: float) -> tuple[Word, ...]:
    """The words of a line, which fill what is spoken of it: each begins half-way between its first letter and the last of the word before.

    A word without a place divides the room between its neighbours; its time is estimated, its score 0.
    """
    inner: list[float | None] = []
    for before, after in zip(placements, placements[1:], strict=False):
        inner.append(1000 * (begin_s + (before.end + after.first) / 2 * frame_s) if before and after else None)
    edges = _filled([float(start), *inner, float(end)])
    words = []
    for word, placement, left, right in zip(line.words, placements, edges, edges[1:], strict=False):
        span = Span(start_ms=left, end_ms=right)
        if placement is None:
            words.append(dataclasses.replace(word, span=span, estimated=True, confidence=0.0))
        else:
            words.append(dataclasses.replace(word, span=span, confidence=round(placement.score, 3)))
    return tuple(words)


def _letters(word: Word, placement: Placement | None, spelt: Alphabet, begin_s: float, frame_s: float) -> list[Word]:
    """The letters of a placed word, in the place of words: each begins half-way between its first symbol and the last one before."""
    pieces = spelt.written(word.text)
    if len(pieces) < 2 or word.span is None:
        return [word]
    firsts = [0, *itertools.accumulate(count for _, count in pieces)]
    inner: list[float | None] = [None] * (len(pieces) - 1)
    scores = [0.0] * len(pieces)
    if placement:
        inner = [1000 * (begin_s + (placement.symbols[n - 1][1] + placement.symbols[n][0]) / 2 * frame_s) for n in firsts[1:-1]]
        scores = [round(float(np.exp(np.mean(placement.behind[a:b]))), 3) for a, b in itertools.pairwise(firsts)]
    edges = _filled([float(word.span.start_ms), *inner, float(word.span.end_ms)])
    return [
        dataclasses.replace(
            word, text=piece, span=Span(start_ms=left, end_ms=right), confidence=score, id="",
            separator="" if k + 1 < len(pieces) else word.separator,
        )
        for k, ((piece, _), score, left, right) in enumerate(zip(pieces, scores, edges, edges[1:], strict=False))
    ]  # fmt: skip


def _filled(edges: list[float | None]) -> list[int]:
    """Edges in whole milliseconds, in order; those not known lie evenly between their neighbours."""
    known = [k for k, edge in enumerate(edges) if edge is not None]
    values = np.interp(range(len(edges)), known, [float(edges[k] or 0.0) for k in known])
    low, high = float(values[0]), float(values[-1])
    clipped = np.maximum.accumulate(np.clip(values, low, high))
    return [round(float(v)) for v in clipped]


def _transcript(
    recording: Path, signal: Signal, text: OldText, made: Sequence[tuple[PlacedLine, tuple[Word, ...]]], speech: Sequence[Span],
    recogniser: Recogniser, language: str, through: str, settings: Settings,
) -> Transcript:  # fmt: skip
    offset = signal.offset_ms
    parts = [
        accounts.segment_moved(_segment(line, placed, words, language, settings), offset)
        for line, (placed, words) in zip(text.lines, made, strict=True)
    ]
    found = [s.span for s, (placed, _) in zip(parts, made, strict=True) if placed.found]
    unwritten = [
        Skip(span=accounts.moved(span, offset), reason=NOT_WRITTEN)
        for span in _unwritten(speech, [accounts.moved(s, -offset) for s in found], settings.unwritten_ms)
    ]
    made_by = settings.sha256(language=language, through=through, text_sha256=text.sha256, precision=recogniser.precision)
    act = Act(
        activity="transcribe", agent=accounts.software(), model=recogniser.name, base_sha256=recogniser.base_sha256,
        adapter_sha256=recogniser.use(through).tensor_sha256, settings_sha256=made_by, at=accounts.now(), calibration=SCORES,
    )  # fmt: skip
    used = dict.fromkeys([language, *(s.language for s in parts if s.language)])
    old = text.transcript
    return identified(
        dataclasses.replace(
            old,
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{signal.sha256}/{text.sha256}/{act.base_sha256}/{act.adapter_sha256}/{made_by}")),
            created=act.at,
            software=accounts.software(),
            recording=accounts.recording_of(recording, signal),
            segments=tuple(parts),
            languages=old.languages or tuple(LanguageUse(id=code, label=languages.load(code).name) for code in used),
            coverage=accounts.coverage(found, unwritten, duration_ms=signal.duration_ms, missing_ms=signal.missing_ms),
            provenance=(*old.provenance, act),
            foreign={},
        )
    )


def _segment(line: Line, placed: PlacedLine, words: tuple[Word, ...], language: str, settings: Settings) -> Segment:
    reason = NOT_SAID if not placed.found else FITS_BADLY if placed.score < settings.sure else ""
    return dataclasses.replace(
        line.segment,
        span=Span(start_ms=placed.start_ms, end_ms=placed.end_ms),
        words=() if settings.units == "lines" else words,
        language=line.segment.language or language,
        confidence=placed.score,
        status="unsure" if reason else "draft",
        unsure_reason=reason,
        origin="person",
    )


def _unwritten(speech: Sequence[Span], lines: Sequence[Span], least_ms: int) -> list[Span]:
    """Speech on which no line lies."""
    taken = merged(lines)
    return [left for span in merged(speech) for left in without(span, taken) if left.length_ms >= least_ms]


def _findings(
    text: OldText, lines: Sequence[PlacedLine], alphabet: Alphabet, transcript: Transcript, refused: FormatRefused | None
) -> list[Finding]:
    """What a person should know: lines that were not found or fit badly, speech without text, letters heard as others."""
    where = shown(text.path)
    found = []
    if gone := [line.number for line in lines if not line.found and line.words]:
        what = f"{len(gone)} of {len(lines)} lines were not found in the recording: {_numbers(gone)}"
        found.append(
            Finding(code="ALIGN_UNSAID", where=where, what=what, mend="They stand in their order with 50 ms each, unsure: listen there")
        )
    unsure = {s.id for s in transcript.segments if s.unsure_reason == FITS_BADLY}
    if unsure:
        numbers = [line.number for line, s in zip(lines, transcript.segments, strict=True) if s.id in unsure]
        what = f"{len(numbers)} of {len(lines)} lines fit the sound badly: {_numbers(numbers)}"
        found.append(Finding(code="ALIGN_POOR", where=where, what=what, mend="They are marked unsure: listen to them"))
    if transcript.coverage and transcript.coverage.skipped:
        spans = transcript.coverage.skipped
        places = "at 1 place" if len(spans) == 1 else f"in {len(spans)} places"
        what = f"{transcript.coverage.skipped_ms / 1000:.1f} s of speech {places} are not in the text"
        found.append(Finding(code="ALIGN_UNWRITTEN", where=where, what=what, mend="The coverage lists the places"))
    if text.left:
        what = f"{len(text.left)} {'tier' if len(text.left) == 1 else 'tiers'} of it cannot become lines, words or notes: "
        mend = "They are in the old file, which was not touched"
        if refused:
            mend = f"They are in the old file, whose times cannot be moved: {refused.where}: {refused.what}"
        elif text.eaf:
            mend = f"`speech align` with --out writes the old file, too, all of it with new times: it ends in {ALL_TIERS}"
        found.append(Finding(code="ALIGN_TIERS", where=where, what=what + ", ".join(text.left[:12]), mend=mend))
    if alphabet.mapped:
        told = ", ".join(f"{a} as {b} ({n})" for (a, b), n in alphabet.mapped.most_common(12))
        found.append(
            Finding(code="ALIGN_MAPPED", where=where, what=f"letters were heard as others: {told}", mend="Times are less sure for it")
        )
    if lost := Counter({k: n for k, n in alphabet.lost.items() if k.strip()}):
        told = ", ".join(f"{letter!r} ({n})" for letter, n in lost.most_common(12))
        found.append(
            Finding(
                code="ALIGN_LOST", where=where, what=f"signs without a sound here were passed over: {told}", mend="Write numbers in words"
            )
        )
    return found


def _refusal(text: OldText, transcript: Transcript) -> FormatRefused | None:
    """Why the old EAF cannot have new times, where it cannot."""
    try:
        formats.with_times(text.eaf, transcript, text.path)
    except FormatRefused as refused:
        return refused
    return None


def _numbers(numbers: Sequence[int]) -> str:
    """Line numbers for a message, neighbours as a range."""
    parts: list[list[int]] = []
    for n in numbers:
        if parts and parts[-1][-1] == n - 1:
            parts[-1].append(n)
        else:
            parts.append([n])
    told = [str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts]
    return ", ".join(told[:20]) + (f" and {len(told) - 20} more" if len(told) > 20 else "")
