"""eSpeak NG as a library: a voice in over a hundred languages, made by rule; no person was recorded for it.

It comes with the extra `tts` (its library is GPL-3, so it is never part of the core). It keeps its state in the process: it is opened
once, and whoever speaks waits until it is silent. Opened a second time it would go on with the tables of the first, which are freed
by then, and crash now and then.

What it does not know it does not refuse: a letter of another language it says in that language's voice, one without a rule by its name
or number, some signs not at all. `EspeakVoice.cannot_say` asks it for the phonemes of a word first, and names such letters.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import re
import subprocess
import sys
import threading
import unicodedata
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech import languages
from speech.collections import consent
from speech.errors import ModelRefused
from speech.say import espeak_alone
from speech.say.letters import SPOKEN_PUNCTUATION
from speech.say.records import Samples, Settings, VoiceFacts
from speech.text.nearest import plain_letter
from speech.text.spelling import graphemes, symbols_of

VOICES = {
    "afr": "af", "amh": "am", "ara": "ar",
    "arg": "an", "arb": "ar", "asm": "as", "aze": "az", "bak": "ba", "bel": "be", "bul": "bg", "ben": "bn",
    "bpy": "bpy", "bos": "bs", "cat": "ca", "chr": "chr", "cmn": "cmn", "ces": "cs", "chv": "cv", "cym": "cy",
    "dan": "da", "deu": "de", "ell": "el", "eng": "en", "epo": "eo", "spa": "es", "est": "et", "eus": "eu", "fas": "fa",
    "fin": "fi", "fra": "fr", "gle": "ga", "gla": "gd", "grn": "gn", "grc": "grc", "guj": "gu", "hak": "hak",
    "haw": "haw", "heb": "he", "hin": "hi", "hrv": "hr", "hat": "ht", "hun": "hu", "hye": "hy", "hyw": "hyw", "ina": "ia",
    "ind": "id", "ido": "io", "isl": "is", "ita": "it", "jpn": "ja", "jbo": "jbo", "kat": "ka", "kaz": "kk",
    "kal": "kl", "kan": "kn", "kor": "ko", "kok": "kok", "kur": "ku", "kir": "ky", "lat": "la", "ltz": "lb", "lfn": "lfn",
    "lit": "lt", "ltg": "ltg", "lav": "lv", "mri": "mi", "mkd": "mk", "mal": "ml", "mar": "mr", "msa": "ms", "mlt": "mt",
    "mto": "mto", "mya": "my", "nob": "nb", "nci": "nci", "nep": "ne", "nld": "nl", "nog": "nog", "orm": "om", "ori": "or",
    "pan": "pa", "pap": "pap", "pol": "pl", "por": "pt", "que": "qu", "quc": "quc", "ron": "ro", "rus": "ru", "snd": "sd",
    "shn": "shn", "sin": "si", "slk": "sk", "slv": "sl", "smj": "smj", "sqi": "sq", "srp": "sr", "swe": "sv", "swa": "sw", "swh": "sw",
    "tam": "ta", "tel": "te", "tha": "th", "tir": "ti", "tuk": "tk", "tsn": "tn", "tur": "tr", "tat": "tt", "uig": "ug",
    "ukr": "uk", "urd": "ur", "uzb": "uz", "vie": "vi", "yue": "yue", "zho": "cmn",
}  # fmt: skip
"""eSpeak NG's voice of each language (ISO 639-3). It has none for Yoruba, Breton, Kinyarwanda or Malagasy.

Faroese and Karakalpak are listed by it, but the library's package lacks their dictionaries."""

CARD = "espeak.card.toml"
"""The card that says that nobody was recorded; it lies beside this module."""

