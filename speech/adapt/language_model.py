"""The language model that goes with an adapter: learnt from the same texts, weighed on dev, and kept only where dev says that it helps.

What dev chooses, dev does not report: each half of dev is judged by the weights and the limit that the other half chose, and the errors
of both are counted together. What is kept counts by all of dev. Here, too, how sure greedy words of the adapter are.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech import languages
from speech.adapt.material import Material
from speech.files import disk_errors, shown
from speech.lm import Text, held_out, learn
from speech.models.cards import Calibration
from speech.models.lm.files import save
from speech.models.lm.finding import beside, fitted_with
from speech.models.lm.scorer import LanguageModel
from speech.score import Scores, score
from speech.score.summary import between, percent
from speech.score.weighing import WIDE, Emitted, Output, Told, best_of, confidence_of, counted, decoded, limit_of
from speech.text import normalise

LEAST_CLIPS = 4
"""Of dev: under it no half could judge the other."""
ENOUGH_WORDS = 100
"""Of dev: under it neither a limit that 3 of 100 words lie over nor confidences are fitted."""
SMALLER_HALF = 0.25
"""Share of dev's letters under which the smaller half by sessions judges too little: then clips are taken in turn."""
RUN = 5
"""Words in a row that a further text may not share with dev or test: there it is a copy of them."""

Said = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Weighed:
    """A language model, whether it is kept, and what was found on dev: errors without it and with it, on the same clips."""

    model: LanguageModel
    """With the weights that all of dev chose."""
    greedy: Scores
    helped: Scores
    """Each half by what the other half chose."""
    halves: str
    """What the halves are of."""
    limit: float | None = None
    calibration: Calibration | None = None
    copies: int = 0
    """Sentences of further texts that were left out: they stand in dev or test."""

    @property
    def kept(self) -> bool:
        """Whether fewer letters are wrong with it."""
        return self.helped.overall.letters.counts.errors < self.greedy.overall.letters.counts.errors


@dataclass(slots=True, kw_only=True)
class OnDev:
    """What dev says of an adapter: rows of its card, how sure its greedy words are, and its language model, if one was weighed."""

    rows: list[dict[str, Any]]
    calibration: Calibration
    weighed: Weighed | None = None


def on_dev(material: Material, texts: Sequence[Text] | None, heard: Sequence[Emitted], output: Output, *, say: Said) -> OnDev:
    """What an adapter's card takes from what was heard of dev; `texts` are further ones for the language model, None learns none."""
    found = weighed(material, texts, heard, output, say=say) if texts is not None else None
    return OnDev(rows=_rows(found, heard, output), calibration=calibration_of(heard, output, say=say), weighed=found)


def further(texts: Sequence[Text], material: Material) -> tuple[list[Text], int]:
    """Further texts without what stands in dev or test, nor in train once more; and how many sentences of dev or test were left out.

    A sentence stands there where it is the same, or has `RUN` words in a row in common.
    """
    table = languages.load(material.language)
    apart = {clip.text for clip in material.dev} | material.kept_apart
    runs = {run for text in apart for run in _runs(text)}
    there = {clip.text for clip in material.train}
    found, copies = [], 0
    for text in texts:
        kept = []
        for sentence in text.sentences:
            plain = normalise(sentence, table)
            if plain and (plain in apart or not runs.isdisjoint(_runs(plain))):
                copies += 1
            elif plain not in there:
                kept.append(sentence)
        found.append(dataclasses.replace(text, sentences=tuple(kept)))
    return [text for text in found if text.sentences], copies


def _runs(text: str) -> list[tuple[str, ...]]:
    words = text.split()
    return [tuple(words[n : n + RUN]) for n in range(len(words) - RUN + 1)]


