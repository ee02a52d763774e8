"""A text cut into sentences, with the silence that a reader leaves after each."""

from __future__ import annotations

import regex

from speech.say.records import Sentence

AFTER_SENTENCE_MS, AFTER_PARAGRAPH_MS = 350, 800
LONGEST = 400
"""Letters that are said in one go at most; longer sentences are cut at a comma or a space: what a voice draws grows with the square."""

# Full stops, question and exclamation marks of the scripts that have their own.
_ENDS = regex.compile(r"(?<=[.!?…。！？।॥؟۔؛።፧፨߹།༎។៕။၊᙮⸮]+[\"'”’»)\]]*(?:\s»)?)(?=\s(?!»))|(?<=[。！？])")
_COMMAS = regex.compile(r"(?<=[,;:،؛፣፤፥߸、，；])\s*")


def sentences(text: str, speed: float = 1.0) -> tuple[Sentence, ...]:
    """The sentences of `text` in order, none of them without a letter; a full stop between figures ends none."""
    found: list[Sentence] = []
    for paragraph in regex.split(r"\n\s*\n|\r\n\s*\r\n|\u2029", text):
        pieces = [piece for sentence in _ENDS.split(paragraph) for piece in _short(" ".join(sentence.split()))]
        spoken = [piece for piece in pieces if regex.search(r"[\p{L}\p{N}\p{S}]", piece)]
        for i, piece in enumerate(spoken):
            pause = AFTER_PARAGRAPH_MS if i == len(spoken) - 1 else AFTER_SENTENCE_MS
            found.append(Sentence(text=piece, pause_ms=round(pause / speed)))
    if found:
        found[-1] = Sentence(text=found[-1].text, pause_ms=0)
    return tuple(found)


def _short(sentence: str) -> list[str]:
    """A sentence in pieces of at most `LONGEST`, cut at commas where there are, else between words."""
    if len(sentence) <= LONGEST:
        return [sentence] if sentence else []
    pieces: list[str] = []
    line = ""
    for part in (p for clause in _COMMAS.split(sentence) for p in _words(clause)):
        if line and len(line) + 1 + len(part) > LONGEST:
            pieces.append(line)
            line = part
        else:
            line = f"{line} {part}" if line else part
    return [*pieces, line] if line else pieces


def _words(clause: str) -> list[str]:
    if len(clause) <= LONGEST:
        return [clause] if clause else []
    words = clause.split(" ")
    return [word[i : i + LONGEST] for word in words for i in range(0, len(word), LONGEST)]
