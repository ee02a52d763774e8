"""`speech adapt`: from a folder and a card to an adapter that the next command uses; a refusal is a row and no file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

import speech
from speech import cli
from speech.cli.adapt import _Stepped
from speech.cli.progress import Bar
from speech.collections import answers
from speech.collections.ledger import rows_of
from speech.files import sha256_of
from speech.formats import read, save
from speech.models.cards import read_card
from speech.models.checkpoint import base_sha256, open_checkpoint
from speech.models.hub import mini_folder
from speech.models.lm.files import load
from speech.types import Segment, Span, Transcript
from tests.adapt.sources import CARD
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
    assert "donors, by per cent of letters" in streams.err and "dev: the last clips in a row" in streams.err
    card = read_card(out / "adapter.zza.toml")
    assert card.base_sha256 == before == base_sha256(open_checkpoint(mini_folder()))
    assert card.trained["consent"] == ["field:1", "field:community-1"] and card.trained["donor"] == "que"
    assert card.scores[0]["split"] == "dev" and card.scores[0]["cer"] == pytest.approx(told["cer"], abs=0.01)
    run("transcribe", folder / "s0_0.wav", "-l", "zza", "--adapter", out, "--json")
    assert json.loads(capsys.readouterr().out)["text"]
    run("adapt", folder, "-l", "zza", "--out", out, "--steps", 2, status=1)
    assert "[FORMAT_EXISTS]" in capsys.readouterr().err
    assert [row.event["outcome"] for row in rows_of("adapt")][-1] == "success"
    capsys.readouterr()
    run("adapt", folder, "-l", "zza", "--out", out, "--steps", 4, "--donor", "swh", "--force", "--json")
    assert json.loads(capsys.readouterr().out)["donor"] == "swh"  # a run of its own, not the one that is over


@pytest.fixture
def kichwa(folder: Path) -> Path:
    """Clips of one language with a manifest that says which are dev: what train says is said there again."""
    rows = ["path\ttext\tlanguage\tsession\tsplit"]
    for number in range(10):
        name = f"s{number // 2}_{number}.wav"
        if number >= 6:
            soundfile.write(folder / name, spoken(SENTENCES[number % 3]), 16_000)
        rows.append(f"{name}\t{SENTENCES[number % 3].strip('.').replace(',', '')}\tque\ts{number // 2}\t{'dev' if number > 3 else 'train'}")
    (folder / "manifest.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / answers.CARD).write_text(CARD, encoding="utf-8")
    return folder


def test_a_language_model_that_helps_is_kept_found_and_taken_away(
    kichwa: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, story = tmp_path / "own", tmp_path / "story.txt"
    story.write_text("Hatun llaktapi kawsanchik.\n" + "\n".join(SENTENCES) + "\n", encoding="utf-8")
    asked = ("adapt", kichwa / "manifest.tsv", "-l", "que", "--out", out, "--steps", 2, "--no-curve", "--donor", "que")
    run(*asked, "--text", story, "--json")
    streams = capsys.readouterr()
    told = json.loads(streams.out)
    path = out / "lm.que.safetensors"
    assert told["language_model"]["path"] == str(path) and told["language_model"]["cer"] < told["cer"]
    assert "3 sentences that stand in dev or test" in streams.err and "1 sentences of story.txt" in streams.err
    file = load(path)
    assert file.model.card["calibration"] == {"adapter": read_card(out / "adapter.que.toml").tensor_sha256}  # too few words for more
    assert [row["decoder"] for row in read_card(out / "adapter.que.toml").scores] == ["greedy", "language model"]
    event = list(rows_of("adapt"))[-1].event
    assert [made["path"] for made in event["made"]] == ["adapter.que.safetensors", "lm.que.safetensors"]
    assert sha256_of(story) in {used["sha256"] for used in event["used"]}
    run("transcribe", kichwa / "s4_9.wav", "-l", "que", "--adapter", out, "-o", tmp_path / "heard", "-f", "json")
    assert read(tmp_path / "heard" / "s4_9.json").provenance[-1].language_model_sha256 == file.sha256

    (out / "adapter.que.safetensors").rename(out / "kept")
    capsys.readouterr()
    run(*asked, status=1)
    assert "lm.que" in capsys.readouterr().err
    monkeypatch.setattr("speech.adapt.language_model.Weighed.kept", False)
    run(*asked, "--force", "--json")
    streams = capsys.readouterr()
    assert json.loads(streams.out)["language_model"]["path"] is None and not path.exists()
    assert "taken away" in streams.err and "not kept" in streams.err


def test_off_learns_no_language_model_and_texts_are_asked_of_the_gate_before_anything_is_learnt(
    kichwa: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("adapt", kichwa / "manifest.tsv", "-l", "que", "--out", tmp_path / "own", "--steps", 2, "--no-curve", "--donor", "que")
    save(Transcript(segments=(Segment(span=Span(start_ms=0, end_ms=1), text="kay wasi"),)), tmp_path / "said.eaf")
    with monkeypatch.context() as patched:
        patched.setattr("speech.adapt.whole.adapt", lambda *_a, **_k: pytest.fail("something was learnt"))
        run(*asked, "--lm", "off", "--text", tmp_path / "a.txt", status=2)
        assert "[MODEL_LM]" in capsys.readouterr().err
        run(*asked, "--text", tmp_path / "a.txt", status=1)
        assert "[PATH_MISSING]" in capsys.readouterr().err
        run(*asked, "--text", tmp_path / "said.eaf", status=1)
        assert "[NO_CARD]" in capsys.readouterr().err and not (tmp_path / "own").exists()
    assert [row.event["outcome"] for row in rows_of("adapt")] == ["refused"]
    run(*asked, "--lm", "off", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["language_model"] is None and sorted(p.name for p in (tmp_path / "own").glob("*.safetensors")) == [
        "adapter.que.safetensors"
    ]


def test_a_donor_that_is_not_there_is_named(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / answers.CARD).write_text(CARD, encoding="utf-8")
    run("adapt", folder, "-l", "zza", "--out", tmp_path / "a", "--donor", "xyz", status=2)
    assert "[MODEL_DONOR]" in capsys.readouterr().err and not (tmp_path / "a").exists()
    run("adapt", folder, "-l", "zza", "--out", tmp_path / "b", "--donor", "none", "--steps", 2, "--json")
    assert json.loads(capsys.readouterr().out)["donor"] == "none"


def test_the_same_as_a_python_call_with_its_learning_curve(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / answers.CARD).write_text(CARD, encoding="utf-8")
    monkeypatch.setattr("speech.adapt.minutes.SIZES", (0.05, 0.1))
    monkeypatch.setattr("speech.adapt.whole.steps_for", lambda seconds, large: 2)
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


def test_a_curve_that_is_cut_short_goes_on_without_learning_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / answers.CARD).write_text(CARD, encoding="utf-8")
    monkeypatch.setattr("speech.adapt.minutes.SIZES", (0.05, 0.1))
    monkeypatch.setattr("speech.adapt.whole.steps_for", lambda seconds, large: 2)
    out = tmp_path / "zza"
    taken: list[tuple[str, int, int]] = []

    def cut(*step: object) -> None:
        if step[0] == "learning from 0.1 minutes":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        speech.adapt(folder, language="zza", out=out, basis="agreed", stepped=cut)
    before = (out / "adapter.zza.safetensors").read_bytes()
    monkeypatch.setattr("speech.cli.adapt._Stepped.__call__", lambda _self, *step: taken.append(step))
    run("adapt", folder, "-l", "zza", "--out", out)
    assert (out / "adapter.zza.safetensors").read_bytes() == before and (out / "learning_curve.svg").is_file()
    assert {what for what, _, _ in taken} == {"learning from 0.1 minutes"}
    assert not list((out / "run").rglob("*.pt"))
    run("adapt", folder, "-l", "zza", "--out", out, status=1)
    assert "[FORMAT_EXISTS]" in capsys.readouterr().err


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


def test_time_left_is_reckoned_from_the_first_step_of_this_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    monkeypatch.setattr("speech.cli.progress.time.monotonic", lambda: now)
    stepped = _Stepped(Bar())
    now = 100.0  # donors were ranked meanwhile
    stepped("learning", 50, 200)
    now = 140.0
    stepped("learning", 100, 200)
    told = capsys.readouterr().err
    assert "going on after step 50" in told and "learning, 50%, about 80 s left" in told
