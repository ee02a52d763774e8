"""A resumed run is the unbroken one to the bit; checkpoints hold what is trained, whole or not at all; patience ends a run."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from speech.errors import DiskFailure, TrainingFailure
from speech.models.training import Evaluation, Loop, LoopSettings, Step, generators, supply
from speech.models.training.loop import take_averaged
from tests.conftest import REPOSITORY


class Net(nn.Module):
    """A frozen base with a large layer, and a small trained part with dropout and running statistics."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.base = nn.Linear(4, 4096)
        self.base.requires_grad_(False)
        self.norm = nn.BatchNorm1d(4096)
        self.head = nn.Linear(4096, 1)
        self.register_buffer("steady", torch.ones(3))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(nn.functional.dropout(self.norm(self.base(inputs)), 0.3, self.training))
        return found


class Batches:
    """Draws from both kinds of generators of its own, and takes cards from a deck."""

    def __init__(self) -> None:
        self.draw, self.rng = random.Random(5), np.random.default_rng(5)
        self.deck = supply.Deck({name: float(n) for n, name in enumerate("abcde")}, self.draw)
        self.made: list[float] = []

    def make(self) -> torch.Tensor:
        card = self.deck.take()
        self.made.append(card)
        return torch.from_numpy(self.rng.standard_normal((3, 4)).astype(np.float32)) * (1 + card) * self.draw.random()

    def state(self) -> supply.State:
        return {"draw": generators.state_of(self.draw), "rng": generators.state_of(self.rng), "deck": self.deck.state()}

    def restore(self, state: supply.State) -> None:
        generators.restore(self.draw, state["draw"])
        generators.restore(self.rng, state["rng"])
        self.deck.restore(state["deck"], "the run")


def begin(folder: Path, frozen: Callable[[], str] | None = None, **changes: Any) -> tuple[Loop, Iterator[Callable[[], Step]]]:
    """A run in `folder`, begun or gone on with, as a recipe does it."""
    generators.seed_all(7)
    settings = LoopSettings(**({"hold_steps": 6, "checkpoint_steps": 3, "evaluate_steps": 100} | changes))
    loop = Loop(Net(), settings, folder, card={}, frozen=frozen)
    batches = Batches()
    if loop.drawn:
        batches.restore(loop.drawn)

    def step(batch: torch.Tensor, drawn: supply.State) -> Step:
        # A draw from each generator of the process, as transformers makes for masks and dropped layers.
        target = random.random() + float(np.random.random())
        return Step(loss=(loop.model(batch) - target).square().mean(), audio_s=1.0, clips=["a"], drawn=drawn)

    return loop, ((lambda b=batch, d=drawn: step(b, d)) for batch, drawn in supply.ahead(batches))


def state_of(loop: Loop) -> dict[str, torch.Tensor]:
    return {**loop.model.state_dict(), **{f"mean of {n}": t for n, t in loop.mean.items()}}


def test_a_resumed_run_is_the_unbroken_one_to_the_bit(tmp_path: Path) -> None:
    whole, steps = begin(tmp_path / "whole")
    assert whole.run(steps, decay=False)
    first, steps = begin(tmp_path / "parts", hold_steps=3)
    assert first.run(steps, decay=False)
    random.random(), np.random.random(), torch.rand(1)  # what another run in between would draw
    second, steps = begin(tmp_path / "parts")
    assert second.step == 3
    assert second.run(steps, decay=False)
    assert second.step == 6
    one, other = state_of(whole), state_of(second)
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    # The test would see a difference: the weights after three steps are others.
    assert not torch.equal(first.model.state_dict()["head.weight"], one["head.weight"])


def test_batches_made_ahead_carry_the_state_after_themselves() -> None:
    batches = Batches()
    made = supply.ahead(batches)
    taken = [next(made) for _ in range(2)]
    made.close()  # type: ignore[attr-defined]  # a generator
    assert len(batches.made) > 2  # the thread is ahead
    again = Batches()
    again.restore(taken[1][1])
    third = again.make()
    fresh = Batches()
    assert torch.equal([fresh.make() for _ in range(3)][2], third)


def test_what_a_maker_raises_ends_the_run_that_waits_for_it() -> None:
    class Broken(Batches):
        def make(self) -> torch.Tensor:
            raise ValueError("no such clip")

    with pytest.raises(ValueError, match="no such clip"):
        next(supply.ahead(Broken()))


