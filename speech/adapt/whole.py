"""The whole of `speech adapt`: a source and a base in, an adapter with its card out, and the ledger's row."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech import languages, lm
from speech.adapt import language_model
from speech.adapt.donors import Donor, ranked
from speech.adapt.material import Material, gather
from speech.adapt.run import Adapted, AdaptSettings, adapt, emitted, finish, steps_for
from speech.collections import acts, consent, ledger
from speech.errors import ConsentRefused, UsageFailure
from speech.files import disk_errors, shown
from speech.models import hub
from speech.models.cards import AdapterCard, Calibration
from speech.models.checkpoint import Checkpoint, base_sha256, open_checkpoint
from speech.models.lm.finding import OFF
from speech.models.training.export import write_adapter
from speech.models.weights import tensors_of
from speech.score import Scores

AUTO, NONE = "auto", "none"
RUN = "run"
"""The folder of a run below the adapter's."""
STEP_S = 48.0
"""Seconds of sound in a step."""

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
    weighed: language_model.Weighed | None = None
    """The language model, kept or not; None where dev is too small, or none was asked for."""
    language_model: Path | None = None
    """Where it lies, if it is kept."""

    @property
    def scores(self) -> Scores:
        """On dev, greedy."""
        return self.adapted.scores


def make_adapter(
    source: Path,
    *,
    language: str,
    out: Path,
    context: consent.Context,
    base: str = hub.MINI,
    donor: str = AUTO,
    minutes: float | None = None,
    steps: int | None = None,
    tier: str | None = None,
    card: Path | None = None,
    encoding: str | None = None,
    texts: Sequence[Path] = (),
    with_lm: str = AUTO,
    say: Said = lambda _text: None,
    progress: Callable[[int, float], None] | None = None,
) -> Made:
    """Learn an adapter for `language` of the base from what lies in `source`, and write it with its card into `out`.

    With `with_lm` "auto" a language model is learnt, too, from the same texts and those in `texts`, and lies beside the adapter where
    dev says that it helps (`speech.adapt.language_model`); one that lay there is replaced or taken away.
    A run that was interrupted goes on from `out/run`. `say` gets lines for people; `progress` the step and dev's CER in per cent.

    Raises
    ------
    ConsentRefused
        Someone did not agree; nothing is decoded, and the refusal stands in the ledger.
    ManifestRefused, ModelRefused, AudioRefused, PathRefused, FormatRefused, TextRefused
        Source, base or a further text cannot be used.
    UsageFailure
        `MODEL_DONOR`: the base has no such donor; `MODEL_LM`: texts are given, and no language model is to be learnt.
    TrainingFailure, DiskFailure
        The run failed; the last good checkpoint is in `out/run`.
    """
    languages.check_code(language)
    if texts and with_lm == OFF:
        raise UsageFailure("--text", "without a language model nothing learns from it", "Leave out --text, or --lm off", "MODEL_LM")
    checkpoint = open_checkpoint(hub.resolve(base))
    base_hash = base_sha256(checkpoint)
    try:
        material = gather(source, language, context=context, card=card, minutes=minutes, tier=tier, encoding=encoding)
        further = lm.read_texts(texts, context=context, encoding=encoding)
    except ConsentRefused as refusal:
        ledger.append(acts.adapt_event(base_hash, (), None, refusal, context))
        raise
    seconds = sum(clip.seconds for clip in material.train)
    _tell(material, seconds, say)
    donors, chosen = _donor(checkpoint, material, donor, say)
    settings = AdaptSettings.of("adapter", steps or steps_for(seconds))
    say(f"{settings.steps} steps of {STEP_S:.0f} s of sound each")
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    lent = (tensors_of(checkpoint.adapters[chosen]), checkpoint.vocabularies[chosen]) if chosen != NONE else None
    adapted = adapt(material, checkpoint, out / RUN, settings, donor=lent, asked={"base": base_hash, "donor": chosen}, progress=progress)
    with adapted.averaged():
        heard, output = emitted(adapted.learner, material.dev), adapted.learner.output
    weighed = language_model.weighed(material, further, heard, output, say=say) if with_lm != OFF else None
    scores, calibration = language_model.rows_of(weighed, heard, output), language_model.calibration_of(heard, output, say=say)
    described = _card(material, adapted, checkpoint, base_hash, chosen, seconds, scores, calibration)
    made = write_adapter(out, described, adapted.tensors)
    path = out / f"adapter.{language}.safetensors"
    beside = language_model.put(weighed, path, language, made.tensor_sha256, say=say)
    ledger.append(
        acts.adapt_event(
            base_hash, material.recordings, path, material.decision, context,
            audio_ms=round(seconds * 1000), language_model=beside, texts=[text.sha256 for text in further] if beside else (),
        )
    )  # fmt: skip
    finish(out / RUN)
    return Made(
        path=path, card=made, material=material, adapted=adapted, donors=donors, donor=chosen, weighed=weighed, language_model=beside
    )


def _tell(material: Material, seconds: float, say: Said) -> None:
    """What is learnt from, in lines for people."""
    say(f"{material.found_as}: {len(material.train)} clips to learn from ({seconds / 60:.1f} minutes), {len(material.dev)} to judge by")
    say(f"dev is split off by {material.split_by}")
    for why, count in material.left_out.most_common():
        say(f"left out, {why}: {count} clips")
    if material.new_letters:
        say(f"letters of dev that train has not: {', '.join(sorted(material.new_letters))}")


def _donor(checkpoint: Checkpoint, material: Material, asked: str, say: Said) -> tuple[list[Donor], str]:
    """The donors, ranked where that was asked for, and the one to begin from."""
    known = sorted(checkpoint.adapters)
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


def _card(
    material: Material, adapted: Adapted, checkpoint: Checkpoint, base_hash: str, donor: str, seconds: float,
    scores: Sequence[Mapping[str, Any]], calibration: Calibration,
) -> AdapterCard:  # fmt: skip
    trained: Mapping[str, Any] = {
        "collections": list(material.collections),
        "hours": round(seconds / 3600, 4),
        "clips": len(material.train),
        "consent": list(material.records),
        "duties": list(material.duties),
        "left_out": dict(material.left_out),
        "donor": donor,
        "split_by": material.split_by,
    }
    return AdapterCard(
        language=material.language,
        base_sha256=base_hash,
        tensor_sha256="",
        alphabet=adapted.learner.vocabulary,
        base=os.fspath(checkpoint.name),
        trained=trained,
        calibration=calibration,
        scores=scores,
    )
