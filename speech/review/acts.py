"""What each act does to the segments of a recording: pure functions, nothing is stored.

`apply` takes the segments by id and what was asked (an object with `act` and its fields, as the app sends it), and gives
each touched segment before and after. What must not be is refused: overlap within a speaker, less than 50 ms, times
outside the recording. An overlap that was there before stays no fault.

`undo`, `redo` and `restore` need the history and are in `edits`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, get_args

from speech import languages
from speech.errors import Refusal
from speech.review import replacing
from speech.review.forms import lines_of
from speech.review.words import cut_at_time, graphemes, halves, saved, time_at_cut, with_text, within
from speech.types import Segment, Span, Status, Translation, joined

LEAST_MS = 50
"""The shortest segment."""
LATEST_MS = 10**10
"""Where a recording ends at the latest whose length is not known: after 115 days."""
MOST_SIGNS = {"speaker": 200, "to": 200, "language": 80, "reason": 500}
"""The longest of each field that is a label; of any other, `MOST_TEXT`."""
MOST_TEXT = 100_000
MOST_NOTES = 200
REASONS = ("noise", "unknown word", "two voices", "other language")
"""Reasons for `unsure` that the app offers; any other text is one, too."""

Segments = Mapping[str, Segment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Each touched segment before and after an act (None: not there); `said` is what was asked, raw."""

    before: Mapping[str, Segment | None]
    after: Mapping[str, Segment | None]
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return not self.after


def apply(segments: Segments, asked: Mapping[str, Any], *, duration_ms: int = 0, person: str = "") -> Change:
    """What the act that was asked does; segments that stay as they are are left out.

    Parameters
    ----------
    duration_ms : the recording's length; 0 where it is not known, then no end is too late
    person : who asks; the author of a translation

    Raises
    ------
    Refusal
        `REVIEW_ACT`: no such act, a field that is missing or of a wrong kind, no such segment.
        `REVIEW_TIMES`: overlap within a speaker, under 50 ms, or outside the recording.
        `REVIEW_PATTERN`: an expression that cannot be read, or takes too long.
    """
    act = asked.get("act")
    found = _ACTS.get(act) if isinstance(act, str) else None
    if found is None:
        refuse(f"there is no act {ascii(act)}", f"Choose one of {', '.join(sorted(_ACTS))}")
    after = found(segments, _Asked(asked), person)
    return changed(segments, after, asked, duration_ms=duration_ms)


def changed(segments: Segments, after: Mapping[str, Segment | None], asked: Mapping[str, Any], *, duration_ms: int = 0) -> Change:
    """A change to the given states, checked; those that stay as they are are left out.

    Raises
    ------
    Refusal
        `REVIEW_TIMES`.
    """
    real = {id: new for id, new in after.items() if new != segments.get(id)}
    check_times(segments, real, duration_ms=duration_ms)
    return Change(before={id: segments.get(id) for id in real}, after=real, said=dict(asked))


def check_times(segments: Segments, after: Mapping[str, Segment | None], *, duration_ms: int = 0) -> None:
    """Refuse times that must not be, of segments whose span or speaker is new.

    Raises
    ------
    Refusal
        `REVIEW_TIMES`.
    """
    moved = {
        id: s
        for id, s in after.items()
        if s is not None and ((old := segments.get(id)) is None or old.span != s.span or _new_voice(old, s))
    }
    if not moved:
        return
    for s in moved.values():
        old = segments.get(s.id)
        if old is None or old.span != s.span:
            # One that always ended too late may be mended at its other end.
            _check_span(s.span, 0 if old is not None and old.span.end_ms >= s.span.end_ms else duration_ms)
    speakers = {s.speaker for s in moved.values() if s.speaker is not None}
    if not speakers:
        return
    now = [line for line in lines_of(segments) if line[1] in speakers and line[0] not in after]
    now += lines_of({id: s for id, s in after.items() if s is not None and s.speaker in speakers})
    now.sort(key=lambda line: (line[2], line[3]))
    for n, (first, speaker, _, end) in enumerate(now):
        for second, other, start, other_end in now[n + 1 :]:
            if start >= end:
                break
            if speaker != other or not (first in moved or second in moved):
                continue
            if not _overlapped(segments.get(first), segments.get(second)):
                refuse(
                    f"{speaker} would speak twice at once, from {start} to {min(end, other_end)} ms",
                    "Choose times that touch no other segment of this speaker, or another speaker",
                    "REVIEW_TIMES",
                )


