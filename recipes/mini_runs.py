"""What `mini` hears in the clips of the shared corpora, by the verb itself. Used by calibrate_mini.py and score_mini.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mini_data import spelt_rows

import speech.transcribe.hearing as hearing
from speech.collections.consent import Context
from speech.models.recogniser import Recogniser
from speech.score import Pair
from speech.transcribe import Settings, transcribe

CONTEXT = Context(basis="scoring of the embedded model on its own corpora", purpose="research")

VOICES = {
    "que_killkan": "unknown (the cast recurs in every chapter)",
    "yor_ogun": "same (one reader)",
    "amh_azime": "same (one reader)",
    "swh_gitau": "same (one reader)",
    "bre_roadennou": "unknown (dev: same film; test: another recording)",
    "kin_ishimwe": "same (one reader)",
    "mlg_dimbyr_m": "same (both readers train)",
    "mlg_dimbyr_f": "same (both readers train)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A clip of a corpus with its text and seconds."""

    path: Path
    collection: str
    language: str
    speaker: str
    session: str
    text: str
    seconds: float


def listed(root: Path, split: str, left_out: Counter[str], *, only: set[str] | None = None) -> Iterator[Listed]:
    """Clips of a split whose text can be compared: digits and event tokens are left out and counted."""
    for collection, row, text in spelt_rows(root, {split}, left_out=left_out, only=only):
        yield Listed(
            path=root / "open" / collection / row.audio,
            collection=collection,
            language=row.language,
            speaker=row.speaker,
            session=row.session,
            text=text,
            seconds=row.extra["duration_ms"] / 1000,
        )


@contextmanager
def emissions_kept() -> Iterator[list[np.ndarray]]:
    """A list that fills with the emissions of each segment that the verb decodes, in order, for decoding them otherwise."""
    verb: Any = hearing
    plain = verb.encode
    kept: list[np.ndarray] = []

    def encode(*arguments: Any, **options: Any) -> Iterator[Any]:
        for encoded in plain(*arguments, **options):
            kept.append(encoded.emissions.astype(np.float32))
            yield encoded

    verb.encode = encode
    try:
        yield kept
    finally:
        verb.encode = plain


def heard(model: Recogniser, clip: Listed, settings: Settings | None = None) -> Pair:
    """One clip through the whole verb: reading, speech detection, recognition, words."""
    transcript = transcribe(clip.path, language=clip.language, model=model, context=CONTEXT, settings=settings).transcript
    return Pair(
        id=f"{clip.collection}/{clip.path.name}",
        reference=clip.text,
        hypothesis=" ".join(s.text for s in transcript.segments if s.text),
        language=clip.language,
        speaker=None if clip.speaker == "unknown" else clip.speaker,
        recording=f"{clip.collection}/{clip.path.name}",
        words=tuple((w.text, w.confidence) for s in transcript.segments for w in s.words),
    )
