"""Our own transcript file, `speech-transcript/1`: holds everything, and keeps fields it does not know.

The published schema lies beside this module (`speech-transcript-1.schema.json`); reading checks by hand, so
that each fault is named with its place. Unknown fields of a newer minor version are kept in
`Transcript.extra` and written back; a higher major version is refused. Ids stay as they are, of any form; what
has none is given one on reading and on writing. NaN, double keys and lone surrogates,
which Python's json accepts, are refused. Whisper and its kin use the same suffix: `_whisper` reads theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, cast, get_args

from speech.errors import Finding, FormatRefused, TextRefused
from speech.formats import _losses, _whisper
from speech.formats._checks import checked, ordered
from speech.text.decode import decode
from speech.types import (
    LAST_ID,
    SCHEMA,
    Act,
    Alternative,
    Coverage,
    Kind,
    LanguageUse,
    Origin,
    Point,
    Recording,
    Segment,
    Skip,
    Span,
    Speaker,
    Status,
    Transcript,
    Translation,
    Word,
    identified,
)

SUFFIXES: tuple[str, ...] = (".json",)
LOSSES: tuple[str, ...] = ("double_ids",)

INSIDE = ""
"""The key of `Transcript.extra` under which unknown fields of inner records lie, by their place in the file."""

_VERSION = re.compile(r"speech-transcript/(\d+)(?:\.\d+)*")
_HALF = re.compile(r"(?<!\\)(?:\\\\)*\\u(d[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})|d[c-f][0-9a-f]{2})", re.IGNORECASE)
_RECORDING = ("path", "sha256", "media_type", "wav")
_RECORDING_NUMBERS = ("duration_ms", "sample_rate", "channels", "offset_ms")
_COVERAGE = ("duration_ms", "speech_ms", "silence_ms", "missing_ms", "transcribed_ms", "skipped_ms")
_LANGUAGE = ("id", "glottocode", "script", "variety", "label")
_ACT = (
    "activity",
    "agent",
    "model",
    "base_sha256",
    "adapter_sha256",
    "settings_sha256",
    "ledger",
    "at",
    "calibration",
    "language_model_sha256",
)


def lost(transcript: Transcript) -> dict[str, int]:
    """Nothing but ids that stand twice: this format holds all."""
    return _losses.lost(transcript, LOSSES)


def kept(transcript: Transcript) -> Transcript:
    """The transcript in the order of writing, all in it with ids."""
    return identified(ordered(transcript))


def parse(data: bytes, *, where: str, encoding: str | None = None, findings: list[Finding] | None = None) -> Transcript:
    """The transcript in a JSON file: ours, or of Whisper and its kin (see `_whisper`).

    Raises
    ------
    FormatRefused
        `FORMAT_JSON` (no JSON, NaN, a key twice, a wrong type), `FORMAT_NEWER` (a higher major version),
        `FORMAT_WORDS`, `FORMAT_TIMES`, `FORMAT_VALUE` as for writing.
    TextRefused
        `TEXT_ENCODING`, `TEXT_CONTROL`, `TEXT_SURROGATE`.
    """
    text = decode(data, where, encoding=encoding)
    if half := _surrogate(text):
        line = text.count("\n", 0, half.start()) + 1
        raise TextRefused(
            f"{where}, line {line}",
            f"half a character (\\u{half.group(1)}, a lone surrogate) stands at offset {half.start()}",
            "Write the letter again",
            "TEXT_SURROGATE",
        )
    constants: list[str] = []
    raw = loads(text, where, constants=constants)
    if _whisper.is_foreign(raw):
        return checked(_whisper.transcript(raw, where, findings), where)
    if constants:
        _refuse(where, f"{constants[0]} is no number")
    if not isinstance(raw, dict):
        _refuse(where, "this is not a transcript but another kind of JSON")
    transcript = _transcript(raw, where)
    return checked(transcript, where)


def render(transcript: Transcript) -> bytes:
    """The transcript as a JSON file, in UTF-8."""
    return (json.dumps(as_dict(kept(checked(transcript))), ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode("utf-8")


def loads(text: str, where: str, *, constants: list[str] | None = None) -> Any:
    """JSON read strictly: no NaN, no key twice, no depth that breaks the reader.

    With `constants`, NaN and Infinity are read and their names added to it: other programs write them.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            keys = [key for key, _ in items]
            _refuse(where, f"the key {ascii(next(k for k in keys if keys.count(k) > 1))} stands twice in one object")
        return found

    def constant(name: str) -> float:
        if constants is None:
            _refuse(where, f"{name} is no number")
        constants.append(name)
        return float(name)

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        _refuse(f"{where}, line {error.lineno}", f"this is not JSON ({error.msg}, column {error.colno})")
    except (ValueError, RecursionError) as error:
        _refuse(where, "it is nested too deeply, or holds a number too long to read", error)


