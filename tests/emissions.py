"""Emissions that tests make: clear letters, and word breaks that are heard with a given probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from speech.score.weighing import Emitted, Output

SYMBOLS = ("<pad>", "<s>", "</s>", "<unk>", "|", *"acdhiklmnprstuwyñ")
OUTPUT = Output(language="que", symbols=SYMBOLS, blank=0)
SENTENCES = ("kay wasi sumak kan", "chay wasi hatun kan", "kay runa sumak kan", "ñuka wasi kan")


def emitted(texts: Sequence[str], break_heard: float, *, sessions: int = 0) -> list[Emitted]:
    """Clips whose letters are clear, and whose word breaks are heard with so much probability, against the blank."""
    found = []
    for number, text in enumerate(texts):
        rows = []
        for sign in text:
            row = np.full(len(SYMBOLS), 1e-4)
            if sign == " ":
                row[0], row[4] = 1 - break_heard, break_heard
            else:
                row[SYMBOLS.index(sign)] = 0.9
                row[0] = 0.09
            rows += [row, np.where(np.arange(len(SYMBOLS)) == 0, 0.99, 1e-4)]
        shares = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
        session = f"s{number % sessions}" if sessions else "one"
        found.append(Emitted(id=str(number), reference=text, recording=session, emissions=[np.log(shares).astype(np.float32)]))
    return found
