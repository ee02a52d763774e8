"""What `mini` reads: the open clips, spelt and checked; speech by eSpeak NG; and sound that is not speech.

Used by train_mini.py and score_mini.py. Only collections whose card grants training are read.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import soxr

from speech import languages, text
from speech.collections import consent
from speech.collections.cards import load_card
from speech.collections.consent import Context, Item
from speech.languages import Language

RATE = 16_000
COLLECTIONS = ("que_killkan", "yor_ogun", "amh_azime", "swh_gitau", "bre_roadennou", "kin_ishimwe", "mlg_dimbyr_m", "mlg_dimbyr_f")
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


def read_clips(root: Path, splits: set[str], *, left_out: Counter[str], only: set[str] | None = None, every: int = 1) -> list[Clip]:
    """Clips of the open collections, every n-th of each. `left_out` counts, by language, split and reason, what is not read.

    In training texts, Swahili numbers are spelt out by rule; elsewhere clips with digits are left out.
    """
    clips: list[Clip] = []
    for collection in COLLECTIONS:
        folder = root / "open" / collection
        lines = (folder / "manifest.tsv").read_text(encoding="utf-8").split("\n")
        head = lines[0].split("\t")
        for line in list(filter(None, lines[1:]))[::every]:
            row = dict(zip(head, line.split("\t"), strict=True))
            if row["split"] not in splits or (only and row["language"] not in only):
                continue
            language = languages.load(row["language"])
            plain, reason = spelt(row["text"], language, numbers=row["split"] == "train")
            if reason:
                left_out[f"{row['language']} {row['split']}: {reason}"] += 1
                continue
            samples, rate = soundfile.read(folder / row["path"], dtype="int16")
            if rate != RATE:
                raise ValueError(f"{row['path']}: {rate} Hz")
            clips.append(Clip(row["path"], collection, row["language"], row["split"], plain, text.spell(plain, language), samples))
    return clips


def add_speeds(clips: list[Clip], speeds: tuple[float, ...]) -> None:
    """Each clip at other speeds (pitch moves with it), for training."""
    for clip in clips:
        for speed in speeds:
            clip.speeds[speed] = clip.samples if speed == 1.0 else soxr.resample(clip.samples, RATE * speed, RATE, quality="MQ")


class Augment:
    """Level, noise, another voice behind, room, band: what recordings in the field have. Draws from its own generator."""

    def __init__(self, rng: np.random.Generator, others: list[Clip]) -> None:
        self.rng = rng
        self.others = others

    def __call__(self, signal: Samples) -> Samples:
        rng = self.rng
        if rng.random() < 0.25:
            signal = self._room(signal)
        if rng.random() < 0.35:
            signal = self._tilt(signal)
        if rng.random() < 0.15:
            signal = band(signal, float(rng.uniform(3000, 3900)))
        if rng.random() < 0.5:
            noise = self._babble(len(signal)) if rng.random() < 0.3 else coloured(rng, len(signal))
            level = 10 ** (-rng.uniform(5, 30) / 20)
            power = float(np.sqrt(np.mean(signal**2))) + 1e-6
            signal = signal + noise * (level * power / (float(np.sqrt(np.mean(noise**2))) + 1e-6))
        return signal.astype(np.float32)

    def _room(self, signal: Samples) -> Samples:
        length = int(RATE * self.rng.uniform(0.05, 0.35))
        tail = self.rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 6.9))
        tail *= self.rng.uniform(0.05, 0.5) / (np.sqrt(np.sum(tail**2)) + 1e-9)
        tail[0] = 1.0
        size = 1 << int(np.ceil(np.log2(len(signal) + length)))
        spectrum = np.fft.rfft(signal, size) * np.fft.rfft(tail, size)
        return np.asarray(np.fft.irfft(spectrum, size)[: len(signal)])

    def _tilt(self, signal: Samples) -> Samples:
        """A smooth random equaliser of up to about 6 dB."""
        points = self.rng.uniform(-6, 6, 6)
        spectrum = np.fft.rfft(signal)
        where = np.linspace(0, 5, len(spectrum)) ** 0.5 * 5**0.5
        return np.asarray(np.fft.irfft(spectrum * 10 ** (np.interp(where, np.arange(6), points) / 20), len(signal)))

    def _babble(self, length: int) -> Samples:
        out = np.zeros(length)
        for _ in range(self.rng.integers(2, 5)):
            other = self.others[int(self.rng.integers(len(self.others)))].samples.astype(np.float64)
            other = other / (np.sqrt(np.mean(other**2)) + 1.0)
            start = int(self.rng.integers(len(other)))
            out += np.resize(np.roll(other, start), length)
        return out


def coloured(rng: np.random.Generator, length: int) -> Samples:
    """Noise whose spectrum falls or rises by a random power of frequency."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency = np.maximum(np.arange(len(spectrum)), 1.0)
    return np.asarray(np.fft.irfft(spectrum * frequency ** rng.uniform(-1.0, 0.3), length))


