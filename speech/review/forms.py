"""Segments as JSON: what rows of the store hold and the app's routes send. Empty fields are left out.

A word is a list: text, start_ms, end_ms, confidence, separator, alternatives; and, where there is more to say of it, an
object with `estimated`, `id`, `speaker`, `speaker_margin`, `language`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from speech.types import Alternative, Segment, Span, Translation, Word

Form = dict[str, Any]


def text_of(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, letters as they are."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def form_of(segment: Segment) -> Form:
    """The segment as plain lists and mappings."""
    s = segment
    form: Form = {"id": s.id, "start_ms": s.span.start_ms, "end_ms": s.span.end_ms, "text": s.text, "status": s.status}
    more = {
        "speaker": s.speaker,
        "speaker_margin": s.speaker_margin,
        "language": s.language,
        "unsure_reason": s.unsure_reason or None,
        "confidence": s.confidence,
        "kind": None if s.kind == "speech" else s.kind,
        "origin": None if s.origin == "machine" else s.origin,
        "channel": s.channel,
        "notes": list(s.notes) or None,
        "translations": [{"language": t.language, "text": t.text, "by": t.by} for t in s.translations] or None,
        "alternatives": [{"text": a.text, "confidence": a.confidence} for a in s.alternatives] or None,
        "words": [_word_form(w) for w in s.words] or None,
    }
    form.update((name, value) for name, value in more.items() if value is not None)
    return form


def _word_form(w: Word) -> list[Any]:
    start, end = (w.span.start_ms, w.span.end_ms) if w.span else (None, None)
    form: list[Any] = [w.text, start, end, w.confidence, w.separator, [[a.text, a.confidence] for a in w.alternatives]]
    more = {
        "estimated": w.estimated or None,
        "id": w.id or None,
        "speaker": w.speaker,
        "speaker_margin": w.speaker_margin,
        "language": w.language,
    }
    if kept := {name: value for name, value in more.items() if value is not None}:
        form.append(kept)
    return form


def segment_of(form: Mapping[str, Any]) -> Segment:
    """The segment that a form of ours describes; a form is ours, so nothing is checked."""
    get = form.get
    return Segment(
        id=form["id"],
        span=Span(start_ms=form["start_ms"], end_ms=form["end_ms"]),
        text=get("text", ""),
        speaker=get("speaker"),
        speaker_margin=get("speaker_margin"),
        language=get("language"),
        status=get("status", "draft"),
        unsure_reason=get("unsure_reason", ""),
        confidence=get("confidence"),
        kind=get("kind", "speech"),
        origin=get("origin", "machine"),
        channel=get("channel"),
        notes=tuple(get("notes", ())),
        translations=tuple(Translation(language=t["language"], text=t["text"], by=t.get("by", "")) for t in get("translations", ())),
        alternatives=tuple(Alternative(text=a["text"], confidence=a["confidence"]) for a in get("alternatives", ())),
        words=tuple(_word(w) for w in get("words", ())),
    )


def maybe_form(segment: Segment | None) -> Form | None:
    """The form of a segment that may not be there."""
    return None if segment is None else form_of(segment)


def maybe_segment(form: Mapping[str, Any] | None) -> Segment | None:
    """The segment of a form that may not be there."""
    return None if form is None else segment_of(form)


def _word(form: list[Any]) -> Word:
    text, start, end, confidence, separator, alternatives = form[:6]
    more = form[6] if len(form) > 6 else {}
    return Word(
        text=text,
        span=None if start is None else Span(start_ms=start, end_ms=end),
        confidence=confidence,
        separator=separator,
        alternatives=tuple(Alternative(text=t, confidence=c) for t, c in alternatives) if alternatives else (),
        estimated=more.get("estimated", False),
        id=more.get("id", ""),
        speaker=more.get("speaker"),
        speaker_margin=more.get("speaker_margin"),
        language=more.get("language"),
    )


Line = tuple[str, str | None, int, int]
"""Id, speaker, start and end of a segment."""


class Lazy(Mapping[str, Segment]):
    """Segments by id, each made of its form when it is first asked for."""

    def __init__(self, forms: Mapping[str, Form], made: dict[str, Segment] | None = None) -> None:
        self._forms = forms
        self._made = {} if made is None else made

    def __getitem__(self, id: str) -> Segment:
        found = self._made.get(id)
        if found is None:
            found = self._made[id] = segment_of(self._forms[id])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._forms)

    def __len__(self) -> int:
        return len(self._forms)

    def __contains__(self, id: object) -> bool:
        return id in self._forms

    def lines(self) -> Iterator[Line]:
        """Id, speaker and span of each, without making the records: that of 5,000 segments takes 0.3 s."""
        for id, form in self._forms.items():
            yield id, form.get("speaker"), form["start_ms"], form["end_ms"]

    def without(self, ids: Iterable[str], forms: Mapping[str, Form]) -> Lazy:
        """The segments of newer forms; those with the given ids are made anew."""
        gone = set(ids)
        return Lazy(forms, {id: s for id, s in self._made.items() if id not in gone})


def lines_of(segments: Mapping[str, Segment]) -> Iterable[Line]:
    """Id, speaker and span of each segment."""
    if isinstance(segments, Lazy):
        return segments.lines()
    return ((s.id, s.speaker, s.span.start_ms, s.span.end_ms) for s in segments.values())