_SYNCHRONOUS = 2
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _Library:
    """The library as opened, and what it speaks at the moment."""

    def __init__(self, path: str, data: str) -> None:
        self.calls: Any = ctypes.CDLL(path)
        self.sample_rate: int = self.calls.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), 0)
        if self.sample_rate <= 0:
            raise ModelRefused(
                where="eSpeak NG",
                what="its voices cannot be opened",
                mend="pip install --force-reinstall espeakng-loader",
                code="MODEL_NOT_HERE",
            )
        self.pieces: list[NDArray[np.int16]] = []
        self.turn = threading.Lock()
        self._callback = _CALLBACK(self._collect)  # kept: the library holds its address only
        self.calls.espeak_SetSynthCallback(self._callback)
        self.calls.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self.calls.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int]
        self.calls.espeak_Info.restype = ctypes.c_char_p
        self.version: str = self.calls.espeak_Info(None).decode().split(" ")[0]

    def choose(self, language: str, variant: str = "") -> None:
        """Take the voice of a language, by its code in ISO 639-3 or eSpeak's own name; whoever calls holds `turn`.

        Raises
        ------
        ModelRefused
            `MODEL_LANGUAGE`: there is no such voice (it would go on in the voice before, silently).
        """
        voice = VOICES.get(language, language) + (f"+{variant}" if variant else "")
        if self.calls.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ModelRefused(
                where=f"eSpeak NG, language {language}",
                what=f"there is no voice {voice}",
                mend="speech say --list shows the languages that have one",
                code="MODEL_LANGUAGE",
            )

    def phonemes(self, text: str) -> str:
        """What the chosen voice would say, in eSpeak's own signs; whoever calls holds `turn`."""
        held = ctypes.create_string_buffer(text.encode("utf-8") + b"\0")
        place = ctypes.c_void_p(ctypes.addressof(held))
        parts: list[str] = []
        while place.value:
            said = self.calls.espeak_TextToPhonemes(ctypes.byref(place), _UTF8, 0)
            parts.append((said or b"").decode("utf-8", "replace"))
        return " ".join(parts)

    def _collect(self, samples: Any, count: int, _events: object) -> int:
        if samples and count > 0:
            self.pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0


_opened: list[_Library] = []
_opening = threading.Lock()


