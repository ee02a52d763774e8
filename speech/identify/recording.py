"""One recording, and its turns, to languages: speech found, heard in pieces, and weighed; every answer says how much was heard."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech import languages as tables
from speech.audio import Signal
from speech.audio import load as load_audio
from speech.collections import accounts, consent
from speech.collections.acts import Verb
from speech.collections.made import Clock
from speech.errors import Finding, ModelRefused, UsageFailure
from speech.files import shown
from speech.identify.engines import Later
from speech.identify.records import RATE, TOO_LITTLE, Candidate, Identified, Identifier, LanguageTurn, Piece, Progress, Settings
from speech.models.activity import segments, speech_probabilities
from speech.models.encoder import speech_gain
from speech.types import Act, LanguageUse, Segment, Skip, Span, Transcript, Turn, merged

IDENTIFY = Verb("identify_language", frozenset({"identify_language"}))

_NOT_HEARD = "not heard: enough of the recording was"


def identify(
    recording: Path,
    *,
    model: Identifier | Later,
    context: consent.Context,
    candidates: Sequence[str] | None = None,
    turns: Sequence[Turn] | None = None,
    per_turn: bool = False,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Identified:
    """Tell the language of a recording, and with `per_turn` or `turns` of each turn. Writes nothing, downloads nothing.

    Turns come from `diarise` or a person, on the container's clock as in transcripts; without them, stretches of speech are turns.
    `candidates` are the languages that may be spoken: others that the model knows count for little, and with what it does not know
    as "none of these". A model for `Later` is loaded once a recording was read.

    Returns
    -------
    `language` is None for none of these, and where less speech was heard than the model needs (`LANGUAGE_TOO_LITTLE`).

    Raises
    ------
    ConsentRefused
        Scope `identify_language` not granted; raised before a sample is decoded.
    AudioRefused, PathRefused
        The recording cannot be read; FAULTS rows A. `AUDIO_SPAN`: a turn lies outside it.
    ModelRefused
        `MODEL_LANGUAGE`: a candidate that the model does not know; and the codes of loading.
    """
    settings = settings or Settings()
    report = progress or (lambda _step, _done, _total: None)
    per_turn = per_turn or turns is not None
    for code in candidates or ():
        tables.check_code(code, f"--candidates {code}")
    if candidates is not None and not candidates:
        raise UsageFailure("--candidates", "no language is named", "Name some, such as que,swh, or leave it out", "LANGUAGE_MISSING")
    read = dataclasses.replace(settings.read, keep_channels=any(t.channel is not None for t in turns or ()))
    decision = consent.require(IDENTIFY.scopes, consent.item_of(recording), context=context)
    if isinstance(model, Later):
        model.check()
    clock = Clock()
    with load_audio(recording, read, progress=lambda done, total: report("reading", done, total)) as signal:
        clock.mark("reading")
        if isinstance(model, Later):
            report("loading the model", 0, 1)
        engine = model() if isinstance(model, Later) else model
        _check_known(candidates, engine)
        clock.mark("model")
        speech = segments(speech_probabilities(signal, signal.rms, report), signal.probe.found_ms, settings.activity)
        clock.mark("speech detection")
        found = _Heard(signal, engine, settings, candidates, report)
        told: list[LanguageTurn] = []
        if per_turn:
            given = _turns(turns, speech, signal)
            told = found.of_turns(given, speech)
            whole = found.of_all()
        else:
            whole = found.of_recording(speech)
        clock.mark("languages")
        transcript = _transcript(recording, signal, told, whole, speech, found.heard, engine, settings.sha256(candidates=candidates))
        findings = (*signal.findings, *_noticed(recording, whole, engine))
        told = [dataclasses.replace(t, span=accounts.moved(t.span, signal.offset_ms)) for t in told]
    return Identified(
        transcript=transcript,
        findings=tuple(dict.fromkeys(findings)),
        seconds=clock.seconds,
        decision=decision,
        language=whole.language,
        probability=whole.probability,
        candidates=whole.candidates,
        speech_ms=whole.speech_ms,
        turns=tuple(told) if per_turn else None,
        calibrated=engine.calibrated,
    )


def _check_known(candidates: Sequence[str] | None, engine: Identifier) -> None:
    """Refuse candidates that the model does not know, all of them by name."""
    unknown = [code for code in candidates or () if code not in engine.languages]
    if unknown:
        known = list(engine.languages)
        listed = ", ".join(map(tables.named, known[:20])) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
        raise ModelRefused(
            f"--candidates {','.join(candidates or ())}",
            f"{engine.name} cannot tell {', '.join(unknown)}; it knows {listed}",
            f"Leave {', '.join(unknown)} out: speech in another language is told as none of these",
            "MODEL_LANGUAGE",
        )


class _Heard:
    """What was heard of one recording so far, piece by piece."""

    def __init__(self, signal: Signal, engine: Identifier, settings: Settings, candidates: Sequence[str] | None, report: Progress) -> None:
        self._signal = signal
        self._engine = engine
        self._settings = settings
        self._candidates = candidates
        self._report = report
        self._weights: list[NDArray[np.float32]] = []
        self._lengths: list[int] = []
        self.heard: list[Span] = []

    def of_recording(self, speech: Sequence[Span]) -> LanguageTurn:
        """The language of the whole recording, by stretches of speech spread over it."""
        chosen = _spread(speech, self._settings.most_ms)
        self._hear(list(_pieces(chosen, None, self._settings.piece_ms)), _gains(self._signal, chosen, ()))
        return self.of_all()

    def of_turns(self, turns: Sequence[Turn], speech: Sequence[Span]) -> list[LanguageTurn]:
        """The language of each turn, by the speech in it."""
        inside = [_common(turn.span, speech) for turn in turns]
        pieces_by_turn = [list(_pieces(own, turn.channel, self._settings.piece_ms)) for turn, own in zip(turns, inside, strict=True)]
        before = len(self._weights)
        self._hear([piece for own in pieces_by_turn for piece in own], _gains(self._signal, speech, [t.channel for t in turns]))
        told = []
        for turn, own in zip(turns, pieces_by_turn, strict=True):
            after = before + len(own)
            told.append(self._told(turn, self._weights[before:after], self._lengths[before:after]))
            before = after
        return told

    def of_all(self) -> LanguageTurn:
        """The language of all that was heard."""
        whole = Turn(span=Span(start_ms=0, end_ms=self._signal.probe.found_ms), speaker="")
        return self._told(whole, self._weights, self._lengths)

    def _hear(self, pieces: Sequence[Piece], gains: dict[int | None, float]) -> None:
        heard = self._engine.weigh(self._signal, pieces, gains, lambda step, done, total: self._report(step, done, total))
        for piece, weights in zip(pieces, heard, strict=True):
            self._weights.append(weights)
            self._lengths.append(piece.length_ms)
            self.heard += piece.spans

    def _told(self, turn: Turn, weights: Sequence[NDArray[np.float32]], lengths: Sequence[int]) -> LanguageTurn:
        engine, speech_ms = self._engine, sum(lengths)
        about = {"span": turn.span, "speaker": turn.speaker or None, "channel": turn.channel, "speech_ms": speech_ms}
        if speech_ms < engine.least_ms:
            return LanguageTurn(language=None, probability=None, **about)  # type: ignore[arg-type]  # a table of its own fields
        found = listed(engine.probabilities(weights, lengths), engine.languages, self._candidates, self._settings.listed_odds)
        best = found[0]
        return LanguageTurn(language=best.language, probability=best.probability, candidates=found, **about)  # type: ignore[arg-type]


def listed(
    probabilities: NDArray[np.float64], known: Sequence[str], candidates: Sequence[str] | None, odds: float, most: int = 10
) -> tuple[Candidate, ...]:
    """Languages by probability, likeliest first, None (none of these) among them.

    A list says that these languages are likelier, not that no other is possible: one that is not on it has its odds divided by
    `odds`, and counts as none of these.
    """
    kept = list(known) if candidates is None else list(dict.fromkeys(candidates))
    own = {code: float(p) for code, p in zip(known, probabilities, strict=False)}
    other = sum(p for code, p in own.items() if code not in kept) / odds
    none = float(probabilities[-1]) + other
    total = sum(own[code] for code in kept) + none
    rows = [Candidate(language=code, probability=round(own[code] / total, 4)) for code in kept]
    rows.append(Candidate(language=None, probability=round(none / total, 4)))
    rows.sort(key=lambda c: (-c.probability, c.language or ""))
    last = next(n for n, row in enumerate(rows) if row.language is None)
    return tuple(rows[:most] if last < most else [*rows[: most - 1], rows[last]])


def _spread(speech: Sequence[Span], most_ms: int) -> list[Span]:
    """Stretches of at most `most_ms` in all, evenly from the whole recording."""
    total = sum(span.length_ms for span in speech)
    if total <= most_ms:
        return list(speech)
    kept: list[Span] = []
    due = 0.0
    for span in speech:
        due += span.length_ms * most_ms / total
        if due >= span.length_ms or not kept:
            kept.append(span)
            due -= span.length_ms
    return kept


def _pieces(spans: Sequence[Span], channel: int | None, piece_ms: int) -> Iterator[Piece]:
    """Spans joined and cut into pieces of at most `piece_ms`, about equally long where one span is longer."""
    held: list[Span] = []
    for span in spans:
        count = -(-span.length_ms // piece_ms)
        edges = [span.start_ms + span.length_ms * n // max(1, count) for n in range(count + 1)]
        for start, end in zip(edges, edges[1:], strict=False):
            if held and sum(s.length_ms for s in held) + end - start > piece_ms:
                yield Piece(spans=tuple(held), channel=channel)
                held = []
            held.append(Span(start_ms=start, end_ms=end))
    if held:
        yield Piece(spans=tuple(held), channel=channel)


def _common(span: Span, speech: Sequence[Span]) -> list[Span]:
    """The speech within a span."""
    cut = [Span(start_ms=max(span.start_ms, s.start_ms), end_ms=min(span.end_ms, s.end_ms)) for s in speech]
    return [s for s in cut if s.length_ms > 0]


def _gains(signal: Signal, speech: Sequence[Span], channels: Sequence[int | None]) -> dict[int | None, float]:
    """What brings each channel's speech to unit power."""
    return {channel: speech_gain(signal, speech, RATE, channel) for channel in dict.fromkeys((None, *channels))}


