"""Rows M of the fault table: models and adapters that are broken, foreign, or not what they say."""

from __future__ import annotations

import json
import math
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speech.errors import MemoryFailure, ModelRefused, TrainingFailure
from speech.models.cards import AdapterCard, card_toml, read_card
from speech.models.checkpoint import base_sha256, open_checkpoint
from speech.models.memory import require_memory
from speech.models.recogniser import CtcRecogniser, LoadSettings, load
from speech.models.weights import canonical_name, content_sha256, entries
from tests.models import tiny

FP32 = LoadSettings(precision="fp32")


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint that a test may spoil."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


def write_card(folder: Path, language: str, **changes: object) -> Path:
    """A true card for an adapter of the tiny checkpoint, unless changed."""
    path = folder / f"adapter.{language}.safetensors"
    values = {
        "language": language,
        "base_sha256": base_sha256(open_checkpoint(folder)),
        "tensor_sha256": content_sha256([(path, entries(path))], rename=canonical_name),
        "alphabet": tuple(tiny.VOCABULARIES[language]),
    }
    target = path.with_suffix(".toml")
    target.write_text(card_toml(AdapterCard(**(values | changes))), encoding="utf-8")  # type: ignore[arg-type]
    return target


def refused(act: Callable[[], object]) -> ModelRefused:
    with pytest.raises(ModelRefused) as found:
        act()
    return found.value


def use(folder: Path, language: str = "que", **settings: object) -> object:
    return load(str(folder), LoadSettings(precision="fp32", **settings)).use(language)  # type: ignore[arg-type]


def rewrite(path: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_m1_an_adapter_of_another_base_names_both(folder: Path, tmp_path: Path) -> None:
    for code in tiny.VOCABULARIES:
        write_card(folder, code)
    other = tiny.save(tmp_path / "other", seed=99)
    error = refused(lambda: use(other, adapter=folder))
    assert error.code == "MODEL_BASE"
    for checkpoint in (folder, other):
        assert base_sha256(open_checkpoint(checkpoint))[:16] in error.what
    assert "--model" in error.mend


def test_m2_weights_cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-1000])
    error = refused(lambda: use(folder))
    assert error.code == "MODEL_TRUNCATED"
    assert str(len(data) - 1000) in error.what and str(len(data)) in error.what


def test_m2_bytes_after_the_last_tensor(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes() + b"x")
    assert refused(lambda: use(folder)).code == "MODEL_TRUNCATED"


@pytest.mark.parametrize(("header", "code"), [(2**62, "MODEL_HEADER"), (0, "MODEL_HEADER"), (50_000, "MODEL_TRUNCATED")])
def test_m2_a_header_of_wrong_length(folder: Path, header: int, code: str) -> None:
    (folder / "adapter.que.safetensors").write_bytes(struct.pack("<Q", header) + b"{" * 100)
    assert refused(lambda: use(folder)).code == code


