"""References paired with hypotheses: by id, by path, by span; by position only where two plain texts have no ids.

Nothing is dropped unsaid: ids on one side alone are left out and counted, or refuse the whole. Two transcripts of one
recording are paired segment by segment where their spans match one to one, else by passages that both hold
(`speech.score.passages`), else, where a side has no times, as two whole texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from speech.errors import Finding, TextRefused
from speech.files import is_folder, shown
from speech.formats import PACKED
from speech.languages import UNDETERMINED
from speech.score.passages import Passage, by_speaker, has_times, passages, said_in, text_of
from speech.score.records import Comparison, Pair, Said, Side, SideName, Timed
from speech.score.sources import JSON_LINES, PLAIN, TABLES, Entry, Listed, Reading, Whole, as_one, code_or_nothing, read_source
from speech.score.tiers import clock
from speech.types import Segment, Span, Transcript

SAME_MS = 20
"""How far the borders of two segments may lie apart and still match: one frame of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSettings:
    """How to pair.

    `language` stands where a file names none; `split` takes only those rows of the reference. `tiers` and `formats` are
    one name for both sides, or two: reference, hypothesis; one name of a tier need stand on one side only. `every`
    refuses sets that only partly overlap.
    """

    language: str = UNDETERMINED
    split: str | None = None
    encoding: str | None = None
    tiers: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    every: bool = False

    def reading(self, side: SideName) -> Reading:
        """How a side is read."""
        last = side == "hypothesis"
        return Reading(
            side=side,
            language=self.language,
            encoding=self.encoding,
            format=(self.formats[-1] if last else self.formats[0]) if self.formats else None,
            tier=(self.tiers[-1] if last else self.tiers[0]) if self.tiers else None,
            strict=len(self.tiers) > 1,
        )


def compare(reference: Path, hypothesis: Path, settings: PairSettings | None = None) -> Comparison:
    """Two files of any kind that can be paired, or two folders of files with the same names.

    A transcript without a word is a result, not a fault: all that the other side says is missing, or too much.

    Returns
    -------
    Findings: what had to be repaired in a file; `TEXT_UNPAIRED`, rows or files on one side only, which were left out;
    `TEXT_WORDS`, segments whose words are not those of their text; `TEXT_PART`, one side is only a part of the other.

    Raises
    ------
    TextRefused
        `TEXT_UNPAIRED`: nothing that both sides have; with `every`, ids on one side only; ids that occur twice, lines
        without ids that differ in number, references without a text; each listed. `TEXT_TIER`: see `read_source`.
        `TEXT_ENCODING` and its like: see `speech.text.decode`.
    PathRefused, FormatRefused
        A file cannot be read.
    """
    settings = settings or PairSettings()
    if is_folder(reference) and is_folder(hypothesis):
        return _folders(reference, hypothesis, settings)
    return _files(reference, hypothesis, settings)


def pair_files(
    reference: Path, hypothesis: Path, *, language: str = UNDETERMINED, split: str | None = None, encoding: str | None = None
) -> list[Pair]:
    """The pairs of `compare`, where every row of either side must have its counterpart."""
    return list(compare(reference, hypothesis, PairSettings(language=language, split=split, encoding=encoding, every=True)).pairs)


def _files(reference: Path, hypothesis: Path, settings: PairSettings, *, name: str = "") -> Comparison:
    """Two files; `name` where they are two of many: ids of plain lines begin with it."""
    wanted, given = read_source(reference, settings.reading("reference")), read_source(hypothesis, settings.reading("hypothesis"))
    _check_tier(wanted, given, settings)
    wanted, given = _silent(wanted, given), _silent(given, wanted)
    findings: list[Finding] = [f for s in (wanted, given) for f in s.findings]
    timed: tuple[Timed, ...] = ()
    if isinstance(wanted, Whole) or isinstance(given, Whole):
        sides = _whole(wanted, given, "reference"), _whole(given, wanted, "hypothesis")
        pairs = pair_transcripts(*sides, name=_stem(reference), language=settings.language)
        timed = (Timed(reference=sides[0].segments, hypothesis=sides[1].segments, pairs=tuple(pairs)),)
        findings += _partial(*sides)
    elif wanted.keyed or given.keyed:
        pairs = _keyed(wanted, given, settings, findings)
    else:
        pairs = _lines(wanted, given, settings.language, name=name)
    return Comparison(
        pairs=tuple(pairs), sides=(_side("reference", wanted), _side("hypothesis", given)), findings=tuple(findings), timed=timed
    )