def _surrogate(text: str) -> re.Match[str] | None:
    # A low half is lone unless the escape right before it is a high half.
    for found in _HALF.finditer(text):
        low = found.group(1)[1].lower() in "cdef"
        before = text[: found.start(1) - 2]
        if not (low and re.search(r"\\ud[89ab][0-9a-f]{2}$", before[-6:], re.IGNORECASE)):
            return found
    return None


def _refuse(where: str, what: str, cause: Exception | None = None) -> NoReturn:
    raise FormatRefused(where, what, "Correct it there, or take the file as it was first written", "FORMAT_JSON") from cause


# Reading: an object knows its place, and which of its fields were asked for.


@dataclass(slots=True)
class _Object:
    raw: dict[str, Any]
    where: str
    pointer: str
    unknown: dict[str, Any]
    asked: set[str] = field(default_factory=set)

    def _value(self, key: str, default: Any, kinds: tuple[type, ...], name: str) -> Any:
        self.asked.add(key)
        if key not in self.raw:
            return default
        value = self.raw[key]
        # bool is an int to Python, not to JSON.
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            _refuse(self.where, f"{self.pointer or '/'}: the field {key} must be {name}")
        return value

    def text(self, key: str, default: str = "") -> str:
        return cast(str, self._value(key, default, (str,), "text"))

    def name(self, key: str) -> str | None:
        return cast("str | None", self._value(key, None, (str, type(None)), "text or null"))

    def whole(self, key: str, default: int = 0) -> int:
        return cast(int, self._value(key, default, (int,), "a whole number"))

    def whole_within(self, key: str, last: int) -> int:
        value = self.whole(key)
        if not 0 <= value <= last:
            _refuse(self.where, f"{self.pointer or '/'}: the field {key} must be from 0 to {last}")
        return value

    def maybe_whole(self, key: str) -> int | None:
        return cast("int | None", self._value(key, None, (int, type(None)), "a whole number or null"))

    def number(self, key: str) -> float | None:
        value = self._value(key, None, (int, float, type(None)), "a number or null")
        return None if value is None else float(value)

    def flag(self, key: str) -> bool:
        return cast(bool, self._value(key, False, (bool,), "true or false"))

    def choice(self, key: str, choices: Any) -> Any:
        value = self.text(key, get_args(choices)[0])
        if value not in get_args(choices):
            _refuse(self.where, f"{self.pointer or '/'}: the field {key} must be one of {', '.join(get_args(choices))}")
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self._value(key, {}, (dict,), "an object"))

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._value(key, [], (list,), "a list")
        if not all(isinstance(v, str) for v in values):
            _refuse(self.where, f"{self.pointer}: the field {key} must be a list of texts")
        return tuple(values)

    def inner(self, key: str) -> _Object | None:
        value = self._value(key, None, (dict, type(None)), "an object or null")
        return None if value is None else _Object(value, self.where, f"{self.pointer}/{key}", self.unknown)

    def items(self, key: str, sort: Any = None) -> list[_Object]:
        values = self._value(key, [], (list,), "a list")
        if not all(isinstance(v, dict) for v in values):
            _refuse(self.where, f"{self.pointer}: the field {key} must be a list of objects")
        values = sorted(values, key=sort) if sort else values
        return [_Object(v, self.where, f"{self.pointer}/{key}/{_step(v, n)}", self.unknown) for n, v in enumerate(values)]

    def span(self) -> Span:
        for key in ("start_ms", "end_ms"):
            if key not in self.raw:
                _refuse(self.where, f"{self.pointer}: the field {key} is missing")
        return Span(start_ms=self.whole("start_ms"), end_ms=self.whole("end_ms"))

    def done(self) -> None:
        rest = {key: value for key, value in self.raw.items() if key not in self.asked}
        if rest:
            self.unknown[self.pointer] = rest


