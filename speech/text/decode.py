"""Bytes of a text file into text: the encoding found or refused by name, never guessed in silence.

A byte order mark decides, then what the file declares, else the text must be strict UTF-8; what is none of these is
refused with the place, a guess and the option that settles it. Only LF, CRLF and CR end a line. Nothing is
normalised, trimmed or replaced here. Plain text and annotation formats are read by the same code.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from speech.errors import TextRefused
from speech.files import read_bytes, shown

LONGEST = 10_000_000
"""Characters in one line or cell; a longer one is no transcript."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What XML cannot hold: every writer would refuse it later, so it is refused at the door.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile("\r\n|\n|\r")
_SAMPLE = 65_536


def read_text(path: Path, *, encoding: str | None = None) -> str:
    """The text of a plain text file, line ends as they stand.

    Raises
    ------
    PathRefused
        The path leads to no readable file.
    TextRefused
        As `decode`.
    """
    return decode(read_bytes(path), shown(path), encoding=encoding)


def decode(data: bytes, where: str, *, encoding: str | None = None, declared: str | None = None) -> str:
    """`data` as text: `encoding` if given, else by its byte order mark, else as `declared`, else strict UTF-8.

    Raises
    ------
    TextRefused
        `TEXT_ENCODING`: with the offset of the first byte that does not fit and a guess; `TEXT_CONTROL`:
        a sign that no text holds; `TEXT_SURROGATE`: half a pair; `TEXT_TOO_LONG`: a line over `LONGEST`.
    """
    return decode_marked(data, where, encoding=encoding, declared=declared)[0]


def decode_marked(data: bytes, where: str, *, encoding: str | None = None, declared: str | None = None) -> tuple[str, str, bytes]:
    """As `decode`, with the encoding found and the byte order mark, so that a file can be written as it was."""
    mark, marked = next(((bom, name) for bom, name in _BOMS if data.startswith(bom)), (b"", ""))
    chosen = encoding or marked or declared or "utf-8"
    # With a mark that agrees the mark is cut; with an encoding named by the person the bytes are theirs to name.
    body = data if encoding else data[len(mark) :]
    if not encoding and not marked and (wide := _wide(body)):
        raise _refused(where, f"this looks like {wide.upper()} without a byte order mark (offset {body.find(0)})", wide)
    try:
        text = body.decode(chosen)
    except LookupError as error:
        raise TextRefused(
            where, f"there is no encoding named {ascii(chosen)}", "Name one such as utf-8, utf-16, cp1252 or mac-roman", "TEXT_ENCODING"
        ) from error
    except UnicodeError as error:
        offset = getattr(error, "start", 0) + len(data) - len(body)
        guess = _guess(body)
        shown_byte = f"byte 0x{data[offset]:02X}" if offset < len(data) else "the end"
        raise _refused(where, f"{shown_byte} at offset {offset} is not {chosen.upper()}; it may be {guess}", guess) from error
    if encoding or not mark:
        text = text.removeprefix("\ufeff")  # where the mark was cut, a second one belongs to the text
    check(text, where)
    return text, chosen, mark


def check(text: str, where: str) -> None:
    """Refuse what no writer could write again: control signs, half pairs, a line over `LONGEST`.

    Raises
    ------
    TextRefused
        `TEXT_CONTROL`, `TEXT_SURROGATE`, `TEXT_TOO_LONG`; each with line and character, both from 1.
    """
    if found := _SURROGATE.search(text):
        raise TextRefused(
            _place(text, found.start(), where),
            f"half of a surrogate pair, U+{ord(found[0]):04X}, at offset {found.start()}: not a letter",
            "Write the letter itself, or a whole pair of escapes",
            "TEXT_SURROGATE",
        )
    if found := _CONTROL.search(text):
        raise TextRefused(
            _place(text, found.start(), where),
            f"the control sign U+{ord(found[0]):04X} at offset {found.start()}: files with it cannot be read again",
            f"Find it in a text editor (\\x{{{ord(found[0]):04X}}}) and delete it",
            "TEXT_CONTROL",
        )
    if len(text) > LONGEST:
        for number, line in enumerate(lines(text), start=1):
            if len(line) > LONGEST:
                raise TextRefused(
                    f"{where}, line {number}",
                    f"the line is {len(line):,} characters long, over {LONGEST:,}",
                    "Divide it: one line a clip",
                    "TEXT_TOO_LONG",
                )


def lines(text: str) -> list[str]:
    """The lines of `text`, without their ends (LF, CRLF, CR only: U+2028 is a sign inside a line).

    An end after the last line makes no further, empty line.
    """
    found = _LINE_END.split(text)
    return found[:-1] if found[-1] == "" else found


def _place(text: str, offset: int, where: str) -> str:
    before = _LINE_END.split(text[:offset])
    return f"{where}, line {len(before)}, character {len(before[-1]) + 1}"


def _refused(where: str, what: str, guess: str) -> TextRefused:
    return TextRefused(where, what, f"Save it as UTF-8, or say --encoding {guess} if that is what it is", "TEXT_ENCODING")


def _wide(data: bytes) -> str:
    """The UTF-16 that bytes without a mark look like, or nothing: half of the bytes are then the same few."""
    sample = data[: _SAMPLE - _SAMPLE % 2]
    even, odd = sample[0::2], sample[1::2]
    if len(even) < 2:
        return ""
    for high, low, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if high.count(0) * 5 >= 2 * len(high) and low.count(0) * 20 <= len(low):
            return name
    return ""


def _guess(data: bytes) -> str:
    """The encoding whose reading of `data` looks most like words. A proposal for a message, never a decision."""
    sample = data[:_SAMPLE]
    best, best_worth = "cp1252", float("-inf")
    # Latin-1 first: where it reads the same as Windows', it is the plainer name.
    names = ["latin-1", "cp1252", "mac-roman"]
    if len(data) % 2 == 0:
        names += ["utf-16-le", "utf-16-be"]
    for name in names:
        try:
            text = sample[: len(sample) - len(sample) % 2].decode(name) if name.startswith("utf") else sample.decode(name)
        except UnicodeError:
            continue
        worth = _worth(text)
        if worth > best_worth:
            best, best_worth = name, worth
    return best


def _worth(text: str) -> float:
    """How much the letters beyond ASCII look like parts of words; a capital or a sign inside a word counts against."""
    worth, seen = 0, 0
    blocks: set[int] = set()
    for before, sign in zip(" " + text, text, strict=False):
        if sign < "\x80":
            continue
        seen += 1
        blocks.add(ord(sign) >> 7)
        if sign.isalpha() and not (sign.isupper() and before.islower()):
            worth += 1
        elif not sign.isprintable() or before.isalpha():
            worth -= 2
    # Letters of one text come from few blocks of Unicode; UTF-16 read wrongly comes from many.
    return worth / max(seen, 1) - 0.1 * len(blocks)
