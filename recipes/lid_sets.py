"""The sets of pieces that train, tune and judge what tells languages, and what was heard of them kept in files.

Used by lid_fit.py; what a piece is stands in lid_data.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
from lid_data import (
    BACKGROUND,
    ESPEAK_OTHERS,
    SECONDS,
    Heard,
    Piece,
    perturbed,
    pieces,
    rows_of,
    seeded,
    spoken,
)
from mini_data import COLLECTIONS, SPOKEN
from numpy.typing import NDArray

from speech.audio import RATE
from speech.models.training.augment import levelled
from speech.say import Espeak


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
            for piece in pieces(root, collection, splits, seconds, max(1, round(most * many * share)), "train")
        ]
        yield f"train.{collection}", perturbed_pieces(found, f"train {collection}")
    yield from espeak_pieces(root, share)


def espeak_pieces(root: Path, share: float) -> Iterator[tuple[str, list[Piece]]]:
    """eSpeak voices: of three languages of ours, reading their train texts; and of others, two thirds of which train."""
    espeak = Espeak()
    for name, codes, many in (
        ("train.espeak_known", sorted(SPOKEN), 72),
        ("train.espeak_others", ESPEAK_OTHERS[::3] + ESPEAK_OTHERS[1::3], 10),
        ("dev.espeak_others", ESPEAK_OTHERS[2::3], 7),
    ):
        found: list[Piece] = []
        for code in codes[:: 1 if share > 0.5 else 6]:  # in a smoke run a few voices
            texts: list[str] = []
            if code in SPOKEN:
                collection = next(c for c in COLLECTIONS if c.startswith(code))
                texts = [row.text for row in rows_of(root, collection, {"train"}) if row.text]
            rng = seeded("espeak", code)
            for number in range(max(1, round(many * share))):
                seconds = SECONDS[1 if number % 2 else number // 2 % 4]
                said = spoken(code, texts, seconds, rng, espeak)
                if said is not None:
                    language = code if code in SPOKEN else f"x-{code}"
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
        for piece in pieces(root, collection, splits, seconds, max(1, round(most * share)) * (3 if "vox" in collection else 1), seed)
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
            for piece in pieces(root, collection, {split}, seconds, max(1, round(most * share)), "pauses", pauses=True)
        ]
        yield f"pauses.{split}", quiet


def meetings(root: Path, share: float) -> list[Piece]:
    """English: excerpts of meetings, cut as they are (several voices)."""
    found = []
    for path in sorted((root / "conversation" / "eng_ami_excerpts").glob("*.opus"))[:: 1 if share > 0.2 else 6]:
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
