"""Adapting: minutes of transcribed speech into a working adapter of a model, on the machine at hand.

    made = speech.adapt("recordings", language="mdw", out="mdw", basis="agreed with the speakers")
    made.card, made.scores.overall.letters

`material` takes what a linguist has and asks the gate, `learner` is what learns of a base, `batches` what it hears, `run` one run,
`minutes` what more speech would bring, `language_model` what its texts bring, `whole` all of it, from a folder to an adapter.
"""

from __future__ import annotations

import sys
from types import ModuleType

from speech.adapt.material import Clip, Material, gather
from speech.adapt.run import Adapted, AdaptSettings, adapt
from speech.adapt.whole import Made, make_adapter

__all__ = ["AdaptSettings", "Adapted", "Clip", "Made", "Material", "adapt", "gather", "make_adapter"]


class _Verb(ModuleType):
    """The room is called as the verb: `speech.adapt(...)` is `make_adapter`, as `speech.load(...)` is a function."""

    __call__ = staticmethod(make_adapter)


sys.modules[__name__].__class__ = _Verb