def _turns(turns: Sequence[Turn] | None, speech: Sequence[Span], signal: Signal) -> list[Turn]:
    """The turns on the clock of the samples; without any, each stretch of speech is one."""
    if turns is None:
        return [Turn(span=span, speaker="") for span in speech]
    moved = [dataclasses.replace(t, span=accounts.moved(t.span, -signal.offset_ms)) for t in turns]
    for turn in moved:
        if turn.span.start_ms < 0 or turn.span.end_ms > signal.probe.found_ms + 50 or turn.span.end_ms < turn.span.start_ms:
            from speech.errors import AudioRefused

            raise AudioRefused(
                f"turn {turn.span.start_ms}-{turn.span.end_ms} ms",
                f"it does not lie in the recording, which is {signal.probe.found_ms} ms long",
                "Correct its times: start before end, both inside the recording",
                "AUDIO_SPAN",
            )
    return moved


def _noticed(recording: Path, whole: LanguageTurn, engine: Identifier) -> Iterator[Finding]:
    """What a person should know of the answer."""
    if whole.speech_ms < engine.least_ms:
        yield Finding(
            code="LANGUAGE_TOO_LITTLE",
            where=shown(recording),
            what=f"{whole.speech_ms / 1000:.1f} s of talk in it; below {engine.least_ms / 1000:.1f} s no language is told",
            mend="Give a longer recording, or say the language yourself",
        )
    elif not engine.calibrated:
        yield Finding(
            code="LANGUAGE_UNCALIBRATED",
            where=engine.name,
            what="its probabilities are those of the model: nobody has held them against what is right, and it cannot say none of these",
        )


