"""Which engine tells languages, by the name given on the command line; loaded once, when it is first asked for."""

from __future__ import annotations

import copy
import dataclasses
import threading

from speech.errors import SpeechError
from speech.identify.embedded import Embedded
from speech.identify.labels import Labelled
from speech.identify.records import Identifier
from speech.models import classifier, hub
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


class Later:
    """An engine that is loaded when it is first asked for, once for all threads; what stands against it is kept."""

    def __init__(self, name: str, settings: LoadSettings) -> None:
        self.threads = settings.threads
        self._name, self._settings = name, settings
        self._lock = threading.Lock()
        self._engine: Identifier | None = None
        self._against: SpeechError | None = None
        try:
            hub.resolve(name)
        except SpeechError as error:
            self._against = error

    def check(self) -> None:
        """Raise what is known to stand against loading; nothing is loaded."""
        if self._against:
            raise copy.copy(self._against)  # one object raised again and again would gather traces

    def __call__(self) -> Identifier:
        """The engine."""
        with self._lock:
            self.check()
            if self._engine is None:
                try:
                    self._engine = open_identifier(self._name, self._settings)
                except SpeechError as error:
                    self._against = copy.copy(error)
                    raise
            return self._engine
