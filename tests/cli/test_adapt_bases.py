"""`speech adapt --base`: bases without adapter layers, from a folder of clips to an adapter or a model that the next command hears with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from speech.collections import answers
from speech.files import sha256_of
from speech.models.cards import read_card
from speech.models.checkpoint import base_sha256, open_checkpoint
from tests.adapt.sources import CARD
from tests.cli.test_adapt import folder, run, small
from tests.models.folders import KINDS

__all__ = ["folder", "small"]
pytest.importorskip("peft", reason="the extra [adapt] is not installed")

KIND = {kind.name: kind for kind in KINDS}


@pytest.fixture
def agreed(folder: Path) -> Path:  # pytest gives it by its name
    (folder / answers.CARD).write_text(CARD, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["xls-r", "omnilingual", "w2v-bert"])
def test_a_base_without_adapter_layers_takes_a_language(
    name: str, agreed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base, out = tmp_path / "base", tmp_path / "zza"
    KIND[name].make(base)
    before = {path.name: sha256_of(path) for path in base.iterdir()}
    run("adapt", agreed, "-l", "zza", "--base", base, "--out", out, "--steps", 2, "--no-curve", "--lm", "off")
    said = capsys.readouterr().err
    assert "GiB of memory" in said and f"--model {base} --adapter {out}" in said
    card = read_card(out / "adapter.zza.toml")
    assert card.low_rank is not None and card.low_rank.rank == 16 and card.base_sha256 == base_sha256(open_checkpoint(base))
    assert card.trained["moved"] == "adapter"
    monkeypatch.setitem(sys.modules, "peft", None)  # hearing needs none
    run("transcribe", agreed / "s0_0.wav", "-l", "zza", "--model", base, "--adapter", out, "--json")
    assert json.loads(capsys.readouterr().out)["language"] == "zza"
    assert {path.name: sha256_of(path) for path in base.iterdir()} == before


def test_a_model_that_learnt_as_a_whole_is_a_base_again(agreed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, whole, out = tmp_path / "base", tmp_path / "whole", tmp_path / "zzb"
    KIND["xls-r"].make(base)
    run("adapt", agreed, "-l", "zza", "--base", base, "--out", whole, "--steps", 2, "--no-curve", "--lm", "off", "--full")
    run("adapt", agreed, "-l", "zzb", "--base", whole, "--out", out, "--steps", 2, "--no-curve", "--lm", "off")
    capsys.readouterr()
    run("transcribe", agreed / "s0_0.wav", "-l", "zzb", "--model", whole, "--adapter", out, "--json")
    assert json.loads(capsys.readouterr().out)["ok"]
    run("model", "check", whole)


def test_without_peft_the_command_names_the_extra(
    agreed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    KIND["xls-r"].make(tmp_path / "base")
    monkeypatch.setitem(sys.modules, "peft", None)
    run("adapt", agreed, "-l", "zza", "--base", tmp_path / "base", "--out", tmp_path / "zza", "--steps", 2, status=1)
    said = capsys.readouterr().err
    assert "[MODEL_NOT_HERE]" in said and "oral-speech[adapt]" in said
