"""What language identification hears: pieces of a voice, perturbed or as they are, and what the network makes of them.

Used by train_lid.py and score_identify.py. A piece is so many seconds of one voice: clips cut, or shorter ones joined (where voices
are not labelled, within a session). Training pieces are perturbed in voice, pace, room, band, codec, noise and level, since in this
data language, reader and telephone nearly coincide. Languages of the background are open collections that `mini` does not know, and
eSpeak NG voices of many languages that read words made by chance.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from mini_data import MANIFESTS
from numpy.typing import NDArray

from speech.audio import RATE, resampled
from speech.collections import consent
from speech.collections.cards import load_card
from speech.collections.consent import Context, Item
from speech.collections.manifest import Row, read_manifest
from speech.models.recogniser import CtcRecogniser, HiddenStates
from speech.models.training.augment import Augment, as_voice, band, levelled
from speech.say import Espeak

Samples = NDArray[np.float32]
LAYER = 4
"""The highest layer that serves all languages in one pass."""
BACKGROUND = ("chr_feeling", "arb_ghandoura", "wyn_craig")
"""Open speech of languages that `mini` does not know. Cherokee has no train split: it only trains, and is never reported."""
SECONDS = (1.0, 3.0, 5.0, 10.0)
ESPEAK_OTHERS = tuple(
    "af an az bs ca cs cy da de en eo es et eu fi fr ga gd gn haw hr ht hu id is it kl ku la lb lt lv mi ms mt nci nl nb om pap pl pt "
    "ro sk sl sq sv tk tn tr uz vi".split()
)  # fmt: skip
"""eSpeak NG voices of languages that are none of ours, written in Latin letters."""
_VARIANTS = (
    "",
    "m1",
    "m3",
    "m5",
    "m7",
    "f1",
    "f2",
    "f3",
    "f5",
    "Andy",
    "Alicia",
    "Gene",
    "Lee",
    "Mario",
    "Michael",
    "belinda",
    "linda",
    "max",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """So many seconds of one voice, levelled: `language` is an ISO 639-3 code, of the clips' own rows."""

    collection: str
    language: str
    voice: str
    seconds: float
    samples: Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the network made of one piece: states (frames, width), and emissions (frames, symbols) by language."""

    collection: str
    language: str
    voice: str
    seconds: float
    states: NDArray[np.float16]
    emissions: dict[str, NDArray[np.float16]]


def allowed(collections: Sequence[str]) -> list[str]:
    """Ask the gate whether these collections may train what tells languages apart; the records that carry the answer.

    Raises
    ------
    ConsentRefused
        The first whose card does not grant `train_lid`.
    """
    records: list[str] = []
    for collection in collections:
        path = MANIFESTS / f"{collection}.card.toml"
        item = Item(id=collection, card=load_card(path), card_path=path)
        records.extend(consent.require({"train_lid"}, item, context=Context(purpose="research", licence="apache-2.0")).records)
    return records


def folder_of(root: Path, collection: str) -> Path:
    """Where a collection lies under the root of the speech data."""
    return next(root / kind / collection for kind in ("open", "open_speakers", "research") if (root / kind / collection).is_dir())


def rows_of(root: Path, collection: str, splits: set[str]) -> list[Row]:
    """Rows of a collection's splits."""
    return [row for row in read_manifest(folder_of(root, collection) / "manifest.tsv").rows if row.split in splits]


