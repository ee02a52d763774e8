"""What stands in a card is what its fields should hold, or the card is refused when it is read."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from speech.errors import ModelRefused, PathRefused
from speech.models.cards import AdapterCard, Calibration, card_toml, read_card
from tests.conftest import REPOSITORY

CARD = AdapterCard(
    language="que",
    base_sha256="ab" * 32,
    tensor_sha256="cd" * 32,
    alphabet=("a", "ch", "ñ"),
    calibration=Calibration(raw=(0.1, 0.5, 0.9), right=(0.0, 0.3, 0.3), words=12, split="dev", ece=0.02),
    trained={"hours": 1.5},
    scores=({"split": "test", "wer": 0.5},),
)


def changed(folder: Path, old: str, new: str) -> Path:
    text = card_toml(CARD)
    assert old in text
    path = folder / "adapter.que.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_a_card_reads_back_as_it_was_written(tmp_path: Path) -> None:
    assert read_card(changed(tmp_path, "schema", "schema")) == CARD


def test_every_card_that_ships_is_read() -> None:
    paths = sorted((REPOSITORY / "speech" / "models" / "mini").glob("adapter.*.toml"))
    assert [read_card(path).language for path in paths] == [path.name.split(".")[1] for path in paths]
    assert paths


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('alphabet = ["a", "ch", "ñ"]', "alphabet = 5", "alphabet"),
        ('alphabet = ["a", "ch", "ñ"]', 'alphabet = "ach"', "alphabet"),
        ('alphabet = ["a", "ch", "ñ"]', 'alphabet = ["a", 1]', "alphabet"),
        ('language = "que"', "language = 3", "language"),
        (f'tensor_sha256 = "{"cd" * 32}"', "tensor_sha256 = [1]", "tensor_sha256"),
        ("raw = [0.1, 0.5, 0.9]", "raw = [0.1, 0.5]", "2 knots and calibration.right 3"),
        ("raw = [0.1, 0.5, 0.9]", "raw = [0.5, 0.1, 0.9]", "calibration.raw must rise"),
        ("right = [0.0, 0.3, 0.3]", "right = [0.3, 0.0, 0.3]", "calibration.right must rise"),
        ("right = [0.0, 0.3, 0.3]", "right = [0.0, 0.3, 1.3]", "calibration.right"),
        ("right = [0.0, 0.3, 0.3]", "right = [0.0, 0.3, nan]", "calibration.right"),
        ("right = [0.0, 0.3, 0.3]", "right = 0.3", "calibration.right"),
        ("raw = [0.1, 0.5, 0.9]", 'raw = ["a", "b", "c"]', "calibration.raw"),
        ("words = 12", 'words = "many"', "calibration.words"),
        ("ece = 0.02", "ece = true", "calibration.ece"),
        ('split = "dev"', "split = 1", "calibration.split"),
        ("[trained]", "[[trained]]", "trained"),
        ("[[scores]]", "[scores]", "scores"),
    ],
)
def test_a_field_that_holds_another_kind_of_thing_is_refused_when_read(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(ModelRefused) as refused:
        read_card(changed(tmp_path, old, new))
    assert refused.value.code == "MODEL_CARD"
    assert named in refused.value.what


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    path = changed(tmp_path, 'alphabet = ["a", "ch", "ñ"]', "alphabet = 5")
    path.write_text(path.read_text(encoding="utf-8").replace("words = 12", "words = -1"), encoding="utf-8")
    what = pytest.raises(ModelRefused, read_card, path).value.what
    assert "alphabet" in what
    assert "calibration.words" in what


def test_a_calibration_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "adapter.que.toml"
    path.write_text(card_toml(AdapterCard(language="que", base_sha256="a", tensor_sha256="b", alphabet=("a",))) + "calibration = 1\n")
    assert "calibration must be a table" in pytest.raises(ModelRefused, read_card, path).value.what


def test_a_card_that_is_a_circle_of_links_is_not_called_absent(tmp_path: Path) -> None:
    (tmp_path / "c.toml").symlink_to(tmp_path / "c.toml")
    assert pytest.raises(PathRefused, read_card, tmp_path / "c.toml").value.code == "PATH_LINK"
    assert pytest.raises(ModelRefused, read_card, tmp_path / "none.toml").value.code == "MODEL_CARD"


def test_a_calibration_says_what_it_was_fitted_on() -> None:
    assert math.isclose(CARD.calibration(0.3), 0.15)
    assert str(CARD.calibration) == "calibrated on dev: 12 words, calibration error 2.0 %"
