"""Adapting: minutes of transcribed speech into a working adapter of a model, on the machine at hand.

`material` takes what a linguist has and asks the gate, `learner` is what learns of a base, `batches` what it hears, `run` one run,
`whole` all of it, from a folder to an adapter.
"""

from speech.adapt.material import Clip, Material, gather
from speech.adapt.run import Adapted, AdaptSettings, adapt
from speech.adapt.whole import Made, make_adapter

__all__ = ["AdaptSettings", "Adapted", "Clip", "Made", "Material", "adapt", "gather", "make_adapter"]