def _step(raw: Mapping[str, Any], number: int) -> str:
    """An item's part of a place in the file: its id, or where there is none its number."""
    name = raw.get("id")
    return name.replace("~", "~0").replace("/", "~1") if isinstance(name, str) and name else f"#{number}"


def _raw_key(raw: Mapping[str, Any]) -> tuple[int, int, str]:
    # Sorted before the items get their places; what is no number fails a moment later, with its name.
    start, end, speaker = (raw.get(k) for k in ("start_ms", "end_ms", "speaker"))
    return (start if isinstance(start, int) else 0, end if isinstance(end, int) else 0, speaker if isinstance(speaker, str) else "")


def _raw_point_key(raw: Mapping[str, Any]) -> tuple[int, str]:
    time, tier = raw.get("time_ms"), raw.get("tier")
    return (time if isinstance(time, int) else 0, tier if isinstance(tier, str) else "")


def _transcript(raw: dict[str, Any], where: str) -> Transcript:
    top = _Object(raw, where, "", {})
    schema = top.text("schema")
    version = _VERSION.fullmatch(schema)
    if not version:
        _refuse(where, f"this is not a transcript: its schema is {ascii(schema)}, not {SCHEMA}")
    if int(version[1]) > 1:
        raise FormatRefused(
            where, f"it is of the newer version {schema}; this program reads {SCHEMA}", "Update this program", "FORMAT_NEWER"
        )
    segments = tuple(_segment(x) for x in top.items("segments", _raw_key))
    _once([s.id for s in segments], "segment", where)
    transcript = Transcript(
        **about_fields(top),
        segments=segments,
        points=tuple(_point(x) for x in top.items("points", _raw_point_key)),
        foreign=top.mapping("foreign"),
    )
    top.done()
    unknown = {**top.unknown.pop("", {}), **({"schema": schema} if schema != SCHEMA else {})}
    named = identified(transcript)
    inside = _moved(top.unknown, transcript, named)
    return replace(named, extra={**unknown, **({INSIDE: inside} if inside else {})})


def _moved(unknown: Mapping[str, Any], before: Transcript, after: Transcript) -> dict[str, Any]:
    """Unknown fields by the places that their objects have under the ids of `after`."""
    places: dict[str, str] = {}
    for n, (old, new) in enumerate(zip(before.segments, after.segments, strict=True)):
        was, now = f"/segments/{_step({'id': old.id}, n)}", f"/segments/{_step({'id': new.id}, n)}"
        places[was] = now
        for k, (word, named) in enumerate(zip(old.words, new.words, strict=True)):
            places[f"{was}/words/{_step({'id': word.id}, k)}"] = f"{now}/words/{_step({'id': named.id}, k)}"
    for n, (point, named_point) in enumerate(zip(before.points, after.points, strict=True)):
        places[f"/points/{_step({'id': point.id}, n)}"] = f"/points/{_step({'id': named_point.id}, n)}"

    def moved(pointer: str) -> str:
        steps = pointer.split("/")
        for count in (5, 3):
            if (place := "/".join(steps[:count])) in places:
                return "/".join([places[place], *steps[count:]])
        return pointer

    return {moved(pointer): fields for pointer, fields in unknown.items()}


def _once(ids: list[str], kind: str, where: str) -> None:
    named = [x for x in ids if x]
    if len(set(named)) < len(named):
        _refuse(where, f"two {kind}s have the id {ascii(next(x for x in named if named.count(x) > 1))}")


def about_fields(top: _Object) -> dict[str, Any]:
    """All fields of a transcript but its segments and points."""
    recording, coverage = top.inner("recording"), top.inner("coverage")
    return {
        "recording": _recording(recording) if recording else Recording(),
        "speakers": tuple(_speaker(x) for x in top.items("speakers")),
        "languages": tuple(_strings(LanguageUse, _LANGUAGE, x) for x in top.items("languages")),
        "coverage": _coverage(coverage) if coverage else None,
        "provenance": tuple(_strings(Act, _ACT, x) for x in top.items("provenance")),
        "id": top.text("id"),
        "created": top.text("created"),
        "software": top.text("software"),
        "consent": top.mapping("consent"),
        "last_id": top.whole_within("last_id", LAST_ID),
    }