def _side(name: SideName, source: Listed | Whole) -> Side:
    if isinstance(source, Listed):
        return Side(name=name, path=source.file)
    told = source.transcript.recording.path
    return Side(name=name, path=source.file, tiers=source.tiers, not_read=source.not_read, recordings=(told,) if told else ())


def _partial(reference: Transcript, hypothesis: Transcript) -> list[Finding]:
    """Where one side covers only a part of the other's time: much of the hypothesis outside the reference, or a hypothesis half as long."""
    said, heard = ([s for s in t.segments if s.text.strip()] for t in (reference, hypothesis))
    if not said or not has_times(said) or not has_times(heard):
        return []
    start, end = min(s.span.start_ms for s in said), max(s.span.end_ms for s in said)
    if heard and 2 * (max(s.span.end_ms for s in heard) - min(s.span.start_ms for s in heard)) < end - start:
        first, last = min(s.span.start_ms for s in heard), max(s.span.end_ms for s in heard)
        return [
            Finding(
                code="TEXT_PART",
                where="hypothesis",
                what=f"it holds {clock(first)} to {clock(last)} of the reference's {clock(start)} to {clock(end)}; "
                "all other words count as missing",
                mend="See that both are of the same recording, whole",
            )
        ]
    outside = [s for s in heard if s.span.end_ms <= start or s.span.start_ms >= end]
    if len(outside) * 10 < len(heard) or not outside:
        return []
    return [
        Finding(
            code="TEXT_PART",
            where="hypothesis",
            what=f"{len(outside):,} of its {len(heard):,} segments lie outside the reference, which holds {clock(start)} to {clock(end)}; "
            "their words count as added",
            mend="If only that part was corrected, delete the other segments from a copy of the hypothesis",
        )
    ]


def _check_tier(wanted: Listed | Whole, given: Listed | Whole, settings: PairSettings) -> None:
    """One name for both sides must stand on one of them."""
    found = [s.asked if isinstance(s, Whole) else False for s in (wanted, given)]
    if len(settings.tiers) == 1 and not any(found):
        tiers = [f"{s.file}: {', '.join(repr(n) for n, _ in s.tiers) or 'none'}" for s in (wanted, given) if isinstance(s, Whole)]
        raise TextRefused(
            f"{wanted.file}, {given.file}",
            f"no tier is called {settings.tiers[0]!r}. Tiers that would be read without --tier: {'; '.join(tiers) or 'none'}",
            "Name a tier that is there",
            "TEXT_TIER",
        )


def pair_transcripts(reference: Transcript, hypothesis: Transcript, *, name: str = "", language: str = UNDETERMINED) -> list[Pair]:
    """Two transcripts of one recording: a pair a segment where spans match one to one, else a pair a passage.

    Where a side has no times, or one of them nothing, there is one pair of whole texts.
    """
    recording = reference.recording.path or hypothesis.recording.path or name
    called = name or recording
    wanted, given = sorted(reference.segments, key=_order), sorted(hypothesis.segments, key=_order)
    language = _main_language(reference) or _main_language(hypothesis) or language
    if matched := _matched(wanted, given):
        return [
            Pair(
                id=f"{called}#{w.span.start_ms}-{w.span.end_ms}",
                reference=w.text,
                hypothesis=g.text,
                language=code_or_nothing(w.language) or code_or_nothing(g.language) or language,
                speaker=w.speaker,
                recording=recording,
                words=tuple((x.text, x.confidence) for x in g.words),
                unit="segment",
                span=w.span,
                said=tuple(by_speaker(w, w.words)),
                heard=tuple(by_speaker(g, g.words)),
            )
            for w, g in matched
        ]
    timed = has_times(wanted) and has_times(given)
    if timed and (found := passages(wanted, given)):
        return [_passage(p, called, recording, language) for p in found]
    return [
        Pair(
            id=called,
            # In order of time: a file may hold its tiers one after the other.
            reference="\n".join(s.text for s in wanted if s.text),
            hypothesis="\n".join(s.text for s in given if s.text),
            language=language,
            recording=recording,
            speaker=_only_speaker(wanted),
            words=tuple((w.text, w.confidence) for s in given for w in s.words),
            unit="text",
            said=_said(wanted),
            heard=_said(given),
        )
    ]


