"""From text to sound. Now: eSpeak NG, as a library, for demonstrations and for training on spoken text.

eSpeak NG comes with the extra `tts` (its library is GPL-3, so it is never part of the core). It keeps its state in the
process: it is opened once, and whoever speaks waits until it is silent. Opened a second time it would go on with the
tables of the first, which are freed by then, and crash now and then.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.errors import ModelRefused

VOICES = {"que": "qu", "swh": "sw", "amh": "am"}
"""eSpeak NG voices of languages of ours. It has none for Yoruba, Breton, Kinyarwanda or Malagasy."""

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
        voice = VOICES.get(language, language) + (f"+{variant}" if variant else "")
        library = self._library
        with library.turn:
            if library.calls.espeak_SetVoiceByName(voice.encode()) != 0:
                raise ModelRefused(
                    where=f"eSpeak NG, language {language}",
                    what=f"there is no voice {voice}",
                    mend=f"Languages of ours with a voice: {', '.join(sorted(VOICES))}",
                    code="MODEL_LANGUAGE",
                )
            for parameter, value in ((_RATE, words_a_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
                library.calls.espeak_SetParameter(parameter, value, 0)
            library.pieces = []
            data = text.encode("utf-8") + b"\0"
            library.calls.espeak_Synth(data, len(data), 0, 0, 0, _UTF8, None, None)
            joined = np.concatenate(library.pieces) if library.pieces else np.zeros(0, np.int16)
        return (joined / 32768).astype(np.float32)