def _strings(kind: Any, names: tuple[str, ...], raw: _Object) -> Any:
    value = kind(**{name: raw.text(name) for name in names})
    raw.done()
    return value


def _recording(raw: _Object) -> Recording:
    value = Recording(**{n: raw.text(n) for n in _RECORDING}, **{n: raw.whole(n) for n in _RECORDING_NUMBERS})  # type: ignore[arg-type]  # the names above are of these types
    raw.done()
    return value


def _coverage(raw: _Object) -> Coverage:
    skips = raw.items("skipped")
    value = Coverage(**{n: raw.whole(n) for n in _COVERAGE}, skipped=tuple(Skip(span=x.span(), reason=x.text("reason")) for x in skips))
    for skip in skips:
        skip.done()
    raw.done()
    return value


def _speaker(raw: _Object) -> Speaker:
    value = Speaker(id=raw.text("id"), person=raw.name("person"), channel=raw.maybe_whole("channel"), label=raw.text("label"))
    raw.done()
    return value


def _point(raw: _Object) -> Point:
    value = Point(time_ms=raw.whole("time_ms"), label=raw.text("label"), tier=raw.text("tier"), id=raw.text("id"))
    raw.done()
    return value


def _alternative(raw: _Object) -> Alternative:
    value = Alternative(text=raw.text("text"), confidence=raw.number("confidence"))
    raw.done()
    return value


def _translation(raw: _Object) -> Translation:
    value = Translation(language=raw.text("language"), text=raw.text("text"), by=raw.text("by"))
    raw.done()
    return value


def _segment(raw: _Object) -> Segment:
    value = Segment(
        id=raw.text("id"),
        span=raw.span(),
        speaker=raw.name("speaker"),
        speaker_margin=raw.number("speaker_margin"),
        language=raw.name("language"),
        text=raw.text("text"),
        confidence=raw.number("confidence"),
        status=cast(Status, raw.choice("status", Status)),
        unsure_reason=raw.text("unsure_reason"),
        origin=cast(Origin, raw.choice("origin", Origin)),
        kind=cast(Kind, raw.choice("kind", Kind)),
        channel=raw.maybe_whole("channel"),
        alternatives=tuple(map(_alternative, raw.items("alternatives"))),
        translations=tuple(map(_translation, raw.items("translations"))),
        notes=raw.texts("notes"),
        words=tuple(map(_word, raw.items("words"))),
    )
    _once([w.id for w in value.words], "word", raw.where)
    raw.done()
    return value


def _word(raw: _Object) -> Word:
    start, end = raw.maybe_whole("start_ms"), raw.maybe_whole("end_ms")
    if (start is None) != (end is None):
        _refuse(raw.where, f"{raw.pointer}: start_ms and end_ms are both numbers or both null")
    value = Word(
        id=raw.text("id"),
        text=raw.text("text"),
        span=None if start is None or end is None else Span(start_ms=start, end_ms=end),
        estimated=raw.flag("estimated"),
        confidence=raw.number("confidence"),
        speaker=raw.name("speaker"),
        speaker_margin=raw.number("speaker_margin"),
        language=raw.name("language"),
        alternatives=tuple(map(_alternative, raw.items("alternatives"))),
        separator=raw.text("separator", " "),
    )
    raw.done()
    return value


# Writing: empty optional fields are left out.


def as_dict(transcript: Transcript) -> dict[str, Any]:
    """The transcript as plain lists, mappings and values, in the order of the published schema."""
    document = {
        "schema": SCHEMA,
        **about_dict(transcript),
        "segments": [_segment_dict(s) for s in transcript.segments],
        "points": [_dropping({"id": p.id, "time_ms": p.time_ms, "label": p.label, "tier": p.tier}, "id") for p in transcript.points],
        "foreign": dict(transcript.foreign),
    }
    for key in ("points", "foreign"):
        if not document[key]:
            del document[key]
    for key, value in transcript.extra.items():
        if key != INSIDE and (key not in document or key == "schema"):
            document[key] = value
    for pointer, fields in transcript.extra.get(INSIDE, {}).items():
        target = _find(document, pointer)
        if target is not None:
            target.update({k: v for k, v in fields.items() if k not in target})
    return document


