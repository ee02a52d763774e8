"""What is scored and what comes of it: pairs, settings, counts, rates with intervals, and the whole result.

Records only; how they are made stands beside them. A rate is never kept without its counts: `Rate` holds the
counts and reads the rate from them, and a rate over an empty reference is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from speech.errors import Finding
from speech.types import Segment, Span

Kind = Literal["letter", "tone", "diacritic"]
SideName = Literal["reference", "hypothesis"]
Unit = Literal["clip", "line", "segment", "passage", "text"]
"""What a pair is: a clip with an id, a line, a segment of one recording, a passage of it that both sides hold, or a whole text."""

LETTERS = (
    "letters are graphemes (a letter with its marks is one), and the space between two words counts as a letter, "
    "so that a wrong division of words is an error of letters too"
)
CODE_POINTS = "code points of the normalised text, spaces included, as published figures count them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A part of one side's text, of one speaker, None where it is not told whose, and in one language, where that is told."""

    speaker: str | None
    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One clip, or part of a recording: what was said, what the model gave, and where it belongs.

    `span` is where in the recording, of a segment or passage. `words` are the hypothesis's words with their confidences,
    for calibration; empty where none are known. `said` and `heard` are the texts of reference and hypothesis by speaker,
    where both are transcripts.
    """

    id: str
    reference: str
    hypothesis: str
    language: str = "und"
    speaker: str | None = None
    recording: str = ""
    words: tuple[tuple[str, float | None], ...] = ()
    unit: Unit = "clip"
    span: Span | None = None
    said: tuple[Said, ...] = ()
    heard: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Two transcripts of one recording, for errors of speakers and languages; `pairs` are what was made of them, in their order."""

    reference: tuple[Segment, ...]
    hypothesis: tuple[Segment, ...]
    pairs: tuple[Pair, ...]

    @property
    def recording(self) -> str:
        """As the pairs name it."""
        return self.pairs[0].recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What was read of one side: the file or folder, its tiers with the number of their texts, and tiers that were not read.

    `recordings` is what the file, or the files of a folder, say they were made from.
    """

    name: SideName
    path: str
    tiers: tuple[tuple[str, int], ...] = ()
    not_read: tuple[str, ...] = ()
    recordings: tuple[str, ...] = ()

    @property
    def recording(self) -> str:
        """The one recording that it is of, where it is of one."""
        return self.recordings[0] if len(self.recordings) == 1 else ""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "side": self.name,
            "path": self.path,
            "tiers": [{"name": name, "texts": texts} for name, texts in self.tiers],
            "tiers_not_read": list(self.not_read),
            "recording": self.recording or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two files or folders, paired: the pairs, what was read of each side, and what to know of the pairing.

    `timed` are the transcripts that the pairs are of, where they are of any.
    """

    pairs: tuple[Pair, ...]
    sides: tuple[Side, Side]
    findings: tuple[Finding, ...] = ()
    timed: tuple[Timed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSettings:
    """How to score: draws of the bootstrap and its seed, bins of the calibration, confusions listed."""

    draws: int = 2000
    level: float = 0.95
    seed: int = 0
    bins: int = 15
    top: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What an alignment counts. Adding two gives the counts of both."""

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def reference(self) -> int:
        """Units of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors a unit of the reference; None where the reference is empty."""
        return self.errors / self.reference if self.reference else None

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            hits=self.hits + other.hits,
            substitutions=self.substitutions + other.substitutions,
            deletions=self.deletions + other.deletions,
            insertions=self.insertions + other.insertions,
        )

    def as_dict(self) -> dict[str, Any]:
        """Counts and rate for `--json`."""
        return {
            "rate": self.rate,
            "errors": self.errors,
            "substitutions": self.substitutions,
            "deletions": self.deletions,
            "insertions": self.insertions,
            "hits": self.hits,
            "reference": self.reference,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Between which values a rate would fall if other recordings of the same kind had been taken."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Counts with the bootstrap interval of their rate; None where fewer than two things could be drawn."""

    counts: Counts
    interval: Interval | None = None

    @property
    def value(self) -> float | None:
        """The rate itself."""
        return self.counts.rate

    def as_dict(self) -> dict[str, Any]:
        """Counts, rate and interval for `--json`."""
        return {**self.counts.as_dict(), "interval": _interval(self.interval)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Clips taken together: all, one language, or one speaker (of one language).

    `resampled` says what the interval draws: `recordings`, or `clips` where all are of one recording (its clips,
    segments or passages depend on each other, so the interval is then too narrow), or nothing.
    """

    name: str
    language: str = ""
    clips: int
    recordings: int
    resampled: Literal["recordings", "clips", ""]
    words: Rate
    letters: Rate
    code_points: Rate

    def as_dict(self) -> dict[str, Any]:
        """For `--json`; a name that is not known is null."""
        return {
            "name": self.name or None,
            "language": self.language or None,
            "clips": self.clips,
            "recordings": self.recordings,
            "resampled": self.resampled or None,
            "words": self.words.as_dict(),
            "letters": self.letters.as_dict(),
            "code_points": self.code_points.as_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a rate differs between groups: mean of the groups' rates, worst, best, and worst over best.

    `ratio` is None where the best group has no error. Groups without a reference are left out.
    """

    groups: int
    macro: float
    interval: Interval | None
    worst: str
    worst_rate: float
    best: str
    best_rate: float

    @property
    def ratio(self) -> float | None:
        """How many times the best group's rate the worst one's is."""
        return self.worst_rate / self.best_rate if self.best_rate else None

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "groups": self.groups,
            "macro": self.macro,
            "interval": _interval(self.interval),
            "worst": self.worst,
            "worst_rate": self.worst_rate,
            "best": self.best,
            "best_rate": self.best_rate,
            "ratio": self.ratio,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreads:
    """The spread of words, letters and code points over one kind of group."""

    words: Spread
    letters: Spread
    code_points: Spread

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"words": self.words.as_dict(), "letters": self.letters.as_dict(), "code_points": self.code_points.as_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A letter of the reference and what the hypothesis has in its place; either is empty for what is missing or added.

    `kind` is `tone` where the base letter is right and only tone marks of the language differ, `diacritic` where
    other marks differ too, else `letter`.
    """

    language: str
    reference: str
    hypothesis: str
    count: int
    kind: Kind

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "language": self.language,
            "reference": self.reference,
            "hypothesis": self.hypothesis,
            "count": self.count,
            "kind": self.kind,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkErrors:
    """Errors of letters in one language, with those of tone and of other diacritics apart."""

    language: str
    tone: int
    diacritic: int
    letter: int
    missing: int
    added: int
    reference: int

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "language": self.language,
            "tone": self.tone,
            "diacritic": self.diacritic,
            "letter": self.letter,
            "missing": self.missing,
            "added": self.added,
            "reference": self.reference,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Words of one band of confidence: their mean confidence, and the share that was right."""

    low: float
    high: float
    words: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Whether confidences mean what they say. `error` is the expected calibration error over `bins_used` equal bins.

    `by_chance` is the error that perfectly calibrated confidences would show on average on so many words.
    `without` counts words that had no confidence between 0 and 1. Empty bins are not listed.
    """

    name: str
    words: int
    without: int
    error: float
    by_chance: float
    bins_used: int
    bins: tuple[Bin, ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.name,
            "words": self.words,
            "words_without_confidence": self.without,
            "expected_calibration_error": self.error,
            "expected_calibration_error_by_chance": self.by_chance,
            "bins_used": self.bins_used,
            "bins": [
                {"low": b.low, "high": b.high, "words": b.words, "confidence": b.confidence, "accuracy": b.accuracy} for b in self.bins
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The counts of one pair."""

    id: str
    language: str
    speaker: str | None
    recording: str
    words: Counts
    letters: Counts
    code_points: Counts

    @property
    def empty_reference(self) -> bool:
        """Whether nothing was said, or nothing that is compared: no rate, but insertions count."""
        return self.words.reference == 0

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "id": self.id,
            "language": self.language,
            "speaker": self.speaker,
            "recording": self.recording,
            "words": self.words.as_dict(),
            "letters": self.letters.as_dict(),
            "code_points": self.code_points.as_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Under which rules a language's texts were compared."""

    language: str
    table: bool
    keep: tuple[str, ...]
    replace: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"language": self.language, "table": self.table, "keep": list(self.keep), "replace": dict(self.replace)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """Which speaker of the hypothesis was taken for which of the reference.

    None: for that one there is none on the other side. An empty name: whoever is meant where no speaker is told.
    """

    recording: str
    reference: str | None
    hypothesis: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerErrors:
    """What is wrong about speakers, over the recordings where both sides tell them and one of them tells two or more.

    `words` is cpWER. `right_words` is of the words that are right whatever their speaker, those of a told speaker of the
    reference: hits are with their speaker, substitutions with another, deletions with none. `time` is DER in
    milliseconds: hits are right, substitutions confused, deletions missed, insertions false alarm.
    """

    words: Rate
    right_words: Rate
    time: Rate
    recordings: int
    mapped: tuple[Mapped, ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        c = self.right_words.counts
        return {
            "recordings": self.recordings,
            "cpwer": self.words.as_dict(),
            "words_with_wrong_speaker": {
                "rate": c.rate, "wrong": c.substitutions, "untold": c.deletions, "words": c.reference,
                "interval": _interval(self.right_words.interval),
            },
            "der": _milliseconds(self.time),
            "mapped": [{"recording": m.recording, "reference": m.reference, "hypothesis": m.hypothesis} for m in self.mapped],
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageErrors:
    """What is wrong about languages over time, in milliseconds as `SpeakerErrors.time`, where the two sides name several."""

    time: Rate
    recordings: int
    languages: tuple[str, ...]
    """Those of the reference."""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"recordings": self.recordings, "languages": list(self.languages), "der": _milliseconds(self.time)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Everything `score` found. `rows` are in the order of the pairs; `sides` are known where files were compared."""

    settings: ScoreSettings
    normalisation: str
    rules: tuple[Rules, ...]
    overall: Group
    languages: tuple[Group, ...]
    speakers: tuple[Group, ...]
    by_language: Spreads | None
    by_speaker: Spreads | None
    confusions: tuple[Confusion, ...]
    mark_confusions: tuple[Confusion, ...]
    marks: tuple[MarkErrors, ...]
    calibration: tuple[Calibration, ...]
    rows: tuple[Row, ...] = field(repr=False)
    findings: tuple[Finding, ...] = ()
    unit: Unit = "clip"
    sides: tuple[Side, ...] = ()
    speaker_errors: SpeakerErrors | None = None
    language_errors: LanguageErrors | None = None

    @property
    def empty_references(self) -> tuple[str, ...]:
        """Ids of the rows whose reference is empty."""
        return tuple(r.id for r in self.rows if r.empty_reference)

    def as_dict(self) -> dict[str, Any]:
        """The whole result for `--json`. No text of a clip is in it but single letters."""
        return {
            "normalisation": self.normalisation,
            "letters_are": LETTERS,
            "code_points_are": CODE_POINTS,
            "rules": [r.as_dict() for r in self.rules],
            "sides": [s.as_dict() for s in self.sides],
            "unit": self.unit,
            "bootstrap": {"draws": self.settings.draws, "level": self.settings.level, "seed": self.settings.seed},
            "overall": self.overall.as_dict(),
            "languages": [g.as_dict() for g in self.languages],
            "by_language": self.by_language.as_dict() if self.by_language else None,
            "speakers": [g.as_dict() for g in self.speakers],
            "by_speaker": self.by_speaker.as_dict() if self.by_speaker else None,
            "speaker_errors": self.speaker_errors.as_dict() if self.speaker_errors else None,
            "language_errors": self.language_errors.as_dict() if self.language_errors else None,
            "confusions": [c.as_dict() for c in self.confusions],
            "mark_confusions": [c.as_dict() for c in self.mark_confusions],
            "marks": [m.as_dict() for m in self.marks],
            "calibration": [c.as_dict() for c in self.calibration],
            "empty_references": list(self.empty_references),
            "rows": [r.as_dict() for r in self.rows],
            "findings": [f.as_dict() for f in self.findings],
        }


def _interval(interval: Interval | None) -> list[float] | None:
    return [interval.low, interval.high] if interval else None


def _milliseconds(rate: Rate) -> dict[str, Any]:
    c = rate.counts
    return {
        "rate": c.rate, "missed_ms": c.deletions, "false_ms": c.insertions, "confused_ms": c.substitutions, "reference_ms": c.reference,
        "interval": _interval(rate.interval),
    }  # fmt: skip
