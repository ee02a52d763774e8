"""Every recipe has a docstring that says what it needs, and runs with --smoke in a minute where its data lie beside the checkout."""

from __future__ import annotations

import ast
import copy
import dataclasses
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import REPOSITORY

RECIPES = sorted(p for p in (REPOSITORY / "recipes").glob("*.py") if "__main__" in p.read_text(encoding="utf-8"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda p: p.stem)
def test_a_recipe_says_how_it_is_run(recipe: Path) -> None:
    said = ast.get_docstring(ast.parse(recipe.read_text(encoding="utf-8"))) or ""
    assert "Command:" in said
    assert "Time:" in said


def smoke(name: str, shared: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "recipes" / name), "--smoke", "--data", str(shared / "speech"), *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_train_mini_trains_resumes_and_exports(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    run = tmp_path / "run"
    smoke("train_mini.py", shared, "--run", str(run))
    log = (run / "log.jsonl").read_text(encoding="utf-8")
    assert '"step": 6' in log and "dev_cer" in log
    smoke("train_mini.py", shared, "--run", str(run), "--decay", "2")
    assert '"step": 8' in (run / "log.jsonl").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "recipes" / "train_mini.py"), "--run", str(run), "--export", str(tmp_path / "mini")],
        capture_output=True, text=True, check=False, cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    checked = subprocess.run(
        [sys.executable, "-m", "speech", "model", "check", str(tmp_path / "mini")],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert checked.returncode == 0, checked.stdout
    assert "card agrees" in checked.stdout


def test_train_base_makes_a_base_that_never_heard_what_is_left_out(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    base, run = tmp_path / "base", tmp_path / "run"
    smoke("train_base.py", shared, "--without", "yor,mlg", "--run", str(run), "--out", str(base))
    assert sorted(p.name.split(".")[1] for p in base.glob("adapter.*.toml")) == ["amh", "bre", "kin", "que", "swh"]
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, 9))
    evaluated = [set(row["dev_cer"]) for row in rows if "dev_cer" in row]
    assert len(evaluated) == 2 and all(codes and codes <= {"amh", "bre", "kin", "que", "swh"} for codes in evaluated)
    card = json.loads((run / "card.json").read_text(encoding="utf-8"))
    assert card["without"] == ["mlg", "yor"]
    assert not [reason for reason in card["left_out"] if reason.startswith(("yor", "mlg"))]


