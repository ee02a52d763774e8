"""`speech lm` and `--lm`: learnt from text of many kinds, used where it lies, asked of the gate, and never a cage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from speech import cli
from speech.formats import read, save
from speech.models.lm.files import load
from speech.types import Segment, Span, Transcript
from tests.sounds import SENTENCES, spoken
from tests.sounds import save as save_sound

TEXTS = ("kay wasi sumak kan", "chay wasi hatun kan", "kay runa sumak kan", "ñuka wasi kan") * 3


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "stories.txt"
    path.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    return path


def run(*arguments: object, status: int = 0) -> None:
    assert cli.run([str(a) for a in arguments]) == status


def test_a_model_is_learnt_from_text_and_says_what_it_holds(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "lm.que.safetensors"
    (tmp_path / "unseen.txt").write_text("chay runa sumak kan\n", encoding="utf-8")
    run("lm", "train", text, "-l", "QUE", "--out", out, "--held-out", tmp_path / "unseen.txt", "--json")
    row = json.loads(capsys.readouterr().out)
    assert (row["sentences"], row["words"], row["different_words"]) == (12, 45, 8)
    assert 1 < row["held_out"]["perplexity"] < 5 and row["held_out"]["letters"] == 20
    run("lm", "show", out)
    said = capsys.readouterr().out
    assert "stories.txt" in said and "the user's own text" in said
    run("lm", "train", text, "-l", "que", "--out", out, status=1)
    assert "FORMAT_EXISTS" in capsys.readouterr().err
    run("lm", "train", text, "-l", "que", "--out", tmp_path / "lm.arpa")
    assert (tmp_path / "lm.arpa").read_text(encoding="utf-8").startswith("\\data\\")
    run("lm", "train", text, "-l", "que", "--out", tmp_path / "words.arpa", "--arpa-of", "words")
    words = load(tmp_path / "words.arpa").model.words
    assert words is not None and "w a s i" in words.ngram.units


def test_what_people_said_is_asked_of_the_gate(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    eaf = tmp_path / "corrected.eaf"
    save(Transcript(segments=tuple(Segment(span=Span(start_ms=n, end_ms=n + 1), text=t) for n, t in enumerate(TEXTS))), eaf)
    run("lm", "train", eaf, "-l", "que", "--out", tmp_path / "lm.safetensors", status=1)
    assert "[NO_CARD]" in capsys.readouterr().err and not (tmp_path / "lm.safetensors").exists()
    import re

    from tests.conftest import REPOSITORY

    card = re.findall(r"```toml\n(.*?)```", (REPOSITORY / "docs/guides/consent.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "collection.card.toml").write_text(card, encoding="utf-8")
    run("lm", "train", eaf, "-l", "que", "--out", tmp_path / "lm.safetensors")
    assert load(tmp_path / "lm.safetensors").model.card["sentences"] == 12
    (tmp_path / "collection.card.toml").write_text(card.replace('"LOCAL", "train_asr"', '"LOCAL"'), encoding="utf-8")
    run("lm", "train", text, "-l", "que", "--out", tmp_path / "other.safetensors", status=1)


def test_sentences_of_other_letters_are_left_out_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("kay wasi\n12 wasi\nкай васи\n", encoding="utf-8")
    run("lm", "train", path, "-l", "que", "--out", tmp_path / "lm.safetensors")
    assert "1 with digits" in (said := capsys.readouterr().err) and "1 with letters outside the alphabet" in said
    path.write_text("12\n", encoding="utf-8")
    run("lm", "train", path, "-l", "que", "--out", tmp_path / "two.safetensors", status=1)
    assert "TEXT_EMPTY" in capsys.readouterr().err


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sound(tmp_path_factory.mktemp("story") / "story.wav", spoken(*SENTENCES))


def transcribed(story: Path, out: Path, *more: object) -> Any:
    run("transcribe", story, "-l", "que", "--precision", "fp32", "-o", out, "-f", "json", *more)
    return read(out / "story.json")


def test_a_model_changes_what_is_heard_and_stands_in_the_transcript(story: Path, tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_text("\n".join([*SENTENCES, *SENTENCES, "kay wasi"]), encoding="utf-8")
    run("lm", "train", path, "-l", "que", "--out", tmp_path / "own.safetensors", "--at-least", "1")
    greedy = transcribed(story, tmp_path / "off", "--lm", "off")
    helped = transcribed(story, tmp_path / "on", "--lm", tmp_path / "own.safetensors")
    assert greedy.provenance[-1].language_model_sha256 == ""
    assert helped.provenance[-1].language_model_sha256 == load(tmp_path / "own.safetensors").sha256
    spoken_words = {w for s in SENTENCES for w in s.lower().replace(".", "").replace(",", "").split()}
    right = [sum(w.text in spoken_words for s in t.segments for w in s.words) for t in (greedy, helped)]
    assert right[1] > right[0]
    for segment in helped.segments:
        starts = [w.span.start_ms for w in segment.words]
        assert starts == sorted(starts) and segment.text == " ".join(w.text for w in segment.words)
        assert all(segment.span.start_ms <= w.span.start_ms < w.span.end_ms <= segment.span.end_ms for w in segment.words)
        assert all(0 <= w.confidence <= 1 for w in segment.words)
    # No calibration was fitted for it: then confidences say so, and are no probabilities.
    assert helped.provenance[-1].calibration.startswith("not calibrated")
    again = transcribed(story, tmp_path / "again", "--lm", tmp_path / "own.safetensors")
    assert again.segments == helped.segments


def test_a_model_that_is_not_there_is_refused(story: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("transcribe", story, "-l", "que", "--lm", tmp_path / "no.arpa", status=1)
    assert "PATH_MISSING" in capsys.readouterr().err


def test_another_language_model_is_another_result(story: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("lm", "train", text, "-l", "que", "--out", tmp_path / "own.safetensors")
    transcribed(story, tmp_path / "out", "--lm", "off")
    run("transcribe", story, "-l", "que", "--precision", "fp32", "-o", tmp_path / "out", "-f", "json", "--lm", "off")
    assert "unchanged" in capsys.readouterr().err
    run(
        "transcribe",
        story,
        "-l",
        "que",
        "--precision",
        "fp32",
        "-o",
        tmp_path / "out",
        "-f",
        "json",
        "--lm",
        tmp_path / "own.safetensors",
        status=1,
    )
    assert "an earlier run wrote this" in capsys.readouterr().err


class Stub:
    """A recogniser of which only the place of its adapter is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def use(self, language: str) -> Any:
        from types import SimpleNamespace

        return SimpleNamespace(path=self.folder / f"adapter.{language}.safetensors", tensor_sha256="a" * 64)


