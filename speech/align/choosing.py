"""Which recogniser hears a recording whose language the model does not know: that of the language whose letters cover most of the text."""

from __future__ import annotations

from speech.align.alphabet import Alphabet
from speech.align.text import OldText
from speech.errors import ModelRefused
from speech.models.recogniser import Recogniser


def through_of(recogniser: Recogniser, language: str, text: OldText) -> str:
    """The language to hear through: the text's own where the model has it.

    Else the one with the fewest letters of the text lost, then the fewest mapped to others; of several alike the first by code.

    Raises
    ------
    ModelRefused
        `MODEL_LANGUAGE`: no language of the model can spell half of the text.
    """
    known = recogniser.languages()
    if language in known or not known:
        return language
    words = [word.text for line in text.lines for word in line.words][:5_000]
    ranked = []
    for code in known:
        recogniser.use(code)
        alphabet = Alphabet(recogniser, language, code)
        spelt = sum(len(alphabet.symbols(word)) for word in words)
        lost, mapped = sum(alphabet.lost.values()), sum(alphabet.mapped.values())
        ranked.append((lost / max(1, lost + spelt), mapped / max(1, spelt), code))
    lost_share, _, best = min(ranked)
    if lost_share > 0.5:
        raise ModelRefused(
            f"--language {language}",
            f"no language of {recogniser.name} can spell half of this text",
            "Name a model that can",
            "MODEL_LANGUAGE",
        )
    return best
