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
from mini_data import COLLECTIONS, MANIFESTS
from numpy.typing import NDArray

from speech.audio import RATE, resampled
from speech.collections import consent
from speech.collections.cards import load_card
from speech.collections.consent import Context, Item
from speech.collections.manifest import Row, read_manifest
from speech.models.recogniser import CtcRecogniser, HiddenStates
from speech.models.training.augment import Augment, as_voice, band, levelled
from speech.say import VOICES, Espeak

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


def store(path: Path, found: Sequence[Heard]) -> None:
    """Keep what was heard in one file."""
    languages = sorted(found[0].emissions)
    arrays: dict[str, NDArray[np.generic]] = {
        "states": np.concatenate([h.states for h in found]),
        "frames": np.array([len(h.states) for h in found]),
        "about": np.array([[h.collection, h.language, h.voice] for h in found]),
        "seconds": np.array([h.seconds for h in found]),
    }
    for code in languages:
        arrays[f"emissions.{code}"] = np.concatenate([h.emissions[code] for h in found])
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)  # type: ignore[arg-type]  # a mapping of arrays


def stored(path: Path) -> list[Heard]:
    """What `store` kept."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    ends = np.cumsum(arrays["frames"])
    codes = [name.partition(".")[2] for name in arrays if name.startswith("emissions.")]
    return [
        Heard(
            collection=str(about[0]), language=str(about[1]), voice=str(about[2]), seconds=float(seconds),
            states=arrays["states"][end - count : end],
            emissions={code: arrays[f"emissions.{code}"][end - count : end] for code in codes},
        )
        for about, seconds, end, count in zip(arrays["about"], arrays["seconds"], ends, arrays["frames"], strict=True)
    ]  # fmt: skip


KNOWN = {c: c[:3] for c in COLLECTIONS}
"""The collections of the languages that `mini` knows."""
UNSEEN = ("mdw_mboshi", "ell_griko", "sxb_africanvoices", "pcm_bassey", "bom_mandeebot", "lin_kabongo", "mul_voxangeles")
"""Languages that nothing here has heard: evaluated only."""
ALL_SPLITS = {"train", "dev", "test"}
_TRAIN_MOST = {1.0: 90, 3.0: 180, 5.0: 96, 10.0: 42}
_TEST_MOST = {1.0: 80, 3.0: 80, 5.0: 60, 10.0: 40}
_UNSEEN_MOST = {1.0: 20, 3.0: 40, 5.0: 25, 10.0: 15}


def perturbed_pieces(found: Sequence[Piece], seed: object) -> list[Piece]:
    """Each piece as another voice by another telephone."""
    rng = seeded(seed, "perturbed")
    others = [found[int(n)].samples * 3000 for n in rng.integers(len(found), size=40)]
    return [
        Piece(collection=p.collection, language=p.language, voice=p.voice, seconds=p.seconds, samples=perturbed(p.samples, rng, others))
        for p in found
    ]


def train_pieces(root: Path, share: float = 1.0) -> Iterator[tuple[str, list[Piece]]]:
    """What trains: open collections' train splits, the background, and eSpeak voices; all perturbed. A set a name."""
    for collection in (*COLLECTIONS, *BACKGROUND):
        splits = {"test"} if collection == "chr_feeling" else {"train"}
        many = 0.5 if collection in ("mlg_dimbyr_m", "mlg_dimbyr_f", *BACKGROUND) else 1.0
        found = [
            piece
            for seconds, most in _TRAIN_MOST.items()
            for piece in pieces(root, collection, splits, seconds, max(2, round(most * many * share)), "train")
        ]
        yield f"train.{collection}", perturbed_pieces(found, f"train {collection}")
    yield from espeak_pieces(root, share)


