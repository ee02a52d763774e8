"""Two ten-minute sessions of several voices and languages, with their references, composed of clips.

A: three voices in Swahili, Yoruba and Amharic. B: a voice in Yoruba and two in Southern Quechua. Whole clips are turns, so that each has
its text; with pauses, turns that begin before the one before has ended, one room, its noise, and wind in one stretch.
Data: test splits of open/swh_gitau, open/yor_ogun, open/amh_azime and research/quy_siminchik; with `--tuning` their dev splits, for
choosing thresholds. The two test sessions share no clip. Quechua is for research on this machine alone: what is composed with it stays
outside the repository and is never published.
Command: python recipes/compose_sessions.py --data ../shared/speech --out FOLDER             a.wav, b.wav and their references
         python recipes/compose_sessions.py --data ../shared/speech --out FOLDER --tuning    tuning_a.wav, tuning_b.wav and theirs
Writes: of each session a WAV; the reference as JSON and EAF (turns with text, speaker, language; a turn from its first to its last
speech); `.rttm`, who speaks when by energy in the clean clips, where pauses from 250 ms are none of the turn.
Time: under a minute. `--smoke`: sessions of a minute.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from mini_data import MANIFESTS, spelt
from numpy.typing import NDArray

from speech import formats, languages
from speech.audio import RATE
from speech.collections import consent
from speech.collections.cards import load_card
from speech.collections.consent import Context, Item
from speech.collections.manifest import read_manifest
from speech.models.training.conversations import STEP, ConversationSettings, Samples, in_one_room, trimmed, turns_of, wind
from speech.types import Recording, Segment, Span, Speaker, Transcript, Turn, merged

REPOSITORY = MANIFESTS.parent
LENGTH_S = 600.0
ROOM = ConversationSettings(
    overlapped=0.25,
    overlap_s=(0.3, 1.5),
    pause_s=(0.3, 2.0),
    noise_db=(18.0, 25.0),
    reverberation_s=(0.1, 0.3),
    band_hz=(6000.0, 7600.0),
)
"""Of what these settings say turns, pauses, overlap and the room are taken; lengths and speakers are those of the clips."""
LEVEL = 0.06
WIND_S, WIND_DB = 90.0, 15.0
"""How long the wind blows, and how far it lies under speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A speaker of a collection; of `half` 0 or 1 every second clip, so that two sessions share none."""

    place: str
    speaker: str
    half: int | None = None


SWAHILI, AMHARIC = Voice(place="open/swh_gitau", speaker="swh_35d"), Voice(place="open/amh_azime", speaker="amh_s1")
YORUBA = Voice(place="open/yor_ogun", speaker="yor_s1")
SESSIONS = {
    "a": ("test", (SWAHILI, replace(YORUBA, half=0), AMHARIC)),
    "b": ("test", (replace(YORUBA, half=1), *(Voice(place="research/quy_siminchik", speaker=s) for s in ("quy_s09", "quy_s33")))),
    "tuning_a": ("dev", (SWAHILI, YORUBA, AMHARIC)),
    "tuning_b": ("dev", (YORUBA, *(Voice(place="research/quy_siminchik", speaker=s) for s in ("quy_s15", "quy_s21")))),
}
"""The split and the voices of each session. Speakers of Quechua are those with the most speech in their split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Samples at 16 kHz, what was said, and the stretches of speech in it by speaker."""

    name: str
    samples: Samples
    reference: Transcript
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A clip trimmed to its speech, with its text; `flags`: which steps of 10 ms are speech."""

    speaker: str
    language: str
    text: str
    samples: Samples
    flags: NDArray[np.bool_]


def ask(place: str) -> None:
    """Ask the gate whether a collection may be scored with."""
    path = (MANIFESTS / "research" if place.startswith("research/") else MANIFESTS) / f"{Path(place).name}.card.toml"
    consent.require({"evaluate"}, Item(id=Path(place).name, card=load_card(path), card_path=path), context=Context(purpose="research"))


def clips_of(data: Path, split: str, voice: Voice) -> list[Clip]:
    """A voice's clips, those whose text can be spelt in the language's letters."""
    rows = [r for r in read_manifest(data / voice.place / "manifest.tsv").rows if r.split == split and r.speaker == voice.speaker]
    made = []
    for row in rows if voice.half is None else rows[voice.half :: 2]:
        if not row.text or spelt(row.text, languages.load(row.language), numbers=False)[1]:
            continue
        samples, rate = soundfile.read(data / voice.place / row.audio, dtype="float32")
        if rate != RATE:
            raise ValueError(f"{row.audio}: {rate} Hz")
        part, flags = trimmed(samples, LEVEL)
        if len(flags):
            made.append(Clip(speaker=voice.speaker, language=row.language, text=row.text, samples=part, flags=flags))
    return made


