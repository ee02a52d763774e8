"""Folders of checkpoints as people share them, random and small, each saved by transformers' own calls.

`KINDS` names them; `tests/models/test_folders.py` and `benchmarks/checkpoint_folders.py` hold each against plain transformers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.models import tiny

LETTERS = list("abcdefghijklmnopqrstuvwxyz'")
CONVS: dict[str, Any] = {"conv_dim": (16,) * 7, "conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2)}
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "layerdrop": 0.0,
}
POSITIONS: dict[str, Any] = {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way in which a folder is made."""

    name: str
    made: str
    """How, in words."""
    make: Callable[[Path], Any]
    """Writes the folder; returns the network as plain transformers has it."""
    language: str = "que"
    blank: str = "<pad>"
    findings: tuple[str, ...] = ()
    """Codes that a person is told."""


def _seeded() -> None:
    import torch

    from speech.models import guard

    guard.load()
    torch.manual_seed(5)


def _save_tokenizer(folder: Path, symbols: list[str], **stated: Any) -> Any:
    """A `Wav2Vec2CTCTokenizer` saved by transformers, with what it adds of itself."""
    from transformers import Wav2Vec2CTCTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    given = folder / "given.json"
    given.write_text(json.dumps({s: n for n, s in enumerate(symbols)}, ensure_ascii=False), encoding="utf-8")
    tokenizer = Wav2Vec2CTCTokenizer(str(given), **stated)
    tokenizer.save_pretrained(folder)
    given.unlink()
    return tokenizer


def _save_extractor(folder: Path, **stated: Any) -> None:
    from transformers import Wav2Vec2FeatureExtractor

    values = {"feature_size": 1, "sampling_rate": 16_000, "padding_value": 0.0, "do_normalize": True, "return_attention_mask": True}
    Wav2Vec2FeatureExtractor(**(values | stated)).save_pretrained(folder)


PLAIN = ["<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS]


def _wav2vec2(folder: Path, symbols: list[str] = PLAIN, *, extractor: dict[str, Any] | None = None, **config: Any) -> Any:
    """A fine-tuned wav2vec2 with one head: the shape of XLS-R unless said."""
    _seeded()
    from transformers import Wav2Vec2ForCTC

    tokenizer = _save_tokenizer(folder, symbols, pad_token="<pad>", unk_token="<unk>", word_delimiter_token="|")
    shape = {"adapter_attn_dim": None, "vocab_size": len(tokenizer), "pad_token_id": symbols.index("<pad>")} | config
    network = Wav2Vec2ForCTC(tiny.configuration(**shape)).eval()
    network.save_pretrained(folder)
    _save_extractor(folder, **(extractor or {}))
    return network


def _adapter_inside(folder: Path) -> Any:
    _seeded()
    import torch
    from transformers import Wav2Vec2ForCTC

    tokenizer = _save_tokenizer(folder, PLAIN, pad_token="<pad>", unk_token="<unk>", word_delimiter_token="|")
    network = Wav2Vec2ForCTC(tiny.configuration(vocab_size=len(tokenizer))).eval()
    with torch.no_grad():
        for name, tensor in network._get_adapters().items():
            tensor.copy_(torch.randn_like(tensor) * 0.3 + (1 if name.endswith("norm.weight") else 0))
    network.save_pretrained(folder)
    _save_extractor(folder)
    return network


def _added_tokens(folder: Path) -> Any:
    """The recipe of Hugging Face's course: [PAD] and [UNK] in vocab.json, <s> and </s> added behind it by the tokenizer."""
    _seeded()
    from transformers import Wav2Vec2ForCTC

    symbols = [*LETTERS, "|", "[UNK]", "[PAD]"]
    tokenizer = _save_tokenizer(folder, symbols, unk_token="[UNK]", pad_token="[PAD]", word_delimiter_token="|")
    assert len(tokenizer) == len(symbols) + 2
    shape = {"adapter_attn_dim": None, "vocab_size": len(tokenizer), "pad_token_id": symbols.index("[PAD]")}
    network = Wav2Vec2ForCTC(tiny.configuration(**shape)).eval()
    network.save_pretrained(folder)
    added = {"<s>": len(symbols), "</s>": len(symbols) + 1}
    (folder / "added_tokens.json").write_text(json.dumps(added), encoding="utf-8")  # as transformers 4 wrote it
    _save_extractor(folder)
    return network


def _script(folder: Path) -> Any:
    tiny.save(folder, vocabularies={"azj-script_cyrillic": [*PLAIN[:5], *"абвгд"], "azj-script_latin": [*PLAIN[:5], *"abcçd"]})
    return tiny.plain(folder, "azj-script_cyrillic")


def _one_language_of_mms(folder: Path) -> Any:
    """A nested vocabulary with one language, its adapter inside the weights."""
    network = _adapter_inside(folder)
    nested = {"que": {s: n for n, s in enumerate(PLAIN)}}
    (folder / "vocab.json").write_text(json.dumps(nested), encoding="utf-8")
    return network


def _capitals(folder: Path) -> Any:
    return _wav2vec2(folder, [*PLAIN[:5], *(letter.upper() for letter in LETTERS)])


def _with_language_model(folder: Path) -> Any:
    network = _wav2vec2(folder)
    (folder / "language_model").mkdir()
    (folder / "language_model" / "5gram.bin").write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0")
    (folder / "alphabet.json").write_text(json.dumps({"labels": PLAIN, "is_bpe": False}), encoding="utf-8")
    return network


def pieces(count: int) -> list[str]:
    """A vocabulary in the order of fairseq2: `<s>`, `<pad>`, `</s>`, `<unk>`, then pieces, some of which begin a word."""
    pairs = [a + b for a in LETTERS for b in LETTERS]
    letters = ["▁", *(f"▁{a}" for a in LETTERS), *LETTERS, *pairs, *(f"▁{pair}" for pair in pairs)]
    return (["<s>", "<pad>", "</s>", "<unk>", *letters] + [chr(0x4E00 + n) for n in range(count)])[:count]


def _pieces_in_wav2vec2(folder: Path) -> Any:
    """Omnilingual's CTC checkpoints as they circulate converted: Wav2Vec2ForCTC with one flat vocabulary, blank <s> at 0."""
    _seeded()
    from transformers import Wav2Vec2ForCTC

    symbols = pieces(10_288)
    shape = {"adapter_attn_dim": None, "vocab_size": len(symbols), "pad_token_id": 1, "bos_token_id": 0}
    network = Wav2Vec2ForCTC(tiny.configuration(**shape)).eval()
    network.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({s: n for n, s in enumerate(symbols)}, ensure_ascii=False), encoding="utf-8")
    _save_extractor(folder)
    return network