class Espeak:
    """The eSpeak NG library of the extra `tts`; every instance speaks by the one that this process opened.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`: the extra is not installed, or not whole.
    """

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError as error:
            raise ModelRefused(
                where="eSpeak NG",
                what="the library is not installed",
                mend="pip install 'oral-speech[tts]'",
                code="MODEL_NOT_HERE",
            ) from error
        with _opening:
            if not _opened:
                _opened.append(_Library(espeakng_loader.get_library_path(), espeakng_loader.get_data_path()))
        self._library = _opened[0]
        self.sample_rate = self._library.sample_rate

    def say(
        self,
        text: str,
        language: str,
        *,
        variant: str = "",
        words_a_minute: int = 150,
        pitch: int = 50,
        pitch_range: int = 50,
    ) -> NDArray[np.float32]:
        """`text` as samples (length,) in -1..1 at `sample_rate`, by the voice of an ISO 639-3 language.

        Raises
        ------
        ModelRefused
            `MODEL_LANGUAGE`: eSpeak NG has no such voice (it would go on in the voice before, silently).
        """
        library = self._library
        with library.turn:
            library.choose(language, variant)
            for parameter, value in ((_RATE, words_a_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
                library.calls.espeak_SetParameter(parameter, value, 0)
            library.pieces = []
            data = text.encode("utf-8") + b"\0"
            library.calls.espeak_Synth(data, len(data), 0, 0, 0, _UTF8, None, None)
            joined = np.concatenate(library.pieces) if library.pieces else np.zeros(0, np.int16)
        return (joined / 32768).astype(np.float32)


PACE = 150
"""Words a minute at speed 1.0."""
_ANOTHER_VOICE = "("
"""In phonemes: from here on in the voice of another language."""
_STRESS = re.compile(r"[',%_|: ]+")
_UNKNOWN = ("\u07ca", "\ua66e")
"""Letters without a rule in any voice (one of N'Ko, an old Cyrillic one): said as "letter" and a number, in the voice's own words."""
_WORD_PARTS = re.compile(r"[^\W\d_]+")


class EspeakVoice:
    """eSpeak NG's voice of a language, as `Voice`; `reads` is the language of the texts, where the voice is borrowed.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`: the extra `tts` is not installed. `MODEL_LANGUAGE`: there is no such voice.
    """

    def __init__(self, language: str, *, reads: str = "") -> None:
        self._speaker = Espeak()
        self._library = self._speaker._library
        self._voice = language
        with self._library.turn:
            self._library.choose(language)
            self._numbered = _common(*(_bare(self._library.phonemes(sign)) for sign in _UNKNOWN))
        self.sample_rate, self.speakers = self._speaker.sample_rate, 1
        self.facts = VoiceFacts(
            engine="espeak",
            name=f"eSpeak NG {VOICES.get(language, language)}",
            language=language,
            origin=f"eSpeak NG {self._library.version}, by rule, without recordings (https://github.com/espeak-ng/espeak-ng)",
            licence="GPL-3.0-or-later (the program; what it says is not bound by it)",
            sha256=hashlib.sha256(f"eSpeak NG {self._library.version} {VOICES.get(language, language)}".encode()).hexdigest(),
            synthetic=True,
        )
        card = Path(str(resources.files("speech.say").joinpath(CARD)))
        self.item = consent.Item(id=self.facts.name, card_path=card, no_voice=True)
        self._trusted = _trusted_letters(language, reads or language)
        self._of_word = functools.lru_cache(maxsize=4096)(self._cannot_say)

    def cannot_say(self, word: str) -> frozenset[str]:
        """As `Voice.cannot_say`: what is said in another language's voice, by its number, or not at all.

        An apostrophe at which it would break the word and spell its letters is named, too.
        """
        return self._of_word(word)

    def _cannot_say(self, word: str) -> frozenset[str]:
        with self._library.turn:
            self._library.choose(self._voice)
            whole = self._library.phonemes(word)
            letters = [g for g in dict.fromkeys(graphemes(word)) if unicodedata.category(g[0])[0] in "LNS" or g in SPOKEN_PUNCTUATION]
            found = {g for g in letters if self._is_silent(g, word, whole) or self._is_folded(g, word, whole)}
            if self._numbered in _bare(whole):
                found |= {g for g in letters if any(_bare(said).startswith(self._numbered) for said in self._alone(g))}
            if _ANOTHER_VOICE in whole:
                # Where no letter alone is another voice's, the voice's own dictionary says so of the word, such as week-end in French.
                found |= {g for g in graphemes(word) if any(_ANOTHER_VOICE in said for said in self._alone(g))}
            return frozenset(found | self._spelt_at(word, whole))

    def _alone(self, letter: str) -> list[str]:
        """What is said for a letter that stands alone, and for its signs one by one: of a mark that follows it is silent at times."""
        return [self._library.phonemes(part) for part in dict.fromkeys((letter, *letter))]

    def _is_silent(self, letter: str, word: str, whole: str) -> bool:
        """Whether a letter has no sound, neither alone nor in its word."""
        return not _bare(self._library.phonemes(letter)) and _bare(whole) == _bare(self._library.phonemes(word.replace(letter, "")))

    def _is_folded(self, letter: str, word: str, whole: str) -> bool:
        """Whether a letter that is not of the voice's language is said as a plain one that looks like it: ŋ as n, á as a."""
        if self._trusted is None or letter.isascii() or letter.lower() in self._trusted:
            return False
        plain = plain_letter(letter)
        others = {plain, plain[:1]} - {"", letter}
        return any(_bare(whole) == _bare(self._library.phonemes(word.replace(letter, other))) for other in others)

    def _spelt_at(self, word: str, whole: str) -> set[str]:
        """The apostrophes of a word at which the voice spells the letters of a part that has no vowel."""
        marks = {sign for sign in word if sign in "'’ʼ‘`"}
        if not marks:
            return set()
        for part in _WORD_PARTS.findall(word):
            names = "".join(_bare(self._library.phonemes(letter)) for letter in part)
            if part != word and len(names) > len(part) and names in _bare(whole):
                return marks
        return set()

    def say(self, sentence: str, settings: Settings, *, number: int = 0) -> Samples:
        """As `Voice.say`, in a process of its own (`espeak_alone` says why); nothing is drawn by chance, so no seed is needed.

        Raises
        ------
        ModelRefused
            `VOICE_FAILED`: eSpeak NG ended badly.
        """
        import espeakng_loader

        voice = VOICES.get(self._voice, self._voice)
        program = [
            sys.executable, "-I", espeak_alone.__file__, espeakng_loader.get_library_path(), espeakng_loader.get_data_path(), voice,
            str(round(PACE * settings.speed)),
        ]  # fmt: skip
        done = subprocess.run(program, input=sentence.encode("utf-8"), capture_output=True, check=False)
        if done.returncode:
            raise ModelRefused(
                self.facts.name, f"eSpeak NG ended with status {done.returncode}", "pip install --force-reinstall espeakng-loader",
                "VOICE_FAILED",
            )  # fmt: skip
        return (np.frombuffer(done.stdout, "<i2") / 32768).astype(np.float32)


def _bare(said: str) -> str:
    """Phonemes without stress, pauses and length."""
    return _STRESS.sub("", said)


def _trusted_letters(language: str, reads: str) -> frozenset[str] | None:
    """Letters that need no look at how they are said: the alphabet of the voice's language. None: all of them.

    Of a language without a table we do not know which letters are its own; its own voice does.
    """
    table = languages.load(language) if languages.is_code(language) else None
    if reads == language and (table is None or not table.listed):
        return None
    return frozenset(symbols_of(table)) if table is not None else frozenset()


def _common(one: str, other: str) -> str:
    """How two begin alike; empty where that is too little to tell by."""
    n = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:n] if n >= 3 else ""
