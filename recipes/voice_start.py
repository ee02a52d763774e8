"""Where a voice starts, and the folder it ends in: a network with the letters of the new language, and the card that goes with it.

A voice starts from a checkpoint (its own language's, or a near one's) or from nothing. Letters are mapped by name: a letter that both
have keeps its row of the embedding; a new one takes the row of its plain letter (`speech.text.nearest.plain_letter`: ñ that of n, ŋ the
mean of n and g), and starts at the mean of all letters where there is none. What `speech say --voice FOLDER` reads is written here:
config.json, vocab.json, tokenizer_config.json, model.safetensors and collection.card.toml; the run's account lies beside them
as training.json.

Whose voice it is: where everything that it comes from is synthetic its card says so. Else the card of the people who speak in it goes
with it as it is, with the cards of those people, so that whoever speaks with the voice asks them.
"""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from speech import languages
from speech.audio import RATE
from speech.collections import answers, consent
from speech.collections.cards import find_card, load_card
from speech.collections.records import LOCAL, Card
from speech.files import read_bytes, write_bytes, write_text
from speech.models import guard
from speech.models.network import quiet
from speech.models.weights import canonical_name, content_sha256, entries
from speech.say import vits
from speech.say.letters import APOSTROPHES
from speech.text.nearest import plain_letter
from speech.text.spelling import graphemes

PAD, UNKNOWN = "<pad>", "<unk>"
SIGNS = " -'"
"""What a vocabulary from nothing has beside letters: pauses between words, and what stands in them."""
WEIGHTS, ACCOUNT = "model.safetensors", "training.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A letter of the new voice that the start has not, and whose rows it takes; none: the mean of all letters."""

    letter: str
    rows: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """For people, and for the voice's account."""
        name = unicodedata.name(self.letter, f"U+{ord(self.letter):04X}")
        return f"{self.letter} ({name}) from {' and '.join(self.rows) if self.rows else 'the mean of all letters'}"


@dataclass(slots=True, kw_only=True)
class Start:
    """A network that is about to learn, and what goes into the folder of its voice."""

    network: Any
    vocabulary: dict[str, int]
    reader: dict[str, Any]
    """As tokenizer_config.json."""
    name: str
    """What it started from."""
    sha256: str = ""
    mapped: tuple[Mapped, ...] = ()
    kept: tuple[str, ...] = ()
    """Letters of the texts that the start has, too."""
    item: consent.Item | None = None
    """Whose voice it started from; None: from nothing."""
    further: dict[str, bytes] = field(default_factory=dict)
    """Files of the tokenizer that are handed on as they are."""


def unknown_letters(texts: Iterable[str], vocabulary: Mapping[str, int]) -> list[str]:
    """Signs of letters in `texts` that a vocabulary lacks, neither whole nor taken apart, sorted.

    Of letters and marks alone: figures and signs are spelt out before they are said, or left out by name.
    """
    found: set[str] = set()
    for text in texts:
        for letter in graphemes(unicodedata.normalize("NFC", text).lower()):
            if unicodedata.category(letter[0])[0] not in "LM" or letter in APOSTROPHES:
                continue
            forms = (letter, unicodedata.normalize("NFD", letter))
            if not any(all(sign in vocabulary for sign in form) for form in forms):
                found.update(sign for sign in letter if sign not in vocabulary)
    return sorted(found)


def map_letters(letters: Sequence[str], vocabulary: Mapping[str, int]) -> tuple[Mapped, ...]:
    """From which rows each new letter starts."""
    made = []
    for letter in letters:
        plain = plain_letter(letter)
        made.append(Mapped(letter=letter, rows=tuple(plain) if plain and all(sign in vocabulary for sign in plain) else ()))
    return tuple(made)


def grown(rows: torch.Tensor, vocabulary: Mapping[str, int], mapped: Sequence[Mapped], size: int) -> torch.Tensor:
    """The embedding (size, channels) with new letters behind those that are there, in the order of `mapped`."""
    of_letters = [number for sign, number in vocabulary.items() if len(sign) == 1 and unicodedata.category(sign)[0] == "L"]
    mean = rows[of_letters or list(vocabulary.values())].mean(0)
    found = mean.expand(size, -1).clone()
    found[: len(rows)] = rows
    first = 1 + max(vocabulary.values())
    for number, new in enumerate(mapped, first):
        found[number] = rows[[vocabulary[sign] for sign in new.rows]].mean(0) if new.rows else mean
    return found