def _passage(passage: Passage, name: str, recording: str, language: str) -> Pair:
    segments = [p.source for p in passage.reference]
    codes = Counter(code for s in (segments or [p.source for p in passage.hypothesis]) if (code := code_or_nothing(s.language)))
    return Pair(
        id=f"{name}#{passage.span.start_ms}-{passage.span.end_ms}",
        reference=text_of(passage.reference),
        hypothesis=text_of(passage.hypothesis),
        language=codes.most_common(1)[0][0] if codes else language,
        speaker=_only_speaker(segments),
        recording=recording,
        words=tuple((w.text, w.confidence) for p in passage.hypothesis for w in p.words),
        unit="passage",
        span=passage.span,
        said=said_in(passage.reference),
        heard=said_in(passage.hypothesis),
    )


def _said(segments: Iterable[Segment]) -> tuple[Said, ...]:
    return tuple(said for s in segments if s.text for said in by_speaker(s, s.words))


def _order(segment: Segment) -> tuple[int, int]:
    return (segment.span.start_ms, segment.span.end_ms)


def _matched(wanted: Sequence[Segment], given: Sequence[Segment]) -> list[tuple[Segment, Segment]] | None:
    """Segments in order of time, two by two; None unless each has its counterpart and no other could be it."""
    if len(wanted) != len(given) or not wanted:
        return None
    pairs = list(zip(wanted, given, strict=True))
    if not all(_near(a, b) for a, b in pairs):
        return None
    if any(_near(a, b) for a, b in zip(wanted, wanted[1:], strict=False)):
        return None  # two speakers in one span: which is whose is not known
    return pairs


def _near(a: Segment, b: Segment) -> bool:
    return abs(a.span.start_ms - b.span.start_ms) <= SAME_MS and abs(a.span.end_ms - b.span.end_ms) <= SAME_MS


def _main_language(transcript: Transcript) -> str:
    """The language most of the text is in."""
    found: Counter[str] = Counter()
    for segment in transcript.segments:
        if code := code_or_nothing(segment.language):
            found[code] += len(segment.text)
    if found:
        return found.most_common(1)[0][0]
    codes = [code for use in transcript.languages if (code := code_or_nothing(use.id))]
    return codes[0] if len(codes) == 1 else ""


def _only_speaker(segments: Iterable[Segment]) -> str | None:
    speakers = {s.speaker for s in segments}
    return speakers.pop() if len(speakers) == 1 else None


def _whole(source: Listed | Whole, other: Listed | Whole, side: SideName) -> Transcript:
    """A transcript as it is; lines without ids as one text; rows with ids only where all are of one recording, with times."""
    if isinstance(source, Whole):
        return source.transcript
    if not source.keyed:
        empty = Span(start_ms=0, end_ms=0)
        return Transcript(segments=tuple(Segment(span=empty, text=e.text or "") for e in source.entries))
    if (one := as_one(source, side)) is None:
        _unpaired(
            f"{source.file}, {other.file}", "one holds many clips by id, the other one recording", "Give two manifests, or two transcripts"
        )
    return one


def _silent(source: Listed | Whole, other: Listed | Whole) -> Listed | Whole:
    """A transcript or plain text without a word, as a silent counterpart of each row of the other; what has words as it is.

    Rows with ids say themselves which clips they speak of: one that is absent there stays a fault.
    """
    if isinstance(other, Whole):
        return source
    spoken = source.transcript.text if isinstance(source, Whole) else "".join(e.text or "" for e in source.entries)
    if spoken.strip() or (isinstance(source, Listed) and (source.keyed or len(source.entries) == len(other.entries) > 0)):
        return source
    entries = tuple(replace(e, text="", words=()) for e in other.entries) or (Entry(text=""),)
    return Listed(file=source.file, entries=entries, keyed=other.keyed, findings=source.findings)


