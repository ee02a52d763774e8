"""Training: the loop with its checkpoints, batches made ahead, rows filled with clips, the loss, augmentation, and what is left at the end.

What is trained, on what and why stays with the caller: a recipe, or `speech adapt`.
"""

from speech.models.training.loop import Evaluation, Loop, LoopSettings, Step

__all__ = ["Evaluation", "Loop", "LoopSettings", "Step"]
