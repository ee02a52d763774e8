"""The library's face: a loaded model that transcribes recordings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from speech import diarise, identify
from speech.collections import consent
from speech.collections.many import Outcomes
from speech.diarise.engines import EMBEDDED
from speech.models.lm.finding import LanguageModels
from speech.models.recogniser import LoadSettings, Recogniser
from speech.models.recogniser import load as load_model
from speech.transcribe.asked import Asked, speakers_of
from speech.transcribe.recording import transcribe
from speech.transcribe.records import Progress, Result, Settings
from speech.transcribe.runs import transcribe_all
from speech.types import Passage, Transcript


class Pipeline:
    """A loaded model and the basis on which recordings may be read: `speech.load(...)` makes one."""

    def __init__(
        self, model: Recogniser | None, context: consent.Context, language_models: LanguageModels | None = None, *,
        diariser: str = EMBEDDED, identifier: str = "mini",
    ) -> None:  # fmt: skip
        self.model = model
        self.context = context
        self.language_models = language_models or LanguageModels()
        self._engines = Asked(diariser=diarise.Later(diariser), identifier=identify.Later(identifier, LoadSettings()))

    def transcribe(
        self,
        recording: str | Path,
        *,
        language: str = "",
        passages: Sequence[Passage] | None = None,
        speakers: str | None = None,
        settings: Settings | None = None,
        progress: Progress | None = None,
    ) -> Transcript:
        """The transcript of a recording, in a language, or passage by passage; `run` gives its findings too.

        `language` is a code, several as "swh,yor", or "auto"; `speakers` is "auto", their number as "3" or "2-4", or None (nobody asks).
        """
        made = self.run(recording, language=language, passages=passages, speakers=speakers, settings=settings, progress=progress)
        return made.transcript

    def run(
        self,
        recording: str | Path,
        *,
        language: str = "",
        passages: Sequence[Passage] | None = None,
        speakers: str | None = None,
        settings: Settings | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """As `transcribe`, with findings and seconds."""
        return transcribe(
            Path(recording), language=language, speakers=speakers_of(speakers), passages=passages, model=self.model, context=self.context,
            diariser=self._engines.diariser, identifier=self._engines.identifier, language_models=self.language_models,
            settings=settings, progress=progress,
        )  # fmt: skip

    def run_all(
        self, recordings: Sequence[str | Path], *, language: str, speakers: str | None = None, settings: Settings | None = None
    ) -> Outcomes[Path, Result]:
        """The result of each recording in order, or the exception it raised: several are under way at once."""
        per_speaker = settings is not None and settings.per_speaker
        asked = dataclasses.replace(self._engines, language=language, speakers=speakers_of(speakers), per_speaker=per_speaker)
        return transcribe_all(
            [Path(r) for r in recordings], asked=asked, model=self.model, context=self.context,
            language_models=self.language_models, settings=settings,
        )  # fmt: skip


def load(
    model: str = "mini",
    *,
    basis: str | None = None,
    purpose: str = "research",
    precision: str = "auto",
    device: str = "auto",
    adapter: str | Path | None = None,
    lm: str | Path = "auto",
    words: Sequence[str] = (),
    diariser: str = EMBEDDED,
    identifier: str = "mini",
) -> Pipeline:
    """A pipeline with a model: `mini`, the path of a checkpoint folder, or a repository kept on this machine.

    `lm` is a language model's file, `auto` (the one beside the adapter), or `off`; `words` are hot words: names and words to listen for.
    `diariser` and `identifier` tell speakers and languages apart, where these are asked for: as `--diariser` of `speech transcribe`, and
    a model as `--model` of `speech identify`.
    `basis` is why the recordings may be read where they have no consent card, such as "own use on this machine".

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE` and the codes of loading. Nothing is downloaded.
    """
    settings = LoadSettings(precision=precision, device=device, adapter=Path(adapter) if adapter else None)
    context = consent.Context(basis=basis, purpose=purpose)
    return Pipeline(load_model(model, settings), context, LanguageModels(str(lm), words), diariser=diariser, identifier=identifier)
