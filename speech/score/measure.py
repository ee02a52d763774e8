"""`score`: pairs in, every rate with its counts, interval and normalisation out.

Pure: reads no file. Texts are normalised once, aligned once in three ways (words, letters, code points), and
everything else is a sum over rows.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from speech import languages as tables
from speech.errors import Finding, TextRefused
from speech.languages import Language
from speech.score import counting
from speech.score.calibrate import Judged, calibration, judge
from speech.score.intervals import draw_rates, interval_of, units_of
from speech.score.records import (
    Calibration,
    Comparison,
    Confusion,
    Counts,
    Group,
    Interval,
    MarkErrors,
    Pair,
    Rate,
    Row,
    Rules,
    Scores,
    ScoreSettings,
    Side,
    SideName,
    Spread,
    Spreads,
    Timed,
    Unit,
)
from speech.score.sources import code_or_nothing
from speech.score.speakers import language_errors, speaker_errors
from speech.text import RULES, normalise
from speech.text.checks import findings_in

if TYPE_CHECKING:
    from speech.score.intervals import Floats


POOR = 0.5
"""The rate of wrong letters from which it is asked whether both sides are of one recording."""
NO_BETTER = 0.93
"""Share of a stranger's errors from which a text is one, too. Measured on a chapter against six others of its story, and a
translation: 0.94 to 0.99, one 0.86; against its own, 0.33, and 0.86 to 0.91 after seven letters in ten were replaced."""
MANY_PAIRS, MANY_WORDS = 8, 40
"""What that question needs: so many pairs, or so many words in fewer."""


def score(pairs: Sequence[Pair] | Comparison, settings: ScoreSettings | None = None) -> Scores:
    """Rate hypotheses against references, with counts, intervals, confusions and calibration.

    WER over words, CER over graphemes (the space between words counts as one), and CER over code points beside
    it. Rates over all pairs are micro-averaged: errors of all over lengths of all, insertions of rows with an
    empty reference included. A language's own rules apply to each pair (`speech.text.RULES`). Of a comparison of transcripts
    speakers and languages are rated, too, where both sides tell them (`speech.score.speakers`).

    Returns
    -------
    Findings, each naming its side: those of the comparison; `TEXT_EMPTY`, a side without a word; `TEXT_RECORDING`, the
    sides hardly agree and may be of two recordings; what `speech.text.checks` finds in the texts.

    Raises
    ------
    TextRefused
        `TEXT_EMPTY`: no pairs.
    ModelRefused
        `LANGUAGE_CODE`: a pair's language has not the form of a code.
    """
    settings = settings or ScoreSettings()
    sides: tuple[Side, ...] = ()
    found: tuple[Finding, ...] = ()
    timed: tuple[Timed, ...] = ()
    if isinstance(pairs, Comparison):
        sides, found, timed, pairs = pairs.sides, pairs.findings, pairs.timed, pairs.pairs
    if not pairs:
        raise TextRefused("the pairs to score", "there are none", "Give a reference and a hypothesis with at least one clip", "TEXT_EMPTY")
    known = {code: tables.load(code) for code in sorted({p.language for p in pairs})}
    references = [normalise(p.reference, known[p.language]) for p in pairs]
    hypotheses = [normalise(p.hypothesis, known[p.language]) for p in pairs]
    words = counting.align_words(references, hypotheses)
    letters = counting.align_letters(references, hypotheses)
    points = counting.align_code_points(references, hypotheses)
    rows = [
        Row(
            id=p.id,
            language=p.language,
            speaker=p.speaker,
            recording=p.recording or p.id,
            words=counting.counts_of(w),
            letters=counting.counts_of(g),
            code_points=counting.counts_of(c),
        )
        for p, w, g, c in zip(pairs, words, letters, points, strict=True)
    ]
    overall, _ = _group(rows, settings, "", "")
    by_language = _groups(rows, settings, lambda r: (r.language, ""))
    by_speaker = _groups(rows, settings, lambda r: (r.speaker or "", r.language))
    confusions, marks = _confusions(rows, references, hypotheses, letters, known)
    return Scores(
        settings=settings,
        normalisation=RULES,
        rules=tuple(Rules(language=c, table=c in tables.known(), keep=t.keep, replace=t.replace) for c, t in known.items()),
        overall=overall,
        languages=tuple(g for g, _ in by_language),
        speakers=tuple(g for g, _ in by_speaker),
        by_language=_spreads(by_language, settings),
        by_speaker=_spreads([(g, d) for g, d in by_speaker if g.name], settings),
        confusions=tuple([c for c in confusions if c.kind == "letter"][: settings.top]),
        mark_confusions=tuple([c for c in confusions if c.kind != "letter"][: settings.top]),
        marks=marks,
        calibration=_calibrations(pairs, judge(pairs, references, hypotheses, words, known), settings),
        rows=tuple(rows),
        findings=(*found, *_empty(rows), *_other_recording(rows, references, hypotheses, sides), *_findings(pairs, known)),
        unit=_unit(pairs),
        sides=sides,
        speaker_errors=speaker_errors(timed, settings),
        language_errors=language_errors(timed, settings),
    )


def _unit(pairs: Sequence[Pair]) -> Unit:
    """What the pairs are, if they are all of one kind."""
    units = {p.unit for p in pairs}
    return units.pop() if len(units) == 1 else "clip"


def _group(rows: Sequence[Row], settings: ScoreSettings, name: str, language: str) -> tuple[Group, Floats | None]:
    drawn = draw_rates(rows, settings, f"{language}/{name}")

    def rate(column: int, counts: list[Counts]) -> Rate:
        interval = interval_of(drawn, column, settings.level) if drawn is not None else None
        return Rate(counts=sum(counts, Counts()), interval=interval)

    group = Group(
        name=name,
        language=language,
        clips=len(rows),
        recordings=len({r.recording for r in rows}),
        resampled=units_of([r.recording for r in rows])[1] if drawn is not None else "",
        words=rate(0, [r.words for r in rows]),
        letters=rate(1, [r.letters for r in rows]),
        code_points=rate(2, [r.code_points for r in rows]),
    )
    return group, drawn


def _groups(rows: Sequence[Row], settings: ScoreSettings, key: Callable[[Row], tuple[str, str]]) -> list[tuple[Group, Floats | None]]:
    held: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        held[key(row)].append(row)
    return [_group(held[name, language], settings, name, language) for name, language in sorted(held, key=lambda k: (k[1], k[0]))]


def _spreads(groups: Sequence[tuple[Group, Floats | None]], settings: ScoreSettings) -> Spreads | None:
    usable = [(g, d) for g, d in groups if g.words.value is not None]
    if not usable:
        return None
    spreads = [_spread(usable, settings, column, read) for column, read in enumerate(_READ)]
    return Spreads(words=spreads[0], letters=spreads[1], code_points=spreads[2])


_READ: tuple[Callable[[Group], Rate], ...] = (lambda g: g.words, lambda g: g.letters, lambda g: g.code_points)


def _spread(groups: Sequence[tuple[Group, Floats | None]], settings: ScoreSettings, column: int, read: Callable[[Group], Rate]) -> Spread:
    """The mean over groups with its interval: each group redrawn by itself, the mean taken a draw."""
    rates = [(read(g).value or 0.0, f"{g.name} ({g.language})" if g.language else g.name) for g, _ in groups]
    drawn = [d for _, d in groups if d is not None]
    interval: Interval | None = None
    if len(drawn) == len(groups):
        interval = interval_of(sum(drawn[1:], drawn[0]) / len(drawn), column, settings.level)
    worst, best = max(rates, key=lambda r: r[0]), min(rates, key=lambda r: r[0])
    return Spread(
        groups=len(rates),
        macro=sum(r for r, _ in rates) / len(rates),
        interval=interval,
        worst=worst[1],
        worst_rate=worst[0],
        best=best[1],
        best_rate=best[0],
    )


def _confusions(
    rows: Sequence[Row],
    references: Sequence[str],
    hypotheses: Sequence[str],
    alignments: Sequence[counting.Alignment],
    known: dict[str, Language],
) -> tuple[list[Confusion], tuple[MarkErrors, ...]]:
    """All confusions, most frequent first, and their sums a language."""
    found: Counter[tuple[str, str, str]] = Counter()
    for row, reference, hypothesis, alignment in zip(rows, references, hypotheses, alignments, strict=True):
        signs = counting.differences(alignment, counting.letters(reference), counting.letters(hypothesis))
        found.update((row.language, was, given) for was, given in signs)
    confusions = [
        Confusion(language=code, reference=was, hypothesis=given, count=count, kind=counting.kind_of(was, given, known[code]))
        for (code, was, given), count in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    ]
    return confusions, tuple(_marks(code, confusions, rows) for code in known)


def _marks(code: str, confusions: Sequence[Confusion], rows: Sequence[Row]) -> MarkErrors:
    own = [c for c in confusions if c.language == code]
    changed = [c for c in own if c.reference and c.hypothesis]
    return MarkErrors(
        language=code,
        tone=sum(c.count for c in changed if c.kind == "tone"),
        diacritic=sum(c.count for c in changed if c.kind == "diacritic"),
        letter=sum(c.count for c in changed if c.kind == "letter"),
        missing=sum(c.count for c in own if not c.hypothesis),
        added=sum(c.count for c in own if not c.reference),
        reference=sum(r.letters.reference for r in rows if r.language == code),
    )


def _calibrations(
    pairs: Sequence[Pair], judged: Sequence[tuple[Sequence[Judged], int]], settings: ScoreSettings
) -> tuple[Calibration, ...]:
    """Of all words, then a language each where there are several."""
    held: dict[str, tuple[list[Judged], list[int]]] = defaultdict(lambda: ([], []))
    several = len({p.language for p in pairs}) > 1
    for pair, (words, without) in zip(pairs, judged, strict=True):
        for name in ("all", pair.language) if several else ("all",):
            held[name][0].extend(words)
            held[name][1].append(without)
    names = ["all", *sorted(set(held) - {"all"})]
    made = (calibration(name, held[name][0], sum(held[name][1]), settings.bins) for name in names)
    return tuple(c for c in made if c)


def _empty(rows: Sequence[Row]) -> list[Finding]:
    """A side without a single word, which a rate alone would not tell from one that is all wrong."""
    said, heard = any(r.words.reference for r in rows), any(r.words.hits + r.words.substitutions + r.words.insertions for r in rows)
    if said and heard:
        return []
    if said:
        return [
            Finding(
                code="TEXT_EMPTY",
                where="hypothesis",
                what="it has no words: every word of the reference counts as missing",
                mend="If something was heard, look whether this is the right file and tier",
            )
        ]
    return [
        Finding(
            code="TEXT_EMPTY",
            where="reference" if heard else "reference and hypothesis",
            what="it has no words, so there is no rate" if heard else "neither has words: there is nothing to compare",
            mend="Give a file and tier with the text of what was said",
        )
    ]


def _other_recording(rows: Sequence[Row], references: Sequence[str], hypotheses: Sequence[str], sides: Sequence[Side]) -> list[Finding]:
    """Whether the two sides are of two recordings, or languages: they hardly agree, and strangers agree as well.

    Chance alone makes many letters agree, so what each reference shares with a stranger is counted, too.
    """
    total = sum((r.letters for r in rows), Counts())
    full = [n for n, (r, h) in enumerate(zip(references, hypotheses, strict=True)) if r and h]
    if total.rate is None or total.rate < POOR or not full:
        return []
    recordings = [s.recording for s in sides if s.recording]
    differ = len(recordings) == 2 and _stem(recordings[0]) != _stem(recordings[1])
    why = f"{100 * total.rate:.0f} % of the letters are wrong"
    if strangers := _strangers([hypotheses[n] for n in full]):
        alignments = counting.align_letters([references[n] for n in full], strangers)
        own, strange = sum((rows[n].letters for n in full), Counts()), sum(map(counting.counts_of, alignments), Counts())
        if own.errors < NO_BETTER * strange.errors:
            return []
        why += ", about as many as against any other text"
    elif not differ:
        return []
    if differ:
        why += f"; the reference names {recordings[0]} as its recording, the hypothesis {recordings[1]}"
    return [
        Finding(
            code="TEXT_RECORDING",
            where="reference and hypothesis",
            what=f"they may be of two recordings, or languages: {why}",
            mend="See that both belong to the same recording, and are tiers of the same language",
        )
    ]


def _strangers(hypotheses: Sequence[str]) -> list[str]:
    """For each text another of about its length; of a few long ones the same words in another order; nothing where all is short."""
    if len(hypotheses) >= MANY_PAIRS:
        order = sorted(range(len(hypotheses)), key=lambda n: (len(hypotheses[n]), n))
        other = dict(zip(order, [*order[1:], order[-2]], strict=True))
        return [hypotheses[other[n]] for n in range(len(hypotheses))]
    words = [h.split() for h in hypotheses]
    if sum(map(len, words)) < MANY_WORDS:
        return []
    return [" ".join(random.Random(0).sample(w, len(w))) for w in words]


def _stem(recording: str) -> str:
    return PurePosixPath(recording.replace("\\", "/")).stem.casefold()


def _findings(pairs: Sequence[Pair], known: dict[str, Language]) -> tuple[Finding, ...]:
    """What the checks of texts find, a finding a side and language; one for both sides where both have the same."""
    made: list[Finding] = []
    references, hypotheses = ([_by_language(p, side) for p in pairs] for side in ("reference", "hypothesis"))
    codes = sorted({code for texts in (*references, *hypotheses) for code in texts})
    for code in codes:
        language, of = known.get(code) or tables.load(code), f" ({code})" if len(codes) > 1 else ""
        found = [
            findings_in(((p.id, texts[code]) for p, texts in zip(pairs, side, strict=True) if code in texts), language, f"{name}{of}")
            for name, side in (("reference", references), ("hypothesis", hypotheses))
        ]
        same = {(f.code, f.what) for f in found[0]} & {(f.code, f.what) for f in found[1]}
        made += [replace(f, where=f"reference and hypothesis{of}") if (f.code, f.what) in same else f for f in found[0]]
        made += [f for f in found[1] if (f.code, f.what) not in same]
    return tuple(made)


def _by_language(pair: Pair, side: SideName) -> dict[str, str]:
    """A side's text by language: a passage in which two speak may hold two."""
    whole, parts = (pair.reference, pair.said) if side == "reference" else (pair.hypothesis, pair.heard)
    texts: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        texts[code_or_nothing(part.language) or pair.language].append(part.text)
    return {code: "\n".join(own) for code, own in texts.items()} if len(texts) > 1 else {next(iter(texts), pair.language): whole}
