"""From a recording to its transcript: speech found, cut in pauses, recognised in batches, put into words in time.

A recording is decoded once and read in windows; it is levelled once, over its speech; segments do not depend on
the chunk size; every millisecond is speech, silence or missing, and every millisecond of speech is transcribed or
skipped with a reason. `transcribe` writes nothing; `transcribe_to` writes results and then the ledger's row.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from speech import languages
from speech.audio import ReadSettings, Signal
from speech.audio import load as load_audio
from speech.collections import consent
from speech.errors import Finding, SpeechError
from speech.files import check_readable, sha256_of, shown
from speech.languages import UNDETERMINED
from speech.models import chunks, ctc
from speech.models.activity import ActivitySettings, detector, segments
from speech.types import Act, Coverage, LanguageUse, Recording, Segment, Skip, Span, Transcript, Word

if TYPE_CHECKING:
    from speech.models.recogniser import Wav2Vec2Recogniser

SCOPES = frozenset({"transcribe_local"})
OWN_USE = "own use on this machine"
NO_MODEL = "no model for this language"
NOTHING_HEARD = "no words heard"

RATE = 16_000
_QUIETEST = 1e-5
"""Root mean square below which a recording is silent (-100 dBFS): there is nothing to level."""
_LEVEL = 0.06
"""Root mean square that the detector hears every recording at (-24 dBFS)."""
_MOST_GAIN = 20.0

Progress = Callable[[str, int, int], None]
Samples = NDArray[np.float32]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a recording is transcribed; all of it goes into the settings' hash.

    `chunk_ms` is the longest piece the network sees at once, `overlap_ms` what it hears beyond each inner edge;
    `batch_ms` is the sound in one batch, `window_ms` the speech held at once.
    """

    chunk_ms: int = 20_000
    overlap_ms: int = 2_000
    batch_ms: int = 48_000
    window_ms: int = 600_000
    activity: ActivitySettings = field(default_factory=ActivitySettings)
    read: ReadSettings = field(default_factory=ReadSettings)

    def sha256(self) -> str:
        """A hash over every setting."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one recording: transcript, findings, seconds by step, and files once written."""

    transcript: Transcript
    findings: tuple[Finding, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    decision: consent.Decision | None = None

    def as_dict(self, path: str) -> dict[str, Any]:
        """The object of `--json`."""
        coverage = self.transcript.coverage or Coverage()
        return {
            "path": path,
            "ok": True,
            "text": self.transcript.text,
            "language": self.transcript.languages[0].id if self.transcript.languages else UNDETERMINED,
            "duration_ms": coverage.duration_ms,
            "coverage": {
                **{f.name: getattr(coverage, f.name) for f in dataclasses.fields(coverage) if f.name != "skipped"},
                "skipped": [{"start_ms": s.span.start_ms, "end_ms": s.span.end_ms, "reason": s.reason} for s in coverage.skipped],
            },
            "outputs": list(self.outputs),
            "findings": [f.as_dict() for f in self.findings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One chunk of one segment, ready for the network."""

    segment: int
    number: int
    samples: Samples


def transcribe(
    recording: Path,
    *,
    language: str,
    model: Wav2Vec2Recogniser | None,
    context: consent.Context,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Result:
    """Turn a recording into words with times and confidence. Writes nothing, downloads nothing.

    The text does not depend on `settings.chunk_ms` unless a segment (16 s at most) is longer than it.
    With `language` "und" no model is needed: speech and times come out, with empty segments to fill.

    Raises
    ------
    ConsentRefused
        Scope `transcribe_local` not granted; raised before a sample is decoded.
    AudioRefused, PathRefused
        The recording cannot be read; FAULTS rows A.
    ModelRefused
        There is no adapter for `language`.
    """
    settings = settings or Settings()
    report = progress or (lambda _step, _done, _total: None)
    languages.check_code(language)
    decision = consent.require(SCOPES, consent.item_of(recording), context=context)
    if model is not None and language != UNDETERMINED:
        model.use(language)
    clock = _Clock()
    with load_audio(recording, settings.read, progress=lambda done, total: report("reading", done, total)) as signal:
        clock.mark("reading")
        probabilities = _speech(signal, report)
        clock.mark("speech detection")
        length_ms = signal.length_samples * 1000 // RATE
        spans = segments(probabilities, length_ms, settings.activity)
        if model is None or language == UNDETERMINED:
            made = [Segment(span=span, language=None, unsure_reason=NO_MODEL, status="unsure") for span in spans]
            findings: tuple[Finding, ...] = ()
        else:
            made = _recognised(signal, spans, language, model, settings, report)
            findings = model.findings(language)
        clock.mark("recognition")
        transcript = _assembled(recording, signal, made, language, model, settings)
        return Result(transcript=transcript, findings=(*signal.findings, *findings), seconds=clock.seconds, decision=decision)


class _Clock:
    """Seconds of each step, by the monotonic clock."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def mark(self, step: str) -> None:
        now = time.monotonic()
        self.seconds[step] = round(now - self._last, 3)
        self._last = now


def _speech(signal: Signal, report: Progress) -> Samples:
    """Speech probability by frame; a silent recording is not amplified into noise and asked about."""
    if signal.rms < _QUIETEST:
        return np.zeros(0, np.float32)
    gain = min(_MOST_GAIN, _LEVEL / signal.rms)
    return detector().probabilities(signal, gain, lambda done, total: report("finding speech", done, total))


def _recognised(
    signal: Signal, spans: Sequence[Span], language: str, model: Wav2Vec2Recogniser, settings: Settings, report: Progress
) -> list[Segment]:
    """The spans as segments with words; what is held at once is bounded by `settings.window_ms`."""
    gain = _speech_gain(signal, spans)
    decode = _decoder(model, language)
    made: list[Segment] = []
    total = sum(s.length_ms for s in spans)
    done = 0
    for window in _windows(spans, settings.window_ms):
        plans = [_plan(span, model, settings) for span in window]
        tasks = [
            _Task(segment=n, number=k, samples=_read(signal, span, chunk, gain))
            for n, (span, plan) in enumerate(zip(window, plans, strict=True))
            for k, chunk in enumerate(plan)
        ]
        pieces: dict[tuple[int, int], ctc.Emissions] = {}
        for batch in _batches(tasks, settings.batch_ms * RATE // 1000):
            for task, emissions in zip(batch, model.emissions([t.samples for t in batch], [language] * len(batch)), strict=True):
                pieces[task.segment, task.number] = emissions
            done += sum(len(t.samples) for t in batch) * 1000 // RATE
            report("recognising", min(done, total), total)
        for n, (span, plan) in enumerate(zip(window, plans, strict=True)):
            emissions = chunks.joined(plan, [pieces.pop((n, k)) for k in range(len(plan))])
            made.append(decode(span, emissions))
    return made


def _speech_gain(signal: Signal, spans: Sequence[Span]) -> float:
    """What brings the recording's speech, and only its speech, to unit power: one number for the whole file."""
    total, count = 0.0, 0
    for span in spans:
        for start in range(span.start_ms, span.end_ms, 30_000):
            samples = signal.read(start * RATE // 1000, min(30_000, span.end_ms - start) * RATE // 1000)
            total += float(np.square(samples, dtype=np.float64).sum())
            count += len(samples)
    return 1.0 / float(np.sqrt(total / count + 1e-14)) if count else 1.0


def _windows(spans: Sequence[Span], window_ms: int) -> Iterator[list[Span]]:
    """Spans in groups of about `window_ms` of speech, in order."""
    group: list[Span] = []
    held = 0
    for span in spans:
        if group and held + span.length_ms > window_ms:
            yield group
            group, held = [], 0
        group.append(span)
        held += span.length_ms
    if group:
        yield group


def _plan(span: Span, model: Wav2Vec2Recogniser, settings: Settings) -> list[chunks.Chunk]:
    return chunks.plan(
        span.length_ms * RATE // 1000,
        chunk=settings.chunk_ms * RATE // 1000,
        overlap=settings.overlap_ms * RATE // 1000,
        stride=model.stride,
    )


def _read(signal: Signal, span: Span, chunk: chunks.Chunk, gain: float) -> Samples:
    start = span.start_ms * RATE // 1000
    samples: Samples = signal.read(start + chunk.start, chunk.end - chunk.start)
    return samples * np.float32(gain)


def _batches(tasks: Sequence[_Task], size: int) -> Iterator[list[_Task]]:
    """Tasks by length, the longest first (so that memory is asked for once), as many as `size` samples hold when padded."""
    from speech.models.recogniser import padded_samples

    batch: list[_Task] = []
    for task in sorted(tasks, key=lambda t: (-len(t.samples), t.segment, t.number)):
        longest = padded_samples(len((batch[0] if batch else task).samples), RATE)
        if batch and (longest * (len(batch) + 1) > size or padded_samples(len(task.samples), RATE) != longest):
            yield batch
            batch = []
        batch.append(task)
    if batch:
        yield batch


def _decoder(model: Wav2Vec2Recogniser, language: str) -> Callable[[Span, ctc.Emissions], Segment]:
    """From a span and its emissions to a segment, for one language."""
    adapter = model.use(language)
    table = languages.load(language)
    calibrated = model.calibration(language)
    blank = model.checkpoint.config.get("pad_token_id", 0)
    silent = frozenset(n for n, s in enumerate(adapter.symbols) if s in ctc.SPECIAL)
    greedy = ctc.Greedy(blank=blank, silent=silent)

    def decode(span: Span, emissions: ctc.Emissions) -> Segment:
        heard = ctc.words(greedy(emissions), emissions, adapter.symbols, table)
        words = tuple(
            Word(text=w.text, span=place, confidence=round(calibrated(w.raw), 3), alternatives=w.alternatives)
            for w, place in zip(heard, _places(heard, span, model.stride, model.reach), strict=True)
        )
        if not words:
            return Segment(span=span, language=language, status="unsure", unsure_reason=NOTHING_HEARD)
        sizes = np.array([len(w.text) for w in words], np.float64)
        sure = float(np.dot(sizes, [w.confidence or 0.0 for w in words]) / sizes.sum())
        return Segment(span=span, language=language, text=" ".join(w.text for w in words), words=words, confidence=round(sure, 3))

    return decode


def _places(heard: Sequence[ctc.HeardWord], span: Span, stride: int, reach: int) -> list[Span]:
    """Words' times: from the middle of the first frame to that of the last, a frame wider, never over a neighbour."""

    def middle(frame: int) -> float:
        return span.start_ms + (frame * stride + reach / 2) * 1000 / RATE

    step = stride * 1000 / RATE
    edges = [[middle(w.first) - step, middle(w.end - 1) + step] for w in heard]
    for left, right in zip(edges, edges[1:], strict=False):
        if left[1] > right[0]:
            left[1] = right[0] = (left[1] + right[0]) / 2
    out = []
    for start, end in edges:
        first = min(max(round(start), span.start_ms), span.end_ms - 1)
        out.append(Span(start_ms=first, end_ms=max(first + 1, min(round(end), span.end_ms))))
    return out


def _assembled(
    recording: Path, signal: Signal, made: Sequence[Segment], language: str, model: Wav2Vec2Recogniser | None, settings: Settings
) -> Transcript:
    """The transcript with its accounts: times on the container's clock, every millisecond counted."""
    offset = signal.offset_ms
    numbered = [_shifted(dataclasses.replace(s, id=f"s{n}"), offset) for n, s in enumerate(made, 1)]
    skipped = tuple(Skip(span=s.span, reason=s.unsure_reason) for s in numbered if not s.text)
    speech_ms = sum(s.span.length_ms for s in numbered)
    skipped_ms = sum(s.span.length_ms for s in skipped)
    digest = sha256_of(recording)
    adapter = model.use(language) if model is not None and language != UNDETERMINED else None
    act = Act(
        activity="transcribe",
        agent=_software(),
        model=model.name if model is not None and adapter is not None else "",
        base_sha256=model.base_sha256 if model is not None and adapter is not None else "",
        adapter_sha256=adapter.tensor_sha256 if adapter else "",
        settings_sha256=settings.sha256(),
        at=_now(),
    )
    named = f"{digest}/{act.base_sha256}/{act.adapter_sha256}/{act.settings_sha256}/{language}"
    return Transcript(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, named)),
        created=act.at,
        software=act.agent,
        recording=Recording(
            path=shown(recording),
            sha256=digest,
            duration_ms=signal.duration_ms,
            sample_rate=signal.probe.sample_rate,
            channels=signal.probe.channels,
            offset_ms=offset,
            media_type=signal.probe.media_type,
        ),
        languages=(LanguageUse(id=language, label=languages.load(language).name),),
        segments=tuple(numbered),
        coverage=Coverage(
            duration_ms=signal.duration_ms,
            speech_ms=speech_ms,
            silence_ms=signal.duration_ms - signal.missing_ms - speech_ms,
            missing_ms=signal.missing_ms,
            transcribed_ms=speech_ms - skipped_ms,
            skipped_ms=skipped_ms,
            skipped=skipped,
        ),
        provenance=(act,),
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _software() -> str:
    from speech import __version__

    return f"oral-speech {__version__}"


def _shifted(segment: Segment, offset_ms: int) -> Segment:
    """The segment on the container's clock, whose sound starts at `offset_ms`."""
    if not offset_ms:
        return segment

    def moved(span: Span) -> Span:
        return Span(start_ms=span.start_ms + offset_ms, end_ms=span.end_ms + offset_ms)

    words = tuple(dataclasses.replace(w, span=moved(w.span) if w.span else None) for w in segment.words)
    return dataclasses.replace(segment, span=moved(segment.span), words=words)


def admitted(recording: Path, context: consent.Context) -> consent.Decision:
    """The gate's answer and a look at the path, before a model is loaded for nothing; a refusal gets its row in the ledger.

    Raises
    ------
    ConsentRefused, PathRefused
        As `transcribe` would, at once.
    """
    try:
        decision = consent.require(SCOPES, consent.item_of(recording), context=context)
        check_readable(recording)
    except SpeechError as error:
        _record_refusal(recording, context, error)
        raise
    return decision


def transcribe_to(
    recording: Path,
    folder: Path | None,
    *,
    formats: Sequence[str],
    language: str,
    model: Wav2Vec2Recogniser | None,
    context: consent.Context,
    settings: Settings | None = None,
    strict: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Transcribe, write the result into `folder` in each format (nowhere when None), then the ledger's row.

    Raises
    ------
    FormatRefused
        `FORMAT_EXISTS`: another result lies there; `FORMAT_LOSS` under `strict`.
    SpeechError
        As `transcribe`; a refusal gets its row in the ledger, too.
    """
    from speech import formats as written

    try:
        result = transcribe(recording, language=language, model=model, context=context, settings=settings, progress=progress)
    except SpeechError as error:
        _record_refusal(recording, context, error)
        raise
    outputs: list[Path] = []
    findings: list[Finding] = list(result.findings)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in formats:
            target, renamed = output_path(recording, folder, name)
            findings.extend(renamed)
            findings.extend(written.save(result.transcript, target, format=name, strict=strict, force=force))
            outputs.append(target)
    findings.extend(_record(recording, result, outputs, context, None))
    return dataclasses.replace(result, findings=tuple(findings), outputs=tuple(shown(p) for p in outputs))


def output_path(recording: Path, folder: Path, format: str) -> tuple[Path, list[Finding]]:
    """Where the result of `recording` goes: its name with the format's suffix, escaped and shortened where a disk needs it."""
    from speech import formats as written

    suffix = written.by_name(format).SUFFIXES[0]
    stem = shown(recording.stem).replace("/", "_")
    name = stem + suffix
    if len(name.encode("utf-8")) <= 200 and stem == recording.stem:
        return folder / name, []
    digest = hashlib.sha256(str(recording.name).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    short = stem.encode("utf-8")[:150].decode("utf-8", "ignore")
    made = folder / f"{short}-{digest}{suffix}"
    return made, [
        Finding(
            code="NAME_CHANGED",
            where=shown(recording),
            what=f"the result is named {made.name}: not every disk can hold the recording's own name",
        )
    ]


def _record(
    recording: Path, result: Result | None, outputs: Sequence[Path], context: consent.Context, error: SpeechError | None
) -> list[Finding]:
    """The ledger's row for what was done or refused; a finding where this machine has no place for a ledger."""
    from speech.collections import acts, ledger
    from speech.errors import StoreFailure

    try:
        ledger.append(acts.transcribe_event(recording, result, outputs, context, error))
    except StoreFailure as failure:
        if failure.code != "STORE_PLACE":
            raise
        return [
            Finding(code=failure.code, where=failure.where, what=f"no row was written to the ledger: {failure.what}", mend=failure.mend)
        ]
    return []


def _record_refusal(recording: Path, context: consent.Context, error: SpeechError) -> None:
    for finding in _record(recording, None, [], context, error):
        log.warning("%s: %s", finding.where, finding.what)


class Pipeline:
    """A loaded model and the basis on which recordings may be read: `speech.load(...)` makes one."""

    def __init__(self, model: Wav2Vec2Recogniser | None, context: consent.Context) -> None:
        self.model = model
        self.context = context

    def transcribe(
        self,
        recording: str | Path,
        *,
        language: str,
        speakers: str | None = None,
        settings: Settings | None = None,
        progress: Progress | None = None,
    ) -> Transcript:
        """The transcript of a recording; `run` gives its findings too. `speakers` is not known here yet: only None."""
        if speakers is not None:
            from speech.errors import UsageFailure

            raise UsageFailure(f"speakers={speakers!r}", "this version does not tell speakers apart", "Leave speakers out", "SPEAKERS")
        return self.run(recording, language=language, settings=settings, progress=progress).transcript

    def run(self, recording: str | Path, *, language: str, settings: Settings | None = None, progress: Progress | None = None) -> Result:
        """As `transcribe`, with findings and seconds."""
        return transcribe(Path(recording), language=language, model=self.model, context=self.context, settings=settings, progress=progress)


def load(
    model: str = "mini", *, basis: str | None = None, purpose: str = "research", precision: str = "auto", adapter: str | Path | None = None
) -> Pipeline:
    """A pipeline with a model: `mini`, the path of a checkpoint folder, or a repository kept on this machine.

    `basis` is why the recordings may be read where they have no consent card, such as "own use on this machine".

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE` and the codes of loading. Nothing is downloaded.
    """
    from speech.models.recogniser import LoadSettings
    from speech.models.recogniser import load as load_model

    settings = LoadSettings(precision=precision, adapter=Path(adapter) if adapter else None)
    return Pipeline(load_model(model, settings), consent.Context(basis=basis, purpose=purpose))