def _lines(wanted: Listed, given: Listed, language: str, *, name: str = "") -> list[Pair]:
    """Line by line: the one case where order pairs, since both say nothing else."""
    if len(wanted.entries) != len(given.entries):
        _unpaired(
            f"{wanted.file}, {given.file}",
            f"{len(wanted.entries):,} lines against {len(given.entries):,}, without ids",
            "Give each line an id and a tab, or as many lines on both sides",
        )
    both = zip(wanted.entries, given.entries, strict=True)
    prefix = f"{name}, " if name else ""
    return [
        Pair(
            id=f"{prefix}line {number}",
            reference=w.text or "",
            hypothesis=g.text or "",
            language=language,
            recording=name,
            unit="line",
        )
        for number, (w, g) in enumerate(both, start=1)
    ]


_KEYS: tuple[tuple[str, Callable[[Entry], str]], ...] = (
    ("id", lambda e: e.id),
    ("path", lambda e: e.place),
    ("file name", lambda e: e.name),
    # What a plain list calls an id is often the path or the file name of the other side.
    ("id or path", lambda e: e.id or e.place),
    ("id or file name", lambda e: e.name or e.id),
)


def _keyed(wanted: Listed, given: Listed, settings: PairSettings, findings: list[Finding]) -> list[Pair]:
    where = f"{wanted.file}, {given.file}"
    if wanted.keyed != given.keyed:
        bare = given if wanted.keyed else wanted
        _unpaired(where, f"{bare.file} has no ids, the other has", "Give each line an id and a tab")
    by, key = _best_key(wanted.entries, given.entries)
    for side in (wanted, given):
        if twice := [k for k, n in Counter(map(key, side.entries)).items() if n > 1]:
            _unpaired(side.file, f"{len(twice):,} of the keys ({by}) occur twice: {_list(twice)}", "Make every id stand once")
    references, hypotheses = {key(e): e for e in wanted.entries}, {key(e): e for e in given.entries}
    if settings.split is not None:
        others = {k for k, e in references.items() if e.split != settings.split}
        references = {k: e for k, e in references.items() if k not in others}
        hypotheses = {k: e for k, e in hypotheses.items() if k not in others}
    findings += _left_out(list(references), list(hypotheses), where, f"rows (by {by})", every=settings.every)
    both = {k: e for k, e in references.items() if k in hypotheses}
    if untold := [k for k, e in both.items() if e.text is None]:
        _unpaired(
            wanted.file,
            f"{len(untold):,} rows have no text: {_list(untold)}",
            "Transcribe them, leave them out, or write an empty text where nothing is said",
        )
    return [_pair(k, entry, hypotheses[k], settings.language) for k, entry in both.items()]


def _left_out(references: Sequence[str], hypotheses: Sequence[str], where: str, kind: str, *, every: bool) -> list[Finding]:
    """What stands on one side only, a finding a side; refused where nothing is left, or all must be there."""
    has_reference, has_hypothesis = set(references), set(hypotheses)
    lone: dict[SideName, tuple[list[str], int]] = {
        "reference": ([k for k in references if k not in has_hypothesis], len(references)),
        "hypothesis": ([k for k in hypotheses if k not in has_reference], len(hypotheses)),
    }
    said = [(side, keys, of) for side, (keys, of) in lone.items() if keys]
    if said and (every or not has_reference & has_hypothesis):
        listed = "; ".join(f"{len(keys):,} only in the {side}: {_list(keys)}" for side, keys, _ in said)
        _unpaired(where, f"{kind} without a counterpart: {listed}", f"Give both sides the same {kind.split(' (')[0]}")
    return [
        Finding(
            code="TEXT_UNPAIRED",
            where=side,
            what=f"{len(keys):,} of {of:,} {kind} have no counterpart and are left out: {_list(keys)}",
            mend="--all refuses such sets",
        )
        for side, keys, of in said
    ]


