"""What `mini` reads: the open clips, spelt and checked.

Used by train_mini.py and mini_runs.py. Only collections whose card grants training are read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from speech import languages, text
from speech.audio import RATE
from speech.collections import consent
from speech.collections.cards import load_card
from speech.collections.consent import Context, Item
from speech.collections.manifest import Row, read_manifest
from speech.languages import Language
from speech.models.training.augment import at_speed

COLLECTIONS = ("que_killkan", "yor_ogun", "amh_azime", "swh_gitau", "bre_roadennou", "kin_ishimwe", "mlg_dimbyr_m", "mlg_dimbyr_f")
SPOKEN = ("que", "swh", "amh")
"""Languages of `mini` for which eSpeak NG has a voice."""
EVENT = re.compile(r"<[^>]*>|\[[^\]]*\]")

Samples = np.ndarray


@dataclass(slots=True)
class Clip:
    """One clip: samples in int16 (speed 1), what was said, and where it belongs."""

    name: str
    collection: str
    language: str
    split: str
    text: str
    symbols: list[str]
    samples: Samples
    speeds: dict[float, Samples] = field(default_factory=dict)


MANIFESTS = Path(__file__).resolve().parent.parent / "data_manifests"


def allowed(scopes: set[str], only: set[str] | None = None) -> list[str]:
    """Ask the consent gate, collection by collection, before a clip is decoded; the records that carry the answer.

    Raises
    ------
    ConsentRefused
        The first collection whose card does not grant the scopes (`NO_CARD` where it has none).
    """
    records: list[str] = []
    for collection in COLLECTIONS:
        path = MANIFESTS / f"{collection}.card.toml"
        card = load_card(path)
        if only is None or only & set(card.languages):
            item = Item(id=collection, card=card, card_path=path)
            decision = consent.require(scopes, item, context=Context(purpose="research", licence="apache-2.0"))
            records.extend(decision.records)
    return records


def known_names() -> set[str]:
    """The collections and their languages, as their cards say."""
    return {*COLLECTIONS, *(code for c in COLLECTIONS for code in load_card(MANIFESTS / f"{c}.card.toml").languages)}


def spelt(written: str, language: Language, *, numbers: bool) -> tuple[str, str]:
    """The text a clip is trained on, and why it is left out ("" where it is not)."""
    if EVENT.search(written):
        return "", "event token or bracket"
    if numbers and language.code == "swh":
        written = swahili_numbers(written)
    plain = text.normalise(written, language)
    outside = text.outside_alphabet(plain, language)
    if any(c.isdigit() for c in outside):
        return "", "digits"
    if outside:
        return "", "letters outside the alphabet"
    if not plain:
        return "", "no text"
    return plain, ""


_ONES = ["sifuri", "moja", "mbili", "tatu", "nne", "tano", "sita", "saba", "nane", "tisa"]
_TENS = ["", "kumi", "ishirini", "thelathini", "arobaini", "hamsini", "sitini", "sabini", "themanini", "tisini"]


def swahili_number(value: int) -> str:
    """A number below a million in Swahili words, joined by na before tens and ones."""
    parts: list[str] = []
    if value >= 1000:
        parts.append(f"elfu {swahili_number(value // 1000)}")
        value %= 1000
        if not value:
            return parts[0]
    if value >= 100:
        parts.append(f"mia {_ONES[value // 100]}")
        value %= 100
        if not value:
            return " ".join(parts)
    if value >= 10:
        word = _TENS[value // 10]
        parts.append(("na " if parts else "") + word)
        value %= 10
        if not value:
            return " ".join(parts)
    parts.append(("na " if parts else "") + _ONES[value])
    return " ".join(parts)


def swahili_numbers(written: str) -> str:
    """Whole numbers below a million spelt out; decimals, times and codes such as COVID-19 stay (and are left out)."""

    def words(match: re.Match[str]) -> str:
        digits = match.group(0).replace(",", "")
        return swahili_number(int(digits)) if len(digits) <= 6 and (digits == "0" or digits[0] != "0") else match.group(0)

    return re.sub(r"(?<![\w.,:/-])\d{1,3}(?:,\d{3})+(?![\w:/-])|(?<![\w.,:/-])\d+(?!\w|[.,:/-]\d)", words, written)


def spelt_rows(
    root: Path,
    splits: set[str],
    *,
    left_out: Counter[str],
    only: set[str] | None = None,
    without: Collection[str] = (),
    every: int = 1,
    numbers: bool = False,
) -> Iterator[tuple[str, Row, str]]:
    """Collection, row and spelt text of every n-th clip that can be read; `left_out` counts, by language, split and reason, the others.

    `without` names languages and collections that are passed over. With `numbers`, Swahili ones in training texts are
    spelt out by rule; else clips with digits are left out.
    """
    for collection in COLLECTIONS:
        if collection in without:
            continue
        for row in read_manifest(root / "open" / collection / "manifest.tsv").rows[::every]:
            if row.split not in splits or (only and row.language not in only) or row.language in without:
                continue
            plain, reason = spelt(row.text or "", languages.load(row.language), numbers=numbers and row.split == "train")
            if reason:
                left_out[f"{row.language} {row.split}: {reason}"] += 1
            else:
                yield collection, row, plain


def read_clips(
    root: Path,
    splits: set[str],
    *,
    left_out: Counter[str],
    only: set[str] | None = None,
    without: Collection[str] = (),
    every: int = 1,
) -> list[Clip]:
    """Clips of the open collections, as `spelt_rows` gives them, with their samples."""
    clips: list[Clip] = []
    for collection, row, plain in spelt_rows(root, splits, left_out=left_out, only=only, without=without, every=every, numbers=True):
        samples, rate = soundfile.read(root / "open" / collection / row.audio, dtype="int16")
        if rate != RATE:
            raise ValueError(f"{row.audio}: {rate} Hz")
        clips.append(Clip(row.audio, collection, row.language, row.split, plain, text.spell(plain, languages.load(row.language)), samples))
    return clips


def add_speeds(clips: list[Clip], speeds: tuple[float, ...]) -> None:
    """Each clip at other speeds, for training."""
    for clip in clips:
        for speed in speeds:
            clip.speeds[speed] = at_speed(clip.samples, speed)
