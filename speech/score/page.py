"""The scores as one HTML page: tables with counts, plots, confusions, and the worst clips to read.

Clips are shown as they were compared (normalised), letter by letter under the same alignment that was counted,
since a mark on any other text would not be the error that was counted. The page holds transcripts: it is for
those who may read them.
"""

from __future__ import annotations

from collections.abc import Sequence

from speech import languages as tables
from speech.report import (
    Band,
    Markup,
    calibration_plot,
    definition_list,
    element,
    figure,
    interval_plot,
    isolated,
    page,
    section,
    table,
)
from speech.score import counting
from speech.score.records import CODE_POINTS, LETTERS, Confusion, Group, Pair, Rate, Row, Scores, Spread
from speech.score.summary import between, counted_in, drawn_from, percent, read_of, units
from speech.score.tiers import clock
from speech.text import normalise

WORST = 20
_COUNTS = ("errors", "of", "wrong", "missing", "added")


def score_report(scores: Scores, pairs: Sequence[Pair], *, title: str = "Scores") -> str:
    """The page. `pairs` are those that were scored, in the same order."""
    return page(
        title,
        _summary(scores),
        _how(scores),
        _groups(scores),
        _who(scores),
        _letters(scores),
        _calibration(scores),
        _worst(scores, pairs),
        _empty(scores),
        _findings(scores),
    )


def _summary(scores: Scores) -> Markup:
    overall = scores.overall
    rows: list[Sequence[object]] = []
    for name, rate in (("WER (words)", overall.words), ("CER (letters)", overall.letters), ("CER (code points)", overall.code_points)):
        rows.append((name, *_rate(rate)))
    level = f"{100 * scores.settings.level:g} %"
    caption = units(scores)
    made = [table(caption, ("Rate", "value", f"{level} interval", *_COUNTS), rows, numbers=range(1, 8))]
    spreads = [(f"{rate}, over {kind}", spread) for kind, rate, spread in _spreads(scores)]
    if spreads:
        header = ("Mean over groups", "groups", "mean", f"{level} interval", "worst", "its rate", "best", "its rate", "worst / best")
        made.append(table("How even the rates are", header, [(n, *_spread(s)) for n, s in spreads], numbers=(1, 2, 3, 5, 7, 8)))
    return section("Summary", *made)


def _spreads(scores: Scores) -> list[tuple[str, str, Spread]]:
    found = []
    for kind, spreads in (("languages", scores.by_language), ("speakers", scores.by_speaker)):
        if spreads and spreads.words.groups > 1:
            found += [
                (kind, "WER", spreads.words),
                (kind, "CER (letters)", spreads.letters),
                (kind, "CER (code points)", spreads.code_points),
            ]
    return found


def _spread(s: Spread) -> tuple[object, ...]:
    ratio = "–" if s.ratio is None else f"{s.ratio:.2f}"
    return (s.groups, percent(s.macro), between(s.interval), s.worst, percent(s.worst_rate), s.best, percent(s.best_rate), ratio)


def _rate(rate: Rate) -> tuple[object, ...]:
    c = rate.counts
    numbers = (c.errors, c.reference, c.substitutions, c.deletions, c.insertions)
    return (percent(rate.value), between(rate.interval), *(f"{n:,}" for n in numbers))


def _how(scores: Scores) -> Markup:
    s, drawn = scores.settings, scores.overall.resampled
    of = drawn if drawn == "recordings" else f"{scores.unit}s"
    draws = f"{s.draws:,} draws of {of} with replacement, seed {s.seed}" if drawn else "none: nothing to draw from"
    if narrow := drawn_from(scores):
        draws += f". {narrow}, since what one recording holds depends on itself"
    sides = [(side.name.capitalize(), read_of(side)) for side in scores.sides]
    rules = [
        (
            f"Rules of {r.language}",
            f"{'own table' if r.table else 'no table: any letter allowed'}; kept inside words: {' '.join(r.keep) or 'nothing'}; "
            f"replaced: {', '.join(f'{a} by {b}' for a, b in r.replace) or 'nothing'}",
        )
        for r in scores.rules
    ]
    return section(
        "How it was counted",
        definition_list(
            [
                *sides,
                ("Normalisation", scores.normalisation),
                ("Letters", LETTERS),
                ("Code points", CODE_POINTS),
                ("Intervals", draws),
                *rules,
            ]
        ),
    )


