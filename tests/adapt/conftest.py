"""Clips of a synthesiser with a card, as tests of adapting learn from them."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from speech.adapt import Material, gather
from speech.collections import answers
from tests.adapt.sources import CARD, CONTEXT
from tests.sounds import SENTENCES, spoken


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve clips of four sessions, spoken by eSpeak NG, with a manifest and a card."""
    folder = tmp_path_factory.mktemp("field")
    lines = []
    for number in range(12):
        text = SENTENCES[number % len(SENTENCES)]
        soundfile.write(folder / f"s{number // 3}_{number}.wav", spoken(text), 16_000)
        lines.append(f"s{number // 3}_{number}.wav\t{text}\tque\ts{number // 3}")
    (folder / "manifest.tsv").write_text("path\ttext\tlanguage\tsession\n" + "\n".join(lines) + "\n", encoding="utf-8")
    (folder / answers.CARD).write_text(CARD, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def material(field: Path) -> Material:
    return gather(field / "manifest.tsv", "que", context=CONTEXT)
