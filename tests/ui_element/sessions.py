"""Recordings with drafts for the tests of the element: a small one, one of two hours, and one a script."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from speech.review import edits
from speech.store import Store
from speech.types import Alternative, Segment, Span, Transcript, Translation, Word
from tests.sounds import RATE, save, tone

SMALL = "small.wav"
LONG = "long.flac"
YORUBA = "yoruba.wav"
ARABIC = "arabic.wav"
NKO = "nko.wav"
AMHARIC = "amharic.wav"
MIXED = "mixed.wav"

LONG_MS = 2 * 3600 * 1000
LONG_SEGMENTS = 5000
SENTENCES = (
    "ñuka wasi hatun kan",
    "kan mana rinki llaktaman",
    "pay kayna shamurka",
    "ñukanchik yachana wasipi llankanchik",
    "tamya urmakun urkupi",
    "wawakuna pukllankuna pampapi",
    "mamaku sara tantata rurakun",
    "chay runaka allpata charin",
    "kunan puncha inti rupakun",
    "yaku mayupi uchilla challwakuna tiyan",
    "taytaka wakrata michin",
    "tuta killa sumakta llipyan",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A recording to be made: its file's name, language and segments."""

    name: str
    language: str
    segments: tuple[Segment, ...]
    seconds: float


def _words(text: str, start_ms: int, end_ms: int, confidences: tuple[float, ...]) -> tuple[Word, ...]:
    parts = text.split(" ")
    step = (end_ms - start_ms) // len(parts)
    words = []
    for n, part in enumerate(parts):
        sure = confidences[n % len(confidences)]
        other = (Alternative(text=part + "ka", confidence=0.3), Alternative(text=part[:-1] or part, confidence=0.1)) if sure < 0.8 else ()
        span = Span(start_ms=start_ms + n * step, end_ms=start_ms + (n + 1) * step)
        words.append(Word(text=part, span=span, confidence=sure, separator=" ", alternatives=other))
    return tuple(words)


def small() -> Made:
    """Twelve segments of two speakers, 2 s each with 0.5 s between, all three levels of doubt in the first."""
    segments = []
    for n, text in enumerate(SENTENCES):
        start, end = 500 + 2500 * n, 500 + 2500 * n + 2000
        segments.append(
            Segment(
                id=f"a{n + 1}",
                span=Span(start_ms=start, end_ms=end),
                text=text,
                speaker="AB"[n % 3 == 2],
                language="que",
                words=_words(text, start, end, (0.95, 0.62, 0.31) if n % 4 == 0 else (0.95,)),
                translations=(Translation(language="es", text=f"frase {n + 1}"),) if n < 3 else (),
            )
        )
    return Made(name=SMALL, language="que", segments=tuple(segments), seconds=32)


def scripts() -> list[Made]:
    """Sentences in scripts that are written from the right, with tones, or by syllables."""
    texts = {
        YORUBA: ("yor", ("mo fẹ́ lọ sí ọjà", "ọmọ náà ti dé", "ilé wa tóbi")),
        ARABIC: ("ara", ("ذهبت إلى السوق في 12 مايو", "البيت كبير", "جاء الولد")),
        NKO: ("nqo", ("ߒ ߓߘߊ߫ ߥߊ߫ ߟߐ߯ߝߍ߬ ߁߂", "ߓߏ߲ ߓߏ߲߬ߓߊ߫", "ߘߋ߲ ߣߊ߬ ߘߊ߫")),
        AMHARIC: ("amh", ("ወደ ገበያ ሄድኩ", "ቤቱ ትልቅ ነው", "ልጁ መጣ")),
    }
    return [
        Made(
            name=name,
            language=code,
            segments=tuple(
                Segment(id=f"s{n + 1}", span=Span(start_ms=200 + 1800 * n, end_ms=1800 + 1800 * n), text=text, speaker="A", language=code)
                for n, text in enumerate(sentences)
            ),
            seconds=6,
        )
        for name, (code, sentences) in texts.items()
    ]