def _groups(scores: Scores) -> Markup:
    made: list[Markup] = []
    for heading, groups in (("languages", scores.languages), ("speakers", scores.speakers)):
        if len(groups) < 2:
            continue
        header = (
            "Group",
            "clips",
            "recordings",
            "WER",
            "interval",
            "errors",
            "of words",
            "CER",
            "interval",
            "errors",
            "of letters",
            "CER by code point",
        )
        made.append(table(f"Rates by {heading}", header, [_group(g) for g in groups], numbers=range(1, 12)))
        bands = [_band(g) for g in groups if g.words.value is not None]
        made.append(figure(interval_plot(f"WER by {heading}", bands), f"WER by {heading}, with intervals"))
    return section("Languages and speakers", *made) if made else Markup("")


def _name(group: Group) -> str:
    return f"{group.name or 'not stated'} ({group.language})" if group.language else group.name or "not stated"


def _group(g: Group) -> tuple[object, ...]:
    made: list[object] = [_name(g), f"{g.clips:,}", f"{g.recordings:,}"]
    for rate in (g.words, g.letters):
        made += [percent(rate.value), between(rate.interval), f"{rate.counts.errors:,}", f"{rate.counts.reference:,}"]
    return (*made, percent(g.code_points.value))


def _band(g: Group) -> Band:
    interval = g.words.interval
    return Band(name=_name(g), value=g.words.value or 0.0, low=interval.low if interval else None, high=interval.high if interval else None)


def _who(scores: Scores) -> Markup:
    """Speakers and languages, where both sides tell them."""
    speakers, languages = scores.speaker_errors, scores.language_errors
    if not speakers and not languages:
        return Markup("")
    level = f"{100 * scores.settings.level:g} %"
    made: list[Markup] = []
    header: tuple[str, ...]
    if speakers:
        header = ("Rate", "value", f"{level} interval", *_COUNTS)
        made.append(table(f"Words and speakers: {counted_in(speakers)}", header, [("cpWER", *_rate(speakers.words))], numbers=range(1, 8)))
        right = speakers.right_words
        counts = (f"{n:,}" for n in (right.counts.substitutions, right.counts.deletions, right.counts.reference))
        header = ("With the wrong speaker", f"{level} interval", "with another", "with none", "of")
        made.append(table("Words that are right", header, [(percent(right.value), between(right.interval), *counts)], numbers=range(5)))
    times = [("Speakers (DER)", speakers.time)] if speakers else []
    times += [(f"Languages (language DER): {counted_in(languages)}", languages.time)] if languages else []
    header = ("Over time", "value", f"{level} interval", "missed, s", "too much, s", "confused, s", "of speech, s")
    made.append(table("No collar; overlap counts for each who speaks in it", header, [_time(*t) for t in times], numbers=range(1, 7)))
    if speakers:
        told = [(m.recording, *(_label(x) for x in (m.reference, m.hypothesis))) for m in speakers.mapped]
        made.append(table("Who was taken for whom", ("Recording", "reference", "hypothesis"), told))
    return section("Who spoke, and in which language", *made)


def _time(name: str, rate: Rate) -> tuple[object, ...]:
    c = rate.counts
    seconds = (f"{ms / 1000:,.1f}" for ms in (c.deletions, c.insertions, c.substitutions, c.reference))
    return (name, percent(rate.value), between(rate.interval), *seconds)


def _label(name: str | None) -> str:
    return "nobody" if name is None else name or "(not told)"


def _letters(scores: Scores) -> Markup:
    header = ("Language", "tone only", "other diacritic", "another letter", "missing", "added", "of letters")
    marks = [(m.language, *(f"{n:,}" for n in (m.tone, m.diacritic, m.letter, m.missing, m.added, m.reference))) for m in scores.marks]
    return section(
        "Letters",
        table("Errors of letters by kind", header, marks, numbers=range(1, 7)),
        _confusions("Tone and diacritics: the letter is right, its marks are not", scores.mark_confusions),
        _confusions("Other letters", scores.confusions),
    )


def _confusions(caption: str, confusions: Sequence[Confusion]) -> Markup:
    if not confusions:
        return element("p", f"{caption}: none.")
    kinds = {"tone": "tone", "diacritic": "diacritic", "letter": "letter"}
    rows = [(c.language, c.reference or "(nothing)", c.hypothesis or "(nothing)", f"{c.count:,}", kinds[c.kind]) for c in confusions]
    return table(caption, ("Language", "reference", "hypothesis", "times", "differs in"), rows, numbers=(3,))


