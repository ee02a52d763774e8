"""Old transcripts that were sent to be placed on recordings: each has a folder in the workspace with the file as it came, and what is
known of it.

A transcript is its owner's alone. It is read when it arrives: what is no transcript is refused by name and not kept. Which recording it
belongs to is what somebody said, else the only one that is called as it is.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from speech import formats
from speech.align import OldText, old_of, read_old
from speech.align.text import PLAIN
from speech.errors import Refusal, SpeechError, TextRefused
from speech.files import disk_errors, shown, write_text
from speech.languages import UNDETERMINED
from speech.review.workspace import annotations_in, coded
from speech.score.tiers import choose

SUFFIXES = (*(end for end in PLAIN if end), ".eaf", ".textgrid", ".srt", ".vtt", ".json", ".csv")
"""Ends of names that are sent as transcripts."""
MOST_BYTES = 16 << 20
"""Of a transcript: hundreds of hours of plain text, five of EAF with its words. Reading one takes seconds, and 300 MB of memory."""
_ID = re.compile(r"[0-9a-f]{16}")
_BEGIN_LETTERS = 80
_MENDS = {"TEXT_ENCODING": "Save it as UTF-8 in a text editor, then send it again", "FORMAT_UNKNOWN": "Save it as plain text or EAF"}
"""Where the mend of the command line names options that a page has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A tier of a transcript: how many texts it holds, how they begin, and whether it holds the transcription as far as can be told."""

    name: str
    texts: int
    begins: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A transcript that was sent. `lines` and `words` are those of the tiers that are chosen; `recording` is what somebody said."""

    id: str
    owner: str
    name: str
    lines: int
    words: int
    begins: str
    tiers: tuple[Tier, ...] = ()
    recording: str = ""

    def check_tiers(self, asked: Iterable[str]) -> list[str]:
        """The tiers to read: those asked for, else those that are chosen; none where it has no tiers.

        Raises
        ------
        TextRefused
            `TEXT_TIER`: it has no such tier, or it is not clear which holds the transcription.
        """
        known = [tier.name for tier in self.tiers]
        wanted = list(dict.fromkeys(asked))
        if any(name not in known for name in wanted):
            raise TextRefused(self.name, "the transcript has no tier of this name", "Load the page again", "TEXT_TIER")
        found = wanted or [tier.name for tier in self.tiers if tier.chosen]
        if known and not found:
            what = f"it is not clear which of its {len(known)} tiers holds the transcription"
            raise TextRefused(self.name, what, "Choose the tier, or several where each is another speaker's", "TEXT_TIER")
        return found


