"""`speech adapt`: from a folder and a card to an adapter that the next command uses; a refusal is a row and no file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from speech import cli
from speech.collections import answers
from speech.collections.ledger import rows_of
from speech.models.cards import read_card
from speech.models.checkpoint import base_sha256, open_checkpoint
from speech.models.hub import mini_folder
from tests.adapt.test_adapt import CARD
from tests.sounds import SENTENCES, spoken


def run(*arguments: object, status: int = 0) -> None:
    assert cli.run([str(a) for a in arguments]) == status


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "recordings"
    made.mkdir()
    lines = []
    for number in range(6):
        soundfile.write(made / f"s{number // 2}_{number}.wav", spoken(SENTENCES[number % 3]), 16_000)
        lines.append(f"s{number // 2}_{number}\t{SENTENCES[number % 3]}")
    (made / "texts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return made


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.adapt.batches.SHAPES", ((2, 6.0),))


def test_a_folder_becomes_an_adapter_that_transcribes(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "zza"
    run("adapt", folder, "-l", "zza", "--out", out, "--steps", 2, status=1)
    assert "[NO_CARD]" in capsys.readouterr().err and not out.exists()
    assert [row.event["outcome"] for row in rows_of("adapt")][-1] == "refused"
    (folder / answers.CARD).write_text(CARD, encoding="utf-8")
    before = base_sha256(open_checkpoint(mini_folder()))
    run("adapt", folder, "-l", "zza", "--out", out, "--steps", 2, "--json")
    streams = capsys.readouterr()
    told = json.loads(streams.out)
    assert told["donor"] == "que" and told["clips"] + told["dev_clips"] == 6 and [step for step, _ in told["curve"]] == [1, 2]
    assert "donors, by per cent of letters" in streams.err and "dev is split off by" in streams.err
    card = read_card(out / "adapter.zza.toml")
    assert card.base_sha256 == before == base_sha256(open_checkpoint(mini_folder()))
    assert card.trained["consent"] == ["field:1", "field:community-1"] and card.trained["donor"] == "que"
    assert card.scores[0]["split"] == "dev" and card.scores[0]["cer"] == pytest.approx(told["cer"] / 100, abs=1e-4)
    run("transcribe", folder / "s0_0.wav", "-l", "zza", "--adapter", out, "--json")
    assert json.loads(capsys.readouterr().out)["text"]
    run("adapt", folder, "-l", "zza", "--out", out, "--steps", 2, status=1)
    assert "[FORMAT_EXISTS]" in capsys.readouterr().err
    assert [row.event["outcome"] for row in rows_of("adapt")][-1] == "success"
    capsys.readouterr()
    run("adapt", folder, "-l", "zza", "--out", out, "--steps", 4, "--donor", "swh", "--force", "--json")
    assert json.loads(capsys.readouterr().out)["donor"] == "swh"  # a run of its own, not the one that is over


def test_a_donor_that_is_not_there_is_named(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / answers.CARD).write_text(CARD, encoding="utf-8")
    run("adapt", folder, "-l", "zza", "--out", tmp_path / "a", "--donor", "xyz", status=2)
    assert "[MODEL_DONOR]" in capsys.readouterr().err and not (tmp_path / "a").exists()
    run("adapt", folder, "-l", "zza", "--out", tmp_path / "b", "--donor", "none", "--steps", 2, "--json")
    assert json.loads(capsys.readouterr().out)["donor"] == "none"
