"""The library's face: a loaded model that transcribes recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from speech.collections import consent
from speech.collections.many import Outcomes
from speech.models.lm.finding import LanguageModels
from speech.models.recogniser import LoadSettings, Recogniser
from speech.models.recogniser import load as load_model
from speech.transcribe.recording import transcribe
from speech.transcribe.records import Progress, Result, Settings
from speech.transcribe.runs import transcribe_all
from speech.types import Passage, Transcript


class Pipeline:
    """A loaded model and the basis on which recordings may be read: `speech.load(...)` makes one."""

    def __init__(self, model: Recogniser | None, context: consent.Context, language_models: LanguageModels | None = None) -> None:
        self.model = model
        self.context = context
        self.language_models = language_models or LanguageModels()

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
        """The transcript of a recording, in one language, or passage by passage; `run` gives its findings too.

        `speakers` is not known here yet: only None.
        """
        if speakers is not None:
            from speech.errors import UsageFailure

            raise UsageFailure(f"speakers={speakers!r}", "this version does not tell speakers apart", "Leave speakers out", "SPEAKERS")
        return self.run(recording, language=language, passages=passages, settings=settings, progress=progress).transcript

    def run(
        self,
        recording: str | Path,
        *,
        language: str = "",
        passages: Sequence[Passage] | None = None,
        settings: Settings | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """As `transcribe`, with findings and seconds."""
        return transcribe(
            Path(recording), language=language, passages=passages, model=self.model, context=self.context,
            language_models=self.language_models, settings=settings, progress=progress,
        )  # fmt: skip

    def run_all(self, recordings: Sequence[str | Path], *, language: str, settings: Settings | None = None) -> Outcomes[Path, Result]:
        """The result of each recording in order, or the exception it raised: several are under way at once."""
        return transcribe_all(
            [Path(r) for r in recordings], language=language, model=self.model, context=self.context,
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
) -> Pipeline:
    """A pipeline with a model: `mini`, the path of a checkpoint folder, or a repository kept on this machine.

    `lm` is a language model's file, `auto` (the one beside the adapter), or `off`; `words` are hot words: names and words to listen for.
    `basis` is why the recordings may be read where they have no consent card, such as "own use on this machine".

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE` and the codes of loading. Nothing is downloaded.
    """
    settings = LoadSettings(precision=precision, device=device, adapter=Path(adapter) if adapter else None)
    return Pipeline(load_model(model, settings), consent.Context(basis=basis, purpose=purpose), LanguageModels(str(lm), words))
