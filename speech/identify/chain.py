"""Languages of the turns of a conversation, told together: who has spoken a language goes on in it more often than not.

Each speaker's turns are the states of a chain; what was heard in a turn is its evidence, and the likeliest language of each
turn is that of the whole chain (forward-backward: Rabiner 1989, A tutorial on hidden Markov models). So a turn too short
to tell takes the language of those beside it, and a single turn is not called a change on weak evidence. How much each language
is spoken in the recording is drawn from its turns, in a few rounds: one that is hardly spoken at all is believed less easily.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.errors import ModelRefused
from speech.identify.records import Candidate, Identifier
from speech.identify.turns import Evidence
from speech.languages import named

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSettings:
    """How turns hang together; tried by hand on the tuning sessions of `recipes/score_sessions.py --tune`.

    `stays` is the chance that a speaker's next turn goes on in the language of the one before, else it may be in any as much as that
    is spoken; `stays_unknown` is the same where it is not known who speaks. `least` is the chance that is left to a language however
    little speaks for it: what tells languages is surer than it should be where the sound differs from what it learnt.
    """

    stays: float = 0.8
    stays_unknown: float = 0.7
    least: float = 0.003
    rounds: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Languages:
    """The languages that may be spoken: those of a list, or `any_known` of the identifier's and none of them."""

    codes: tuple[str, ...] = ()
    any_known: bool = False

    def of(self, identifier: Identifier) -> Columns:
        """How they are read off the identifier's probabilities.

        Raises
        ------
        ModelRefused
            `MODEL_LANGUAGE`: it knows two or more of the list's languages not, and cannot tell these from one another.
        """
        known = list(identifier.languages)
        if self.any_known:
            return Columns(languages=(*known, None), places=tuple(range(len(known) + 1)))
        unknown = [code for code in self.codes if code not in known]
        if len(unknown) > 1:
            raise ModelRefused(
                f"--language {','.join(self.codes)}",
                f"{identifier.name} cannot tell {' from '.join(unknown)}; it knows {', '.join(map(named, known[:20]))}",
                "Name at most one language that it does not know: it takes what is none of the others for that one",
                "MODEL_LANGUAGE",
            )
        return Columns(languages=self.codes, places=tuple(known.index(code) if code in known else -1 for code in self.codes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Languages that a turn may have, None for none that is known, and the place of each in an identifier's probabilities.

    The place -1 is that of the one language which the identifier does not know: it has what is left by the others.
    """

    languages: tuple[str | None, ...]
    places: tuple[int, ...]

    def read(self, probabilities: Floats) -> tuple[Floats, float]:
        """The share of each language (languages,), which sum to 1, and the probability of all that is on no list."""
        named = [place for place in self.places if place >= 0]
        rest = max(0.0, 1.0 - float(probabilities[named].sum()))
        found = np.array([probabilities[place] if place >= 0 else rest for place in self.places], np.float64)
        outside = 0.0 if -1 in self.places else rest
        return found / max(float(found.sum()), 1e-12), outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The language of a turn and its probability among those asked for; None for none that is known.

    `outside` is the probability of a language that was not asked for, by the turn's own speech; `speech_ms` is how much was
    heard, `heard` whether that was enough to tell by itself. Where nobody said enough, `probability` is 0.
    """

    language: str | None
    probability: float
    candidates: tuple[Candidate, ...] = ()
    outside: float = 0.0
    speech_ms: int = 0
    heard: bool = True


def languages_of(
    speakers: Sequence[str | None], evidence: Sequence[Evidence], identifier: Identifier, columns: Columns, settings: ChainSettings
) -> list[Told]:
    """The language of each turn. Pure but for the identifier's own arithmetic.

    `speakers` and `evidence` are by turn, in order of time; a speaker None is not known. Who said too little to tell has the
    languages of the others; where nobody said enough, no turn has a language.
    """
    count = len(columns.languages)
    shares, outside = np.full((len(evidence), count), 1.0 / count), [0.0] * len(evidence)
    lengths = [sum(own) for _, own in evidence]
    for n, (weights, own) in enumerate(evidence):
        if lengths[n] >= identifier.least_ms:
            shares[n], outside[n] = columns.read(identifier.probabilities(weights, own))
    enough = np.array([length >= identifier.least_ms for length in lengths], np.bool_)
    if not enough.any():
        return [Told(language=None, probability=0.0, speech_ms=length, heard=False) for length in lengths]
    others = np.average(shares[enough], axis=0, weights=np.asarray(lengths, np.float64)[enough])
    own = np.maximum(shares, settings.least)
    rows_by_speaker = {speaker: [n for n, other in enumerate(speakers) if other == speaker] for speaker in dict.fromkeys(speakers)}
    for rows in rows_by_speaker.values():
        if not enough[rows].any():
            own[rows] = others
    found, spoken = own, np.full(count, 1.0 / count)
    for _ in range(settings.rounds):
        found = np.zeros_like(own)
        for speaker, rows in rows_by_speaker.items():
            found[rows] = together(own[rows], settings.stays if speaker else settings.stays_unknown, spoken)
        total = np.asarray(lengths, np.float64)[enough] @ found[enough]
        # As if a turn had been in each language alike: what was not heard yet can still come.
        spoken = total + total.sum() / enough.sum() / count
        spoken = spoken / spoken.sum()
    told = []
    for n, row in enumerate(found):
        order = np.argsort(-row, kind="stable")
        candidates = tuple(Candidate(language=columns.languages[k], probability=round(float(row[k]), 4)) for k in order[:5])
        told.append(
            Told(
                language=candidates[0].language, probability=candidates[0].probability, candidates=candidates, outside=outside[n],
                speech_ms=lengths[n], heard=lengths[n] >= identifier.least_ms,
            )
        )  # fmt: skip
    return told


def together(shares: Floats, stays: float, spoken: Floats) -> Floats:
    """Probabilities (turns, languages) of each turn's language given all turns; `shares` (turns, languages) are each turn's own.

    From one turn to the next a language stays with the chance `stays`; else it is drawn anew by how much each is `spoken` (languages,).
    """
    turns, count = shares.shape
    if count == 1 or not turns:
        return np.ones_like(shares)
    change = stays * np.eye(count) + (1 - stays) * spoken
    forward, backward = np.empty_like(shares), np.ones_like(shares)
    before = spoken
    for n in range(turns):
        before = before * shares[n]
        before = forward[n] = before / before.sum()
        before = before @ change
    for n in range(turns - 2, -1, -1):
        after = change @ (shares[n + 1] * backward[n + 1])
        backward[n] = after / after.sum()
    both = forward * backward
    return np.asarray(both / both.sum(axis=1, keepdims=True))