def test_the_model_beside_the_adapter_is_found_before_that_of_the_folder(text: Path, tmp_path: Path) -> None:
    from speech.models.lm.finding import LanguageModels

    folder = tmp_path / "model"
    (folder / "language_model").mkdir(parents=True)
    recogniser: Any = Stub(folder)
    assert LanguageModels().of(recogniser, "que") is None
    run("lm", "train", text, "-l", "que", "--out", folder / "language_model" / "5gram.arpa")
    found = LanguageModels().of(recogniser, "que")
    assert found is not None and found.path.name == "5gram.arpa"
    run("lm", "train", text, "-l", "que", "--out", folder / "lm.que.safetensors")
    found = LanguageModels().of(recogniser, "que")
    assert found is not None and found.path.name == "lm.que.safetensors"
    assert LanguageModels("off").of(recogniser, "que") is None
    named = LanguageModels(str(folder / "language_model" / "5gram.arpa")).of(recogniser, "que")
    assert named is not None and named.path.name == "5gram.arpa"


def test_a_calibration_counts_only_with_the_adapter_that_it_was_fitted_with(text: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from speech.models.lm.files import save as save_model
    from speech.models.lm.finding import LanguageModels

    run("lm", "train", text, "-l", "que", "--out", tmp_path / "plain.safetensors")
    model = load(tmp_path / "plain.safetensors").model
    for adapter, calibrated in (("a" * 64, True), ("b" * 64, False)):
        told = {"adapter": adapter, "raw": [0.0, 1.0], "right": [0.1, 0.9], "words": 100, "split": "dev", "ece": 0.01}
        save_model(replace(model, card={**model.card, "calibration": told}), tmp_path / "lm.que.safetensors")
        found = LanguageModels().calibration(Stub(tmp_path), "que")  # type: ignore[arg-type]  # only its place is asked
        assert str(found).startswith("calibrated on dev: 100 words" if calibrated else "not calibrated")
        assert found(0.5) == pytest.approx(0.5)


def test_hot_words_without_a_model_are_told(tmp_path: Path) -> None:
    from speech.models.lm.finding import LanguageModels

    assert [f.code for f in LanguageModels(hotwords=["Rosa"]).findings(Stub(tmp_path), "que")] == ["MODEL_LM"]  # type: ignore[arg-type]


def test_an_adapter_that_is_added_brings_the_language_model_beside_it() -> None:
    from speech.models.cards import read_card
    from speech.models.hub import mini_folder, user_folder

    run("model", "add", mini_folder() / "adapter.swh.safetensors")
    base = read_card(mini_folder() / "adapter.swh.toml").base_sha256
    kept = user_folder() / "adapters" / base[:16] / "lm.swh.safetensors"
    assert kept.read_bytes() == (mini_folder() / "lm.swh.safetensors").read_bytes()