def espeak_pieces(root: Path, share: float) -> Iterator[tuple[str, list[Piece]]]:
    """eSpeak voices: of three languages of ours, reading their train texts; and of others, two thirds of which train."""
    espeak = Espeak()
    for name, codes, many in (
        ("train.espeak_known", sorted(VOICES), 72),
        ("train.espeak_others", ESPEAK_OTHERS[::3] + ESPEAK_OTHERS[1::3], 10),
        ("dev.espeak_others", ESPEAK_OTHERS[2::3], 7),
    ):
        found: list[Piece] = []
        for code in codes:
            texts: list[str] = []
            if code in VOICES:
                collection = next(c for c in COLLECTIONS if c.startswith(code))
                texts = [row.text for row in rows_of(root, collection, {"train"}) if row.text]
            rng = seeded("espeak", code)
            for number in range(max(1, round(many * share))):
                seconds = SECONDS[1 if number % 2 else number // 2 % 4]
                said = spoken(code, texts, seconds, rng, espeak)
                if said is not None:
                    language = code if code in VOICES else f"x-{code}"
                    found.append(Piece(collection="espeak", language=language, voice=code, seconds=seconds, samples=levelled(said)))
        yield name, perturbed_pieces(found, name)


def plain_pieces(
    root: Path, collections: Sequence[str], splits: set[str], share: float, seed: str, most_by_seconds: dict[float, int] = _TEST_MOST
) -> list[Piece]:
    """Pieces of collections as they are, by all lengths; three times as many of VoxAngeles, which has 55 languages."""
    return [
        piece
        for collection in collections
        for seconds, most in most_by_seconds.items()
        for piece in pieces(root, collection, splits, seconds, max(2, round(most * share)) * (3 if "vox" in collection else 1), seed)
    ]


def dev_pieces(root: Path, share: float = 1.0) -> Iterator[tuple[str, list[Piece]]]:
    """What tunes: as recorded, and as other voices by other telephones."""
    dev = plain_pieces(root, (*COLLECTIONS, "arb_ghandoura", "wyn_craig"), {"dev"}, share, "dev")
    yield "dev.plain", dev
    yield "dev.perturbed", perturbed_pieces(dev, "dev")


def test_pieces(root: Path, share: float = 1.0) -> Iterator[tuple[str, list[Piece]]]:
    """What is reported: as recorded. `pauses` is what lies between words, of train and of test."""
    yield "test.known", plain_pieces(root, COLLECTIONS, {"test"}, share, "test")
    yield "test.background", plain_pieces(root, ("arb_ghandoura", "wyn_craig"), {"test"}, share, "test")
    yield "test.nicolingua", plain_pieces(root, ("mul_nicolingua",), ALL_SPLITS, share, "test")
    yield "test.domains", plain_pieces(root, ("bre_roadennou_nc", "quy_siminchik"), ALL_SPLITS, share, "test")
    for collection in UNSEEN:
        yield f"test.unseen.{collection}", plain_pieces(root, (collection,), ALL_SPLITS, share, "test", _UNSEEN_MOST)
    yield "test.english", meetings(root, share / 2)
    for split in ("train", "test"):
        lengths = ((1.0, 30), (3.0, 25))
        quiet = [
            piece
            for collection in COLLECTIONS
            for seconds, most in lengths
            for piece in pieces(root, collection, {split}, seconds, max(2, round(most * share)), "pauses", pauses=True)
        ]
        yield f"pauses.{split}", quiet


def meetings(root: Path, share: float) -> list[Piece]:
    """English: excerpts of meetings, cut as they are (several voices)."""
    found = []
    for path in sorted((root / "conversation" / "eng_ami_excerpts").glob("*.opus")):
        samples, _ = soundfile.read(path, dtype="float32")
        for seconds in SECONDS:
            size = int(seconds * RATE)
            for number in range(max(1, round(min(3, 30 / seconds) * share))):
                cut = samples[number * size : (number + 1) * size]
                if len(cut) == size:
                    found.append(
                        Piece(collection="eng_ami", language="eng", voice=path.stem, seconds=seconds, samples=levelled(cut))
                    )  # fmt: skip
    return found
