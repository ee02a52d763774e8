"""Folders of checkpoints as people share them: each loads, hears what plain transformers hears, and says what it lacks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from speech.errors import ModelRefused, UsageFailure
from speech.models import families
from speech.models.checkpoint import open_checkpoint
from speech.models.recogniser import HiddenStates, LoadSettings, load
from tests.models import folders, tiny
from tests.models.folders import KINDS, Kind

FP32 = LoadSettings(precision="fp32")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_folder_hears_what_plain_transformers_hears(kind: Kind, tmp_path: Path) -> None:
    network = kind.make(tmp_path / "model")
    model = load(str(tmp_path / "model"), FP32)
    clips = folders.clips()
    due = [folders.plainly(tmp_path / "model", network, clip) for clip in clips]
    together = model.emissions(clips, [kind.language] * len(clips))
    for clip, ours, theirs in zip(clips, together, due, strict=True):
        alone = model.emissions([clip], [kind.language])[0]
        # Of log-mel frames that are padded to an even number, transformers gives one more, which stands for no sound.
        assert len(theirs) - len(ours) in ((0, 1) if model.checkpoint.family.inputs == "log-mel" else (0,))
        np.testing.assert_allclose(alone, theirs[: len(ours)], atol=1e-4)
        np.testing.assert_allclose(ours, theirs[: len(ours)], atol=1e-4)
    assert {f.code for f in model.findings(kind.language)} == set(kind.findings)
    assert model.symbols(kind.language)[model.blank(kind.language)] == kind.blank


@pytest.mark.parametrize("name", ["mms", "omnilingual", "w2v-bert", "wavlm", "hubert"])
def test_hidden_states_come_from_any_family(name: str, tmp_path: Path) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)
    kind.make(tmp_path / "model")
    model = load(str(tmp_path / "model"), FP32)
    clip = folders.clips()[0]
    (own,) = model.encode_batch([(clip, kind.language)], HiddenStates(layer=model.layers, adapters=True))
    (common,) = model.encode_batch([(clip, kind.language)], HiddenStates(layer=1))
    for encoding in (own, common):
        assert encoding.hidden is not None and encoding.hidden.shape == (len(encoding.emissions), model.width)
    assert model.passes(HiddenStates(layer=1)) == (2 if model.checkpoint.takes_adapters else 1)


def test_an_mms_base_without_the_adapter_asked_for_is_refused(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path / "model")
    (folder / "adapter.yor.safetensors").unlink()
    with pytest.raises(ModelRefused, match="que") as refused:
        load(str(folder), FP32).use("yor")
    assert refused.value.code == "MODEL_LANGUAGE"
    for path in folder.glob("adapter.*.safetensors"):
        path.unlink()
    for code in ("que", "yor"):
        with pytest.raises(ModelRefused) as refused:
            load(str(folder), FP32).use(code)
        assert refused.value.code == "MODEL_LANGUAGE"


def test_the_language_whose_adapter_lies_inside_is_heard_where_the_tokenizer_names_it(tmp_path: Path) -> None:
    network = folders._adapter_inside(tmp_path)
    nested = {code: {s: n for n, s in enumerate(folders.PLAIN)} for code in ("que", "yor")}
    (tmp_path / "vocab.json").write_text(json.dumps(nested), encoding="utf-8")
    stated = json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(stated | {"target_lang": "yor"}), encoding="utf-8")
    model = load(str(tmp_path), FP32)
    clip = folders.clips()[0]
    np.testing.assert_allclose(model.emissions([clip], ["yor"])[0], folders.plainly(tmp_path, network, clip), atol=1e-4)
    with pytest.raises(ModelRefused) as refused:
        model.use("que")
    assert refused.value.code == "MODEL_LANGUAGE"


def test_another_sampling_rate_is_refused_by_name(tmp_path: Path) -> None:
    folders._wav2vec2(tmp_path, extractor={"sampling_rate": 8_000})
    with pytest.raises(ModelRefused, match="8000 samples a second") as refused:
        open_checkpoint(tmp_path)
    assert refused.value.code == "MODEL_RATE"


def test_a_folder_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    folders._wav2vec2(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    for change in ({"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]}, {"architectures": ["Wav2Vec2Model"]}):
        (tmp_path / "config.json").write_text(json.dumps(config | change), encoding="utf-8")
        with pytest.raises(ModelRefused, match="Wav2Vec2BertForCTC") as refused:
            open_checkpoint(tmp_path)
        assert refused.value.code == "MODEL_CONFIG"


def test_an_adapter_for_layers_that_hold_none_is_refused(tmp_path: Path) -> None:
    folders._wav2vec2(tmp_path / "model")
    adapter = tiny.save(tmp_path / "mms") / "adapter.que.safetensors"
    (tmp_path / "model" / "adapter.que.safetensors").write_bytes(adapter.read_bytes())
    vocabulary = {"que": {s: n for n, s in enumerate(tiny.VOCABULARIES["que"])}}
    (tmp_path / "model" / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    with pytest.raises(ModelRefused, match="hold no adapters") as refused:
        load(str(tmp_path / "model"), FP32).use("que")
    assert refused.value.code == "MODEL_ADAPTERS"


def test_a_vocabulary_without_a_blank_or_with_two_names_for_a_number_is_refused(tmp_path: Path) -> None:
    folders._wav2vec2(tmp_path)
    plain = {s: n for n, s in enumerate(folders.PLAIN)}
    for added, vocabulary in (({"<x>": 5}, plain), ({}, {("a" * 9 if s == "<pad>" else s): n for s, n in plain.items()})):
        (tmp_path / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
        (tmp_path / "added_tokens.json").write_text(json.dumps(added), encoding="utf-8")
        with pytest.raises(ModelRefused) as refused:
            open_checkpoint(tmp_path)
        assert refused.value.code == "MODEL_VOCAB"


def test_int8_is_refused_where_attention_cannot_be_computed_in_it(tmp_path: Path) -> None:
    folders._wavlm(tmp_path)
    with pytest.raises(UsageFailure, match="WavLMForCTC"):
        load(str(tmp_path), LoadSettings(precision="int8"))


def test_a_head_without_rows_for_the_specials_that_a_tokenizer_added_is_whole(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    network = folders._added_tokens(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    for name in ("lm_head.weight", "lm_head.bias"):
        tensors[name] = tensors[name][:-2].clone()
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(config | {"vocab_size": config["vocab_size"] - 2}), encoding="utf-8")
    network.lm_head.weight = torch.nn.Parameter(network.lm_head.weight[:-2])
    network.lm_head.bias = torch.nn.Parameter(network.lm_head.bias[:-2])
    clip = folders.clips()[0]
    (ours,) = load(str(tmp_path), FP32).emissions([clip], ["que"])
    np.testing.assert_allclose(ours, folders.plainly(tmp_path, network, clip), atol=1e-4)


def test_a_configuration_that_states_too_little_is_refused_by_name(tmp_path: Path) -> None:
    folders._wav2vec2(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    plain = {name: value for name, value in config.items() if name not in ("conv_kernel", "conv_stride")}
    (tmp_path / "config.json").write_text(json.dumps(plain), encoding="utf-8")
    assert open_checkpoint(tmp_path).front_end.stride == 320  # as transformers has it
    (tmp_path / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "hidden_size"}), encoding="utf-8")
    with pytest.raises(ModelRefused, match="hidden_size") as refused:
        families.width_of(open_checkpoint(tmp_path).config)
    assert refused.value.code == "MODEL_CONFIG"
    (tmp_path / "preprocessor_config.json").write_text('{"sampling_rate": "x"}', encoding="utf-8")
    with pytest.raises(ModelRefused) as refused:
        open_checkpoint(tmp_path)
    assert refused.value.code == "MODEL_CONFIG"


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"pad_token_id": "x"}),
        ("config.json", {"conv_stride": [5, 2]}),
        ("config.json", {"model_type": ["a"]}),
        ("tokenizer_config.json", {"added_tokens_decoder": {"x": "y"}}),
        ("tokenizer.json", {"model": None}),
        ("tokenizer.json", {"model": {"vocab": [[]]}}),
        ("tokenizer.json", {"model": {"vocab": {}}, "added_tokens": [{}]}),
    ],
)
def test_files_of_any_form_are_refused_not_failed_over(tmp_path: Path, file: str, change: dict[str, object]) -> None:
    folders._wav2vec2(tmp_path)
    path = tmp_path / file
    stated = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(stated | change), encoding="utf-8")
    if file == "tokenizer.json":
        (tmp_path / "vocab.json").unlink()
    with pytest.raises(ModelRefused) as refused:
        open_checkpoint(tmp_path)
    assert refused.value.code == "MODEL_CONFIG"