def seeded(*words: object) -> np.random.Generator:
    """A generator that depends on these words alone."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(" ".join(map(str, words)).encode()).digest()[:8], "big"))


def trimmed(samples: Samples) -> Samples:
    """A clip without the quiet at its ends: blocks of 20 ms more than 35 dB below its louder ones."""
    size = RATE // 50
    count = len(samples) // size
    if count < 3:
        return samples
    power = 10 * np.log10(np.square(samples[: count * size].reshape(count, size)).mean(axis=1) + 1e-10)
    loud = np.flatnonzero(power > np.quantile(power, 0.95) - 35)
    return samples[max(0, loud[0] - 2) * size : (loud[-1] + 3) * size]


def pieces(root: Path, collection: str, splits: set[str], seconds: float, most: int, seed: object, *, pauses: bool = False) -> list[Piece]:
    """At most `most` pieces of a collection, drawn by seed; with `pauses`, of what lies between words instead.

    No sound stands in two pieces of one call. A voice with less sound than a piece gives one piece if it has two thirds of it.
    """
    rng = seeded(seed, collection, seconds)
    folder = folder_of(root, collection)
    by_voice: dict[tuple[str, str], list[Row]] = {}
    for row in rows_of(root, collection, splits):
        voice = row.speaker if row.speaker not in ("", "unknown") else row.session
        by_voice.setdefault((row.language, voice or ""), []).append(row)
    for rows in by_voice.values():
        rng.shuffle(rows)
    made: list[Piece] = []
    size = int(seconds * RATE)
    streams = {key: _stream(folder, rows, size, pauses) for key, rows in by_voice.items()}
    while streams and len(made) < most:
        for key in list(streams):
            found = next(streams[key], None)
            if found is None:
                del streams[key]
            elif len(made) < most:
                made.append(Piece(collection=collection, language=key[0], voice=key[1], seconds=seconds, samples=levelled(found)))
    return made


def _stream(folder: Path, rows: Sequence[Row], size: int, pauses: bool) -> Iterator[Samples]:
    held = np.zeros(0, np.float32)
    for row in rows:
        samples, rate = soundfile.read(folder / row.audio, dtype="float32")
        if rate != RATE:
            raise ValueError(f"{row.audio}: {rate} Hz")
        held = np.concatenate([held, _between(samples) if pauses else trimmed(samples)])
        if len(held) >= size:
            yield held[:size]
            held = np.zeros(0, np.float32)  # the rest of a long clip is left: more clips, not more of one
    if 3 * len(held) >= 2 * size:
        yield held


def _between(samples: Samples) -> Samples:
    """What lies between words: blocks of 20 ms in the quietest fifth, in runs of at least 100 ms."""
    size = RATE // 50
    count = len(samples) // size
    if count < 25:
        return np.zeros(0, np.float32)
    blocks = samples[: count * size].reshape(count, size)
    power = np.square(blocks).mean(axis=1)
    quiet = power <= np.quantile(power, 0.2)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
    runs = [blocks[a:b].reshape(-1) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 5]
    return np.concatenate(runs) if runs else np.zeros(0, np.float32)


def perturbed(samples: Samples, rng: np.random.Generator, others: Sequence[Samples]) -> Samples:
    """A piece as another voice in another room by another telephone would have it."""
    if rng.random() < 0.85:
        whole = np.asarray(np.clip(samples / (np.abs(samples).max() + 1e-6) * 30000, -32768, 32767), np.int16)
        samples = as_voice(whole, float(np.exp(rng.uniform(-0.25, 0.25))), float(np.exp(rng.uniform(-0.2, 0.2)))).astype(np.float32)
        samples = levelled(samples)
    samples = Augment(rng, others)(samples)
    draw = rng.random()
    if draw < 0.15:
        samples = _telephone(samples, rng)
    elif draw < 0.3:
        samples = _mp3(samples, rng)
    elif draw < 0.5:
        samples = band(samples, float(rng.uniform(2500, 7500))).astype(np.float32)
    if rng.random() < 0.15:
        top = float(np.quantile(np.abs(samples), rng.uniform(0.9, 0.995)))
        samples = np.clip(samples, -top, top)  # too loud for the recorder
    return levelled(samples)


def _telephone(samples: Samples, rng: np.random.Generator) -> Samples:
    """8 kHz, through one of two codecs of telephones."""
    kept = band(samples, 3600.0).astype(np.float32)[::2]
    file = io.BytesIO()
    scale = np.abs(kept).max() + 1e-6
    soundfile.write(file, kept / scale * 0.9, 8000, format="WAV", subtype="GSM610" if rng.random() < 0.5 else "ULAW")
    file.seek(0)
    back, _ = soundfile.read(file, dtype="float32")
    made = np.zeros(2 * len(back), np.float32)
    made[::2] = back
    return band(made, 3600.0)[: len(samples)].astype(np.float32)


def _mp3(samples: Samples, rng: np.random.Generator) -> Samples:
    file = io.BytesIO()
    scale = np.abs(samples).max() + 1e-6
    soundfile.write(file, samples / scale * 0.9, RATE, format="MP3", compression_level=float(rng.uniform(0.7, 0.99)))
    file.seek(0)
    return np.asarray(soundfile.read(file, dtype="float32")[0])


def made_words(rng: np.random.Generator, count: int, vowels: str, consonants: str) -> str:
    """Words by chance from a set of letters drawn by the caller: what they sound like is the voice's own affair."""
    words = []
    for _ in range(count):
        closed = rng.random() < 0.4
        syllables = int(rng.integers(1, 5))
        word = "".join(
            str(rng.choice(list(consonants))) * int(rng.random() < 0.85) + str(rng.choice(list(vowels)))
            + (str(rng.choice(list(consonants))) if closed and rng.random() < 0.5 else "")
            for _ in range(syllables)
        )  # fmt: skip
        words.append(word)
    return " ".join(words)


