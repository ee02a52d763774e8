"""The symbols of a checkpoint by number, from whichever of the tokenizer's files holds them. Needs no torch.

`vocab.json` (one language, or nested by language as MMS has it), numbers beyond it in `added_tokens.json` and
`tokenizer_config.json`; or `tokenizer.json` of the quick tokenizers, SentencePiece among them. A word begins at the
delimiter (written `|` here, whatever it is there) or at a piece that begins with `▁`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech import languages
from speech.errors import ModelRefused
from speech.files import read_bytes, shown
from speech.text import WORD_BREAK

PIECE = "\u2581"
"""What begins a SentencePiece piece at the start of a word."""
BLANKS = frozenset({"<pad>", "[PAD]", "<blank>", "[BLANK]", "<ctc>", "<s>"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabularies:
    """Each language's symbols by number, the blank's number, and the language whose head lies in the weights ("" unknown)."""

    symbols: Mapping[str, tuple[str, ...]]
    blank: int
    nested: bool = False
    inside: str = ""


def read_vocabularies(folder: Path, config: Mapping[str, Any]) -> Vocabularies:
    """The vocabularies of a checkpoint.

    Raises
    ------
    ModelRefused
        `MODEL_VOCAB`: two symbols with one number, a gap, no blank; `MODEL_NOT_HERE`: no file that holds one;
        `MODEL_CONFIG`: a file that is not JSON.
    """
    stated = _optional(folder / "tokenizer_config.json")
    vocab, quick = folder / "vocab.json", folder / "tokenizer.json"
    if vocab.exists():
        where = shown(vocab)
        raw = read_json(vocab)
        nested = bool(raw) and all(isinstance(value, dict) for value in raw.values())
        rows = raw if nested else {languages.UNDETERMINED: raw}
    elif quick.exists():
        where = shown(quick)
        nested, rows = False, {languages.UNDETERMINED: _quick(read_json(quick), where)}
    else:
        raise ModelRefused(
            shown(folder),
            "there is no vocab.json and no tokenizer.json in this folder",
            "Save the tokenizer into it: AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER)",
            "MODEL_NOT_HERE",
        )
    added = {} if nested else dict(_added(folder, stated))
    symbols = {language: _by_number(numbers, added, f"{where}, {language}") for language, numbers in rows.items()}
    blanks = {_blank(config, row, _content(stated.get("pad_token")), f"{where}, {language}") for language, row in symbols.items()}
    blank = max(blanks, default=0)  # one, since it follows from config.json
    delimiter = _content(stated.get("word_delimiter_token"))
    if delimiter not in ("", WORD_BREAK) and not nested:
        symbols = {language: tuple(WORD_BREAK if s == delimiter else s for s in row) for language, row in symbols.items()}
    return Vocabularies(symbols=symbols, blank=blank, nested=nested, inside=_inside(symbols, nested, stated))


def read_json(path: Path) -> dict[str, Any]:
    """A file that holds a JSON table.

    Raises
    ------
    ModelRefused
        `MODEL_CONFIG`.
    PathRefused
        It is no file that can be read.
    """
    try:
        found = json.loads(read_bytes(path).decode("utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise ModelRefused(shown(path), f"the file is not JSON ({error})", "Fetch it again", "MODEL_CONFIG") from error
    if not isinstance(found, dict):
        raise ModelRefused(shown(path), "the file does not hold a table", "Fetch it again", "MODEL_CONFIG")
    return found


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.exists() else {}


def _content(token: Any) -> str:
    """A special token's text, which stands alone or in a table of its properties."""
    return str(token.get("content", "")) if isinstance(token, dict) else token if isinstance(token, str) else ""


def _quick(raw: Mapping[str, Any], where: str) -> dict[str, int]:
    """Symbol and number from a `tokenizer.json`, whose model holds a table or, in the order of numbers, a list of pieces."""
    held = raw.get("model", {}).get("vocab")
    if isinstance(held, dict):
        numbers = dict(held)
    elif isinstance(held, list):
        numbers = {str(piece[0]): number for number, piece in enumerate(held)}
    else:
        raise ModelRefused(where, "it holds no vocabulary", "Fetch it again, or save the tokenizer anew", "MODEL_VOCAB")
    for token in raw.get("added_tokens", []):
        numbers.setdefault(token["content"], token["id"])
    return numbers


def _added(folder: Path, stated: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Tokens whose numbers lie beyond the vocabulary's file."""
    yield from _optional(folder / "added_tokens.json").items()
    for number, token in (stated.get("added_tokens_decoder") or {}).items():
        yield _content(token), int(number)


def _by_number(numbers: Mapping[str, Any], added: Mapping[str, int], where: str) -> tuple[str, ...]:
    by_number: dict[int, str] = {}
    for symbol, number in numbers.items():
        if not isinstance(number, int) or number in by_number:
            raise ModelRefused(
                where,
                f"{symbol!r} and {by_number.get(number, '?')!r} have the same number {number}",
                "Correct the vocabulary, or fetch it again",
                "MODEL_VOCAB",
            )
        by_number[number] = symbol
    for symbol, number in added.items():
        if symbol and by_number.setdefault(number, symbol) != symbol:
            raise ModelRefused(
                where,
                f"{symbol!r}, which was added, has the number {number} of {by_number[number]!r}",
                "Fetch the tokenizer's files from one place",
                "MODEL_VOCAB",
            )
    if sorted(by_number) != list(range(len(by_number))):
        raise ModelRefused(where, "the numbers do not run from 0 without a gap", "Correct the vocabulary, or fetch it again", "MODEL_VOCAB")
    return tuple(by_number[n] for n in range(len(by_number)))


def _blank(config: Mapping[str, Any], symbols: tuple[str, ...], pad: str, where: str) -> int:
    """The blank's number: as config.json states it; a vocabulary of pieces that begins with `<s>` has it there (fairseq2)."""
    if "blank_token_id" in config:
        number = int(config["blank_token_id"] or 0)
    elif symbols[:1] == ("<s>",) and any(s.startswith(PIECE) for s in symbols):
        number = 0
    else:
        number = int(config.get("pad_token_id") or 0)
    found = symbols[number] if 0 <= number < len(symbols) else None
    if found is None or (found not in BLANKS and found != pad):
        raise ModelRefused(
            where,
            f"number {number} should be the blank and is {found!r}",
            "Set pad_token_id of config.json to the blank's number",
            "MODEL_VOCAB",
        )
    return number


def _inside(symbols: Mapping[str, tuple[str, ...]], nested: bool, stated: Mapping[str, Any]) -> str:
    """The language of the head that lies in the weights themselves: any for one vocabulary, else as the tokenizer states."""
    if not nested:
        return languages.UNDETERMINED
    if len(symbols) == 1:
        return next(iter(symbols))
    return str(stated.get("target_lang") or "")
