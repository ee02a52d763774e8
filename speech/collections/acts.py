"""Events of the verbs, made from what a verb has at hand; `ledger.append` writes them.

A verb that was refused or failed gets its row, too. A recording that cannot be read is not hashed: then the row
has no entity, only what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from speech.collections import consent
from speech.collections.events import Entity, Event, Gate
from speech.errors import ConsentRefused, PathRefused, SpeechError
from speech.files import check_readable
from speech.types import Transcript


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb that makes transcripts: its type of event, and the scopes it asks the gate for."""

    event: str
    scopes: frozenset[str]


TRANSCRIBE = Verb("transcribe", frozenset({"transcribe_local"}))


class HasTranscript(Protocol):
    """What a verb that makes transcripts gives back."""

    @property
    def transcript(self) -> Transcript: ...

    @property
    def decision(self) -> consent.Decision | None: ...


def verb_event(
    verb: Verb, recording: Path, result: HasTranscript | None, outputs: Sequence[Path], context: consent.Context, error: SpeechError | None
) -> Event:
    """The event of one recording that a verb heard, was refused, or failed at; append it after `outputs` are written.

    The gate's part is that of the decision taken, or of the refusal; where the run stopped before or beside the
    gate (a damaged recording, no such model), the gate is asked for its answer now.
    """
    decision = result.decision if result is not None else None
    transcript = result.transcript if result is not None else None
    if decision is None and not isinstance(error, ConsentRefused):
        decision = consent.answer(verb.scopes, consent.item_of(recording), context=context)
    return Event(
        type=verb.event,
        used=(*_recording(recording, transcript), *_models(transcript)),
        made=() if error else tuple(Entity.of(path, "transcript", root=path.parent) for path in outputs),
        outcome="refused" if isinstance(error, ConsentRefused) else "failure" if error else "success",
        gate=_gate(decision, error),
        collection=decision.collection if decision is not None else "",
        purpose=context.purpose,
        settings_sha256=transcript.provenance[-1].settings_sha256 if transcript is not None and transcript.provenance else "",
        audio_ms=transcript.coverage.duration_ms if transcript is not None and transcript.coverage else None,
        fault=error.code if error is not None else "",
    )


def adapt_event(
    base_sha256: str,
    recordings: Iterable[str],
    adapter: Path | None,
    outcome: consent.Decision | ConsentRefused,
    context: consent.Context,
    *,
    audio_ms: int | None = None,
    language_model: Path | None = None,
    texts: Iterable[str] = (),
) -> Event:
    """The event of an adapter that was learnt, with its language model where it has one, or of the refusal.

    `recordings` are hashes of what they were learnt from, `texts` of what the language model was, besides.
    """
    refused = isinstance(outcome, ConsentRefused)
    return Event(
        type="adapt",
        used=(
            Entity(kind="model", sha256=base_sha256),
            *(Entity(kind="recording", sha256=s) for s in sorted(recordings)),
            *(Entity(kind="text", sha256=s) for s in sorted(texts)),
        ),
        made=tuple(
            Entity.of(path, kind, root=path.parent) for path, kind in ((adapter, "adapter"), (language_model, "language_model")) if path
        ),
        outcome="refused" if refused else "success",
        gate=consent.gate_of(outcome),
        collection="" if isinstance(outcome, ConsentRefused) else outcome.collection,
        purpose=context.purpose,
        audio_ms=audio_ms,
        fault=outcome.code if refused else "",
    )


def _gate(decision: consent.Decision | None, error: SpeechError | None) -> Gate | None:
    if isinstance(error, ConsentRefused):
        return consent.gate_of(error)
    return consent.gate_of(decision) if decision is not None else None


def _recording(path: Path, transcript: Transcript | None) -> tuple[Entity, ...]:
    known = transcript.recording.sha256 if transcript is not None else ""
    try:
        if not known:
            check_readable(path)
        return (Entity.of(path, "recording", sha256=known),)
    except (OSError, PathRefused):
        return ()


def _models(transcript: Transcript | None) -> tuple[Entity, ...]:
    """Bases and adapters that a transcript was made by, each once."""
    acts = transcript.provenance if transcript is not None else ()
    known = [("model", act.base_sha256) for act in acts] + [("adapter", act.adapter_sha256) for act in acts]
    known += [("language_model", act.language_model_sha256) for act in acts]
    return tuple(Entity(kind=kind, sha256=sha256) for kind, sha256 in dict.fromkeys(known) if sha256)