def test_m3_a_pickle_under_a_safe_name_is_not_opened(folder: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    assert refused(lambda: use(folder)).code == "MODEL_PICKLE"
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "epoch.ckpt"])
def test_m3_a_folder_with_pickled_weights_only(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    assert refused(lambda: use(folder)).code == "MODEL_PICKLE"


@pytest.mark.parametrize("data", [b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", b"<!DOCTYPE html><html></html>"])
def test_m4_a_pointer_or_a_page_in_place_of_weights(folder: Path, data: bytes) -> None:
    (folder / "model.safetensors").write_bytes(data)
    assert refused(lambda: use(folder)).code == "MODEL_NOT_WEIGHTS"


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("file", ["model.safetensors", "adapter.que.safetensors"])
def test_m5_weights_that_are_not_numbers(folder: Path, file: str, value: float) -> None:
    def spoil(tensors: dict[str, np.ndarray]) -> None:
        name = next(n for n in tensors if "layers.0" in n and n.endswith("weight") and ("adapter" in n) == file.startswith("adapter"))
        tensors[name].flat[3] = value

    rewrite(folder / file, spoil)
    error = refused(lambda: use(folder))
    assert error.code == "MODEL_NONFINITE"
    assert "layers.0" in error.what


def test_m5_a_tensor_twice_in_the_header(folder: Path) -> None:
    row = '"lm_head.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
    header = f"{{{row},{row}}}".encode()
    (folder / "adapter.que.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    error = refused(lambda: use(folder))
    assert error.code == "MODEL_HEADER"
    assert "lm_head.bias" in error.what


def test_m6_missing_surplus_and_misshapen_tensors_are_all_listed(folder: Path) -> None:
    def spoil(tensors: dict[str, np.ndarray]) -> None:
        del tensors["wav2vec2.encoder.layer_norm.bias"]
        tensors["wav2vec2.stranger"] = np.zeros(2, np.float32)
        tensors["wav2vec2.encoder.layer_norm.weight"] = np.zeros(5, np.float32)

    rewrite(folder / "model.safetensors", spoil)
    error = refused(lambda: use(folder))
    assert error.code == "MODEL_SHAPE"
    for part in ("layer_norm.bias is missing", "wav2vec2.stranger is surplus", "layer_norm.weight is [5], due [32]"):
        assert part in error.what


def test_m7_a_head_that_does_not_fit_its_vocabulary(folder: Path) -> None:
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    vocabulary["que"]["zz"] = len(vocabulary["que"])
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    assert refused(lambda: use(folder)).code == "MODEL_VOCAB"


@pytest.mark.parametrize("vocabulary", [{"<pad>": 0, "a": 1, "b": 1}, {"a": 0, "b": 1}, {"<pad>": 0, "a": 2}])
def test_m7_two_letters_with_one_number_no_blank_or_a_gap(folder: Path, vocabulary: dict[str, int]) -> None:
    (folder / "vocab.json").write_text(json.dumps({"que": vocabulary}), encoding="utf-8")
    assert refused(lambda: use(folder)).code == "MODEL_VOCAB"


def test_m8_the_language_asked_for_is_the_one_that_answers(tiny_folder: Path) -> None:
    # transformers#24223: French was asked for and the weights of English answered.
    model = load(str(tiny_folder), FP32)
    clip = np.random.default_rng(1).standard_normal(16_000).astype(np.float32)
    answers: dict[str, list[np.ndarray]] = {}
    for code in (*tiny.VOCABULARIES, *reversed(tiny.VOCABULARIES)):
        adapter = model.use(code)
        answers.setdefault(code, []).append(model.emissions([clip], [code])[0])
        path = tiny_folder / f"adapter.{code}.safetensors"
        assert adapter.tensor_sha256 == content_sha256([(path, entries(path))], rename=canonical_name)
        from safetensors.numpy import load_file

        for name, tensor in load_file(path).items():
            np.testing.assert_array_equal(model._bank.tensors(code)[name].numpy(), tensor)
    for first, second in answers.values():
        np.testing.assert_array_equal(first, second)
    small = min(e[0].shape[1] for e in answers.values())
    a, b = answers["que"][0], answers["fra"][0]
    assert np.abs(a[:, :small] - b[:, :small]).max() > 0.1


def test_m9_a_language_that_is_not_here_gets_the_nearest(folder: Path) -> None:
    error = refused(lambda: use(folder, "qug"))
    assert error.code == "MODEL_LANGUAGE"
    assert "que" in error.mend and "yor" in error.what


@pytest.mark.parametrize("code", ["../../x", "a\0b", "q" * 300, "qu", "Quechua", ""])
def test_m9_what_is_no_code_never_becomes_a_path(folder: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(str(folder), FP32)
    monkeypatch.setattr(Path, "exists", lambda self: pytest.fail(f"{self} was looked up"))
    error = refused(lambda: model.use(code))
    assert error.code == "LANGUAGE_CODE"
    assert len(str(error)) < 400


def test_m10_a_link_out_of_the_folder(folder: Path, tiny_folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(tiny_folder / "model.safetensors")
    assert pytest.raises(ModelRefused, open_checkpoint, folder).value.code == "PATH_LINK"


def test_m10_links_inside_a_hub_cache_are_fine(tiny_folder: Path, tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "models--x--y" / "blobs", tmp_path / "models--x--y" / "snapshots" / "abc"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for file in tiny_folder.iterdir():
        (blobs / file.name).write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(os.path.relpath(blobs / file.name, snapshot))
    assert set(open_checkpoint(snapshot).adapters) == set(tiny.VOCABULARIES)


def test_m11_a_card_that_is_gone_edited_or_of_another_alphabet(folder: Path) -> None:
    for code in tiny.VOCABULARIES:
        write_card(folder, code)
    use(folder)
    write_card(folder, "que", tensor_sha256="0" * 64)
    assert refused(lambda: use(folder)).code == "MODEL_CARD"
    write_card(folder, "que", alphabet=tuple(reversed(tiny.VOCABULARIES["que"])))
    assert refused(lambda: use(folder)).code == "MODEL_CARD"
    (folder / "adapter.que.toml").write_text("schema = [", encoding="utf-8")
    assert refused(lambda: use(folder)).code == "MODEL_CARD"
    (folder / "adapter.que.toml").unlink()
    assert refused(lambda: use(folder)).code == "MODEL_CARD"


def test_m11_an_adapter_away_from_its_base_needs_a_card(folder: Path, tmp_path: Path) -> None:
    away = tmp_path / "adapter.que.safetensors"
    shutil.copyfile(folder / "adapter.que.safetensors", away)
    assert refused(lambda: use(folder, adapter=away)).code == "MODEL_CARD"
    card = write_card(folder, "que")
    shutil.copyfile(card, away.with_suffix(".toml"))
    assert use(folder, adapter=away)


def test_m11_a_card_reads_back_as_written(folder: Path) -> None:
    card = read_card(
        write_card(
            folder,
            "yor",
            variety='quote " and \\',
            trained={"hours": 1.5, "left out": {"digits": 3}},
            scores=({"cer": 12.5, "split": "test"},),
        )
    )
    assert card.alphabet == tuple(tiny.VOCABULARIES["yor"])
    assert card.variety == 'quote " and \\'
    assert card.trained == {"hours": 1.5, "left out": {"digits": 3}}
    assert card.scores == ({"cer": 12.5, "split": "test"},)


def test_m11_other_makers_adapters_without_cards_are_named_as_such(folder: Path) -> None:
    model = load(str(folder), FP32)
    assert [f.code for f in model.findings("que")] == ["MODEL_UNCARDED"]


def test_m13_a_step_without_a_finite_loss_is_skipped_and_named(tmp_path: Path) -> None:
    loop, steps = _loop(tmp_path, bad={2})
    assert loop.run(steps, decay=False)
    assert [(f.code, f.where) for f in loop.findings] == [("TRAINING_CLIP", "clip2.wav")]
    assert loop.step == 6
    assert all(np.isfinite(p.detach().numpy()).all() for p in loop.model.parameters())


def test_m13_three_such_steps_in_a_row_end_the_run_and_keep_the_last_good(tmp_path: Path) -> None:
    import torch

    loop, steps = _loop(tmp_path, bad={3, 4, 5})
    with pytest.raises(TrainingFailure) as failed:
        loop.run(steps, decay=False)
    assert failed.value.code == "TRAINING_DIVERGED"
    kept = torch.load(tmp_path / "last.pt", weights_only=True)
    assert kept["step"] == 3
    assert all(bool(torch.isfinite(t).all()) for t in kept["trained"].values())


@pytest.mark.parametrize("touched", [False, True])
def test_m12_a_base_that_changed_while_an_adapter_was_trained(tmp_path: Path, touched: bool) -> None:
    import torch

    base = {"hash": "before"}
    loop, steps = _loop(tmp_path, bad=set(), frozen=lambda: base["hash"])
    if touched:
        base["hash"] = "after"
        with pytest.raises(TrainingFailure) as failed:
            loop.run(steps, decay=False)
        assert failed.value.code == "TRAINING_BASE_CHANGED"
        assert not (tmp_path / "last.pt").exists()
    else:
        assert loop.run(steps, decay=False)
        assert torch.load(tmp_path / "last.pt", weights_only=True)["step"] == 6


def _loop(folder: Path, bad: set[int], frozen=None):  # type: ignore[no-untyped-def]  # local helper
    import itertools

    import torch

    from speech.models.training import Loop, LoopSettings, Step

    model = torch.nn.Linear(2, 1)

    def make(number: int):  # type: ignore[no-untyped-def]  # local helper
        def step() -> Step:
            loss = model(torch.ones(1, 2)).square().sum()
            return Step(loss=loss * float("nan") if number in bad else loss, audio_s=1.0, clips=[f"clip{number}.wav"])

        return step

    settings = LoopSettings(hold_steps=6, checkpoint_steps=1, evaluate_steps=100)
    return Loop(model, settings, folder, card={}, frozen=frozen), map(make, itertools.count())


def test_m14_too_little_memory_is_said_before_loading(tiny_folder: Path) -> None:
    numbers = sum(math.prod(entry.shape) for entry in open_checkpoint(tiny_folder).tensors.values())
    with pytest.raises(MemoryFailure) as failed:
        require_memory(tiny_folder.name, numbers, "fp32", free=lambda: 100_000_000)
    assert failed.value.code == "MODEL_MEMORY"
    assert "0.1 GB are free" in failed.value.what and "mini" in failed.value.mend
    assert failed.value.exit_status == 2


def test_the_base_hash_does_not_depend_on_the_name_of_weight_norm(folder: Path) -> None:
    before = base_sha256(open_checkpoint(folder))

    def rename(tensors: dict[str, np.ndarray]) -> None:
        for name in [n for n in tensors if "original0" in n or "original1" in n]:
            tensors[canonical_name(name)] = tensors.pop(name)

    rewrite(folder / "model.safetensors", rename)
    assert base_sha256(open_checkpoint(folder)) == before
    clip = np.random.default_rng(2).standard_normal(8_000).astype(np.float32)
    assert isinstance(load(str(folder), FP32).emissions([clip], ["que"]), list)


def test_w1_a_model_that_is_not_here_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    error = refused(lambda: load("mms-1b-all"))
    assert error.code == "MODEL_NOT_HERE"
    assert "hf download facebook/mms-1b-all --revision 3d33597edbdaaba14a8e858e2c8caa76e3cec0cd" in error.mend
    assert refused(lambda: load("no/such-model")).code == "MODEL_NOT_HERE"
    assert refused(lambda: load("nothing here")).code == "MODEL_NOT_HERE"


def test_w5_loading_and_using_a_model_opens_no_connection(tiny_folder: Path) -> None:
    # conftest fails any connection.
    model: CtcRecogniser = load(str(tiny_folder), FP32)
    assert model.emissions([np.ones(4_000, np.float32)], ["que"])[0].shape[0] > 0