def _transcript(
    recording: Path, signal: Signal, told: Sequence[LanguageTurn], whole: LanguageTurn, speech: Sequence[Span], heard: Sequence[Span],
    engine: Identifier, settings_sha256: str,
) -> Transcript:  # fmt: skip
    """The recording with its turns and their languages, every millisecond counted."""
    union = merged(heard)
    unsure = [t for t in told if t.language is None]
    parts = [
        Segment(
            span=accounts.moved(t.span, signal.offset_ms), language=t.language, speaker=t.speaker, channel=t.channel,
            confidence=t.probability,
            unsure_reason=TOO_LITTLE if t.probability is None else "", status="unsure" if t in unsure else "draft",
        )
        for t in told
    ]  # fmt: skip
    used = dict.fromkeys([t.language for t in told if t.language] + ([whole.language] if whole.language else []))
    act = Act(
        activity="identify_language", agent=accounts.software(), model=engine.name, base_sha256=engine.base_sha256,
        adapter_sha256=engine.sha256, settings_sha256=settings_sha256, at=accounts.now(), calibration=engine.calibration,
    )  # fmt: skip
    return Transcript(
        recording=accounts.recording_of(recording, signal),
        segments=tuple(parts),
        languages=tuple(LanguageUse(id=code) for code in used),
        coverage=accounts.coverage(
            union, [Skip(span=s, reason=_NOT_HEARD) for s in speech], duration_ms=signal.duration_ms, missing_ms=signal.missing_ms
        ),
        provenance=(act,),
        created=accounts.now(),
        software=accounts.software(),
    )
