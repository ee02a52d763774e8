"""Text as people wrote it: normal forms, graphemes, letter checks, and spelling into model symbols.

Stored text is NFC and otherwise untouched. What is compared or trained goes through `normalise`, which
states what it does; what a model reads and writes goes through `spell` and `compose`.
"""

from speech.text.normalise import RULES, in_capitals, lowered, normalise, outside_alphabet, visible_name
from speech.text.spelling import WORD_BREAK, compose, graphemes, spell, symbols_of

__all__ = [
    "RULES",
    "WORD_BREAK",
    "compose",
    "graphemes",
    "in_capitals",
    "lowered",
    "normalise",
    "outside_alphabet",
    "spell",
    "symbols_of",
    "visible_name",
]