def _new_voice(old: Segment, new: Segment) -> bool:
    return new.speaker is not None and old.speaker != new.speaker


def _overlapped(a: Segment | None, b: Segment | None) -> bool:
    """Whether two segments overlapped within a speaker before: then that they still do is no new fault."""
    if a is None or b is None or a.speaker != b.speaker or a.speaker is None:
        return False
    return a.span.start_ms < b.span.end_ms and b.span.start_ms < a.span.end_ms


def _check_span(span: Span, duration_ms: int) -> None:
    if span.length_ms < LEAST_MS:
        refuse(f"a segment of {span.length_ms} ms is too short", f"Give it at least {LEAST_MS} ms", "REVIEW_TIMES")
    if span.start_ms < 0 or span.end_ms > (duration_ms or LATEST_MS):
        refuse(
            f"from {span.start_ms} to {span.end_ms} ms lies outside the recording" + (f" of {duration_ms} ms" if duration_ms else ""),
            "Choose times within the recording",
            "REVIEW_TIMES",
        )


def refuse(what: str, mend: str, code: str = "REVIEW_ACT") -> NoReturn:
    """Turn an act away."""
    raise Refusal("this edit", what, mend, code)


# What was asked, field by field.

_MISSING = object()


@dataclass(frozen=True, slots=True)
class _Asked:
    raw: Mapping[str, Any]

    def _value(self, name: str, kinds: tuple[type, ...], says: str, default: Any) -> Any:
        value = self.raw.get(name, _MISSING)
        if value is _MISSING:
            if default is _MISSING:
                refuse(f"the field {name} is missing", "Load the page again")
            return default
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            refuse(f"the field {name} must be {says}", "Load the page again")
        if isinstance(value, str):
            _check_text(name, value)
        return value

    def text(self, name: str, default: Any = _MISSING) -> str:
        return str(self._value(name, (str,), "text", default))

    def maybe_text(self, name: str) -> str | None:
        value = self._value(name, (str, type(None)), "text or null", None)
        return None if value is None else saved(value) or None

    def whole(self, name: str) -> int:
        return int(self._value(name, (int,), "a whole number", _MISSING))

    def maybe_whole(self, name: str) -> int | None:
        value = self._value(name, (int, type(None)), "a whole number or null", None)
        return None if value is None else int(value)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._value(name, (list, tuple), "a list", _MISSING)
        if not all(isinstance(v, str) for v in values):
            refuse(f"the field {name} must be a list of texts", "Load the page again")
        for value in values:
            _check_text(name, value)
        return tuple(values)

    def segment(self, segments: Segments, name: str = "segment") -> Segment:
        id = self.text(name)
        if id not in segments:
            refuse("this segment is not there any more", "Load the recording again to see what became of it")
        return segments[id]

    def new(self, segments: Segments) -> str:
        id = self.text("new")
        if not _is_id(id):
            refuse("the id of the new segment is none", "Load the page again")
        if id in segments:
            refuse("a segment of this id is there already", "Load the page again")
        return id


