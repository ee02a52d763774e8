"""Which engine tells languages, by the name given on the command line; loaded once, when it is first asked for."""

from __future__ import annotations

import dataclasses

from speech.identify.embedded import Embedded
from speech.identify.labels import Labelled
from speech.identify.records import Identifier
from speech.models import classifier, hub
from speech.models.once import Once
from speech.models.recogniser import LoadSettings, load


def open_identifier(name: str, settings: LoadSettings | None = None) -> Identifier:
    """The engine of a model: MMS-LID's and its like by their own labels, a recogniser by the head that lies in its folder.

    Raises
    ------
    ModelRefused
        `MODEL_NOT_HERE`, `MODEL_CONFIG`, and what loading refuses. Nothing is downloaded.
    """
    if classifier.is_classifier(name):
        return Labelled(classifier.load_classifier(name, settings))
    folder = hub.resolve(name)
    # The head was fitted on the adapters beside it; one that a person learnt for the same language would stand before them.
    return Embedded(load(name, dataclasses.replace(settings or LoadSettings(), adapter=folder)), folder)


class Later(Once[Identifier]):
    """An engine that is loaded when it is first asked for."""

    def __init__(self, name: str, settings: LoadSettings) -> None:
        self.threads = settings.threads
        super().__init__(lambda: open_identifier(name, settings), look=lambda: hub.resolve(name))
