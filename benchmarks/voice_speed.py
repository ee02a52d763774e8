"""Speed of speaking, as times real time, beside what is called plainly: eSpeak NG's own program or library, and transformers' VITS.

A text of 40 sentences by eSpeak NG, and one of 8 by a VITS checkpoint of the real size with random weights (its speech is noise, its time
is not). `say` checks letters, asks the gate, speaks a sentence a process (eSpeak NG), writes the file and the ledger's row; plain means the
sound in memory and nothing else. Both of a pair run in turn in one process, three times, and the quickest counts.
Command: python benchmarks/voice_speed.py
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from figures import keep

SENTENCES = (
    "Habari za asubuhi, rafiki yangu.",
    "Leo tunakwenda sokoni kununua matunda na mboga.",
    "Watoto wanacheza karibu na nyumba yetu.",
)
TIMES = 3


def quickest(work: Callable[[], object]) -> float:
    """Seconds of the quickest of three."""
    found = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def espeak(folder: Path) -> dict[str, object]:
    """eSpeak NG through `say`, beside its own program where it is on the PATH, else its library called plainly."""
    from speech.collections import consent
    from speech.say import Espeak, say

    text = " ".join((SENTENCES * 14)[:40])
    context = consent.Context(basis="benchmark")
    spoken = say(text, language="swh", out=folder / "a.wav", context=context)
    ours = quickest(lambda: say(text, language="swh", out=folder / "a.wav", context=context, force=True))
    program = shutil.which("espeak-ng") or shutil.which("espeak")
    if program:
        theirs = quickest(lambda: subprocess.run([program, "-v", "sw", "-w", str(folder / "b.wav"), text], check=True))
    else:
        library = Espeak()
        theirs = quickest(lambda: library.say(text, "swh"))
    seconds = spoken.duration_ms / 1000
    return {
        "eSpeak NG, 40 sentences, seconds of speech": round(seconds, 1),
        "eSpeak NG through say, times real time": round(seconds / ours, 1),
        f"eSpeak NG, {'its program' if program else 'its library'}, times real time": round(seconds / theirs, 1),
    }


def vits(folder: Path) -> dict[str, object]:
    """A VITS checkpoint through `say`, beside plain transformers."""
    from speech.models import guard

    guard.load()
    import torch
    from transformers import VitsModel, VitsTokenizer, set_seed

    from speech.collections import consent
    from speech.say import engines, say

    checkpoint = importlib.import_module("tests.say.vits_folder").save(folder / "voice", real=True)
    sentences = (SENTENCES * 3)[:8]
    context = consent.Context(basis="benchmark")
    voice = engines.load(str(checkpoint), "swh")
    text = " ".join(sentences)
    spoken = say(text, language="swh", voice=voice, out=folder / "v.wav", context=context)
    ours = quickest(lambda: say(text, language="swh", voice=voice, out=folder / "v.wav", context=context, force=True))
    model, tokenizer = VitsModel.from_pretrained(checkpoint).eval(), VitsTokenizer.from_pretrained(checkpoint)

    def plain() -> None:
        for number, sentence in enumerate(sentences):
            set_seed(number)
            with torch.inference_mode():
                model(**tokenizer(sentence, return_tensors="pt"))

    plain()
    theirs = quickest(plain)
    seconds = spoken.duration_ms / 1000
    return {
        "VITS, 8 sentences, seconds of sound": round(seconds, 1),
        "VITS through say, times real time": round(seconds / ours, 2),
        "VITS by plain transformers, times real time": round(seconds / theirs, 2),
        "VITS, seconds of say beside plain": round(ours / theirs, 2),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        os.environ["SPEECH_STORE"] = str(Path(name) / "store.sqlite3")
        keep("voice_speed", {**espeak(Path(name)), **vits(Path(name))})


if __name__ == "__main__":
    main()
