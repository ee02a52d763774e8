"""The whole of `speech adapt`: a source and a base in, an adapter with its card out, and the ledger's row."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from speech import languages, lm
from speech.adapt import needs, reached
from speech.adapt.donors import Donor, lenders, ranked
from speech.adapt.drafts import SURER, SelfTaught, Untranscribed, drafted, joined, untranscribed_in
from speech.adapt.language_model import OnDev, Weighed, on_dev, put
from speech.adapt.learner import Mode
from speech.adapt.material import Material, Source, gather, some
from speech.adapt.minutes import Forecast, Point, forecast, parts_of
from speech.adapt.minutes import write as write_curve
from speech.adapt.needs import STEP_S
from speech.adapt.run import Adapted, AdaptSettings, adapt, emitted, finish, steps_for
from speech.collections import acts, consent, ledger
from speech.errors import ConsentRefused, FormatRefused, UsageFailure
from speech.files import disk_errors, shown
from speech.models import hub
from speech.models.cards import AdapterCard
from speech.models.checkpoint import Checkpoint, base_sha256, open_checkpoint
from speech.models.lm.finding import OFF
from speech.models.training.export import write_adapter, write_learnt
from speech.models.weights import tensors_of, tensors_under
from speech.score import Scores

AUTO, NONE = "auto", "none"
RUN = "run"
"""The folder of a run below the adapter's."""
DRAFTS = "with_drafts"
"""That of the second run, below it."""

Said = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Made:
    """An adapter with its card, what it was learnt from, how it came about, and the donors as they were ranked."""

    path: Path
    card: AdapterCard
    material: Material
    adapted: Adapted
    donors: list[Donor]
    donor: str
    weighed: Weighed | None = None
    """The language model; None where dev is too small to weigh one, or none was asked for."""
    language_model: Path | None = None
    """Where it lies, if it is kept."""
    points: list[Point] = field(default_factory=list)
    """Of the learning curve, by minutes; the last is what the transcribed speech alone gave."""
    expected: Forecast | None = None
    taught: SelfTaught | None = None
    """What learning from drafts gave; None where it was not asked for."""

    @property
    def scores(self) -> Scores:
        """On dev, greedy."""
        return self.adapted.scores