def weighed(material: Material, texts: Sequence[Text], heard: Sequence[Emitted], output: Output, *, say: Said) -> Weighed | None:
    """A language model of the train texts and further ones, weighed on what was heard of dev; None for fewer than `LEAST_CLIPS` of it.

    `say` gets lines for people.

    Raises
    ------
    TextRefused
        `TEXT_EMPTY`: no sentence can be learnt from.
    """
    if len(heard) < LEAST_CLIPS:
        say(f"no language model: dev has {len(heard)} clips, {LEAST_CLIPS} are needed to weigh it by")
        return None
    more, copies = further(texts, material)
    model, findings = learn([_said_in(material), *more], material.language)
    learnt = ", ".join(f"{len(text.sentences):,} sentences of {shown(text.name)}" for text in (_said_in(material), *more))
    say(f"language model: learnt from {learnt}")
    if copies:
        say(f"left out of further texts: {copies:,} sentences that stand in dev or test")
    for finding in findings:
        say(finding.what)
    first, halves, by_session = _halves(heard)
    heard = _grouped(heard, by_session)
    enough = words_in(heard) >= ENOUGH_WORDS
    rows = counted(heard, output, model, WIDE)
    told: dict[int, Told] = {}
    for side in (True, False):
        choosing = [n for n in range(len(heard)) if (n in first) is side]
        other = [n for n in range(len(heard)) if (n in first) is not side]
        own = dataclasses.replace(model, weights=best_of([[row[n] for n in choosing] for row in rows], WIDE))
        limit = limit_of([heard[n] for n in choosing], output, own) if enough else None
        told |= zip(other, decoded([heard[n] for n in other], output, own, limit), strict=True)
    found = Weighed(
        model=dataclasses.replace(model, weights=best_of(rows, WIDE)),
        greedy=score([pair for pair, _ in decoded(heard, output)]),
        helped=score([told[n][0] for n in range(len(heard))]),
        halves=halves,
        copies=copies,
    )
    if found.kept and enough:
        found.limit = limit_of(heard, output, found.model)
        fit = confidence_of(
            decoded(heard, output, found.model, found.limit), split="dev, with the language model", priced=found.limit is not None
        )
        found.calibration = fit.calibration if fit is not None else None
    found.model = dataclasses.replace(found.model, card={**found.model.card, **_told(found, material)})
    _tell(found, enough, words_in(heard), say)
    return found


def calibration_of(heard: Sequence[Emitted], output: Output, *, say: Said) -> Calibration:
    """How sure greedy words are, fitted on what was heard of dev; nothing where dev has fewer than `ENOUGH_WORDS`."""
    words = words_in(heard)
    fit = confidence_of(decoded(heard, output), split="dev", priced=False) if words >= ENOUGH_WORDS else None
    if fit is None:
        say(f"confidences are not calibrated: dev has {words} words, {ENOUGH_WORDS} are needed")
        return Calibration()
    return fit.calibration


def put(found: Weighed | None, adapter: Path, language: str, adapter_sha256: str, *, say: Said) -> Path | None:
    """Write a language model that is kept to where `speech transcribe` looks beside the adapter; an earlier one is taken away.

    Raises
    ------
    DiskFailure
        No room, or no right to write.
    """
    path = beside(adapter, language)
    if path.exists():
        with disk_errors(path):
            path.unlink()
        if found is None or not found.kept:
            say(f"{shown(path)}: taken away, it was of the earlier adapter")
    if found is None or not found.kept:
        return None
    told = fitted_with(adapter_sha256, limit=found.limit, calibration=found.calibration)
    save(dataclasses.replace(found.model, card={**found.model.card, "calibration": told}), path)
    return path


def row_of(scores: Scores, decoder: str, **more: Any) -> dict[str, Any]:
    """A row of an adapter's card: dev's error rates (per cent) by a decoder, with their intervals where some could be drawn."""
    row: dict[str, Any] = {"split": "dev", "clips": scores.overall.clips}
    for name, rate in (("cer", scores.overall.letters), ("wer", scores.overall.words)):
        row[name] = round(100 * (rate.value or 0.0), 2)
        if rate.interval is not None:
            row |= {f"{name}_low": round(100 * rate.interval.low, 2), f"{name}_high": round(100 * rate.interval.high, 2)}
    drawn = {"interval_of": scores.overall.resampled} if scores.overall.resampled else {}
    return {**row, "letters": scores.overall.letters.counts.reference, **drawn, "decoder": decoder, **more}