class Texts:
    """The transcripts of a workspace."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def keep(self, part: Path, *, owner: str, name: str) -> Sent:
        """Keep what was sent as `part`, under the name that it has.

        Raises
        ------
        Refusal
            `UPLOAD_KIND`: its name ends otherwise than a transcript's. And what `read_old` and `formats` refuse, by name.
        DiskFailure
        """
        suffix = PurePosixPath(name).suffix.lower()
        if suffix not in SUFFIXES:
            raise Refusal("upload", "this is no transcript that can be read here", f"Send one of {', '.join(SUFFIXES)}", "UPLOAD_KIND")
        id = secrets.token_hex(8)
        folder = self.place / id
        with disk_errors(folder):
            folder.mkdir(parents=True)
            shutil.copyfile(part, folder / f"text{suffix}")
        try:
            found = replace(_looked_at(folder / f"text{suffix}", name), id=id, owner=owner)
            self._write(found)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return found

    def find(self, id: str, owner: str) -> Sent | None:
        """A transcript; None where there is none of this id, or it is another's."""
        try:
            raw = json.loads((self.place / id / "about.json").read_bytes()) if _ID.fullmatch(id) else None
        except (OSError, ValueError):
            return None
        if raw is None or raw["owner"] != owner:
            return None
        return Sent(**{**raw, "tiers": tuple(Tier(**tier) for tier in raw["tiers"])})

    def all(self, owner: str) -> list[Sent]:
        """Somebody's own, by name."""
        ids = sorted(path.name for path in self.place.iterdir()) if self.place.is_dir() else []
        return sorted((sent for id in ids if (sent := self.find(id, owner)) is not None), key=lambda sent: sent.name)

    def belongs(self, sent: Sent, recording: str) -> Sent:
        """Say to which recording it belongs; none: to the one that is called as it is, if there is one."""
        told = replace(sent, recording=recording)
        self._write(told)
        return told

    def read(self, sent: Sent, tiers: Iterable[str], language: str, codes: Mapping[str, str]) -> OldText:
        """Its lines, of these tiers, with what other tiers say of whole lines; codes in place of labels that stand for people.

        Raises
        ------
        Refusal
            As `keep`; `TEXT_EMPTY`: it was deleted.
        """
        path = next((self.place / sent.id).glob("text.*"), None)
        if path is None:
            raise Refusal("text", "the transcript was deleted", "Send it again", "TEXT_EMPTY")
        return _read(path, sent.name, list(tiers), language, codes)

    def delete(self, sent: Sent) -> None:
        """Delete it."""
        with disk_errors(self.place / sent.id):
            shutil.rmtree(self.place / sent.id)

    def _write(self, sent: Sent) -> None:
        write_text(self.place / sent.id / "about.json", json.dumps(asdict(sent), ensure_ascii=False))


def stem_of(name: str) -> str:
    """A file's name as it is compared: without folder and end, in one case and form."""
    return unicodedata.normalize("NFC", PurePosixPath(name).stem).casefold()


def paired(sent: Sent, recordings: Iterable[Mapping[str, Any]]) -> str:
    """The id of the recording that a transcript belongs to; empty where none, or several, are called as it is."""
    rows = list(recordings)
    if any(row["id"] == sent.recording for row in rows):
        return sent.recording
    called = [str(row["id"]) for row in rows if stem_of(row["name"]) == stem_of(sent.name)]
    return called[0] if len(called) == 1 else ""


def _looked_at(path: Path, name: str) -> Sent:
    tiers: tuple[Tier, ...] = ()
    chosen: list[str] = []
    if path.suffix not in PLAIN:
        try:
            every = formats.tiers(path)
        except SpeechError as error:
            raise _of(error, path, name) from error
        try:
            chosen = [tier.name for tier in choose(every, language=UNDETERMINED, where=name).used] if every else []
        except TextRefused:  # several could be meant: a person chooses
            chosen = []
        filled = [tier for tier in every if tier.filled and tier.ours in (None, "segments")]
        tiers = tuple(
            Tier(name=tier.name, texts=len(tier.filled), begins=_begin(tier.filled[0][1]), chosen=tier.name in chosen) for tier in filled
        )
    lines = () if tiers and not chosen else _read(path, name, chosen, UNDETERMINED, {}).lines
    return Sent(
        id="", owner="", name=name, lines=len(lines), words=sum(len(line.words) for line in lines),
        begins=_begin(lines[0].text if lines else tiers[0].begins), tiers=tiers,
    )  # fmt: skip


def _read(path: Path, name: str, tiers: list[str], language: str, codes: Mapping[str, str]) -> OldText:
    try:
        if path.suffix in PLAIN:
            return read_old(path)
        return old_of(coded(annotations_in(path, language, tiers=tiers), codes), path)
    except SpeechError as error:
        raise _of(error, path, name) from error


def _of(error: SpeechError, path: Path, name: str) -> SpeechError:
    """A refusal that says where in the file, and nothing of where the file lies."""
    place = error.where.removeprefix(shown(path)).lstrip(",: ")
    what = f"{place}: {error.what}" if place and place != error.where else error.what
    return type(error)(name, what, _MENDS.get(error.code, error.mend), error.code)


def _begin(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _BEGIN_LETTERS else f"{line[:_BEGIN_LETTERS].rstrip()}…"
