"""Adapting: minutes of transcribed speech into a working adapter of a model, on the machine at hand.

`material` takes what a linguist has and asks the gate, `learner` is what learns of a base, `batches` what it hears, `run` the whole.
"""

from speech.adapt.material import Clip, Material, gather
from speech.adapt.run import Adapted, AdaptSettings, adapt

__all__ = ["AdaptSettings", "Adapted", "Clip", "Material", "adapt", "gather"]