def _best_key(wanted: Sequence[Entry], given: Sequence[Entry]) -> tuple[str, Callable[[Entry], str]]:
    """The kind of key under which most rows meet, each row having one; the plainer kind where two do as well."""
    best, most = _KEYS[3], -1
    for kind in _KEYS:
        left, right = [kind[1](e) for e in wanted], [kind[1](e) for e in given]
        if not all(left) or not all(right) or (kind is not _KEYS[0] and len(set(left)) < len(left)):
            continue
        met = len(set(left) & set(right))
        if met > most:
            best, most = kind, met
    return best


def _pair(key: str, wanted: Entry, given: Entry, language: str) -> Pair:
    return Pair(
        id=wanted.id or wanted.place or key,
        reference=wanted.text or "",
        # A row without a text on this side was skipped by the model: all of its reference is missing.
        hypothesis=given.text or "",
        language=wanted.language or given.language or language,
        speaker=wanted.speaker,
        recording=wanted.recording or wanted.path,
        words=given.words,
    )


def _folders(reference: Path, hypothesis: Path, settings: PairSettings) -> Comparison:
    """Two folders: files of the same name, whatever their suffix, are paired."""
    left = _by_stem(reference, settings.reading("reference").format)
    right = _by_stem(hypothesis, settings.reading("hypothesis").format)
    found = _left_out(list(left), list(right), f"{shown(reference)}, {shown(hypothesis)}", "files (by name)", every=settings.every)
    both = [stem for stem in left if stem in right]
    made = [_files(left[stem], right[stem], settings, name=stem) for stem in both]
    findings = [replace(f, where=f"{f.where} {shown(stem)}") for stem, m in zip(both, made, strict=True) for f in m.findings]
    pairs = [p for m in made for p in m.pairs]
    if twice := [k for k, n in Counter(p.id for p in pairs).items() if n > 1]:
        _unpaired(f"{shown(reference)}", f"ids that occur in several files: {_list(twice)}", "Score these files one by one")
    sides = _together([m.sides[0] for m in made], reference), _together([m.sides[1] for m in made], hypothesis)
    return Comparison(pairs=tuple(pairs), sides=sides, findings=(*found, *findings), timed=tuple(t for m in made for t in m.timed))


def _together(sides: Sequence[Side], folder: Path) -> Side:
    """The sides of several files as that of their folder: tiers by name."""
    tiers: Counter[str] = Counter()
    for side in sides:
        for name, texts in side.tiers:
            tiers[name] += texts
    not_read = dict.fromkeys(n for s in sides for n in s.not_read)
    recordings = dict.fromkeys(r for s in sides for r in s.recordings)
    return Side(name=sides[0].name, path=shown(folder), tiers=tuple(tiers.items()), not_read=tuple(not_read), recordings=tuple(recordings))


def _by_stem(folder: Path, format: str | None) -> dict[str, Path]:
    """The transcripts of a folder by name; recordings and other files that may lie beside them are passed over."""
    files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith(".") and _is_transcript(f, format))
    if twice := [s for s, n in Counter(map(_stem, files)).items() if n > 1]:
        _unpaired(shown(folder), f"names with several files: {_list(twice)}", "Choose one kind with --format, or keep one file a recording")
    return {_stem(f): f for f in files}


def _stem(path: Path) -> str:
    """A file's name without its suffix, nor that of a packed one (`a.eaf.gz` is `a`)."""
    return (path.with_suffix("") if path.suffix.lower() == PACKED else path).stem


def _is_transcript(file: Path, format: str | None) -> bool:
    from speech import formats

    suffix = (file.with_suffix("") if file.suffix.lower() == PACKED else file).suffix.lower()
    if format in formats.names():
        return suffix in {s.lower() for s in formats.by_name(format).SUFFIXES}
    if format is not None:
        return suffix == f".{format}"
    known = {s.lower() for name in formats.names() for s in formats.by_name(name).SUFFIXES}
    return suffix in {*known, *JSON_LINES, *TABLES, *PLAIN}


def _list(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - 20:,} more" if len(keys) > 20 else ""
    return ", ".join(shown(k) for k in keys[:20]) + more


def _unpaired(where: str, what: str, mend: str) -> NoReturn:
    raise TextRefused(where, what, mend, "TEXT_UNPAIRED")
