"""References paired with hypotheses: by id, by path, by span; by position only where two plain texts have no ids.

Nothing is dropped: an id on one side alone refuses the whole, and lists it. Two transcripts of one recording
are paired segment by segment where their spans match one to one, else as two whole texts (never as both, which
would count every word twice).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from speech.errors import Finding, TextRefused
from speech.files import is_folder, shown
from speech.formats import PACKED
from speech.languages import UNDETERMINED
from speech.score.records import Pair
from speech.score.sources import Entry, Listed, Whole, code_or_nothing, read_source
from speech.types import Segment, Span, Transcript

SAME_MS = 20
"""How far the borders of two segments may lie apart and still match: one frame of a model."""


def pair_files(
    reference: Path,
    hypothesis: Path,
    *,
    language: str = UNDETERMINED,
    split: str | None = None,
    encoding: str | None = None,
    findings: list[Finding] | None = None,
) -> list[Pair]:
    """Pairs from two files of any kind that can be paired, or from two folders of files with the same names.

    `language` stands where a file names none; `split` takes only those rows of the reference. A transcript
    without a word is a result, not a fault: all that the other side says is missing, or too much. What had to be
    repaired in a file is added to `findings`.

    Raises
    ------
    TextRefused
        `TEXT_UNPAIRED`: ids on one side only, ids that occur twice, lines without ids that differ in number,
        references without a text; each listed. `TEXT_ENCODING` and its like: see `speech.text.decode`.
    PathRefused, FormatRefused
        A file cannot be read.
    """
    if is_folder(reference) and is_folder(hypothesis):
        return _folders(reference, hypothesis, language=language, split=split, encoding=encoding, findings=findings)
    return _two(reference, hypothesis, language=language, split=split, encoding=encoding, findings=findings)


def _two(
    reference: Path,
    hypothesis: Path,
    *,
    language: str,
    split: str | None,
    encoding: str | None,
    findings: list[Finding] | None,
    name: str = "",
) -> list[Pair]:
    """Pairs from two files; `name` where they are two of many: ids of plain lines begin with it."""
    wanted = read_source(reference, encoding=encoding, findings=findings)
    given = read_source(hypothesis, encoding=encoding, findings=findings)
    wanted, given = _silent(wanted, given), _silent(given, wanted)
    if isinstance(wanted, Whole) or isinstance(given, Whole):
        return pair_transcripts(_whole(wanted, given), _whole(given, wanted), name=_stem(reference), language=language)
    if wanted.keyed or given.keyed:
        return _keyed(wanted, given, language, split)
    return _lines(wanted, given, language, name=name)


def pair_transcripts(reference: Transcript, hypothesis: Transcript, *, name: str = "", language: str = UNDETERMINED) -> list[Pair]:
    """Two transcripts of one recording: a pair a segment where spans match one to one, else one pair of whole texts."""
    recording = reference.recording.path or hypothesis.recording.path or name
    wanted_segments, given_segments = sorted(reference.segments, key=_order), sorted(hypothesis.segments, key=_order)
    matched = _matched(wanted_segments, given_segments)
    if matched is None:
        return [
            Pair(
                id=name or recording,
                # In order of time: a file may hold its tiers one after the other.
                reference="\n".join(s.text for s in wanted_segments if s.text),
                hypothesis="\n".join(s.text for s in given_segments if s.text),
                language=_main_language(reference) or _main_language(hypothesis) or language,
                recording=recording,
                speaker=_only_speaker(reference),
                words=tuple((w.text, w.confidence) for s in given_segments for w in s.words),
            )
        ]
    return [
        Pair(
            id=f"{name or recording}#{wanted.span.start_ms}-{wanted.span.end_ms}",
            reference=wanted.text,
            hypothesis=given.text,
            language=code_or_nothing(wanted.language) or code_or_nothing(given.language) or language,
            speaker=wanted.speaker,
            recording=recording,
            words=tuple((w.text, w.confidence) for w in given.words),
        )
        for wanted, given in matched
    ]


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


def _only_speaker(transcript: Transcript) -> str | None:
    speakers = {s.speaker for s in transcript.segments}
    return speakers.pop() if len(speakers) == 1 else None


def _whole(source: Listed | Whole, other: Listed | Whole) -> Transcript:
    """A transcript as it is; lines without ids as one text. Rows with ids are of many recordings and match no single one."""
    if isinstance(source, Whole):
        return source.transcript
    if source.keyed:
        _unpaired(
            f"{source.file}, {other.file}", "one holds many clips by id, the other one recording", "Give two manifests, or two transcripts"
        )
    empty = Span(start_ms=0, end_ms=0)
    return Transcript(segments=tuple(Segment(span=empty, text=e.text or "") for e in source.entries))


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
    return Listed(file=source.file, entries=entries, keyed=other.keyed)


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
        Pair(id=f"{prefix}line {number}", reference=w.text or "", hypothesis=g.text or "", language=language, recording=name)
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


def _keyed(wanted: Listed, given: Listed, language: str, split: str | None) -> list[Pair]:
    where = f"{wanted.file}, {given.file}"
    if wanted.keyed != given.keyed:
        bare = given if wanted.keyed else wanted
        _unpaired(where, f"{bare.file} has no ids, the other has", "Give each line an id and a tab")
    by, key = _best_key(wanted.entries, given.entries)
    for side in (wanted, given):
        if twice := [k for k, n in Counter(map(key, side.entries)).items() if n > 1]:
            _unpaired(side.file, f"{len(twice):,} of the keys ({by}) occur twice: {_list(twice)}", "Make every id stand once")
    references, hypotheses = {key(e): e for e in wanted.entries}, {key(e): e for e in given.entries}
    if split is not None:
        others = {k for k, e in references.items() if e.split != split}
        references = {k: e for k, e in references.items() if k not in others}
        hypotheses = {k: e for k, e in hypotheses.items() if k not in others}
    _check_sides(wanted, given, references, hypotheses, by)
    return [_pair(k, entry, hypotheses[k], language) for k, entry in references.items()]


def _check_sides(wanted: Listed, given: Listed, references: dict[str, Entry], hypotheses: dict[str, Entry], by: str) -> None:
    lone = [k for k in references if k not in hypotheses]
    surplus = [k for k in hypotheses if k not in references]
    faults = []
    if lone:
        faults.append(f"{len(lone):,} only in {wanted.file}: {_list(lone)}")
    if surplus:
        faults.append(f"{len(surplus):,} only in {given.file}: {_list(surplus)}")
    if faults:
        _unpaired(
            f"{wanted.file}, {given.file}", f"rows without a counterpart (by {by}): {'; '.join(faults)}", "Give both sides the same rows"
        )
    if untold := [k for k, e in references.items() if e.text is None]:
        _unpaired(
            wanted.file,
            f"{len(untold):,} rows have no text: {_list(untold)}",
            "Transcribe them, leave them out, or write an empty text where nothing is said",
        )


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


def _folders(
    reference: Path, hypothesis: Path, *, language: str, split: str | None, encoding: str | None, findings: list[Finding] | None
) -> list[Pair]:
    """Two folders: files of the same name, whatever their suffix, are paired."""
    left, right = _by_stem(reference), _by_stem(hypothesis)
    if lone := sorted(set(left) ^ set(right)):
        _unpaired(
            f"{shown(reference)}, {shown(hypothesis)}", f"{len(lone):,} names in one folder only: {_list(lone)}", "Give both the same files"
        )
    pairs: list[Pair] = []
    for stem in sorted(left):
        pairs += _two(left[stem], right[stem], language=language, split=split, encoding=encoding, findings=findings, name=stem)
    if twice := [k for k, n in Counter(p.id for p in pairs).items() if n > 1]:
        _unpaired(f"{shown(reference)}", f"ids that occur in several files: {_list(twice)}", "Score these files one by one")
    return pairs


def _by_stem(folder: Path) -> dict[str, Path]:
    files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
    if twice := [s for s, n in Counter(map(_stem, files)).items() if n > 1]:
        _unpaired(shown(folder), f"names with several files: {_list(twice)}", "Keep one file a recording in the folder")
    return {_stem(f): f for f in files}


def _stem(path: Path) -> str:
    """A file's name without its suffix, nor that of a packed one (`a.eaf.gz` is `a`)."""
    return (path.with_suffix("") if path.suffix.lower() == PACKED else path).stem


def _list(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - 20:,} more" if len(keys) > 20 else ""
    return ", ".join(shown(k) for k in keys[:20]) + more


def _unpaired(where: str, what: str, mend: str) -> NoReturn:
    raise TextRefused(where, what, mend, "TEXT_UNPAIRED")