def spoken(language: str, texts: Sequence[str], seconds: float, rng: np.random.Generator, espeak: Espeak) -> Samples | None:
    """So many seconds of an eSpeak NG voice, of a variant, pace and pitch by chance; None where it says too little."""
    said: list[Samples] = []
    held = 0
    variant = str(rng.choice(_VARIANTS))
    pace, pitch, reach = int(rng.integers(120, 220)), int(rng.integers(15, 90)), int(rng.integers(20, 80))
    for _ in range(8):
        text = str(rng.choice(list(texts))) if texts else made_words(rng, 8, *_letters(rng))
        sound = espeak.say(text, language, variant=variant, words_a_minute=pace, pitch=pitch, pitch_range=reach)
        sound = resampled(sound, espeak.sample_rate).astype(np.float32)
        said.append(trimmed(sound))
        held += len(said[-1])
        if held >= seconds * RATE:
            whole = np.concatenate(said)
            start = int(rng.integers(len(whole) - int(seconds * RATE) + 1))
            return whole[start : start + int(seconds * RATE)]
    return None


def _letters(rng: np.random.Generator) -> tuple[str, str]:
    consonants = rng.choice(list("bcdfghjklmnprstvwyz"), int(rng.integers(8, 19)), replace=False)
    vowels = rng.choice(list("aeiou"), int(rng.integers(3, 6)), replace=False)
    return "".join(vowels), "".join(consonants)


def hear(model: CtcRecogniser, found: Sequence[Piece], languages: Sequence[str]) -> list[Heard]:
    """What the network makes of pieces: hidden states of `LAYER`, and what each language's adapter hears."""
    for language in languages:
        model.use(language)
    order = sorted(range(len(found)), key=lambda n: len(found[n].samples))
    groups: list[list[int]] = [[]]
    for n in order:
        if groups[-1] and (len(groups[-1]) + 1) * len(found[n].samples) * len(languages) > 48 * RATE:
            groups.append([])
        groups[-1].append(n)
    heard: dict[int, Heard] = {}
    batches = ([(found[n].samples, code) for n in group for code in languages] for group in groups)
    for group, encodings in zip(groups, model.stream(batches, HiddenStates(layer=LAYER)), strict=True):
        for row, n in enumerate(group):
            own = encodings[row * len(languages) : (row + 1) * len(languages)]
            states = own[0].hidden
            assert states is not None  # asked for
            piece = found[n]
            heard[n] = Heard(
                collection=piece.collection, language=piece.language, voice=piece.voice, seconds=piece.seconds,
                states=states.astype(np.float16),
                emissions={code: e.emissions.astype(np.float16) for code, e in zip(languages, own, strict=True)},
            )  # fmt: skip
    return [heard[n] for n in range(len(found))]