def from_voice(name: str, language: str, texts: Sequence[str], card: Path | None = None) -> Start:
    """Start from a VITS checkpoint, its vocabulary grown by the letters of `texts`.

    Raises
    ------
    ModelRefused
        As `speech.say.vits.load`.
    """
    voice = vits.load(name, language, card=card)
    checkpoint = voice.checkpoint
    if checkpoint.speakers > 1 or checkpoint.sample_rate != RATE:
        sys.exit(f"{name}: a voice of one speaker at {RATE} Hz is needed to start from, as those of MMS are")
    guard.load()
    import transformers

    with quiet():
        kind = transformers.VitsModel
        network, told = kind.from_pretrained(
            checkpoint.folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    if told["missing_keys"] or told["mismatched_keys"]:
        sys.exit(f"{name}: weights are missing or of another shape: {', '.join(map(str, sorted(told['missing_keys'])[:5]))}")
    vocabulary = dict(checkpoint.vocabulary)
    reader = json.loads(read_bytes(checkpoint.folder / "tokenizer_config.json"))
    names = ("special_tokens_map.json", "added_tokens.json")
    further = {n: read_bytes(checkpoint.folder / n) for n in names if (checkpoint.folder / n).is_file()}
    mapped = () if checkpoint.romanises else map_letters(unknown_letters(texts, vocabulary), vocabulary)
    kept = tuple(sorted({sign for text in texts for sign in text.lower() if sign.isalpha() and sign in vocabulary}))
    if mapped:
        # The unknown sign may have the number behind the last letter without a row of its own: it gets one, behind the new letters.
        further, reader = {}, {key: value for key, value in reader.items() if key != "added_tokens_decoder"}
        end = 1 + max(vocabulary.values()) + len(mapped)
        unknown = UNKNOWN not in vocabulary
        size = max(int(network.config.vocab_size), end + unknown)
        rows = grown(network.text_encoder.embed_tokens.weight.detach(), vocabulary, mapped, size)
        vocabulary |= {new.letter: number for number, new in enumerate(mapped, end - len(mapped))}
        vocabulary |= {UNKNOWN: end} if unknown else {}
        reader["unk_token"] = UNKNOWN
        network.text_encoder.embed_tokens = nn.Embedding(size, rows.shape[1], network.config.pad_token_id, _weight=rows)
        network.config.vocab_size = size
    reader["language"] = language
    held = [(path, entries(path)) for path in checkpoint.weights]
    return Start(
        network=network, vocabulary=vocabulary, reader=reader, name=checkpoint.name, mapped=mapped, kept=kept, item=voice.item,
        sha256=content_sha256(held, rename=canonical_name), further=further,
    )  # fmt: skip


def from_nothing(config: Any, language: str, texts: Sequence[str]) -> Start:
    """Start from random numbers, in the sizes of a `VitsConfig`, with the letters of the texts and of the language's table."""
    guard.load()
    import transformers

    table = languages.load(language)
    letters = sorted({sign for word in [*texts, *table.letters] for sign in unicodedata.normalize("NFC", word).lower() if sign.isalpha()})
    vocabulary = {PAD: 0, **{sign: number for number, sign in enumerate([*SIGNS, *letters], 1)}}
    vocabulary[UNKNOWN] = len(vocabulary)
    config.vocab_size = len(vocabulary)
    network = transformers.VitsModel(config)
    _begin_small(network)
    reader = {
        "tokenizer_class": "VitsTokenizer", "language": language, "add_blank": True, "normalize": True, "phonemize": False,
        "is_uroman": False, "pad_token": PAD, "unk_token": UNKNOWN,
    }  # fmt: skip
    return Start(network=network, vocabulary=vocabulary, reader=reader, name="nothing: random numbers", kept=tuple(letters))


def _begin_small(network: Any) -> None:
    """Flows that change nothing yet, and a decoder that is quiet: what the papers begin with and transformers does not."""
    with torch.no_grad():
        for layer in network.flow.flows:
            layer.conv_post.weight.zero_()
            layer.conv_post.bias.zero_()
        if network.config.use_stochastic_duration_prediction:
            for flow in [*network.duration_predictor.flows, *network.duration_predictor.post_flows]:
                if hasattr(flow, "conv_proj"):
                    flow.conv_proj.weight.zero_()
                    flow.conv_proj.bias.zero_()
        for module in [*network.decoder.upsampler, *network.decoder.resblocks.modules()]:
            if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                module.weight.normal_(0.0, 0.01)


# The card.


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose voice it will be: the card of the people in it and their codes, or nobody's."""

    card: Path | None
    people: tuple[str, ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether no person is in it."""
        return self.card is None


def whose(start: Start, cards: Iterable[Path], speakers: Iterable[str]) -> Whose:
    """Whose voice comes of a start and of recordings under `cards` in which `speakers` are heard.

    A folder has one card, so people of two collections need one that speaks for both.
    """
    own = [(path, load_card(path)) for path in dict.fromkeys(cards)]
    people = {card.id: path for path, card in own if not card.synthetic}
    codes = list(speakers) if people else []
    if start.item is not None and not start.item.no_voice:
        path = start.item.card_path
        if path is None:
            sys.exit(f"{start.name}: it has no card, and it is not known whose voice it is")
        people.setdefault(load_card(path).id, path)
        codes += start.item.speakers
    if len(people) > 1:
        sys.exit(f"This would be the voice of people of {' and '.join(sorted(people))}. Write one card that speaks for them: --card FILE")
    return Whose(card=next(iter(people.values()), None), people=tuple(dict.fromkeys(code for code in codes if code)))


def synthetic_card(language: str, start: Start, sources: Sequence[Card]) -> str:
    """The text of the card of a voice that no person was recorded for."""
    made_from = "; ".join(dict.fromkeys(card.title for card in sources))
    described = answers.Described(
        id=answers.identifier(f"voice_{language}_synthetic"), title=f"SYNTHETIC: a voice of {languages.named(language)}; no person's voice",
        languages=(language,), holder="whoever trained it", kind="project", licence="cc0-1.0", for_all=True,
        why_not="no person was recorded", source=f"recipes/train_voice.py, from {start.name} and {made_from}", synthetic=True,
    )  # fmt: skip
    said = answers.Said(
        scopes=(*LOCAL, "train_tts", "synthesise_voice"), basis="public_licence", given_by="licensor", given_on=consent.today(),
        evidence="the cards of what it was made from",
    )  # fmt: skip
    return answers.new_card(described, [said])


def write_cards(folder: Path, language: str, start: Start, held: Whose, sources: Sequence[Card]) -> None:
    """The consent card of the voice into its folder, with the cards of those heard in it."""
    if held.card is None:
        answers.write_card(folder / answers.CARD, synthetic_card(language, start, sources))
        return
    write_bytes(folder / answers.CARD, read_bytes(held.card))
    below = load_card(held.card).people_folder
    for code in held.people if below else ():
        name = f"{code}.person.toml"
        if (held.card.parent / below / name).is_file():
            (folder / below).mkdir(parents=True, exist_ok=True)
            write_bytes(folder / below / name, read_bytes(held.card.parent / below / name))


def card_for(recording: Path, card: Path | None) -> Path | None:
    """The card that speaks for a recording: the one named, or the one that lies beside it."""
    return card or find_card(recording)


# The folder.


def save(folder: Path, start: Start, account: Mapping[str, Any]) -> None:
    """Write what `speech say --voice` reads, but for the cards; a folder that is there is replaced file by file."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        with quiet():
            start.network.save_pretrained(part)
        write_text(part / "vocab.json", json.dumps(start.vocabulary, ensure_ascii=False, indent=1) + "\n")
        write_text(part / "tokenizer_config.json", json.dumps(start.reader, ensure_ascii=False, indent=1) + "\n")
        write_text(part / ACCOUNT, json.dumps(account, ensure_ascii=False, indent=1) + "\n")
        for name, data in start.further.items():
            write_bytes(part / name, data)
        folder.mkdir(parents=True, exist_ok=True)
        for path in part.iterdir():
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
