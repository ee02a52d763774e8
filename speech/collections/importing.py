"""Folders as people have them, into manifests: clips with texts, ELAN files beside recordings, Common Voice, audiofolder, tables.

Which tier of an annotation file holds the transcription is another room's work, and handed in. Nothing is moved or changed. What is
taken, and what is left out and why, is told; what no row can say (whose voice, which session) stays empty and is never guessed, but for
sessions of clips, which their numbered names tell.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from speech import formats
from speech.audio import probe, recordings_in
from speech.collections.events import PERSON
from speech.collections.manifest import Row
from speech.errors import ManifestRefused
from speech.files import sha256_of, shown
from speech.text.decode import lines, read_text
from speech.types import Transcript

PATHS = ("path", "file_name", "file", "filename", "audio", "wav", "clip", "id")
TEXTS = ("text", "sentence", "transcription", "transcript", "normalized_text")
SPEAKERS = ("speaker", "client_id", "speaker_id")
SESSIONS = ("session", "recording", "source")
COMMON_VOICE = ("train.tsv", "dev.tsv", "test.tsv")
TABLES = (".tsv", ".csv")
ANNOTATIONS = (".eaf", ".textgrid")
APPROVED = ("approved", "edited")
_NUMBER_AT_END = re.compile(r"[ _.-]+\d+$")


Reader = Callable[[Path], Transcript]


@dataclass(slots=True, kw_only=True)
class Imported:
    """Rows of a folder, how they were found, what was left out and why, and the names that stand behind codes of speakers."""

    rows: list[Row] = field(default_factory=list)
    found_as: str = ""
    left_out: Counter[str] = field(default_factory=Counter)
    names: dict[str, str] = field(default_factory=dict)
    """Code of a speaker, and the label that the files have: it may be a name, and stays on this machine."""


def import_folder(
    folder: Path, language: str, *, transcript_in: Reader = formats.read, speaker: str = "", encoding: str | None = None
) -> Imported:
    """What a folder holds, as rows of a manifest whose root it is.

    Looked for in this order: Common Voice's tables, a table with a column of files and one of texts, a text file with a clip and
    its text a line, annotation files (`.eaf`, `.TextGrid`) beside recordings of their name, texts (`.txt`) beside clips.

    Parameters
    ----------
    transcript_in : reads the transcription of an annotation file
    speaker : code of the one who speaks in all of it, where the files tell no speakers, or one alone (a tier's name is a label, too)

    Raises
    ------
    ManifestRefused
        `MANIFEST_EMPTY`: nothing of all this is there.
    AudioRefused, PathRefused
        A clip cannot be read; its length is that of its sound, not what its header claims.
    """
    found, recordings = Imported(), {p.relative_to(folder).as_posix(): p for p in recordings_in(folder).recordings}
    ways: tuple[Callable[[], Iterable[Row]], ...] = (
        lambda: _told_by_names(list(_common_voice(folder, recordings, found, encoding))),
        lambda: _told_by_names(list(_table(folder, recordings, found, encoding))),
        lambda: _told_by_names(list(_list_of_texts(folder, recordings, found, encoding))),
        lambda: _annotated(recordings, folder, found, transcript_in),
        lambda: _told_by_names(list(_beside(recordings, found, encoding))),
    )
    taken: list[Row] = []
    tried: Counter[str] = Counter()
    for way in ways:
        tried |= found.left_out
        found.left_out = Counter()  # of ways in which nothing was found
        if taken := list(way()):
            break
    if not taken:
        why = "".join(f"; {count} {reason}" for reason, count in (tried | found.left_out).most_common())
        raise ManifestRefused(
            shown(folder),
            f"{len(recordings)} recordings lie here, and no texts for them{why}",
            "Put beside each recording its .eaf or .txt, or a table with the columns path and text",
            "MANIFEST_EMPTY",
        )
    one = len({row.speaker for row in taken if row.speaker}) < 2
    codes = {} if speaker and one else _codes(folder, taken, found)
    hashes = {name: sha256_of(recordings[name]) for name in dict.fromkeys(row.audio for row in taken)}
    for row in taken:
        whole = row.end_ms is None
        extra = {**row.extra, "duration_ms": probe(recordings[row.audio]).found_ms} if whole else row.extra
        found.rows.append(replace(row, language=language, sha256=hashes[row.audio], speaker=codes.get(row.speaker, speaker), extra=extra))
    return found


def _common_voice(folder: Path, recordings: Mapping[str, Path], found: Imported, encoding: str | None) -> Iterator[Row]:
    tables = [folder / name for name in COMMON_VOICE if (folder / name).is_file()]
    if not (folder / "clips").is_dir():
        return
    for table in tables:
        found.found_as = "Common Voice"
        for cells in _cells(table, encoding):
            yield from _of_cells(cells, recordings, found, below="clips/", split=table.stem)


def _table(folder: Path, recordings: Mapping[str, Path], found: Imported, encoding: str | None) -> Iterator[Row]:
    for table in sorted(p for p in folder.iterdir() if p.suffix.lower() in TABLES):
        rows = _cells(table, encoding)
        first = next(rows, None)
        if first is None or not _column(first, PATHS) or not _column(first, TEXTS):
            continue
        found.found_as = f"the table {table.name}"
        for cells in (first, *rows):
            yield from _of_cells(cells, recordings, found)
        return


def _cells(table: Path, encoding: str | None) -> Iterator[dict[str, str]]:
    text = read_text(table, encoding=encoding)
    tabs = "\t" in text.partition("\n")[0]
    file = io.StringIO(text)
    rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.DictReader(file)
    for cells in rows:
        yield {(name or "").strip().lower(): value for name, value in cells.items() if isinstance(value, str)}


def _column(cells: Mapping[str, str], names: Sequence[str]) -> str:
    return next((name for name in names if name in cells), "")


def _of_cells(cells: Mapping[str, str], recordings: Mapping[str, Path], found: Imported, below: str = "", split: str = "") -> Iterator[Row]:
    name = cells.get(_column(cells, PATHS), "").strip()
    audio = _recording(below + name, recordings)
    if audio is None:
        found.left_out["rows whose recording is not there"] += 1
        return
    text = cells.get(_column(cells, TEXTS), "").strip()
    if not text:
        found.left_out["rows without a text"] += 1
        return
    session = cells.get(_column(cells, SESSIONS), "").strip()
    yield Row(
        id=audio.rpartition(".")[0],
        audio=audio,
        language="",
        text=text,
        speaker=cells.get(_column(cells, SPEAKERS), "").strip(),
        session=session or _session(audio),
        split=cells.get("split", "").strip() or split,
    )


def _recording(name: str, recordings: Mapping[str, Path]) -> str | None:
    """The recording that a table's cell means: its path, or its path without a suffix."""
    name = name.replace("\\", "/").removeprefix("./")
    if name in recordings:
        return name
    fits = [r for r in recordings if r.rpartition(".")[0] == name or r.rpartition("/")[2] == name]
    return fits[0] if len(fits) == 1 else None


def _list_of_texts(folder: Path, recordings: Mapping[str, Path], found: Imported, encoding: str | None) -> Iterator[Row]:
    """A text file with a line a clip: its name, then a tab, a bar or a space, then the text (LJSpeech, Kaldi)."""
    stems = {name.rpartition(".")[0].rpartition("/")[2]: name for name in recordings} | {
        name.rpartition("/")[2]: name for name in recordings
    }
    for file in sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in (".txt", "")):
        if file.name.startswith(".") or file.stem in stems:
            continue
        pairs = [re.split(r"[\t|]| +", line.strip(), maxsplit=1) for line in lines(read_text(file, encoding=encoding)) if line.strip()]
        meant = [(stems[name], text.strip()) for name, *rest in pairs if name in stems for text in rest]
        if len(meant) * 2 <= len(pairs) or not meant:
            continue
        found.found_as = f"clips and the texts in {file.name}"
        found.left_out["lines whose recording is not there"] += len(pairs) - len(meant)
        for audio, text in meant:
            if text:
                yield Row(id=audio.rpartition(".")[0], audio=audio, language="", text=text, session=_session(audio))
            else:
                found.left_out["lines without a text"] += 1
        return