def make_adapter(
    source: Path | str | Source,
    *,
    language: str,
    out: Path | str,
    basis: str | None = None,
    purpose: str = "research",
    base: str = hub.MINI,
    donor: str = AUTO,
    minutes: float | None = None,
    steps: int | None = None,
    tier: str | None = None,
    card: Path | None = None,
    encoding: str | None = None,
    leave_out: bool = False,
    full: bool = False,
    curve: bool = True,
    texts: Sequence[Path | str] = (),
    with_lm: str = AUTO,
    untranscribed: Path | str | None = None,
    say: Said = lambda _text: None,
    progress: Callable[[int, float], None] | None = None,
    stepped: Callable[[str, int, int], None] | None = None,
) -> Made:
    """Learn an adapter for `language` of the base from what lies in `source`, or from its rows, and write it with its card into `out`.

    Attention adapters and a head learn where the base's layers hold such; where they hold none, low-rank adapters and a head.

    A run that was interrupted goes on from `out/run`.

    Parameters
    ----------
    basis, purpose : why the recordings may be used, and what for, as the gate asks and the ledger keeps
    leave_out : clips whose texts must not be learnt are left out by name; else all is refused
    full : every weight of the base learns, and what is written is a checkpoint of its own; else adapter and head
    curve : learn from parts of the speech, too, and write what more of it would bring (`out/learning_curve.json`, `.svg`)
    texts : more text for the language model that is learnt from the same texts, and kept beside the adapter where dev says that it helps
    with_lm : "off" learns none; one that lay there is taken away
    untranscribed : a folder of recordings of the language without texts: drafted, then learnt from where that helps on dev (`drafts`)
    say : gets lines for people
    progress : gets the step and dev's CER in per cent
    stepped : gets what is being learnt, the step of all that are taken, and how many these are at most

    Raises
    ------
    ConsentRefused
        Someone did not agree; nothing is decoded, and the refusal stands in the ledger.
    ManifestRefused, ModelRefused, AudioRefused, PathRefused, FormatRefused
        Source, base or a further text cannot be used; `FORMAT_EXISTS`: with `full`, the base itself lies in `out`.
    UsageFailure
        `MODEL_DONOR`: the base has no such donor; `MODEL_LM`: texts are given, and no language model is to be learnt.
    TextRefused
        `TEXT_ALPHABET`, `TEXT_MIXED_SCRIPT`: texts hold what a model must not learn.
    TrainingFailure, DiskFailure
        The run failed; the last good checkpoint is in `out/run`.
    """
    languages.check_code(language)
    if texts and with_lm == OFF:
        raise UsageFailure("--text", "without a language model nothing learns from it", "Leave out --text, or --lm off", "MODEL_LM")
    source, out = source if isinstance(source, Source) else Path(source), Path(out)
    context = consent.Context(basis=basis, purpose=purpose)
    checkpoint = open_checkpoint(hub.resolve(base))
    if full and out.resolve() == checkpoint.folder.resolve():
        what = "the base itself lies there, and all of its weights would change"
        raise FormatRefused(shown(out), what, "Choose another --out", "FORMAT_EXISTS")
    base_hash = base_sha256(checkpoint)
    try:
        further = lm.read_texts([Path(text) for text in texts], context=context, encoding=encoding)
        material = gather(source, language, context=context, card=card, minutes=minutes, tier=tier, encoding=encoding, leave_out=leave_out)
        more = None if untranscribed is None else untranscribed_in(Path(untranscribed), language, material, context=context)
    except ConsentRefused as refusal:
        ledger.append(acts.adapt_event(base_hash, (), None, refusal, context))
        raise
    material.fit_to(checkpoint.front_end)
    _tell(material, more, say)
    donors, chosen = _donor(checkpoint, material, donor, say)
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    learning = _Learning.of(
        checkpoint, material, more, mode="full" if full else "adapter", steps=steps, curve=curve, folder=out / RUN,
        lent=head_or_donor(checkpoint, chosen), asked={"base": base_hash, "donor": chosen},
        say=say, progress=progress, stepped=stepped,
    )  # fmt: skip
    alone = learning.whole(material)
    learnt = _with_drafts(learning, material, more, alone, None if with_lm == OFF else further)
    made, path = _written(out, checkpoint, _card(material, learnt, base_hash, chosen), learnt, full=full)
    beside = put(learnt.dev.weighed, path, language, made.tensor_sha256, say=say)
    ledger.append(
        acts.adapt_event(
            base_hash, material.recordings | learnt.recordings, path, material.decision, context, audio_ms=round(_seconds(material) * 1000),
            language_model=beside, texts=[text.sha256 for text in further] if beside else (),
        )
    )  # fmt: skip
    points = [*learning.from_parts(material), _point(alone, material)]
    expected = forecast(points, 2 * points[-1].minutes)
    if curve:
        write_curve(out, points, expected, title=f"{languages.load(language).name}: what minutes of speech teach {checkpoint.name}")
    learning.finish()
    return Made(
        path=path, card=made, material=material, adapted=learnt.adapted, donors=donors, donor=chosen,
        weighed=learnt.dev.weighed, language_model=beside, points=points, expected=expected, taught=learnt.taught,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learnt:
    """What is kept of learning, and what dev says of it; `taught` tells of the drafts where there were some."""

    adapted: Adapted
    dev: OnDev
    taught: SelfTaught | None = None

    @property
    def recordings(self) -> frozenset[str]:
        """Hashes of the recordings whose drafts were learnt from."""
        return self.taught.recordings if self.taught is not None and self.taught.kept else frozenset()


def _with_drafts(
    learning: _Learning, material: Material, more: Untranscribed | None, alone: Adapted, texts: Sequence[lm.Text] | None
) -> _Learnt:
    """What `alone` gave, or learning anew beside drafts of untranscribed speech, where there is some and dev says that it helps."""
    dev = _on_dev(material, alone, texts, learning.say)
    if more is None:
        return _Learnt(adapted=alone, dev=dev)
    second, taught = learning.with_drafts(material, more, alone, dev.weighed)
    if not taught.kept:
        return _Learnt(adapted=alone, dev=dev, taught=taught)
    return _Learnt(adapted=second, dev=_on_dev(material, second, texts, learning.say), taught=taught)


def _written(out: Path, checkpoint: Checkpoint, stated: AdapterCard, learnt: _Learnt, *, full: bool) -> tuple[AdapterCard, Path]:
    """The card as it was written, with an adapter or a checkpoint of its own; and where the adapter lies."""
    if full:
        with learnt.adapted.averaged():
            made = write_learnt(out, checkpoint, learnt.adapted.learner.built, stated)
    else:
        made = write_adapter(out, stated, learnt.adapted.tensors)
    return made, out / f"adapter.{stated.language}.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learning:
    """How all of the speech is learnt from, then parts of it (settings by minutes), and who is told; runs lie below `folder`."""

    checkpoint: Checkpoint
    folder: Path
    lent: tuple[Mapping[str, Any], Sequence[str]] | None
    asked: Mapping[str, str]
    settings: AdaptSettings
    again: AdaptSettings | None
    """Of the second run, with drafts beside the transcribed speech; None where there is none."""
    parts: Mapping[float, AdaptSettings]
    say: Said
    progress: Callable[[int, float], None] | None
    stepped: Callable[[str, int, int], None] | None

    @classmethod
    def of(
        cls,
        checkpoint: Checkpoint,
        material: Material,
        more: Untranscribed | None,
        *,
        mode: Mode,
        steps: int | None,
        curve: bool,
        **told: Any,
    ) -> _Learning:
        """The runs for what there is to learn from; with `steps` each of so many, else as many as there is speech for."""
        large, seconds = needs.is_large(checkpoint), _seconds(material)
        settings = AdaptSettings.of(mode, steps or steps_for(seconds, large=large), large=large)
        again = steps or steps_for(seconds + SURER * 60 * more.minutes, large=large) if more is not None else 0
        sizes = parts_of(seconds / 60) if curve else ()
        return cls(
            checkpoint=checkpoint,
            settings=settings,
            again=AdaptSettings.of(mode, again, large=large) if again else None,
            parts={size: AdaptSettings.of(mode, min(settings.steps, steps_for(60 * size, large=large)), large=large) for size in sizes},
            **told,
        )

    def whole(self, material: Material) -> Adapted:
        """Learn from all of it, once time, memory and what may be hoped for are told."""
        return self._run(
            material, self.settings, self.folder, "learning", 0,
            progress=self.progress, began=lambda took, need: self._expect(_seconds(material), took, need),
        )  # fmt: skip

    def with_drafts(self, material: Material, more: Untranscribed, adapted: Adapted, lm: Weighed | None) -> tuple[Adapted, SelfTaught]:
        """Learn anew, with what `adapted` is surest to have heard in untranscribed speech; and what that came to on dev."""
        assert self.again is not None
        kept = lm if lm is not None and lm.kept else None
        drafts = drafted(adapted, more.clips, kept.model if kept else None, kept.limit if kept else None).surest()
        minutes = sum(clip.seconds for clip in drafts) / 60
        self.say(
            f"drafts: {len(drafts)} passages, {minutes:.1f} minutes, those that it is surest of, are learnt from beside the transcribed"
        )
        second = (
            adapted
            if not drafts
            else self._run(
                joined(material, drafts),
                self.again,
                self.folder / DRAFTS,
                "learning with drafts",
                self.settings.steps,
                progress=self.progress,
            )
        )
        taught = SelfTaught(
            heard_minutes=round(more.minutes, 1), minutes=round(minutes, 1), clips=len(drafts), before=adapted.scores,
            after=second.scores, recordings=more.recordings, records=more.records, duties=more.duties,
        )  # fmt: skip
        before, after = (100 * (s.overall.letters.value or 0.0) for s in (taught.before, taught.after))
        said = "taken" if taught.kept else "not taken: no fewer letters of dev are wrong with them"
        self.say(f"with drafts: CER on dev {after:.1f} %, {before:.1f} % without; {said}")
        return second, taught

    def from_parts(self, material: Material) -> Iterator[Point]:
        """Dev CER after learning from each part of it."""
        before = self.settings.steps + (self.again.steps if self.again else 0)
        for size, settings in self.parts.items():
            part, folder = replace(material, train=some(material.train, 60 * size)), self.folder / _part(size)
            yield _point(self._run(part, settings, folder, f"learning from {size:g} minutes", before), part)
            before += settings.steps

    def finish(self) -> None:
        """Let go of what an interrupted run goes on from: not before the last part, so that one that is cut short learns nothing twice."""
        for folder in (self.folder, self.folder / DRAFTS, *(self.folder / _part(size) for size in self.parts)):
            finish(folder)

    def _run(self, material: Material, settings: AdaptSettings, folder: Path, name: str, before: int, **told: Any) -> Adapted:
        every = self.settings.steps + (self.again.steps if self.again else 0) + self._steps_of_parts()

        def step(number: int, _most: int) -> None:
            if self.stepped:
                self.stepped(name, before + number, every)

        return adapt(material, self.checkpoint, folder, settings, donor=self.lent, asked=self.asked, stepped=step, **told)

    def _steps_of_parts(self) -> int:
        return sum(settings.steps for settings in self.parts.values())

    def _expect(self, seconds: float, took: float, need: int) -> None:
        if guide := reached.said(seconds / 60, self.settings.mode):
            self.say(guide)
        self.say(f"about {need / 1024**3:.1f} GiB of memory")
        steps = self.settings.steps
        least = f"{steps} steps of {STEP_S:.0f} s of sound each, {took:.1f} s a step: about {_time(steps * took)}"
        if self.again:
            least += f", then {_time(self.again.steps * took)} with drafts"
        self.say(least + (f", and then {_time(self._steps_of_parts() * took)} for the learning curve" if self.parts else ""))


def head_or_donor(checkpoint: Checkpoint, donor: str) -> tuple[Mapping[str, Any], Sequence[str]] | None:
    """What is begun from: a donor's adapter and head with its symbols; of a base without adapters, the head that it has."""
    if donor != NONE:
        return tensors_of(checkpoint.adapters[donor]), lenders(checkpoint)[donor]
    if checkpoint.takes_adapters:
        return None
    head = tensors_under(checkpoint.weights, f"{checkpoint.family.head}.")
    return head, checkpoint.vocabularies[checkpoint.symbols.inside]


def _seconds(material: Material) -> float:
    return sum(clip.seconds for clip in material.train)


def _point(adapted: Adapted, material: Material) -> Point:
    """Dev CER after learning from `material`."""
    letters = adapted.scores.overall.letters
    return Point(
        minutes=round(_seconds(material) / 60, 1),
        cer=letters.value or 0.0,
        low=letters.interval.low if letters.interval else None,
        high=letters.interval.high if letters.interval else None,
        seconds=round(adapted.seconds, 1),
    )


def _part(minutes: float) -> str:
    return f"{minutes:g}_minutes"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _tell(material: Material, more: Untranscribed | None, say: Said) -> None:
    """What is learnt from, in lines for people."""
    minutes = _seconds(material) / 60
    say(f"{material.found_as}: {len(material.train)} clips to learn from ({minutes:.1f} minutes), {len(material.dev)} to judge by")
    say(f"dev: {material.split_by}")
    for why, count in material.left_out.most_common():
        say(f"left out, {why}: {count} clips")
    for finding in material.findings:
        say(f"{finding.code}: {finding.what}. {finding.mend}")
    if material.new_letters:
        known = ", ".join(f"{letter} ({count})" for letter, count in sorted(material.new_letters.items()))
        say(f"letters of dev that train has not, which it cannot learn: {known}")
    if more is not None:
        say(f"untranscribed: {more.minutes:.1f} minutes of speech in {len(more.recordings)} recordings")
        for refused in more.refused:
            say(f"left out: {refused}")


def _donor(checkpoint: Checkpoint, material: Material, asked: str, say: Said) -> tuple[list[Donor], str]:
    """The donors, ranked where that was asked for, and the one to begin from."""
    known = sorted(lenders(checkpoint))
    if asked not in (AUTO, NONE, *known):
        raise UsageFailure(
            f"--donor {shown(asked)}",
            f"{checkpoint.name} has no adapter for it",
            f"Choose {AUTO}, {NONE}, {', '.join(known)}",
            "MODEL_DONOR",
        )
    if asked != AUTO or not known:
        return [], asked if asked != AUTO else NONE
    found = ranked(checkpoint, material.train, material.symbols)
    said = ", ".join(f"{d.language} {d.wrong:.0f}" for d in found)
    say(f"donors, by per cent of letters that they hear wrong as they are: {said}; beginning from {found[0].language}")
    return found, found[0].language


def _on_dev(material: Material, adapted: Adapted, texts: Sequence[lm.Text] | None, say: Said) -> OnDev:
    """What dev says of an adapter, and its language model."""
    with adapted.averaged():
        heard = emitted(adapted.learner, material.dev)
    return on_dev(material, texts, heard, adapted.learner.output, say=say)


def _card(material: Material, learnt: _Learnt, base_hash: str, donor: str) -> AdapterCard:
    adapted, taught = learnt.adapted, learnt.taught
    drafts = taught if taught is not None and taught.kept else None
    trained: Mapping[str, Any] = {
        "collections": list(material.collections),
        "hours": round(_seconds(material) / 3600, 4),
        "clips": len(material.train),
        "consent": list(dict.fromkeys((*material.records, *(drafts.records if drafts else ())))),
        "duties": sorted({*material.duties, *(drafts.duties if drafts else ())}),
        "left_out": dict(material.left_out),
        "donor": donor,
        "moved": adapted.learner.mode,
        "from": base_hash,
        "split_by": material.split_by,
        **({"drafted_hours": round(drafts.minutes / 60, 4), "drafted_clips": drafts.clips} if drafts else {}),
    }
    return AdapterCard(
        language=material.language,
        base_sha256=base_hash,
        tensor_sha256="",
        alphabet=adapted.learner.vocabulary,
        base=os.fspath(adapted.learner.checkpoint.name),
        low_rank=adapted.learner.low_rank,
        trained=trained,
        scores=learnt.dev.rows,
        calibration=learnt.dev.calibration,
    )
