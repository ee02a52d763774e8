"""Text files into text: byte order mark, then the encoding asked for or declared, then strict UTF-8, else a refusal by name.

Nothing is replaced or guessed in silence: a guess is offered in the refusal. Only LF, CRLF and CR end a line.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

from speech.errors import TextRefused
from speech.formats._checks import check_text

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_END = re.compile(r"\r\n|\n|\r")
LONGEST = 10_000_000
"""The longest line or cell that is read."""


def decode(data: bytes, *, where: str, encoding: str | None = None, declared: str | None = None) -> str:
    """The text of a file, its byte order mark taken off and nothing else changed.

    Raises
    ------
    TextRefused
        `TEXT_ENCODING`: not in the encoding it should be in; gives the offset and a guess.
        `TEXT_CONTROL`: a control character stands in it.
    """
    text, _, _ = decode_marked(data, where=where, encoding=encoding, declared=declared)
    return text


def decode_marked(data: bytes, *, where: str, encoding: str | None = None, declared: str | None = None) -> tuple[str, str, bytes]:
    """As `decode`, with the encoding found and the byte order mark, so that the file can be written as it was."""
    mark, name = next(((m, n) for m, n in _MARKS if data.startswith(m)), (b"", encoding or declared or "utf-8"))
    try:
        text = data[len(mark) :].decode(name, "strict")
    except LookupError as error:
        raise TextRefused(
            where, f"no encoding is called {ascii(name)}", "Give --encoding utf-8, latin-1 or mac-roman", "TEXT_ENCODING"
        ) from error
    except UnicodeDecodeError as error:
        raise _refused(data, len(mark) + error.start, where, name) from error
    if "\0" in text and (guess := _wide(data)):
        raise TextRefused(where, f"byte 0 at offset {data.index(0)}: this looks like {guess}", f"Give --encoding {guess}", "TEXT_ENCODING")
    check_text(text, where)
    return text, name, mark


def lines(text: str, *, where: str) -> list[str]:
    """The lines of a text, without their ends; a last end begins no further line.

    Raises
    ------
    TextRefused
        `TEXT_TOO_LONG`: a line of more than ten million characters.
    """
    found = _LINE_END.split(text)
    if found and not found[-1]:
        found.pop()
    for number, line in enumerate(found, 1):
        if len(line) > LONGEST:
            raise TextRefused(f"{where}, line {number}", f"{len(line)} characters in one line", "Divide it", "TEXT_TOO_LONG")
    return found


def _refused(data: bytes, offset: int, where: str, name: str) -> TextRefused:
    guess = guessed(data)
    return TextRefused(
        where,
        f"byte 0x{data[offset]:02x} at offset {offset} is not {name}; it looks like {guess}",
        f"Give --encoding {guess} if that is right, or save it as UTF-8",
        "TEXT_ENCODING",
    )


def guessed(data: bytes) -> str:
    """The likeliest old encoding of a file that is not UTF-8: for a message, never to be used unasked."""
    if wide := _wide(data):
        return wide
    high = bytes(b for b in data if b >= 0x80)
    scores = {name: _small_letters(high, name) for name in ("latin-1", "cp1252", "mac-roman")}
    return max(scores, key=lambda name: scores[name])


def _small_letters(high: bytes, name: str) -> int:
    # Most accented letters of running text are small; in the wrong encoding they come out as capitals and signs.
    text = high.decode(name, "replace")
    return sum(1 if unicodedata.category(c) == "Ll" else -1 if unicodedata.category(c) in ("Cc", "So") else 0 for c in text)


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark shows by zero bytes in every other place."""
    head = data[:4000]
    if head[1::2].count(0) * 2 > len(head) // 2:
        return "utf-16-le"
    if head[0::2].count(0) * 2 > len(head) // 2:
        return "utf-16-be"
    return None
