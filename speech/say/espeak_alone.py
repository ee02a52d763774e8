"""One sentence by eSpeak NG in a process of its own: run as a script, by nothing but Python's own library.

eSpeak NG keeps things between sentences that neither a seed nor opening it anew resets, so the same sentence sounds a little different
each time; a process begins where every other began. Arguments: library, data, voice, words a minute. The sentence comes on standard
input (UTF-8); samples go to standard output (16 bit, little-endian). Exit status 3: there is no such voice.
"""

import ctypes
import sys

_SYNCHRONOUS, _UTF8, _RATE = 2, 1, 1


def main(library: str, data: str, voice: str, words_a_minute: str) -> int:
    """Speak; see above."""
    calls = ctypes.CDLL(library)
    if calls.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), 0) <= 0:
        return 4
    pieces: list[bytes] = []

    def collect(samples: object, count: int, _events: object) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))  # type: ignore[arg-type]
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(collect)
    calls.espeak_SetSynthCallback(callback)
    if calls.espeak_SetVoiceByName(voice.encode()) != 0:
        return 3
    calls.espeak_SetParameter(_RATE, int(words_a_minute), 0)
    text = sys.stdin.buffer.read() + b"\0"
    calls.espeak_Synth(text, len(text), 0, 0, 0, _UTF8, None, None)
    sys.stdout.buffer.write(b"".join(pieces))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