def _calibration(scores: Scores) -> Markup:
    made: list[Markup] = []
    for c in scores.calibration:
        caption = (
            f"Confidences, {c.name}: calibration error {percent(c.error)} over {c.words:,} words in {c.bins_used} bins "
            f"(chance alone gives {percent(c.by_chance)}); "
            f"{c.without:,} words without a confidence"
        )
        drawing = calibration_plot(f"Calibration, {c.name}", [(b.confidence, b.accuracy, b.words) for b in c.bins])
        rows = [(f"{b.low:.2f} to {b.high:.2f}", f"{b.words:,}", f"{b.confidence:.3f}", f"{b.accuracy:.3f}") for b in c.bins]
        made += [
            figure(drawing, caption),
            table(f"Bins, {c.name}", ("Confidence", "words", "mean confidence", "share right"), rows, numbers=(1, 2, 3)),
        ]
    return section("Confidences", *made) if made else Markup("")


def _worst(scores: Scores, pairs: Sequence[Pair]) -> Markup:
    rated = [(row.letters.rate, row, pair) for row, pair in zip(scores.rows, pairs, strict=True) if row.letters.rate]
    rated.sort(key=lambda item: (-item[0], -item[1].letters.errors, item[1].id))
    worst = rated[:WORST]
    if not worst:
        return section(f"Worst {scores.unit}s", element("p", f"No {scores.unit} has an error of letters."))
    note = (
        "By CER over letters. What is struck through is missing or wrong in the hypothesis; "
        "what is underlined stands in its place or was added."
    )
    return section(f"Worst {scores.unit}s", element("p", note, class_="note"), *(_clip(row, pair) for _, row, pair in worst))


def _clip(row: Row, pair: Pair) -> Markup:
    language = tables.load(pair.language)
    reference, hypothesis = normalise(pair.reference, language), normalise(pair.hypothesis, language)
    [alignment] = counting.align_letters([reference], [hypothesis])
    was, given = counting.letters(reference), counting.letters(hypothesis)
    above: list[object] = []
    below: list[object] = []
    for chunk in alignment:
        equal = chunk.type == "equal"
        left, right = was[chunk.ref_start_idx : chunk.ref_end_idx], given[chunk.hyp_start_idx : chunk.hyp_end_idx]
        above.append(_marked("del", left, equal))
        below.append(_marked("ins", right, equal))
    place = f"{clock(pair.span.start_ms)} to {clock(pair.span.end_ms)}" if pair.span else ""
    about = [place, row.language, row.speaker or "", f"CER {percent(row.letters.rate)}", f"WER {percent(row.words.rate)}"]
    return element(
        "div",
        element("h3", isolated(row.id)),
        element("p", " · ".join(a for a in about if a), class_="note"),
        element("p", "Reference: ", isolated(Markup("".join(map(str, above))), language=row.language)),
        element("p", "Hypothesis: ", isolated(Markup("".join(map(str, below))), language=row.language)),
        class_="clip",
    )


def _marked(name: str, signs: Sequence[str], equal: bool) -> Markup:
    if not signs:
        return Markup("")
    if equal:
        return element("span", "".join(" " if s == counting.SPACE else s for s in signs))
    # A space in an error is shown, or its mark would be invisible.
    return element(name, "".join(f" {s} " if s == counting.SPACE else s for s in signs))


def _empty(scores: Scores) -> Markup:
    rows = [(r.id, r.language, f"{r.words.insertions:,}", f"{r.letters.insertions:,}") for r in scores.rows if r.empty_reference]
    if not rows:
        return Markup("")
    note = "Nothing was said in these clips, or nothing that is compared. They have no rate of their own; what was added counts overall."
    made = table("Clips with an empty reference", ("Clip", "language", "words added", "letters added"), rows, numbers=(2, 3))
    return section("Empty references", element("p", note), made)


def _findings(scores: Scores) -> Markup:
    if not scores.findings:
        return Markup("")
    rows = [(f.code, f.where, f.what, f.mend) for f in scores.findings]
    return section("What else was noticed", table("Findings", ("Code", "where", "what", "what mends it"), rows))
