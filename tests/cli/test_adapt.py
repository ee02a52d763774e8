"""`speech adapt`: from a folder and a card to an adapter that the next command uses; a refusal is a row and no file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

import speech
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


def test_the_same_as_a_python_call_with_its_learning_curve(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / answers.CARD).write_text(CARD, encoding="utf-8")
    monkeypatch.setattr("speech.adapt.minutes.SIZES", (0.05, 0.1))
    monkeypatch.setattr("speech.adapt.whole.steps_for", lambda seconds: 2)
    said: list[str] = []
    steps: list[tuple[str, int, int]] = []
    made = speech.adapt(
        folder, language="zza", out=str(tmp_path / "zza"), basis="agreed", say=said.append, stepped=lambda *step: steps.append(step)
    )
    assert read_card(made.path.with_suffix(".toml")).tensor_sha256 == made.card.tensor_sha256
    assert [p.minutes for p in made.points] == sorted(p.minutes for p in made.points) and len(made.points) == 3
    assert made.points[-1].cer == made.scores.overall.letters.value
    drawn = json.loads((tmp_path / "zza" / "learning_curve.json").read_text(encoding="utf-8"))
    assert len(drawn["points"]) == 3 and drawn["forecast"]["minutes"] == pytest.approx(2 * made.points[-1].minutes)
    assert (tmp_path / "zza" / "learning_curve.svg").exists()
    assert not list((tmp_path / "zza" / "run").rglob("*.pt"))
    assert any("s a step: about" in line and "learning curve" in line for line in said)
    assert [s[1] for s in steps] == [0, 1, 2, 3, 4, 5] and {s[2] for s in steps} == {6}
    assert {s[0] for s in steps} == {"learning", "learning from 0.05 minutes", "learning from 0.1 minutes"}


def test_a_base_that_learns_as_a_whole_becomes_a_model_of_its_own(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / answers.CARD).write_text(CARD, encoding="utf-8")
    out = tmp_path / "zza"
    run("adapt", folder, "-l", "zza", "--out", out, "--steps", 2, "--full", "--no-curve", "--donor", "que")
    assert f"--model {out}" in capsys.readouterr().err
    card = read_card(out / "adapter.zza.toml")
    assert card.base_sha256 == base_sha256(open_checkpoint(out)) != base_sha256(open_checkpoint(mini_folder()))
    assert card.trained["moved"] == "full" and card.trained["from"] == base_sha256(open_checkpoint(mini_folder()))
    run("transcribe", folder / "s0_0.wav", "-l", "zza", "--model", out, "--json")
    assert json.loads(capsys.readouterr().out)["text"]
    run("adapt", folder, "-l", "zza", "--out", mini_folder(), "--steps", 2, "--full", "--force", status=1)
    assert "[FORMAT_EXISTS]" in capsys.readouterr().err