def _beside(recordings: Mapping[str, Path], found: Imported, encoding: str | None) -> Iterator[Row]:
    for audio, path in recordings.items():
        file = path.with_suffix(".txt")
        if not file.is_file():
            found.left_out["recordings without a text"] += 1
            continue
        found.found_as = "clips with texts beside them"
        text = " ".join(read_text(file, encoding=encoding).split())
        if text:
            yield Row(id=audio.rpartition(".")[0], audio=audio, language="", text=text, session=_session(audio))
        else:
            found.left_out["recordings whose text is empty"] += 1


def _annotated(recordings: Mapping[str, Path], folder: Path, found: Imported, transcript_in: Reader) -> Iterator[Row]:
    for audio, path in recordings.items():
        file = next((p for p in sorted(path.parent.iterdir()) if p.stem == path.stem and p.suffix.lower() in ANNOTATIONS), None)
        if file is None:
            found.left_out["recordings without an annotation file"] += 1
            continue
        found.found_as = "annotation files beside recordings"
        segments = transcript_in(file).segments
        approved = any(s.status in APPROVED for s in segments)
        for number, segment in enumerate(segments, 1):
            if approved and segment.status not in APPROVED:
                found.left_out["segments that nobody approved"] += 1
            elif not segment.text.strip():
                found.left_out["segments without a text"] += 1
            else:
                yield Row(
                    id=f"{audio.rpartition('.')[0]}_{number:04}",
                    audio=audio,
                    start_ms=segment.span.start_ms,
                    end_ms=segment.span.end_ms,
                    language="",
                    text=segment.text.strip(),
                    speaker=segment.speaker or "",
                    session=path.stem,
                    channel=segment.channel,
                    source={"file": file.relative_to(folder).as_posix()},
                    extra={"status": segment.status} if approved else {},
                )


def _told_by_names(rows: list[Row]) -> list[Row]:
    """Sessions that only names tell are kept where they are fewer than half the clips; a name a clip tells nothing."""
    sessions = {row.session for row in rows}
    return rows if 2 * len(sessions) <= len(rows) else [replace(row, session="") for row in rows]


def _session(audio: str) -> str:
    """The session of a clip: its folder and its name without the number at the end, which clips of one recording share."""
    folder, _, name = audio.rpartition(".")[0].rpartition("/")
    stem = _NUMBER_AT_END.sub("", name)
    return "/".join(part for part in (folder, stem) if part)


def _codes(folder: Path, rows: Sequence[Row], found: Imported) -> dict[str, str]:
    """A code for each label of a speaker, so that no name stands in a manifest; labels that are codes stay."""
    labels = list(dict.fromkeys(row.speaker for row in rows if row.speaker))
    prefix = re.sub(r"[^A-Z0-9]", "", folder.resolve().name.upper())[:8] or "FOLDER"
    prefix = prefix if len(prefix) > 1 else f"{prefix}X"
    codes = {label: label for label in labels if PERSON.fullmatch(label)}
    number = 0
    for label in labels:
        if label not in codes:
            number += 1
            codes[label] = f"{prefix}-{number:02}"
            found.names[codes[label]] = label
    return codes
