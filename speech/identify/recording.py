"""One recording, and its turns, to languages: speech found, heard in pieces, and weighed; every answer says how much was heard."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from speech import languages as tables
from speech.audio import Signal
from speech.audio import load as load_audio
from speech.collections import accounts, consent
from speech.collections.acts import Verb
from speech.collections.made import Clock
from speech.errors import Finding, ModelRefused, UsageFailure
from speech.files import shown
from speech.identify.engines import Later
from speech.identify.records import TOO_LITTLE, Identified, Identifier, LanguageTurn, Progress, Settings
from speech.identify.turns import Listening
from speech.models.activity import segments, speech_probabilities
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
        found = Listening(signal, engine, settings, candidates, report)
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