def about_dict(transcript: Transcript) -> dict[str, Any]:
    """All of a transcript but segments, points, foreign and extra."""
    recording, coverage = transcript.recording, transcript.coverage
    about = {
        "id": transcript.id,
        "created": transcript.created,
        "software": transcript.software,
        "recording": _dropping({name: getattr(recording, name) for name in (*_RECORDING, *_RECORDING_NUMBERS)}, "wav"),
        "languages": [_dropping({n: getattr(x, n) for n in _LANGUAGE}, *_LANGUAGE[1:]) for x in transcript.languages],
        "speakers": [
            _dropping({"id": s.id, "person": s.person, "channel": s.channel, "label": s.label}, "channel", "label")
            for s in transcript.speakers
        ],
        "coverage": coverage
        and {
            **{n: getattr(coverage, n) for n in _COVERAGE},
            "skipped": [{"start_ms": s.span.start_ms, "end_ms": s.span.end_ms, "reason": s.reason} for s in coverage.skipped],
        },
        "provenance": [_dropping({n: getattr(x, n) for n in _ACT}, *_ACT[1:]) for x in transcript.provenance],
        "consent": dict(transcript.consent),
        "last_id": transcript.last_id or None,
    }
    if recording == Recording():
        del about["recording"]
    return _dropping(about, "id", "created", "software", "languages", "speakers", "coverage", "provenance", "consent", "last_id")


def _dropping(raw: dict[str, Any], *optional: str) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key not in optional or value not in (None, "", [], {})}


def _alternatives(values: tuple[Alternative, ...]) -> list[dict[str, Any]]:
    return [{"text": a.text, "confidence": a.confidence} for a in values]


def _segment_dict(s: Segment) -> dict[str, Any]:
    raw = {
        "id": s.id,
        "start_ms": s.span.start_ms,
        "end_ms": s.span.end_ms,
        "speaker": s.speaker,
        "speaker_margin": s.speaker_margin,
        "language": s.language,
        "text": s.text,
        "confidence": s.confidence,
        "status": s.status,
        "unsure_reason": s.unsure_reason,
        "origin": s.origin,
        "kind": s.kind,
        "channel": s.channel,
        "alternatives": _alternatives(s.alternatives),
        "translations": [{"language": x.language, "text": x.text, "by": x.by} for x in s.translations],
        "notes": list(s.notes),
        "words": [_word_dict(w) for w in s.words],
    }
    return _dropping(raw, "id", "speaker_margin", "unsure_reason", "channel", "alternatives", "translations", "notes")


def _word_dict(w: Word) -> dict[str, Any]:
    raw = {
        "id": w.id,
        "text": w.text,
        "start_ms": w.span and w.span.start_ms,
        "end_ms": w.span and w.span.end_ms,
        "estimated": w.estimated or None,
        "confidence": w.confidence,
        "speaker": w.speaker,
        "speaker_margin": w.speaker_margin,
        "language": w.language,
        "alternatives": _alternatives(w.alternatives),
        "separator": None if w.separator == " " else w.separator,
    }
    small = _dropping(raw, "id", "estimated", "speaker", "speaker_margin", "language", "alternatives")
    if small["separator"] is None:
        del small["separator"]
    return small


def _find(document: Any, pointer: str) -> dict[str, Any] | None:
    """The object at a place noted while reading, or None where it has gone since."""
    at = document
    for step in pointer.split("/")[1:]:
        if isinstance(at, list):
            at = next((x for n, x in enumerate(at) if _step(x, n) == step), None)
        else:
            at = at.get(step) if isinstance(at, dict) else None
        if at is None:
            return None
    return at if isinstance(at, dict) else None


def about_text(transcript: Transcript) -> str:
    """What other formats carry along in one line: all but segments and points, as JSON."""
    extra = {"extra": dict(transcript.extra)} if transcript.extra else {}
    return json.dumps({**about_dict(transcript), **extra}, ensure_ascii=False, allow_nan=False)


def about_from(text: str, where: str) -> Transcript:
    """A transcript without segments from what `about_text` gave."""
    raw = loads(text, where)
    if not isinstance(raw, dict):
        _refuse(where, "this is not what speaks of a transcript")
    top = _Object(raw, where, "", {})
    return Transcript(**about_fields(top), extra=top.mapping("extra"))