def mixed() -> Made:
    """What the machine proposes of two speakers and three languages: an unsure turn, overlap, a language that it cannot tell."""

    def turn(n: int, start_ms: int, text: str, language: str | None, speaker: str | None, margin: float | None, **more: Any) -> Segment:
        span = Span(start_ms=start_ms, end_ms=start_ms + 2000)
        words = _words(text, span.start_ms, span.end_ms, (0.95,)) if text else ()
        return Segment(
            id=f"m{n}", span=span, text=text, language=language, speaker=speaker, speaker_margin=margin, words=words, **more
        )  # fmt: skip

    unsure: dict[str, Any] = {"status": "unsure"}
    segments = (
        turn(1, 500, "ñuka wasiman rini", "que", "S1", 0.95),
        turn(2, 3000, "mama anapika chakula", "swh", "S2", 0.9),
        turn(3, 4500, "pay kayna shamurka", "que", "S1", 0.5, unsure_reason="another voice is nearly as likely", **unsure),
        turn(4, 7000, "ilé wa tóbi", "yor", "S2", 0.99),
        turn(5, 9500, "", None, "S1", 0.9, unsure_reason="too little speech to tell", **unsure),
        turn(6, 12000, "", None, None, None, kind="overlap", unsure_reason="two voices", **unsure),
    )
    return Made(name=MIXED, language="que", segments=segments, seconds=15)


def long() -> Made:
    """Two hours with 5,000 segments of three speakers."""
    step = LONG_MS // LONG_SEGMENTS
    segments = []
    for n in range(LONG_SEGMENTS):
        text = " ".join(SENTENCES[(n + k) % len(SENTENCES)] for k in range(1 + n % 3))
        start, end = n * step, n * step + step - 100
        words = _words(text, start, end, (0.95, 0.9, 0.62, 0.31)) if n % 5 == 0 else ()
        segments.append(
            Segment(id=f"w{n + 1}", span=Span(start_ms=start, end_ms=end), text=text, speaker=f"S{n % 3 + 1}", language="que", words=words)
        )
    return Made(name=LONG, language="que", segments=tuple(segments), seconds=LONG_MS / 1000)


def write_sound(made: Made, folder: Path) -> None:
    """The file of a recording: a tone whose level changes, so that its waveform is seen."""
    target = folder / made.name
    if made.name == LONG:
        part = np.tile(tone(1, 220, 0.1)[::2], 60)
        with soundfile.SoundFile(target, "w", samplerate=8000, channels=1, format="FLAC", subtype="PCM_16") as out:
            for _ in range(int(made.seconds) // 60):
                out.write(part)
        return
    sound = tone(made.seconds, 220, 0.5)
    time = np.arange(len(sound)) / RATE
    level = np.full(len(sound), 0.02, np.float32)
    for segment in made.segments:
        inside = (time >= segment.span.start_ms / 1000) & (time < segment.span.end_ms / 1000)
        level[inside] = 0.15 + 0.85 * np.abs(np.sin(2 * np.pi * 2.3 * time[inside])) * np.abs(np.sin(2 * np.pi * 0.31 * time[inside]))
    save(target, (sound * level).astype(np.float32))


def look_at(store: Store, made: Made, id: str, folder: Path, peaks: Path) -> None:
    """What a worker would find, without two hours of decoding: facts and peaks."""
    from speech.store.tables import recording

    path = folder / made.name
    kind = "flac" if made.name.endswith("flac") else "wav"
    length_ms = round(1000 * made.seconds)
    facts = {
        "container": kind,
        "codec": "flac" if kind == "flac" else "pcm",
        "bits": 16,
        "found_ms": length_ms,
        "size_bytes": path.stat().st_size,
    }
    with store.write() as connection:
        new = {"facts": json.dumps(facts, sort_keys=True), "duration_ms": length_ms, "language": made.language}
        connection.execute(recording.update().where(recording.c.id == id).values(**new))
    steps = length_ms // 10
    at = np.arange(steps) * 10
    level = np.full(steps, 3.0)
    if made.name == LONG:
        level = 20 + 60 * np.abs(np.sin(at / 900.0)) * np.abs(np.sin(at / 61_000.0))
    else:
        for segment in made.segments:
            inside = (at >= segment.span.start_ms) & (at < segment.span.end_ms)
            level[inside] = 12 + 100 * np.abs(np.sin(2 * np.pi * 2.3 * at[inside] / 1000)) * np.abs(
                np.sin(2 * np.pi * 0.31 * at[inside] / 1000)
            )
    pairs = np.stack([-level, level], axis=1).astype(np.int8)
    peaks.mkdir(parents=True, exist_ok=True)
    (peaks / f"{id}.i8").write_bytes(pairs.tobytes())


def draft(store: Store, made: Made, id: str) -> None:
    """Its first edit."""
    edits.draft(store, id, Transcript(segments=made.segments), person="oral-speech", id=f"draft-{id}")
