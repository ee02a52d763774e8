"""What learning needs is said before a weight is loaded, and is what it takes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from speech.adapt import learner as learners
from speech.adapt import needs
from speech.adapt import run as runs
from speech.adapt.learner import Learner, Mode
from speech.adapt.material import Material
from speech.adapt.run import AdaptSettings, adapt
from speech.adapt.whole import head_or_donor
from speech.errors import MemoryFailure
from speech.models.checkpoint import open_checkpoint
from speech.models.hub import mini_folder
from tests.conftest import REPOSITORY
from tests.models.folders import KINDS

KIND = {kind.name: kind for kind in KINDS}


@pytest.mark.parametrize("mode", ["adapter", "layers", "full"])
@pytest.mark.parametrize("name", ["mms", "xls-r", "omnilingual", "w2v-bert", "hubert", "wavlm"])
def test_as_many_weights_move_as_were_counted(name: str, mode: Mode, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="the extra [adapt] is not installed")
    KIND[name].make(tmp_path)
    checkpoint = open_checkpoint(tmp_path)
    letters = tuple(map(chr, range(0x4E00, 0x4E00 + 59)))
    learner = Learner(checkpoint, "zzz", letters, mode=mode, last_layers=1, donor=head_or_donor(checkpoint, "none"))
    head = f"{checkpoint.family.head}."
    found = sum(p.numel() for n, p in learner.network.named_parameters() if p.requires_grad and not n.startswith(head))
    counted = needs.moving(checkpoint, mode, last_layers=1)
    if mode == "full":
        counted -= sum(math.prod(entry.shape) for n, entry in checkpoint.tensors.items() if n.startswith(head))
    else:
        counted -= sum(p.numel() for n, p in learner.network.named_parameters() if n.startswith(head))
    assert counted == pytest.approx(found, rel=0.06)


def test_what_does_not_fit_is_refused_before_it_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = open_checkpoint(mini_folder())
    assert needs.require(checkpoint, free=lambda: None) == needs.memory_needed(checkpoint) < needs.memory_needed(checkpoint, "full")
    monkeypatch.setitem(needs.require.__kwdefaults__, "free", lambda: 10**8)  # type: ignore[arg-type]  # it has defaults
    monkeypatch.setattr(runs, "Learner", lambda *_a, **_k: pytest.fail("weights were loaded"))
    material = Material(language="zzz", found_as="made", train=[], dev=[], split_by="test", decision=None)  # type: ignore[arg-type]
    with pytest.raises(MemoryFailure) as caught:
        adapt(material, checkpoint, tmp_path, AdaptSettings(mode="full"))
    assert caught.value.code == "MODEL_MEMORY" and "GiB" in caught.value.what and "--full" in caught.value.mend


def figures() -> list[Any]:
    return sorted((REPOSITORY / "benchmarks" / "results").glob("adapt_large_*.json"))


@pytest.mark.parametrize("path", figures(), ids=lambda path: path.stem)
def test_what_was_said_is_within_a_quarter_of_what_was_taken(path: Path) -> None:
    """Of the real shapes, as last measured by benchmarks/adapt_large.py; less than is taken would be worse than more."""
    found = json.loads(path.read_text(encoding="utf-8"))
    assert 0.9 <= found["GiB that adapt says it needs"] / found["peak GiB"] <= 1.25


def test_large_bases_learn_at_the_rates_published_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = open_checkpoint(mini_folder())
    assert not needs.is_large(checkpoint)
    monkeypatch.setattr(learners, "LARGE", 1_000_000)
    assert needs.is_large(checkpoint)
    for mode, small, large in (("adapter", 6e-3, 1e-3), ("full", 1e-3, 3e-4)):
        assert AdaptSettings.of(mode, 100).rate == small and AdaptSettings.of(mode, 100, large=True).rate == large  # type: ignore[arg-type]


def test_the_pace_is_tried_without_anything_to_learn_from() -> None:
    assert 0 < runs.pace("mini") < 600