def _omnilingual(folder: Path) -> Any:
    _seeded()
    from transformers import OmniASRCTCConfig, OmniASRFeatureExtractor, OmniASRForCTC

    symbols = pieces(500)
    network = OmniASRForCTC(OmniASRCTCConfig(vocab_size=len(symbols), audio_config={**CONVS, **SMALL, **POSITIONS})).eval()
    network.save_pretrained(folder)
    OmniASRFeatureExtractor().save_pretrained(folder)
    save_quick_tokenizer(folder, symbols)
    return network


def save_quick_tokenizer(folder: Path, symbols: list[str]) -> None:
    """A `tokenizer.json` whose model is a list of pieces (Unigram), as SentencePiece becomes one."""
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram

    Tokenizer(Unigram([(s, 0.0) for s in symbols], unk_id=3)).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "ParakeetTokenizer", "pad_token": "<s>", "unk_token": "<unk>"}), encoding="utf-8"
    )


def _w2v_bert(folder: Path, **config: Any) -> Any:
    _seeded()
    from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig, Wav2Vec2BertForCTC

    tokenizer = _save_tokenizer(folder, PLAIN, pad_token="<pad>", unk_token="<unk>", word_delimiter_token="|")
    shape = {**SMALL, "vocab_size": len(tokenizer), "pad_token_id": 0, "output_hidden_size": 32, "conv_depthwise_kernel_size": 7} | config
    network = Wav2Vec2BertForCTC(Wav2Vec2BertConfig(**shape)).eval()
    network.save_pretrained(folder)
    SeamlessM4TFeatureExtractor().save_pretrained(folder)
    return network


def _hubert(folder: Path) -> Any:
    _seeded()
    from transformers import HubertConfig, HubertForCTC

    tokenizer = _save_tokenizer(folder, PLAIN, pad_token="<pad>", unk_token="<unk>", word_delimiter_token="|")
    shape = {
        **SMALL,
        **CONVS,
        **POSITIONS,
        "vocab_size": len(tokenizer),
        "pad_token_id": 0,
        "feat_extract_norm": "layer",
        "conv_bias": True,
    }
    network = HubertForCTC(HubertConfig(**shape, do_stable_layer_norm=True)).eval()
    network.save_pretrained(folder)
    _save_extractor(folder)
    return network