def _rows(found: Weighed | None, heard: Sequence[Emitted], output: Output) -> list[dict[str, Any]]:
    """Rows of an adapter's card: dev greedy, and with the language model where one was weighed."""
    if found is None:
        by_session = _halves(heard)[2]
        return [row_of(score([pair for pair, _ in decoded(_grouped(heard, by_session), output)]), "greedy")]
    return [row_of(found.greedy, "greedy"), row_of(found.helped, "language model", kept=found.kept, chosen_by=_chooser(found))]


def words_in(heard: Sequence[Emitted]) -> int:
    """Words that were said in clips."""
    return sum(len(clip.reference.split()) for clip in heard)


def _said_in(material: Material) -> Text:
    """The train texts as a text, known by their hash."""
    sentences = tuple(clip.text for clip in material.train)
    digest = hashlib.sha256("\n".join(sentences).encode()).hexdigest()
    ground = ", ".join(material.records) or material.decision.code
    return Text(name=f"{', '.join(material.collections) or material.found_as}, train", sha256=digest, sentences=sentences, ground=ground)


def _halves(heard: Sequence[Emitted]) -> tuple[Collection[int], str, bool]:
    """Which clips are the first half, what the halves are of, and whether they are whole sessions.

    Sessions go, largest first, to the half that has less; where one session is nearly all of dev, clips are taken in turn.
    """
    sessions: dict[str, list[int]] = defaultdict(list)
    for number, clip in enumerate(heard):
        sessions[clip.recording].append(number)
    sizes = {name: sum(len(heard[n].reference) for n in own) for name, own in sessions.items()}
    halves: tuple[list[str], list[str]] = ([], [])
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        min(halves, key=lambda half: sum(sizes[n] for n in half)).append(name)
    smaller = min(sum(sizes[n] for n in half) for half in halves)
    if smaller >= SMALLER_HALF * sum(sizes.values()):
        return {n for name in halves[0] for n in sessions[name]}, f"{len(halves[0])} and {len(halves[1])} sessions", True
    return range(0, len(heard), 2), "clips in turn", False


def _grouped(heard: Sequence[Emitted], by_session: bool) -> Sequence[Emitted]:
    """Clips for scoring: where one session is nearly all of dev, clips are drawn, since draws of it and the rest would say nothing."""
    return heard if by_session else [dataclasses.replace(clip, recording="dev") for clip in heard]


def _chooser(found: Weighed) -> str:
    return f"the other half of dev ({found.halves})"


def _told(found: Weighed, material: Material) -> Mapping[str, Any]:
    """What the card of the language model states of dev."""
    repeated = {clip.text for clip in material.train}
    return {
        "dev": held_out(found.model, [clip.text for clip in material.dev], material.language),
        "scores": [row_of(found.greedy, "greedy"), row_of(found.helped, "language model", chosen_by=_chooser(found))],
        "consent": list(material.records),
        "duties": list(material.duties),
        "copies_left_out": found.copies,
        "dev_clips_whose_text_train_has": sum(clip.text in repeated for clip in material.dev),
    }


def _tell(found: Weighed, enough: bool, words: int, say: Said) -> None:
    before, after = (f"{percent(r.value)} ({between(r.interval)})" for r in (s.overall.letters for s in (found.greedy, found.helped)))
    say(
        f"CER on dev {before} greedy, {after} with it, "
        f"each half of dev ({found.halves}) by what the other half chose; intervals draw {found.greedy.overall.resampled}"
    )
    if not found.kept:
        say("the language model is not kept: no fewer letters of dev are wrong with it")
    elif not enough:
        say(f"it has no limit, and its confidences are not calibrated: dev has {words} words, {ENOUGH_WORDS} are needed")