def compose(name: str, clips: Sequence[Clip], length_s: float, rng: np.random.Generator) -> Session:
    """Clips after and over each other, each once, speakers in turn by what is left of each, until no clip fits any more."""
    speakers = list(dict.fromkeys(c.speaker for c in clips))
    left = {s: [c for c in clips if c.speaker == s] for s in speakers}
    for own in left.values():
        rng.shuffle(own)
    mix = np.zeros(int(length_s * RATE), np.float32)
    active = np.zeros((len(speakers), len(mix) // STEP), np.bool_)
    segments: list[Segment] = []
    end, before = 0, ""
    while True:
        pause = int(100 * np.exp(rng.uniform(*np.log(ROOM.pause_s))))
        fitting = {s: c for s in speakers if (c := next((c for c in left[s] if end + pause + len(c.flags) <= active.shape[1]), None))}
        others = {s: c for s, c in fitting.items() if s != before} or fitting
        if not others:
            break
        # Each gets an equal share of the time, as far as the clips go.
        due = [max(0.05, 1 / len(speakers) - active[speakers.index(s)].mean()) for s in others]
        clip = others[list(others)[int(rng.choice(len(others), p=np.array(due) / sum(due)))]]
        left[clip.speaker].remove(clip)
        at, steps, row = end + pause, len(clip.flags), active[speakers.index(clip.speaker)]
        if clip.speaker != before and rng.random() < ROOM.overlapped:
            over = end - int(100 * rng.uniform(*ROOM.overlap_s))
            at = over if over >= 0 and not row[over:end].any() else at
        mix[at * STEP : (at + steps) * STEP] += np.asarray(10 ** (rng.normal(0, ROOM.level_db) / 20) * clip.samples, np.float32)
        row[at : at + steps] |= clip.flags
        span = Span(start_ms=10 * at, end_ms=10 * (at + steps))
        said = Segment(span=span, text=clip.text, speaker=clip.speaker, language=clip.language, origin="person", status="approved")
        segments.append(said)
        end, before = max(end, at + steps), clip.speaker
    samples = in_one_room(blown(mix, rng), ROOM, rng)
    reference = Transcript(
        recording=Recording(path=f"{name}.wav", duration_ms=1000 * len(mix) // RATE, sample_rate=RATE, channels=1),
        segments=tuple(segments),
        speakers=tuple(Speaker(id=s) for s in speakers),
    )
    return Session(name=name, samples=samples, reference=reference, turns=turns_of(active, speakers))


def blown(mix: Samples, rng: np.random.Generator) -> Samples:
    """The same with wind in one stretch."""
    length = min(len(mix) // 3, int(WIND_S * RATE))
    start = int(rng.integers(len(mix) - length))
    noise = wind(rng, length) * np.hanning(length).astype(np.float32) ** np.float32(0.1)
    level = LEVEL * 10 ** (-WIND_DB / 20) / (float(np.sqrt(np.mean(np.square(noise)))) + 1e-9)
    mix = mix.copy()
    mix[start : start + length] += noise * np.float32(level)
    return mix


def sessions(data: Path, *, tuning: bool, length_s: float = LENGTH_S) -> Iterator[Session]:
    """The sessions, from a fixed seed each."""
    for n, (name, (split, voices)) in enumerate(SESSIONS.items()):
        if name.startswith("tuning") == tuning:
            for voice in voices:
                ask(voice.place)
            clips = [clip for voice in voices for clip in clips_of(data, split, voice)]
            yield compose(name, clips, length_s, np.random.default_rng([32, n]))


def write(session: Session, folder: Path) -> None:
    """The session's files; refused inside the repository, where research audio must never get."""
    if folder.resolve().is_relative_to(REPOSITORY):
        raise SystemExit(f"{folder}: it lies in the repository, which holds no audio. Give --out a folder outside it")
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / f"{session.name}.wav", session.samples, RATE, subtype="PCM_16")
    reference = replace(session.reference, recording=replace(session.reference.recording, path=str(folder / f"{session.name}.wav")))
    for kind in ("json", "eaf"):
        formats.save(reference, folder / f"{session.name}.{kind}", force=True)
    spoken = tuple(Segment(span=t.span, speaker=t.speaker, kind="speech") for t in session.turns)
    formats.save(replace(reference, segments=spoken), folder / f"{session.name}.rttm", force=True)


def said_of(session: Session) -> str:
    """How much of what, in a line."""
    by_speaker = {s.id: sum(t.span.length_ms for t in session.turns if t.speaker == s.id) / 1000 for s in session.reference.speakers}
    both = sum(t.span.length_ms for t in session.turns) - sum(s.length_ms for s in merged(t.span for t in session.turns))
    spoken = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in by_speaker.items())
    return f"{session.name}: {len(session.reference.segments)} turns, {spoken}, two at once {both / 1000:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tuning", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    for session in sessions(given.data, tuning=given.tuning, length_s=60.0 if given.smoke else LENGTH_S):
        write(session, given.out)
        print(said_of(session), flush=True)


if __name__ == "__main__":
    main()