def _wavlm(folder: Path) -> Any:
    _seeded()
    from transformers import WavLMConfig, WavLMForCTC

    tokenizer = _save_tokenizer(folder, PLAIN, pad_token="<pad>", unk_token="<unk>", word_delimiter_token="|")
    network = WavLMForCTC(WavLMConfig(**SMALL, **CONVS, **POSITIONS, vocab_size=len(tokenizer), pad_token_id=0)).eval()
    network.save_pretrained(folder)
    _save_extractor(folder, return_attention_mask=False)
    return network


def _mms(folder: Path) -> Any:
    tiny.save(folder)
    return tiny.plain(folder, "que")


UNCARDED = ("MODEL_UNCARDED",)
KINDS = (
    Kind(name="mms", made="MMS: nested vocab.json, a file an adapter", make=_mms, findings=UNCARDED),
    Kind(
        name="adapter-inside", made="(a) adapter_attn_dim set, adapter weights inside model.safetensors",
        make=_adapter_inside, findings=UNCARDED,
    ),
    Kind(name="one-language", made="(a) the same under a nested vocabulary of one language", make=_one_language_of_mms, findings=UNCARDED),
    Kind(
        name="added-tokens", made="(b) <s>, </s> in added_tokens.json, a head of len(tokenizer) rows",
        make=_added_tokens, blank="[PAD]", findings=UNCARDED,
    ),
    Kind(
        name="script", made="(d) a code with a script",
        make=_script, language="azj-script_cyrillic", findings=("MODEL_UNCARDED", "LANGUAGE_PLAIN"),
    ),
    Kind(
        name="not-levelled", made="(e) do_normalize false", findings=UNCARDED,
        make=lambda folder: _wav2vec2(folder, extractor={"do_normalize": False}),
    ),
    Kind(name="xls-r", made="(f) XLS-R: layer norm, no adapters", make=_wav2vec2, findings=UNCARDED),
    Kind(
        name="wav2vec2-base", made="(f) wav2vec2-base: group norm, no attention mask", findings=UNCARDED,
        make=lambda folder: _wav2vec2(
            folder, extractor={"return_attention_mask": False}, feat_extract_norm="group", conv_bias=False, do_stable_layer_norm=False
        ),
    ),
    Kind(name="conv-adapter", made="XLS-R with add_adapter (frames of 80 ms and more)", findings=UNCARDED,
         make=lambda folder: _wav2vec2(folder, add_adapter=True, num_adapter_layers=2, output_hidden_size=32)),
    Kind(name="capitals", made="(g) capital letters", make=_capitals, findings=("MODEL_UNCARDED", "MODEL_CAPITALS")),
    Kind(
        name="language-model", made="(h) language_model/ beside it (Wav2Vec2ProcessorWithLM)", make=_with_language_model,
        findings=("MODEL_LANGUAGE_MODEL", "MODEL_UNCARDED"),
    ),
    Kind(
        name="pieces", made="Omnilingual CTC converted to Wav2Vec2ForCTC: 10,288 pieces, blank <s> at 0",
        make=_pieces_in_wav2vec2, blank="<s>", findings=UNCARDED,
    ),
    Kind(
        name="omnilingual", made="OmniASRForCTC, tokenizer.json",
        make=_omnilingual, language="quz", blank="<s>", findings=("MODEL_UNCARDED", "LANGUAGE_PLAIN"),
    ),
    Kind(name="w2v-bert", made="Wav2Vec2BertForCTC, log-mel features", make=_w2v_bert, findings=UNCARDED),
    Kind(
        name="w2v-bert-adapter", made="Wav2Vec2BertForCTC with add_adapter, as its recipe has it", findings=UNCARDED,
        make=lambda folder: _w2v_bert(folder, add_adapter=True, num_adapter_layers=1),
    ),
    Kind(name="hubert", made="HubertForCTC", make=_hubert, findings=UNCARDED),
    Kind(name="wavlm", made="WavLMForCTC, no attention mask", make=_wavlm, findings=UNCARDED),
)  # fmt: skip


def plainly(folder: Path, network: Any, samples: Any) -> Any:
    """Log probabilities (frames, vocabulary) of one clip by plain transformers: its own feature extractor and network."""
    import torch
    from transformers import AutoFeatureExtractor

    extractor = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
    inputs = extractor(samples, sampling_rate=16_000, return_tensors="pt")
    with torch.inference_mode():
        return torch.log_softmax(network(**inputs).logits[0], -1).numpy()


def clips() -> list[Any]:
    """Clips of several lengths, at unit power, which is what a recording is brought to."""
    rng = np.random.default_rng(7)
    made = [rng.standard_normal(n).astype(np.float32) for n in (16_000, 5_333, 40_001)]
    return [(clip - clip.mean()) / clip.std() for clip in made]