def band(signal: Samples, top: float) -> Samples:
    """Only what lies below `top` Hz, as a telephone leaves it."""
    spectrum = np.fft.rfft(signal)
    spectrum[int(len(spectrum) * top / (RATE / 2)) :] = 0
    return np.asarray(np.fft.irfft(spectrum, len(signal)))


def not_speech(rng: np.random.Generator, length: int) -> Samples:
    """Sound without words, made not recorded: noise, hum, tones, chords with an envelope, knocks, sweeps, silence."""
    kind = int(rng.integers(8))
    time = np.arange(length) / RATE
    if kind == 0:
        return coloured(rng, length)
    if kind == 1:
        return np.asarray(rng.standard_normal(length) * 1e-3 * rng.random())
    if kind == 2:
        base = float(rng.choice([50.0, 60.0, 100.0, 120.0]))
        hum = sum(rng.random() * np.sin(2 * np.pi * base * k * time + rng.uniform(0, 6)) for k in range(1, 8))
        return np.asarray(hum + 0.02 * rng.standard_normal(length))
    if kind in (3, 4):
        out = 0.01 * rng.standard_normal(length)
        place = 0
        while place < length:
            step = int(RATE * rng.uniform(0.08, 0.9))
            span = time[: min(step, length - place)]
            root = 110 * 2 ** rng.uniform(0, 3)
            for ratio in rng.choice([1, 1.2, 1.25, 1.333, 1.5, 1.6, 2, 3, 4], int(rng.integers(1, 5)), replace=False):
                vibrato = 1 + 0.01 * rng.random() * np.sin(2 * np.pi * rng.uniform(4, 7) * span)
                tone = np.sin(2 * np.pi * root * ratio * np.cumsum(vibrato) / RATE)
                for k in range(2, int(rng.integers(2, 7))):
                    tone = tone + rng.random() / k * np.sin(2 * np.pi * k * root * ratio * span)
                out[place : place + len(span)] += rng.random() * tone * np.exp(-span * rng.uniform(0.2, 6))
            place += step
        return np.asarray(out)
    if kind == 5:
        out = 0.005 * rng.standard_normal(length)
        for _ in range(int(rng.integers(1, 1 + 3 * max(1, length // RATE)))):
            size = int(RATE * rng.uniform(0.005, 0.15))
            place = int(rng.integers(max(1, length - size)))
            knock = rng.standard_normal(size) * np.exp(-np.arange(size) / (size / 5))
            out[place : place + size] += rng.uniform(0.1, 1) * knock[: length - place]
        return np.asarray(out)
    if kind == 6:
        start, end = rng.uniform(80, 4000, 2)
        return np.asarray(np.sin(2 * np.pi * np.cumsum(np.linspace(start, end, length)) / RATE) + 0.01 * rng.standard_normal(length))
    # Noise that comes and goes at about the pace of syllables, in a band: the hardest to tell from speech.
    pace = np.interp(time, np.arange(0, time[-1] + 0.3, 0.15), rng.random(int((time[-1] + 0.3) / 0.15) + 1))
    low, high = sorted(rng.uniform(100, 6000, 2))
    spectrum = np.fft.rfft(rng.standard_normal(length))
    edge = np.fft.rfftfreq(length, 1 / RATE)
    spectrum[(edge < low) | (edge > high)] = 0
    return np.asarray(np.fft.irfft(spectrum, length) * pace)


def levelled(signal: Samples) -> Samples:
    """Zero mean and unit variance, as the checkpoint's feature extractor asks."""
    signal = signal - np.mean(signal)
    return np.asarray(signal / np.sqrt(np.var(signal) + 1e-7), dtype=np.float32)
