"""Self-training: what is untranscribed is found and asked for, drafted, and learnt from only where dev says that it helps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from speech.adapt import Clip, Material, adapt, gather, make_adapter
from speech.adapt.drafts import Drafted, SelfTaught, drafted, joined, untranscribed_in
from speech.collections import answers, ledger
from speech.errors import ConsentRefused, ManifestRefused
from speech.models.checkpoint import open_checkpoint
from speech.models.hub import mini_folder
from tests.adapt.sources import CARD, CONTEXT, settings
from tests.sounds import SENTENCES, spoken


@pytest.fixture
def tapes(tmp_path: Path) -> Path:
    """Three recordings without texts, one of them broken, below a card."""
    folder = tmp_path / "tapes"
    folder.mkdir()
    silence = np.zeros(16_000, np.float32)
    for name, texts in (("long.wav", SENTENCES[:2]), ("short.wav", SENTENCES[2:3])):
        sound = np.concatenate([part for text in texts for part in (silence, spoken(text), silence)])
        soundfile.write(folder / name, sound, 16_000)
    (folder / "broken.wav").write_bytes(b"RIFF")
    (folder / answers.CARD).write_text(CARD, encoding="utf-8")
    return folder


def test_passages_of_speech_are_found_and_what_cannot_be_read_is_named(tapes: Path, material: Material) -> None:
    found = untranscribed_in(tapes, "que", material, context=CONTEXT)
    assert len(found.recordings) == 2 and len(found.clips) >= 3
    assert all(not clip.text and 0.2 <= clip.seconds <= 23.5 for clip in found.clips)
    assert found.records and [name for name in found.refused if "broken.wav" in name]
    one = untranscribed_in(tapes / "short.wav", "que", material, context=CONTEXT)
    assert len(one.recordings) == 1


def test_nothing_that_has_a_text_is_drafted_test_included(field: Path, tmp_path: Path) -> None:
    rows = ["path\ttext\tlanguage\tsplit"]
    for number, split in enumerate(("train", "train", "dev", "test")):
        soundfile.write(tmp_path / f"{number}.wav", spoken(SENTENCES[number % len(SENTENCES)]), 16_000)
        rows.append(f"{number}.wav\tkay\tque\t{split}")
    (tmp_path / "manifest.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / answers.CARD).write_text(CARD, encoding="utf-8")
    known = gather(tmp_path / "manifest.tsv", "que", context=CONTEXT)
    with pytest.raises(ManifestRefused, match="no untranscribed speech"):
        untranscribed_in(tmp_path, "que", known, context=CONTEXT)
    (tmp_path / "copy.wav").write_bytes((tmp_path / "0.wav").read_bytes())  # under another name: told by its hash
    soundfile.write(tmp_path / "new.wav", spoken("kay mushuk shimi"), 16_000)
    found = untranscribed_in(tmp_path, "que", known, context=CONTEXT)
    assert {clip.session for clip in found.clips} == {str(tmp_path / "new.wav")}


def test_rows_without_a_text_are_drafted_and_those_of_test_are_not(tmp_path: Path, material: Material) -> None:
    rows = ["path\ttext\tlanguage\tsplit"]
    for number, split in enumerate(("train", "test")):
        soundfile.write(tmp_path / f"{number}.wav", spoken(SENTENCES[number]), 16_000)
        rows.append(f"{number}.wav\t\tque\t{split}")
    (tmp_path / "manifest.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / answers.CARD).write_text(CARD, encoding="utf-8")
    found = untranscribed_in(tmp_path / "manifest.tsv", "que", material, context=CONTEXT)
    assert [clip.session for clip in found.clips] == [str(tmp_path / "0.wav")]


def test_without_a_card_nothing_is_decoded(
    tapes: Path,
    material: Material,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tapes / answers.CARD).unlink()
    monkeypatch.setattr("speech.audio.load", lambda *_: pytest.fail("a recording was read"))
    with pytest.raises(ConsentRefused) as refusal:
        untranscribed_in(tapes, "que", material, context=CONTEXT)
    assert refusal.value.code == "NO_CARD"


def clip(name: str, seconds: float) -> Clip:
    return Clip(id=name, text="a", symbols=["a"], samples=np.zeros(int(seconds * 16_000), np.int16))


def test_the_surer_half_of_the_sound_is_taken() -> None:
    drafts = Drafted(clips=[clip("a", 3), clip("b", 2), clip("c", 4), clip("d", 1)], sure=[0.9, 0.8, 0.5, 0.1])
    assert [c.id for c in drafts.surest()] == ["a", "b"]
    assert [c.id for c in drafts.surest(0.1)] == ["a"]


def test_half_of_what_is_heard_is_transcribed_by_people(material: Material) -> None:
    own = sum(c.seconds for c in material.train)
    both = joined(material, [clip(f"draft{n}", own) for n in range(3)])
    assert len(both.train) == 3 * len(material.train) + 3
    assert len({c.id for c in both.train}) == len(both.train)
    assert both.dev is material.dev
    assert joined(material, []).train == material.train


def test_drafts_are_of_the_letters_that_were_learnt_the_surest_first(
    tapes: Path,
    material: Material,
    tmp_path: Path,
) -> None:
    base = open_checkpoint(mini_folder())
    made = adapt(material, base, tmp_path / "run", settings(4), donor=None)
    found = untranscribed_in(tapes, "que", material, context=CONTEXT)
    drafts = drafted(made, found.clips)
    assert drafts.sure == sorted(drafts.sure, reverse=True)
    assert all(set(c.symbols) <= set(made.learner.vocabulary) and c.text for c in drafts.clips)


@pytest.mark.parametrize("helps", [True, False])
def test_what_helps_on_dev_is_taken_and_the_card_says_so(
    helps: bool,
    field: Path,
    tapes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SelfTaught, "kept", property(lambda _: helps))
    said: list[str] = []
    names: list[str] = []

    def stepped(name: str, step: int, every: int) -> None:
        assert step < every
        if name not in names:
            names.append(name)

    made = make_adapter(
        field / "manifest.tsv", language="que", out=tmp_path / "out", basis="test", donor="que", steps=4, curve=False, with_lm="off",
        untranscribed=tapes, say=said.append, stepped=stepped,
    )  # fmt: skip
    assert made.taught is not None and made.taught.clips > 0
    trained: Any = made.card.trained
    assert ("drafted_hours" in trained) is helps
    assert any(line.startswith("with drafts: CER on dev") for line in said)
    assert names == ["learning", "learning with drafts"]
    row = ledger.newest()
    assert row is not None
    used = {entity["sha256"] for entity in json.loads(row.body)["used"] if entity["kind"] == "recording"}
    assert (made.taught.recordings <= used) is helps
    assert not list((tmp_path / "out" / "run").rglob("last.pt"))
