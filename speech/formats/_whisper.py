"""JSON of other recognisers: Whisper, faster-whisper, WhisperX and whisper.cpp, told apart by their fields.

Read are text, times, speakers and, of Whisper and WhisperX, words with their confidences (probabilities of their
own models, not calibrated). The words of whisper.cpp are not: its tokens are pieces of words, often broken inside a
letter. A language stays as the file names it (`en`). What cannot stand is repaired and said: see `_repairs`; a word
whose times are missing, turned round or outside its segment keeps its text and loses them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NoReturn

from speech.errors import Finding, FormatRefused
from speech.formats._checks import OVERHANG_MS
from speech.formats._losses import with_lists
from speech.formats._repairs import Times, repaired
from speech.types import Segment, Span, Transcript, Word

_SILENCE = "[BLANK_AUDIO]"
"""What whisper.cpp writes where it heard nothing."""
_WORD_TEXT = ("word", "text")
_WORD_CONFIDENCE = ("probability", "score", "confidence")
_BESIDE_NO_SEGMENTS = {"text", "language", "word_segments"}
"""One of these stands beside an empty list of segments, or it may be anything."""


def is_foreign(raw: Any) -> bool:
    """Whether parsed JSON is of one of these programs (and none of ours, which names its schema)."""
    if isinstance(raw, list):
        return bool(raw) and all(isinstance(cue, dict) and {"start", "end", "text"} <= set(cue) for cue in raw)
    if not isinstance(raw, dict) or "schema" in raw:
        return False
    if isinstance(raw.get("transcription"), list):
        return all(isinstance(cue, dict) and "text" in cue for cue in raw["transcription"])
    cues = raw.get("segments")
    if not isinstance(cues, list):
        return False
    if not cues:
        return bool(_BESIDE_NO_SEGMENTS & set(raw))
    return all(isinstance(cue, dict) and "text" in cue and "start_ms" not in cue for cue in cues)


def transcript(raw: Any, where: str, findings: list[Finding] | None) -> Transcript:
    """The transcript in JSON for which `is_foreign` holds.

    Raises
    ------
    FormatRefused
        `FORMAT_JSON`: a field holds another kind of thing.
    """
    whole: Mapping[str, Any] = raw if isinstance(raw, dict) else {"segments": raw}
    if isinstance(whole.get("transcription"), list):
        made = _of_cpp(whole, where, findings)
    else:
        made = _of_whisper(whole, where, findings)
    return with_lists(made)


def _of_cpp(raw: Mapping[str, Any], where: str, findings: list[Finding] | None) -> Transcript:
    cues = raw["transcription"]
    times: list[Times] = []
    for number, cue in enumerate(cues, 1):
        offsets = _table(cue, "offsets")
        times.append((_ms(offsets.get("from"), 1, where, number), _ms(offsets.get("to"), 1, where, number)))
    language = _name(_table(raw, "result").get("language"))
    segments = []
    for number, (cue, span) in enumerate(zip(cues, repaired(times, where, findings), strict=True), 1):
        text = _text(cue, where, number)
        silent = text == _SILENCE
        speaker = _name(cue.get("speaker"))
        segments.append(
            Segment(
                span=span,
                text="" if silent else text,
                kind="silence" if silent else "speech",
                speaker=None if speaker == "?" else speaker,
                language=language,
            )
        )
    model = _name(_table(raw, "params").get("model")) or ""
    return Transcript(segments=tuple(segments), foreign=_origin("whisper.cpp", PurePosixPath(model.replace("\\", "/")).name))


def _of_whisper(raw: Mapping[str, Any], where: str, findings: list[Finding] | None) -> Transcript:
    cues: Sequence[Mapping[str, Any]] = raw["segments"]
    language = _name(raw.get("language"))
    if not cues:
        # Some servers give the text alone, without a segment to put it in.
        text = _text(raw, where, 0) if "text" in raw else ""
        segments = (Segment(span=Span(start_ms=0, end_ms=0), text=text, language=language),) if text else ()
        return Transcript(segments=segments, foreign=_origin("whisper", ""))
    times: list[Times] = [(_ms(c.get("start"), 1000, where, n), _ms(c.get("end"), 1000, where, n)) for n, c in enumerate(cues, 1)]
    lost = 0
    segments_made = []
    for number, (cue, span) in enumerate(zip(cues, repaired(times, where, findings), strict=True), 1):
        text = _text(cue, where, number)
        words, without = _words(cue.get("words"), text, span, where, number)
        lost += without
        segments_made.append(Segment(span=span, text=text, speaker=_name(cue.get("speaker")), language=language, words=words))
    if lost and findings is not None:
        findings.append(
            Finding(
                code="FORMAT_TIMES",
                where=where,
                what=f"{where}: {lost:,} {'word has' if lost == 1 else 'words have'} times that end before they start or lie outside "
                "their segment; the words are kept without them",
                mend="Look at the times there; the file is as it was",
            )
        )
    return Transcript(segments=tuple(segments_made), foreign=_origin("whisperx" if "word_segments" in raw else "whisper", ""))


def _origin(program: str, model: str) -> Mapping[str, Any]:
    return {"whisper": {"program": program, **({"model": model} if model else {})}}


def _words(raw: Any, text: str, outer: Span, where: str, number: int) -> tuple[tuple[Word, ...], int]:
    """The words of a segment, and how many lost their times; none where they do not spell its text."""
    if raw is None:
        return (), 0
    if not isinstance(raw, list) or not all(isinstance(w, dict) for w in raw):
        _refuse(where, number, "words", "a list of objects")
    words: list[Word] = []
    lost = at = 0
    for row in raw:
        spelt = next((row[k] for k in _WORD_TEXT if isinstance(row.get(k), str)), "").strip()
        if not spelt:
            continue
        begin = text.find(spelt, at)
        if begin < 0 or (not words and begin):
            return (), 0
        if words:
            words[-1] = _followed(words[-1], text[at:begin])
        span, unusable = _word_span(row, outer, where, number)
        lost += unusable
        words.append(Word(text=spelt, span=span, confidence=_share(row), speaker=_name(row.get("speaker"))))
        at = begin + len(spelt)
    return (tuple(words), lost) if at == len(text) else ((), 0)


def _followed(word: Word, separator: str) -> Word:
    return Word(text=word.text, span=word.span, confidence=word.confidence, speaker=word.speaker, separator=separator)


def _word_span(row: Mapping[str, Any], outer: Span, where: str, number: int) -> tuple[Span | None, bool]:
    """A word's span, and whether it has times that cannot be used; without times it has neither (WhisperX: numerals)."""
    start, end = _ms(row.get("start"), 1000, where, number), _ms(row.get("end"), 1000, where, number)
    if start is None or end is None:
        return None, False
    if start < 0 or end < 0:
        return Span(start_ms=start, end_ms=end), False  # which is refused as any negative time
    if end < start or start < outer.start_ms - OVERHANG_MS or end > outer.end_ms + OVERHANG_MS:
        return None, True
    return Span(start_ms=start, end_ms=end), False


def _share(row: Mapping[str, Any]) -> float | None:
    value = next((row[k] for k in _WORD_CONFIDENCE if k in row), None)
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if good and value is not None else None


def _ms(value: Any, scale: int, where: str, number: int) -> int | None:
    """Whole milliseconds; None where there is no time (absent, null, or NaN as pandas has it)."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or math.isinf(value):
        _refuse(where, number, "of times", "a number")
    return round(value * scale)


def _text(raw: Mapping[str, Any], where: str, number: int) -> str:
    value = raw["text"]
    return value.strip() if isinstance(value, str) else _refuse(where, number, "text", "text")


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _table(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _refuse(where: str, number: int, field: str, due: str) -> NoReturn:
    place = f"segment {number}: " if number else ""
    raise FormatRefused(where, f"{place}the field {field} must be {due}", "Take the file as it was first written", "FORMAT_JSON")