def _check_text(name: str, value: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        refuse(f"the field {name} holds half a character", "Write that letter again")
    if len(value) > MOST_SIGNS.get(name, MOST_TEXT):
        mend = f"Give at most {MOST_SIGNS[name]}" if name in MOST_SIGNS else "Divide it among several segments"
        refuse(f"the field {name} holds {len(value):,} signs", mend)


def _is_id(id: str) -> bool:
    return 0 < len(id) <= 80 and id.isascii() and all(c.isalnum() or c in "_.-" for c in id)


# The acts.

After = dict[str, Segment | None]


def _text(segments: Segments, asked: _Asked, person: str) -> After:
    s = asked.segment(segments)
    return {s.id: with_text(s, saved(asked.text("text")))}


def _status(segments: Segments, asked: _Asked, person: str) -> After:
    s, status = asked.segment(segments), asked.text("status")
    if status not in get_args(Status):
        refuse(f"there is no status {ascii(status)}", f"Choose one of {', '.join(get_args(Status))}")
    reason = asked.maybe_text("reason") or "" if status == "unsure" else ""
    return {s.id: replace(s, status=status, unsure_reason=reason)}  # type: ignore[arg-type]  # checked above


def _speaker(segments: Segments, asked: _Asked, person: str) -> After:
    s = asked.segment(segments)
    if "speaker" not in asked.raw:
        refuse("the field speaker is missing", "Load the page again")
    return {s.id: _spoken_by(s, asked.maybe_text("speaker"))}


def _spoken_by(s: Segment, speaker: str | None) -> Segment:
    words = tuple(replace(w, speaker=None, speaker_margin=None) if w.speaker or w.speaker_margin else w for w in s.words)
    return replace(s, speaker=speaker, speaker_margin=None, words=words)


def _language(segments: Segments, asked: _Asked, person: str) -> After:
    s = asked.segment(segments)
    if "language" not in asked.raw:
        refuse("the field language is missing", "Load the page again")
    code = asked.maybe_text("language")
    if code is not None and not (languages.is_code(code) and code != languages.UNDETERMINED):
        refuse(f"{ascii(code)} is no code of a language", "Give its ISO 639-3 code, such as que")
    # A word in a third language stays in it.
    words = tuple(replace(w, language=None) if w.language in (s.language, code) else w for w in s.words)
    return {s.id: replace(s, language=code, words=words)}


def _rename(segments: Segments, asked: _Asked, person: str) -> After:
    old, new = asked.text("speaker"), saved(asked.text("to"))
    if not new:
        refuse("the new name of the speaker is empty", "Give a label, such as S1")
    found: After = {}
    for s in segments.values():
        words = tuple(replace(w, speaker=new) if w.speaker == old else w for w in s.words)
        if s.speaker == old or words != s.words:
            found[s.id] = replace(s, speaker=new if s.speaker == old else s.speaker, words=words)
    if not found:
        refuse("no segment has this speaker", "Load the recording again")
    return found


def _times(segments: Segments, asked: _Asked, person: str) -> After:
    s = asked.segment(segments)
    span = Span(start_ms=asked.whole("start_ms"), end_ms=asked.whole("end_ms"))
    if span.end_ms < span.start_ms:
        refuse("the end lies before the start", "Choose an end after the start", "REVIEW_TIMES")
    return {s.id: within(s, span)}


def _split(segments: Segments, asked: _Asked, person: str) -> After:
    s, new = asked.segment(segments), asked.new(segments)
    at, caret = asked.maybe_whole("at_ms"), asked.maybe_whole("caret")
    least, most = s.span.start_ms + LEAST_MS, s.span.end_ms - LEAST_MS
    if least > most:
        refuse(f"a segment of {s.span.length_ms} ms is too short to be split", f"Each part needs {LEAST_MS} ms", "REVIEW_TIMES")
    if at is None and caret is None:
        refuse("neither at_ms nor caret is given", "Put the caret or the playhead where it is to be split")
    if caret is None:
        caret = cut_at_time(s, at or 0)
    if not 0 <= caret <= len(graphemes(s.text)):
        refuse("the caret lies outside the text", "Put the caret into the text")
    if at is None:
        at = min(max(time_at_cut(s, caret), least), most)
    if not least <= at <= most:
        refuse(f"at {at} ms one part would be shorter than {LEAST_MS} ms", f"Split between {least} and {most} ms", "REVIEW_TIMES")
    (left, left_words), (right, right_words) = halves(s, caret, at)
    first = within(replace(s, text=left, words=left_words, alternatives=()), Span(start_ms=s.span.start_ms, end_ms=at))
    kept = replace(s, id=new, text=right, words=right_words, alternatives=(), notes=(), translations=())
    # Its words are cut to its own time, so its whole span is given first.
    second = within(kept, Span(start_ms=at, end_ms=s.span.end_ms))
    return {s.id: first, new: second}


def _merge(segments: Segments, asked: _Asked, person: str) -> After:
    a, b = asked.segment(segments), asked.segment(segments, "with")
    if a.id == b.id:
        refuse("a segment cannot be merged with itself", "Choose its neighbour")
    if (b.span.start_ms, b.span.end_ms) < (a.span.start_ms, a.span.end_ms):
        a, b = b, a
    if a.speaker != b.speaker:
        refuse("these segments have two speakers", "Give both the same speaker first")
    others = ((start, end) for id, speaker, start, end in lines_of(segments) if speaker == a.speaker and id not in (a.id, b.id))
    if any(a.span.start_ms <= start < b.span.start_ms and end > a.span.end_ms for start, end in others):
        refuse("another segment of this speaker lies between them", "Merge neighbours, one after another")
    return {a.id: merged(a, b), b.id: None}


def merged(a: Segment, b: Segment) -> Segment:
    """Two neighbours as one; it has the first one's id, and all notes and translations."""
    words = (*a.words, *b.words) if (a.words or not a.text) and (b.words or not b.text) else ()
    text = joined(words) if words else " ".join(t for t in (a.text, b.text) if t)
    translations = {t.language: t for t in a.translations}
    for t in b.translations:
        first = translations.get(t.language)
        translations[t.language] = t if first is None else replace(first, text=f"{first.text} {t.text}".strip())
    reasons = dict.fromkeys(r for r in (a.unsure_reason, b.unsure_reason) if r)
    status: Status = a.status if a.status == b.status or not b.text else "unsure" if "unsure" in (a.status, b.status) else "edited"
    return replace(
        a,
        span=Span(start_ms=min(a.span.start_ms, b.span.start_ms), end_ms=max(a.span.end_ms, b.span.end_ms)),
        text=text,
        words=words,
        status=status,
        unsure_reason="; ".join(reasons) if status == "unsure" else "",
        language=a.language or b.language,
        origin="person" if "person" in (a.origin, b.origin) else "machine",
        confidence=_both(a, b),
        kind=a.kind if a.kind == b.kind else "speech",
        channel=a.channel if a.channel == b.channel else None,
        speaker_margin=None if a.speaker_margin is None or b.speaker_margin is None else min(a.speaker_margin, b.speaker_margin),
        alternatives=(),
        notes=(*a.notes, *b.notes),
        translations=tuple(translations.values()),
    )


def _both(a: Segment, b: Segment) -> float | None:
    """The confidence of two, each counted by its length."""
    if a.confidence is None or b.confidence is None:
        return None
    if a.confidence == b.confidence:
        return a.confidence
    return (a.confidence * a.span.length_ms + b.confidence * b.span.length_ms) / max(1, a.span.length_ms + b.span.length_ms)


def _add(segments: Segments, asked: _Asked, person: str) -> After:
    new, text = asked.new(segments), saved(asked.text("text", ""))
    span = Span(start_ms=asked.whole("start_ms"), end_ms=asked.whole("end_ms"))
    return {
        new: Segment(
            id=new, span=span, text=text, speaker=asked.maybe_text("speaker"), origin="person", status="edited" if text else "draft"
        )
    }


def _delete(segments: Segments, asked: _Asked, person: str) -> After:
    return {asked.segment(segments).id: None}


def _note(segments: Segments, asked: _Asked, person: str) -> After:
    s = asked.segment(segments)
    notes = asked.texts("notes")
    if len(notes) > MOST_NOTES:
        refuse(f"these are {len(notes):,} notes", f"Keep at most {MOST_NOTES} to a segment")
    return {s.id: replace(s, notes=tuple(note for n in notes if (note := saved(n))))}


def _translation(segments: Segments, asked: _Asked, person: str) -> After:
    s, language, text = asked.segment(segments), asked.text("language"), saved(asked.text("text"))
    if not language or len(language) > 80:
        refuse("the language of the translation is missing", "Choose a language")
    found = {t.language: t for t in s.translations}
    if found[language].text != text if language in found else text:
        found[language] = Translation(language=language, text=text, by=person)
    if not text:
        found.pop(language, None)
    return {s.id: replace(s, translations=tuple(found.values()))}


def _replace(segments: Segments, asked: _Asked, person: str) -> After:
    ticked = set(asked.texts("segments")) if "segments" in asked.raw else None
    hits = replacing.find([s for s in segments.values() if ticked is None or s.id in ticked], replacing.sought(asked.raw))
    return {hit.segment: with_text(segments[hit.segment], saved(hit.after)) for hit in hits}


_ACTS: Mapping[str, Callable[[Segments, _Asked, str], After]] = {
    "text": _text,
    "status": _status,
    "speaker": _speaker,
    "language": _language,
    "rename_speaker": _rename,
    "times": _times,
    "split": _split,
    "merge": _merge,
    "add": _add,
    "delete": _delete,
    "note": _note,
    "translation": _translation,
    "replace": _replace,
}
