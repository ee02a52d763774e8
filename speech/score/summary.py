"""The scores in a few lines for people: what was compared, each rate with its count, interval and what it is a rate of."""

from __future__ import annotations

from speech.score.records import LETTERS, Group, Interval, LanguageErrors, Rate, Scores, Side, SpeakerErrors, Spread, Unit


def percent(value: float | None) -> str:
    """A rate as people read it; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.1f} %"


def between(interval: Interval | None) -> str:
    """An interval as people read it; a dash where none could be drawn."""
    return "–" if interval is None else f"{100 * interval.low:.1f} to {100 * interval.high:.1f} %"


def in_per_cent(rate: Rate) -> str:
    """A rate in per cent with its interval, for a cell of a table whose head says so."""
    value = "–" if rate.value is None else f"{100 * rate.value:.1f}"
    return value + (f" ({100 * rate.interval.low:.1f}–{100 * rate.interval.high:.1f})" if rate.interval else "")


def count(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def units(scores: Scores) -> str:
    """What was compared one by one, and of how many recordings; why passages, where they are that."""
    pairs = f"{count(scores.overall.clips, scores.unit)} of {count(scores.overall.recordings, 'recording')}"
    return pairs + _WHY.get(scores.unit, "")


_WHY: dict[Unit, str] = {
    "passage": ": segments do not match one to one, so what both sides have was joined by time, from pause to pause",
    "text": ": a side has no times, so each whole text is compared",
}


def drawn_from(scores: Scores) -> str:
    """What the intervals mean where all is of one recording; nothing elsewhere."""
    if scores.overall.resampled != "clips" or scores.overall.words.interval is None:
        return ""
    unit = f"{scores.unit}s"
    return f"The intervals draw {unit} of one recording: for other recordings and voices they are too narrow"


def read_of(side: Side) -> str:
    """What was read of a side: its file, and the tiers where it has any."""
    tiers = ", ".join(f"{name!r} ({count(texts, 'text')})" for name, texts in side.tiers)
    made = f"{side.path}, {'tier' if len(side.tiers) == 1 else 'tiers'} {tiers}" if tiers else side.path
    if side.not_read:
        more = f" and {len(side.not_read) - 4} more" if len(side.not_read) > 4 else ""
        made += f"; not read: {', '.join(map(repr, side.not_read[:4]))}{more}"
    return made


def summary_lines(scores: Scores) -> list[str]:
    """What was compared, overall rates, a line a language, averages over languages and speakers, calibration, what to know."""
    overall, level = scores.overall, f"{100 * scores.settings.level:g} %"
    lines = [f"{side.name.capitalize()}: {read_of(side)}" for side in scores.sides]
    lines += [
        units(scores),
        f"Words wrong (WER) {_rate(overall.words, 'words', level)}",
        f"Letters wrong (CER) {_rate(overall.letters, 'letters', level)}",
    ]
    if overall.code_points.counts != overall.letters.counts:
        lines.append(f"CER by code point {_rate(overall.code_points, 'code points', level)}")
    if scores.speaker_errors:
        lines += _speakers(scores.speaker_errors, level)
    if scores.language_errors:
        lines.append(
            f"Languages over time (language DER, {counted_in(scores.language_errors)}) {_time(scores.language_errors.time, level)}"
        )
    if drawn := drawn_from(scores):
        lines.append(drawn)
    if len(scores.languages) > 1 and scores.by_language:
        lines += [_group(g) for g in scores.languages]
        lines.append(f"Over {scores.by_language.words.groups} languages: WER {_spread(scores.by_language.words)}")
        lines.append(f"Over {scores.by_language.letters.groups} languages: CER {_spread(scores.by_language.letters)}")
    if scores.by_speaker and scores.by_speaker.words.groups > 1:
        lines.append(f"Over {scores.by_speaker.words.groups} speakers: WER {_spread(scores.by_speaker.words)}")
    for m in scores.marks:
        if m.tone or m.diacritic:
            lines.append(
                f"{m.language}: {m.tone:,} letters wrong in tone only, {m.diacritic:,} in another diacritic, of {m.reference:,} letters"
            )
    for c in scores.calibration:
        chance = f"chance alone gives {percent(c.by_chance)}"
        lines.append(f"Confidences ({c.name}): calibration error {percent(c.error)} over {c.words:,} words in {c.bins_used} bins; {chance}")
    if scores.empty_references:
        number = len(scores.empty_references)
        has = "has" if number == 1 else "have"
        lines.append(f"{count(number, scores.unit)} {has} an empty reference: no rate, what was added is counted")
    return [*lines, f"Normalisation: {scores.normalisation}", f"Letters: {LETTERS}"]


def _rate(rate: Rate, unit: str, level: str) -> str:
    c = rate.counts
    return (
        f"{percent(rate.value)} ({_within(rate, level)}): {c.errors:,} errors in {c.reference:,} {unit}, "
        f"{c.substitutions:,} wrong, {c.deletions:,} missing, {c.insertions:,} added"
    )


def counted_in(errors: SpeakerErrors | LanguageErrors) -> str:
    """In how many recordings, and of whom; those whose speaker is not told are nobody."""
    if isinstance(errors, LanguageErrors):
        return f"{', '.join(errors.languages)} in {count(errors.recordings, 'recording')}"
    there, given = (sum(bool(getattr(m, side)) for m in errors.mapped) for side in ("reference", "hypothesis"))
    return f"{count(there, 'speaker')}, {given:,} told apart"


def _speakers(errors: SpeakerErrors, level: str) -> list[str]:
    c = errors.right_words.counts
    said = f"{c.substitutions:,} with another speaker and {c.deletions:,} with none, of {c.reference:,} words that are right"
    return [
        f"Words wrong with their speakers (cpWER, {counted_in(errors)}) {_rate(errors.words, 'words', level)}",
        f"Right words with the wrong speaker {percent(errors.right_words.value)} ({_within(errors.right_words, level)}): {said}",
        f"Speakers over time (DER) {_time(errors.time, level)}",
    ]


def _time(rate: Rate, level: str) -> str:
    c = rate.counts
    missed, false, confused, speech = (f"{ms / 1000:,.1f} s" for ms in (c.deletions, c.insertions, c.substitutions, c.reference))
    return f"{percent(rate.value)} ({_within(rate, level)}): {missed} missed, {false} too much, {confused} confused, of {speech} of speech"


def _within(rate: Rate, level: str) -> str:
    return f"{level} interval {between(rate.interval)}" if rate.interval else "no interval: nothing to draw from"


def _group(group: Group) -> str:
    return (
        f"  {group.name}: WER {percent(group.words.value)} ({between(group.words.interval)}; {group.words.counts.errors:,} in "
        f"{group.words.counts.reference:,}), CER {percent(group.letters.value)} ({between(group.letters.interval)}; "
        f"{group.letters.counts.errors:,} in {group.letters.counts.reference:,}), {group.clips:,} clips"
    )


def _spread(spread: Spread) -> str:
    ratio = "" if spread.ratio is None else f", {spread.ratio:.1f} times the best"
    return (
        f"mean {percent(spread.macro)} ({between(spread.interval)}), worst {spread.worst} {percent(spread.worst_rate)}{ratio}, "
        f"best {spread.best} {percent(spread.best_rate)}"
    )
