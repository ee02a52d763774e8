"""What `mini` hears in the clips of the shared corpora, by the verb itself. Used by calibrate_mini.py and score_mini.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mini_data import COLLECTIONS, spelt

from speech import languages
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
    for collection in COLLECTIONS:
        folder = root / "open" / collection
        lines = (folder / "manifest.tsv").read_text(encoding="utf-8").split("\n")
        head = lines[0].split("\t")
        for line in filter(None, lines[1:]):
            row = dict(zip(head, line.split("\t"), strict=True))
            if row["split"] != split or (only and row["language"] not in only):
                continue
            text, reason = spelt(row["text"], languages.load(row["language"]), numbers=False)
            if reason:
                left_out[f"{row['language']} {split}: {reason}"] += 1
                continue
            yield Listed(
                path=folder / row["path"],
                collection=collection,
                language=row["language"],
                speaker=row["speaker"],
                session=row["session"],
                text=text,
                seconds=float(row["seconds"]),
            )


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