def test_a_deck_gives_every_item_before_any_comes_again_and_refuses_other_items() -> None:
    deck = supply.Deck({str(n): n for n in range(5)}, random.Random(1))
    assert [sorted(deck.take() for _ in range(5)) for _ in range(3)] == [[0, 1, 2, 3, 4]] * 3
    with pytest.raises(TrainingFailure) as failed:
        supply.Deck({"0": 0, "9": 9}, random.Random(1)).restore(deck.state(), "clips")
    assert failed.value.code == "TRAINING_CHECKPOINT"
    assert "4 of them are gone, 1 are new" in failed.value.what


def test_a_checkpoint_holds_what_is_trained_and_what_changes_not_the_base(tmp_path: Path) -> None:
    loop, steps = begin(tmp_path)
    loop.run(steps, decay=False)
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    assert sorted(state["trained"]) == sorted(state["mean"]) == ["head.bias", "head.weight", "norm.bias", "norm.weight"]
    assert sorted(state["buffers"]) == ["norm.num_batches_tracked", "norm.running_mean", "norm.running_var"]
    # Weights, their mean and Adam's two moments of 12,289 trained values, and no base of 20,480.
    assert (tmp_path / "last.pt").stat().st_size < 4 * (4 * 12_289 + 2 * 4096) + 60_000


def test_averaged_weights_are_lent_and_can_be_taken(tmp_path: Path) -> None:
    loop, steps = begin(tmp_path)
    loop.run(steps, decay=False)
    last = loop.model.state_dict()["head.weight"].clone()
    with loop.averaged() as model:
        assert not model.training
        lent = model.state_dict()["head.weight"].clone()
    assert loop.model.training and torch.equal(loop.model.state_dict()["head.weight"], last)
    assert torch.equal(lent, loop.mean["head.weight"]) and not torch.equal(lent, last)
    model = Net()
    assert take_averaged(tmp_path / "last.pt", model) == (6, 6.0)
    assert torch.equal(model.head.weight, lent)
    assert torch.equal(model.state_dict()["norm.running_mean"], loop.model.state_dict()["norm.running_mean"])


def test_d1_a_full_disk_is_named_and_the_last_checkpoint_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, steps = begin(tmp_path, hold_steps=3)
    loop.run(steps, decay=False)
    before = (tmp_path / "last.pt").read_bytes()

    def full(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskFailure) as failed:
        loop.save()
    assert failed.value.code == "DISK_FULL"
    assert "last.pt" in failed.value.where
    assert (tmp_path / "last.pt").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["card.json", "last.pt", "log.jsonl"]


def test_what_a_killed_run_left_half_written_goes_when_it_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / ".speech-abc.part").write_bytes(b"half")
    begin(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["card.json"]


LIMITED = """
import resource, signal, sys
from pathlib import Path
import torch
from speech.errors import DiskFailure
from speech.models.training import saved
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    saved.write(Path(sys.argv[1]), {"weights": torch.ones(100_000)})
except DiskFailure as failed:
    print(failed.code)
"""


def test_d1_torchs_own_error_of_a_full_disk_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "last.pt")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert done.stdout.strip() == "DISK_FULL"
    assert list(tmp_path.iterdir()) == []


def refused(act: Callable[[], object]) -> TrainingFailure:
    with pytest.raises(TrainingFailure) as failed:
        act()
    assert failed.value.code == "TRAINING_CHECKPOINT"
    assert "begin a new run in another folder" in failed.value.mend
    return failed.value


@pytest.mark.parametrize("kind", ["older", "cut", "text", "foreign"])
def test_a_checkpoint_of_another_form_is_refused_with_what_to_do(tmp_path: Path, kind: str) -> None:
    loop, steps = begin(tmp_path, hold_steps=3)
    loop.run(steps, decay=False)
    path = tmp_path / "last.pt"
    if kind == "older":
        torch.save({"model": loop.model.state_dict(), "mean": loop.mean, "step": 3, "audio_s": 1.0, "seconds": 1.0}, path)
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:-5000])
    elif kind == "text":
        path.write_text("not a checkpoint", encoding="utf-8")
    else:
        torch.save([1, 2], path)
    said = refused(lambda: begin(tmp_path)).what
    assert ("damaged" in said) == (kind in ("cut", "text"))
    assert ("older version" in said) == (kind in ("older", "foreign"))


def test_a_checkpoint_of_other_weights_or_of_another_base_is_refused(tmp_path: Path) -> None:
    loop, steps = begin(tmp_path, frozen=lambda: "one base")
    loop.run(steps, decay=False)
    assert "another base" in refused(lambda: begin(tmp_path, frozen=lambda: "another")).what
    wider = nn.ModuleDict({"head": nn.Linear(4096, 2)})
    said = refused(lambda: Loop(wider, LoopSettings(), tmp_path, card={}, frozen=lambda: "one base")).what
    assert "head.weight is [1, 4096], here [2, 4096]" in said and "norm.weight is surplus" in said