@pytest.fixture
def train_mini(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The recipe as a module."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "recipes"))
    return importlib.import_module("train_mini")


def test_settings_are_read_by_their_kind(train_mini: ModuleType) -> None:
    found = train_mini.changed(["speeds=0.9,1.0", "shapes=(16,3.0),(8,6)", "more_of=yor", "hidden=128", "dropout=0", "early_longest=8"])
    assert found.speeds == (0.9, 1.0)
    assert found.shapes == ((16, 3.0), (8, 6.0))
    assert (found.more_of, found.hidden, found.dropout, found.early_longest) == ("yor", 128, 0.0, 8.0)
    assert train_mini.changed(["speeds=1.0"]).speeds == (1.0,)
    assert train_mini.changed(["shapes=(16,3.0)"]).shapes == ((16, 3.0),)
    assert train_mini.changed(["more_of="]).more_of == ""
    # A run's card is JSON, which has lists for tuples.
    assert train_mini.read_settings(json.loads(json.dumps(dataclasses.asdict(found)))) == found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("speed=1.0", "speed: no such setting; there are hidden, layers"),
        ("hidden=3.5", "hidden: a value like 256 is needed"),
        ("hidden=many", "hidden: a value like 256 is needed"),
        ("dropout=0.1,0.2", "dropout: a value like 0.1 is needed"),
        ("speeds=0.9,fast", "speeds: a value like (0.9, 1.0, 1.1) is needed"),
        ("speeds=(0.9,1.0)", "speeds: a value like (0.9, 1.0, 1.1) is needed"),
        ("shapes=16,3.0", "shapes: a value like ((16, 3.0)"),
        ("shapes=(16,3.0,1)", "shapes: a value like ((16, 3.0)"),
    ],
)
def test_a_setting_of_another_kind_is_refused(train_mini: ModuleType, given: str, said: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        train_mini.changed([given])
    assert str(stopped.value).startswith(said)


def test_what_is_left_out_is_known_by_name_before_anything_is_read(train_mini: ModuleType, tmp_path: Path) -> None:
    plan = train_mini.Plan(data=tmp_path / "nothing here", run=tmp_path / "run", leave_out=frozenset({"yor", "swa", "mlg_dimbyr"}))
    with pytest.raises(SystemExit) as stopped:
        train_mini.train(plan)
    assert str(stopped.value) == "--leave-out mlg_dimbyr,swa: no clip is of such a language or collection"
    assert not (tmp_path / "run").exists()


def test_languages_and_collections_that_are_left_out_are_not_read(train_mini: ModuleType, shared: Path) -> None:
    mini_data = importlib.import_module("mini_data")
    left_out: Counter[str] = Counter()
    without = {"yor", "swh", "mlg_dimbyr_f"}
    kept = [
        (collection, row.language)
        for collection, row, _ in mini_data.spelt_rows(shared / "speech", {"dev"}, left_out=left_out, without=without)
    ]
    assert {language for _, language in kept} == {"amh", "bre", "kin", "mlg", "que"}
    assert {collection for collection, language in kept if language == "mlg"} == {"mlg_dimbyr_m"}
    assert not [reason for reason in left_out if reason.startswith(("yor", "swh"))]


def test_a_composer_that_goes_on_draws_what_one_without_a_break_draws(train_mini: ModuleType, shared: Path) -> None:
    mini_data = importlib.import_module("mini_data")
    clips = mini_data.read_clips(shared / "speech", {"train"}, left_out=Counter(), only={"yor", "bre"}, every=30)
    mini_data.add_speeds(clips, (1.0,))
    settings = train_mini.Settings(first_steps=0, early_steps=4)
    vocabulary = train_mini.vocabularies(["bre", "yor"])
    whole, first, second = (train_mini.Composer(clips, [], settings, vocabulary, 1) for _ in range(3))
    due = [whole.make() for _ in range(8)]
    for _ in range(3):
        first.make()
    second.restore(copy.deepcopy(first.state()))
    for batch in due[3:]:
        again = second.make()
        assert (again.codes, again.targets, again.names) == (batch.codes, batch.targets, batch.names)
        assert again.inputs.equal(batch.inputs)


def test_score_new_voice_tells_readers_apart_and_refuses_a_model_that_heard_both(shared: Path) -> None:
    table = smoke("score_new_voice.py", shared)
    assert table.count("| new |") == 3
    assert table.count("| same (one reader) |") == 1
    refused = subprocess.run(
        [sys.executable, str(REPOSITORY / "recipes" / "score_new_voice.py"), "--data", str(shared / "speech")],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert refused.returncode == 1
    assert "mlg_dimbyr_f trained it" in refused.stderr


def test_score_mini_makes_its_table(shared: Path) -> None:
    table = smoke("score_mini.py", shared)
    assert "| collection or language | voices |" in table
    assert "Mean over" in table


def test_train_lms_weighs_as_the_shipped_model_was_weighed(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from speech.models.hub import mini_folder
    from speech.models.lm.files import load
    from speech.models.recogniser import LoadSettings
    from speech.models.recogniser import load as recogniser_of
    from speech.score import weighing

    monkeypatch.syspath_prepend(str(REPOSITORY / "recipes"))
    recipe = importlib.import_module("train_lms")
    model = recogniser_of("mini", LoadSettings(precision="fp32"))
    dev = recipe.clips_of(model, shared / "speech", "dev", every=1, only={"swh"})["swh"]
    learnt, _ = recipe.learn(recipe.transcripts(shared / "speech", "swh"), "swh")
    clips, output = recipe.emitted(dev), recipe.output_of(model, "swh")
    found = weighing.chosen(clips, output, learnt)
    limit = weighing.limit_of(clips, output, found)
    fit = weighing.confidence_of(weighing.decoded(clips, output, found, limit), split="dev, with the language model", priced=True)
    shipped = load(mini_folder() / "lm.swh.safetensors").model
    told: Any = shipped.card["calibration"]
    assert found.weights == shipped.weights and limit == pytest.approx(told["limit"], abs=0.01)
    assert fit is not None and fit.calibration.words == told["words"]
    assert fit.calibration.right == pytest.approx(told["right"], abs=0.02)


def test_adapt_language_learns_and_scores(shared: Path) -> None:
    said = smoke("adapt_language.py", shared, "--only", "yor_10_donor_adapter")
    assert "  4: " in said and not list((REPOSITORY / "docs" / "adapt_runs").glob("*smoke*"))


def test_train_lid_fits_a_head_and_says_what_it_was_made_from(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    smoke("train_lid.py", shared, "--without", "mlg_dimbyr_m", "--out", str(tmp_path / "head"))
    card = tomllib.loads((tmp_path / "head" / "identify.toml").read_text(encoding="utf-8"))
    assert card["languages"] == ["amh", "bre", "kin", "mlg", "que", "swh", "yor"]
    assert "mlg_dimbyr_m" not in card["trained"]["collections"] and "mlg_dimbyr_f" in card["trained"]["collections"]
    assert card["calibration"]["split"] == "dev" and card["calibration"]["left_out_auroc"] > 0.5


def test_score_identify_reports_new_voices_first(shared: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    table = smoke("score_identify.py", shared)
    headings = re.findall(r"^## (.*)$", table, re.MULTILINE)
    assert headings[0] == "New voices and other domains" and headings[-1] == "Control"
    assert "AUROC" in table and "nan" not in table


def test_a_voice_that_a_base_heard_is_not_reported_as_unheard(shared: Path) -> None:
    asked = ["--smoke", "--data", str(shared / "speech"), "--unheard", "mlg_dimbyr_m"]
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "recipes" / "score_identify.py"), *asked],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "mini: its adapter mlg learnt from mlg_dimbyr_m" in done.stderr


def test_a_voice_that_neither_base_nor_head_heard_has_its_rows(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    base = tmp_path / "base"
    smoke("train_base.py", shared, "--without", "mlg_dimbyr_m", "--run", str(tmp_path / "run"), "--out", str(base))
    said = smoke("score_identify.py", shared, "--model", str(base), "--unheard", "mlg_dimbyr_m")
    rows = [line.split(" | ") for line in said.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows[1:]] == [
        "| Malagasy, male reader (by a base without mlg_dimbyr_m)",
        "| **mean of languages it knows, by a base without mlg_dimbyr_m**",
    ]
    assert int(rows[1][1]) >= 4 and "–" not in rows[1]  # a piece a length at least, each told or not


def test_pyannotes_pipeline_runs_on_a_composed_conversation(shared: Path) -> None:
    small = importlib.import_module("tests.diarise.small")
    small.require()
    rows = [line for line in smoke("score_diarise.py", shared, "--pipeline", "random").splitlines() if line.startswith("| ")]
    assert rows[1].startswith("| Southern Quechua | 1 | 0.5 |") and rows[-1].startswith("| **all** | 1 |")


def test_code_switching_counts_spanish_words(shared: Path) -> None:
    assert "AUROC, Spanish against Kichwa" in smoke("code_switching.py", shared)


def test_train_voices_goes_on_from_weights_and_tuning_shows_their_curve(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    start = REPOSITORY / "speech" / "models" / "mini" / "voices.safetensors"
    smoke("train_voices.py", shared, "--out", str(tmp_path / "run"), "--start", str(start))
    (made,) = (tmp_path / "run").glob("voices_*.safetensors")
    rows = smoke("tune_diarise.py", shared, "--curve", str(start), str(made)).splitlines()
    assert [row.split("|")[1].strip() for row in rows if "---" not in row] == ["weights", "voices", "voices_00003"]
    before, after = (float(row.split("|")[2].split("/")[0]) for row in rows[-2:])
    assert after < before + 5  # three steps from weights are near them, and not a network that begins anew


def test_margins_are_fitted_as_a_map_that_never_falls(shared: Path) -> None:
    found = re.findall(r"\(([\d.]+), ([\d.]+)\)", smoke("tune_diarise.py", shared, "--margins"))
    places, shares = ([float(pair[n]) for pair in found] for n in (0, 1))
    assert len(found) >= 3 and places == sorted(places) and shares == sorted(shares)


def test_synthetic_speech_stands_beside_the_same_minutes_of_train_and_is_half_at_most(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    from speech import languages
    from speech.collections.cards import load_card
    from speech.collections.manifest import read_manifest
    from speech.text import normalise

    monkeypatch.chdir(REPOSITORY)
    monkeypatch.syspath_prepend(str(REPOSITORY / "recipes"))
    recipe = importlib.import_module("augment_with_speech")
    material = recipe.material_of(recipe.TASK, shared / "speech", 3)
    folder = tmp_path / "spoken"
    clips = recipe.synthetic_clips(material, shared / "speech", folder)
    real, made = (sum(clip.seconds for clip in side) for side in (material.train, clips))
    assert 0.8 * real < made <= real and all(clip.synthetic for clip in clips)
    rows = read_manifest(folder / "manifest.jsonl").rows
    assert {(row.split, row.synthetic) for row in rows} == {("train", True)} and load_card(folder / "collection.card.toml").synthetic
    table = languages.load("swh")
    judged = {
        normalise(row.text or "", table)
        for row in read_manifest(shared / "speech" / "open" / "swh_gitau" / "manifest.tsv").rows
        if row.split in ("dev", "test")
    }
    assert not {clip.text for clip in clips} & ({clip.text for clip in material.train} | judged)


def test_augment_with_speech_learns_with_it_in_as_many_steps(shared: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    said = smoke("augment_with_speech.py", shared, "--only", "swh_10_synthetic")
    share = re.search(r"real 10\.0 min, synthetic [\d.]+ min \(share (0\.\d+)\)", said)
    assert "  4: " in said and share is not None and 0.4 < float(share[1]) <= 0.5
    assert not list((REPOSITORY / "docs" / "augment_runs").glob("*smoke*"))


def test_score_voice_hears_a_voice_again_beside_the_reader(shared: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    pytest.importorskip("librosa", reason="the extra tts (librosa) is not installed")
    table = smoke("score_voice.py", shared)
    assert re.search(r"\| Swahili \| its own \| 2 \| [\d.]+ .*\| reached, by a recogniser that learnt from this voice \|", table)
    assert re.search(r"\| Yoruba \| borrowed: `swh` \| 2 \| .*\| not reached \|", table)
    assert "nan" not in table


def test_lines_are_placed_on_a_joined_session(shared: Path) -> None:
    rows = [line.split(" | ") for line in smoke("score_align.py", shared).splitlines() if line.startswith("| Swahili")]
    assert [row[3] for row in rows[:2]] == ["align", "plain pass"] and len(rows) == 3
    assert int(rows[2][1].split(" of ")[1]) >= 1


def test_train_voice_trains_two_tiny_voices_that_speak(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")
    page = smoke("train_voice.py", shared, "--out", str(tmp_path / "run"))
    assert "new: ñ (LATIN SMALL LETTER N WITH TILDE) from n" in page and "| the voice |" in page and "nan" not in page
    assert re.findall(r"^\| swh_gitau \| 325 \| 0 \| `COLLECTION_SCOPE` \|", page, re.MULTILINE)
    for name, step in (("swh", 4), ("que", 2)):
        assert (tmp_path / "run" / name / "samples" / f"step_{step:06}.flac").is_file()
        assert "synthetic = true" in (tmp_path / "run" / name / "voice" / "collection.card.toml").read_text(encoding="utf-8")
        assert "<polyline" in (tmp_path / "run" / name / "losses.svg").read_text(encoding="utf-8")
