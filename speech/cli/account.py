"""What a run over recordings says to people: a line a recording, what several have in common once, and the sum.

Everything here goes to standard error; programs read `--json`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from speech.cli.streams import Streams
from speech.errors import Finding

if TYPE_CHECKING:
    from speech.collections.made import Made


@dataclass(slots=True)
class _Shared:
    """One kind of note, and the recordings it was made of."""

    first: Finding
    recordings: list[str] = field(default_factory=list)


class Account:
    """Counts what a run makes of its recordings, and tells it: what was `done` to them, and what was `found` in each."""

    def __init__(
        self, asked: int, *, verbose: bool = False, done: str = "transcribed", found: Callable[[Made], list[str]] | None = None
    ) -> None:
        self._asked = asked
        self._verbose = verbose
        self._doing = done
        self._found = found or words_found
        self._begun = time.monotonic()
        self._done = self._unchanged = self._kept = self._ms = 0
        self._uncarded: list[str] = []
        self._basis = ""
        self._notes: dict[tuple[str, str], _Shared] = {}

    def add(self, result: Made, path: str) -> None:
        """Count one recording, and tell it in a line."""
        self._kept += result.refusal is not None
        self._done += not result.unchanged
        self._unchanged += result.unchanged
        self._ms += 0 if result.unchanged or result.transcript.coverage is None else result.transcript.coverage.duration_ms
        if result.decision and result.decision.code == "OK_UNCARDED":
            self._uncarded.append(path)
            self._basis = result.decision.basis
        codes = list(dict.fromkeys(f.code for f in result.findings if f.code != "FORMAT_LOSS"))
        several = self._asked > 1 and codes and not self._verbose
        Streams.note(summary(result, path, self._found) + (f"; note: {', '.join(codes)}" if several else ""))
        for finding in result.findings:
            # What a format cannot hold is the same for every file of it.
            key = (finding.code, PurePath(finding.where).suffix if finding.code == "FORMAT_LOSS" else "")
            self._notes.setdefault(key, _Shared(finding)).recordings.append(path)
        if self._verbose:
            for line in details(result, self._doing):
                Streams.note(f"  {line}")
            for finding in result.findings:
                Streams.note("  " + note(finding))

    def end(self) -> None:
        """Notes that are told once, consent, and the sum."""
        if not self._verbose:
            for shared in self._notes.values():
                more = len(shared.recordings) - 1
                of = f"{min(shared.recordings)}{f' and {more:,} more' if more else ''}: " if self._asked > 1 else ""
                Streams.note("  " + (lacking(shared.first) if shared.first.code == "FORMAT_LOSS" else note(shared.first, of)))
        if self._uncarded:
            which = "no consent card" if self._asked == 1 else f"{_count(len(self._uncarded), 'recording')} without a consent card"
            Streams.note(f"  consent: {which}; basis: {self._basis} [OK_UNCARDED]")
        if self._asked > 1:
            Streams.note(self.total())

    def total(self) -> str:
        """The sum of a run."""
        seconds = time.monotonic() - self._begun
        refused = self._asked - self._done - self._unchanged
        parts = [f"{self._done:,} {self._doing}"]
        parts += [f"{self._unchanged:,} unchanged"] if self._unchanged else []
        parts += [f"{refused:,} refused"]
        parts += [f"of {self._kept:,} a result was kept that lay there"] if self._kept else []
        speed = f" ({self._ms / 1000 / seconds:.0f} times as fast as it plays)" if self._done and self._ms > 1000 * seconds else ""
        heard = f"; {clock(self._ms)} of sound in {clock(round(1000 * seconds))}, loading included{speed}" if self._done else ""
        return f"{_count(self._asked, 'recording')}: {', '.join(parts)}{heard}"


def note(finding: Finding, of: str = "") -> str:
    """A finding in a line."""
    mend = f". {finding.mend}" if finding.mend else ""
    return f"note: {of}{finding.what}{mend} [{finding.code}]"


def lacking(finding: Finding) -> str:
    """What files of a format cannot hold, without the counts of one of them."""
    what = re.sub(r"(: |, )[\d,]+ ", r"\1", finding.what.split(" cannot hold", 1)[-1])
    return f"note: {PurePath(finding.where).suffix} files do not hold{what}; json holds everything [{finding.code}]"


def summary(result: Made, path: str, found: Callable[[Made], list[str]] | None = None) -> str:
    """One recording in a line: how long, how much of it speech, what was found in it (words, if not said), and where that is."""
    where = f" -> {', '.join(result.outputs)}" if result.outputs else ""
    if result.unchanged:
        missing = result.transcript.coverage.missing_ms if result.transcript.coverage else 0
        told = f", {clock(missing)} missing in the file" if missing else ""
        return f"{path}: unchanged, made with these settings before{told}{where}"
    kept = f" (older files kept: {', '.join(result.backups)})" if result.backups else ""
    coverage = result.transcript.coverage
    if coverage is None:
        return f"{path}{where}{kept}"
    parts = [
        f"{clock(coverage.duration_ms)} long",
        f"{clock(coverage.speech_ms)} of it speech" if coverage.speech_ms else "no speech found",
    ]
    parts += (found or words_found)(result)
    if coverage.missing_ms:
        parts.append(f"{clock(coverage.missing_ms)} missing in the file")
    return f"{path}: {', '.join(parts)}{where}{kept}"


def words_found(result: Made) -> list[str]:
    """What was transcribed, and how much speech gave no words."""
    coverage = result.transcript.coverage
    parts = [_words(result)] if coverage and coverage.transcribed_ms else []
    return [*parts, *skipped(result, "without words")]


def skipped(result: Made, what: str) -> list[str]:
    """How much speech was left out, and why."""
    coverage = result.transcript.coverage
    if coverage is None or not coverage.skipped_ms:
        return []
    reasons = dict.fromkeys(s.reason for s in coverage.skipped)
    return [f"{clock(coverage.skipped_ms)} of it {what} ({', '.join(reasons)})"]


def _words(result: Made) -> str:
    transcript = result.transcript
    words = [w for s in transcript.segments for w in s.words]
    calibrated = bool(transcript.provenance) and all(act.calibration.startswith("calibrated on") for act in transcript.provenance)
    known = [w.confidence for w in words if w.confidence is not None]
    if not calibrated or not known:
        return _count(len(words), "word")
    return f"{_count(len(words), 'word')} (about {100 * sum(known) / len(known):.0f} in 100 right, by their confidences)"


def details(result: Made, done: str = "transcribed") -> list[str]:
    """An account of every millisecond, and the seconds each step took."""
    coverage = result.transcript.coverage
    if coverage is None or result.unchanged:
        return []
    reasons: dict[str, int] = {}
    for skip in coverage.skipped:
        reasons[skip.reason] = reasons.get(skip.reason, 0) + skip.span.length_ms
    why = "".join(f", {exact(ms)} skipped: {reason}" for reason, ms in reasons.items())
    made = [f"{act.model} {act.calibration}" for act in result.transcript.provenance if act.model]
    return [
        f"{exact(coverage.duration_ms)} = speech {exact(coverage.speech_ms)} ({exact(coverage.transcribed_ms)} {done}{why})"
        f" + silence {exact(coverage.silence_ms)} + missing {exact(coverage.missing_ms)}",
        "seconds: " + ", ".join(f"{step} {seconds:.1f}" for step, seconds in result.seconds.items()),
        *dict.fromkeys(made),
    ]


def exact(ms: int) -> str:
    """A time to the millisecond."""
    minutes, rest = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}:{minutes:02d}:" if hours else f"{minutes}:") + f"{rest // 1000:02d}.{rest % 1000:03d}"


def clock(ms: int) -> str:
    """A time as people read it, to the second; below a minute with its unit."""
    seconds = (ms + 500) // 1000
    if ms < 60_000:
        return f"{ms / 1000:.1f} s" if ms < 10_000 else f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