def scores(found: list[float], heard: list[int]) -> Callable[[int], Evaluation]:
    def evaluate(step: int) -> Evaluation:
        heard.append(step)
        return Evaluation(score=found[len(heard) - 1], stated={"dev": found[len(heard) - 1]})

    return evaluate


def test_patience_ends_a_run_and_the_best_is_kept(tmp_path: Path) -> None:
    heard: list[int] = []
    loop, steps = begin(tmp_path, hold_steps=20, evaluate_steps=2, checkpoint_steps=2, patience=2)
    assert not loop.run(steps, decay=False, evaluate=scores([50.0, 40.0, 45.0, 40.0], heard))
    assert (heard, loop.step, loop.best) == ([2, 4, 6, 8], 8, 40.0)
    assert torch.load(tmp_path / "best.pt", weights_only=True)["step"] == 4
    again, steps = begin(tmp_path, hold_steps=20, evaluate_steps=2, checkpoint_steps=2, patience=2)
    assert not again.run(steps, decay=False, evaluate=scores([], []))
    again.load(tmp_path / "best.pt")
    assert again.step == 4


def test_a_decay_goes_to_its_end_whatever_patience_says(tmp_path: Path) -> None:
    loop, steps = begin(tmp_path, hold_steps=20, decay_steps=6, evaluate_steps=2, checkpoint_steps=2, patience=1)
    assert not loop.run(steps, decay=False, evaluate=scores([40.0, 45.0], []))
    assert loop.step == 4
    assert loop.run(steps, decay=True, evaluate=scores([50.0, 60.0, 70.0], []))
    assert loop.step == 10


def test_without_patience_nothing_ends_a_run_and_nothing_more_is_written(tmp_path: Path) -> None:
    heard: list[int] = []
    loop, steps = begin(tmp_path, evaluate_steps=1)
    assert loop.run(steps, decay=False, evaluate=scores([1.0, 2.0, 3.0, 4.0, 5.0, float("nan")], heard))
    assert heard == [1, 2, 3, 4, 5, 6]
    assert not (tmp_path / "best.pt").exists()


def test_an_evaluation_that_was_interrupted_is_made_up_for(tmp_path: Path) -> None:
    def interrupted(_step: int) -> Evaluation:
        raise KeyboardInterrupt

    loop, steps = begin(tmp_path, evaluate_steps=3)
    with pytest.raises(KeyboardInterrupt):
        loop.run(steps, decay=False, evaluate=interrupted)
    heard: list[int] = []
    again, steps = begin(tmp_path, evaluate_steps=3)
    assert again.step == 3
    assert again.run(steps, decay=False, evaluate=scores([9.0, 8.0], heard))
    assert heard == [3, 6]


def test_a_decay_keeps_what_it_began_from(tmp_path: Path) -> None:
    loop, steps = begin(tmp_path, hold_steps=3)
    loop.run(steps, decay=False)
    ended, steps = begin(tmp_path, hold_steps=3, decay_steps=2)
    assert ended.run(steps, decay=True)
    kept: Mapping[str, Any] = torch.load(tmp_path / "held.pt", weights_only=True)
    assert (kept["step"], ended.step) == (3, 5)


@pytest.mark.gpu
def test_a_run_on_a_gpu_resumes_with_its_state_there(tmp_path: Path) -> None:
    def on_gpu() -> Loop:
        generators.seed_all(7)
        return Loop(Net(), LoopSettings(hold_steps=3), tmp_path, card={}, device="cuda")

    def steps(loop: Loop) -> Iterator[Callable[[], Step]]:
        while True:
            yield lambda: Step(loss=loop.model(torch.rand(3, 4, device="cuda")).square().mean(), audio_s=1.0, clips=["a"])

    first = on_gpu()
    first.run(steps(first), decay=False)
    next_draw = torch.rand(3, device="cuda")
    again = on_gpu()
    assert torch.equal(torch.rand(3, device="cuda"), next_draw)
    assert {t.device.type for t in again.mean.values()} == {"cuda"}
    assert {s["exp_avg"].device.type for s in again.optimiser.state.values()} == {"cuda"}
    assert all(torch.equal(a, b) for a, b in zip(first.mean.values(), again.mean.values(), strict=True))
