"""Which tiers of a file hold the transcription: chosen where names, types and languages make it clear, else asked for.

A tier's own name decides before its linguistic type, both before what it holds. Several tiers are read together where
each is another speaker's; two that lie over each other in time are layers of one speech (a transcription and its
translation, say), of which one can be compared. Where several are left, or none, nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NoReturn

from speech import languages
from speech.errors import Finding, TextRefused
from speech.formats import TierText
from speech.text import normalise
from speech.types import Span, merged

Role = Literal["transcription", "words", "other", "unknown"]


def _of(role: Role, words: str) -> dict[str, Role]:
    return dict.fromkeys(words.split(), role)


_STEMS = {
    **_of("other", "translat traduc traduct ubersetz perevod gloss glosa note nota comment coment komment remark silence silenci pause"),
    **_of("other", "noise ruido bruit gerausch gestur geste phone phono fonem fonet morph morf lemma syllab silab pitch laugh error"),
    **_of("words", "word palabra token worter"),
    **_of("transcription", "transcri transkri utteranc enunciado ausserung phrase frase sentence satz oracion orthogr ortogr speech"),
}
"""How a word in a tier's name begins, in the languages that linguists name tiers in; the first that fits counts."""
_SHORT = {
    **_of("other", "trad trans com ref id ft fe ge gn ps pos upos feats deprel head misc mb mp ipa code ph"),
    **_of("words", "wort mot mots form"),
    **_of("transcription", "tx txt trs text texte texto ortho orth spch"),
}
"""Whole words in names of tiers: the short forms of ELAN's and Toolbox's templates."""
_LANGUAGES = {
    "english": "eng", "ingles": "eng", "anglais": "eng", "spanish": "spa", "espanol": "spa", "castellano": "spa", "french": "fra",
    "francais": "fra", "frances": "fra", "portuguese": "por", "portugues": "por", "german": "deu", "deutsch": "deu",
    "indonesian": "ind", "indonesia": "ind", "russian": "rus", "chinese": "zho", "mandarin": "cmn", "swahili": "swh", "arabic": "arb",
}  # fmt: skip
"""Languages that many tiers of translations are named after."""
_LABELS = 12
"""A tier of at least four times as many annotations that has no more different ones holds labels, not speech."""

_LAYER = 0.8
"""Share of its time that a layer lies over another. In the shared files layers share 0.92 to 1.00, two speakers up to 0.63."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The tiers of a file that are compared, and those with text that are not (of ours, only the words)."""

    used: tuple[TierText, ...]
    left: tuple[TierText, ...] = ()


def named(tiers: Sequence[TierText], asked: str) -> tuple[TierText, ...]:
    """The tiers that a person named: one, or several divided by commas; in any case where no name is written so."""
    whole = _called(tiers, asked)
    parts = [_called(tiers, part.strip()) for part in asked.split(",")]
    return whole or (tuple(t for part in parts for t in part) if all(parts) else ())


def _called(tiers: Sequence[TierText], name: str) -> tuple[TierText, ...]:
    exact = tuple(t for t in tiers if t.name == name)
    return exact or tuple(t for t in tiers if t.name.casefold() == name.casefold())


def choose(tiers: Sequence[TierText], *, language: str, where: str, asked: str | None = None) -> Choice:
    """The tiers to compare.

    Raises
    ------
    TextRefused
        `TEXT_TIER`: several could be meant, or none looks like a transcription, or there is none of the name that was
        `asked`; the tiers are listed.
    """
    if asked is not None:
        if not (used := named(tiers, asked)):
            _refuse(where, f"no tier is called {asked!r}", tiers)
        return _choice(used, tiers)
    filled = [t for t in tiers if t.filled]
    # A language that a tier states decides only where another states the one asked for: `que` may be written `qug`.
    stated = any(t.language == language for t in filled)
    roles = {id(t): "other" if stated and t.language not in ("", language) else role_of(t, language) for t in filled}
    if not filled:
        return Choice(used=tuple(t for t in tiers if t.ours == "segments" or (t.ours is None and t.parent is None)))
    for group in _groups(filled, roles):
        if not group:
            continue
        if layers := _layers(group):
            _refuse(where, f"it is not clear which tier holds the transcription: {_and(layers)} lie over each other in time", tiers)
        return _choice(group, tiers)
    _refuse(where, "no tier looks like a transcription", tiers)


def _groups(filled: Sequence[TierText], roles: dict[int, Role]) -> Iterator[list[TierText]]:
    """What may hold the transcription, the surest first."""
    yield [t for t in filled if t.ours == "segments" and roles[id(t)] != "other"]
    others = [t for t in filled if t.ours is None]
    top = [t for t in others if t.parent is None]
    yield [t for t in top if roles[id(t)] == "transcription"]
    # Templates with references on top (`ref`, below it `tx`) have the text in a tier that hangs on another.
    yield [t for t in others if t.parent is not None and roles[id(t)] == "transcription"]
    yield [t for t in top if roles[id(t)] == "unknown"]
    yield [t for t in top if roles[id(t)] == "words"]


def role_of(tier: TierText, language: str) -> Role:
    """What a tier seems to hold, by content, name and type, in this order."""
    if tier.ours is not None and tier.ours != "segments":
        return "words" if tier.ours == "words" else "other"
    if _labels(tier):
        return "other"
    by_name = _role_by(tier.name, language)
    if by_name == "unknown" and tier.parent is not None and _words_of(tier.name) & set(_LANGUAGES):
        return "other"  # "Spanish" below a transcription
    return by_name if by_name != "unknown" else _role_by(tier.type, language)


def _role_by(name: str, language: str) -> Role:
    """What a name says: that it is something else outweighs that it is a transcription, as in "phrase translation"."""
    found: set[Role] = set()
    for word in _words_of(name):
        if word in _SHORT:
            found.add(_SHORT[word])
        elif stem := next((s for s in _STEMS if word.startswith(s)), ""):
            found.add(_STEMS[stem])
    for role in ("other", "words", "transcription"):
        if role in found:
            return role
    return _role_by_language(_words_of(name), language)


def _role_by_language(words: set[str], language: str) -> Role:
    """A tier named after the language that is compared is its transcription, one after another language is something else."""
    if language == languages.UNDETERMINED:
        return "unknown"
    table = languages.load(language)
    if words & {_plain(n) for n in (table.name, table.autonym, table.code) if n}:
        return "transcription"
    return "other" if any(code != language for word, code in _LANGUAGES.items() if word in words) else "unknown"


def _words_of(name: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", _plain(name)))


def _plain(name: str) -> str:
    """A name in small letters without accents; ß as ss."""
    return "".join(c for c in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(c))


def _labels(tier: TierText) -> bool:
    """Whether its annotations are labels ("silent", "sounding") or numbers, not speech."""
    texts = [text.strip() for _, text in tier.filled]
    if not any(unicodedata.category(c)[0] == "L" for text in texts for c in text):
        return bool(texts)
    counts = Counter(texts)
    return len(counts) <= _LABELS and len(texts) >= 4 * len(counts) and len(texts) >= 20


def _layers(tiers: Sequence[TierText]) -> tuple[TierText, ...]:
    """Tiers of which one lies over the other for most of its time, where they do not name different people."""
    if any(t.ours for t in tiers):
        return ()  # a speaker's segments that overlap stand in two tiers of ours
    found: dict[int, TierText] = {}
    for one, other in combinations(tiers, 2):
        if one.participant and other.participant and one.participant != other.participant:
            continue
        mine, its = merged(s for s, _ in one.filled), merged(s for s, _ in other.filled)
        if _common_ms(mine, its) > _LAYER * min(_total_ms(mine), _total_ms(its)):
            found |= {id(one): one, id(other): other}
    return tuple(found.values())


def _common_ms(one: Sequence[Span], other: Sequence[Span]) -> int:
    return _total_ms(one) + _total_ms(other) - _total_ms(merged([*one, *other]))


def _total_ms(spans: Iterable[Span]) -> int:
    return sum(s.length_ms for s in spans)


def _choice(used: Iterable[TierText], tiers: Sequence[TierText]) -> Choice:
    used = tuple(used)
    return Choice(used=used, left=tuple(t for t in tiers if t.filled and t not in used and t.ours in (None, "segments", "words")))


def _refuse(where: str, what: str, tiers: Sequence[TierText]) -> NoReturn:
    names = [f"{t.name!r} ({len(t.filled):,} texts)" for t in tiers if t.filled]
    listed = ", ".join(names[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "") or "none with text"
    raise TextRefused(
        where, f"{what}. Its tiers: {listed}", "Name the tier with --tier NAME; twice, where each side needs its own", "TEXT_TIER"
    )


def _and(tiers: Sequence[TierText]) -> str:
    names = [repr(t.name) for t in tiers]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def words_that_differ(choice: Choice, tiers: Sequence[TierText], *, language: str, side: str) -> Iterator[Finding]:
    """`TEXT_WORDS`, a finding a tier: segments whose words, in a tier of their own, are not those of their text.

    A word corrected in ELAN's tier of words only would otherwise be taken for uncorrected.
    """
    table = languages.load(language)
    for tier in choice.used:
        below = [t for t in tiers if t.parent == tier.name and role_of(t, language) == "words" and t not in choice.used]
        # Words of ours that overlap in time stand in a second tier; those of others are one tier each.
        sets = [[t for t in below if t.ours], *([t] for t in below if not t.ours)]
        for words in (w for w in sets if w):
            places = [
                span
                for span, text, inside in _with_words(tier, words)
                if inside and _letters(normalise(text, table)) != _letters(normalise(" ".join(inside), table))
            ]
            if places:
                yield _differing(tier, words, places, side)


def _differing(tier: TierText, words: Sequence[TierText], places: Sequence[Span], side: str) -> Finding:
    at = ", ".join(clock(s.start_ms) for s in places[:5]) + (f" and {len(places) - 5:,} more" if len(places) > 5 else "")
    name = words[0].name
    segments = "1 segment" if len(places) == 1 else f"{len(places):,} segments"
    return Finding(
        code="TEXT_WORDS",
        where=side,
        what=f"in {segments} the words of tier {name!r} are not those of the text in tier {tier.name!r}, which is the one read (at {at})",
        mend=f"Correct the text as well, or compare the words with --tier {name!r}",
    )


def _with_words(tier: TierText, words: Sequence[TierText]) -> Iterator[tuple[Span, str, list[str]]]:
    """Each annotation of a tier with the words whose middle lies in it, in order of time."""
    cells = sorted(tier.cells, key=lambda c: c[0])
    inner = sorted((cell for t in words for cell in t.cells), key=lambda c: (c[0].start_ms, c[0].end_ms))
    at = 0
    for span, text in cells:
        inside = []
        while at < len(inner) and (middle := inner[at][0].start_ms + inner[at][0].end_ms) < 2 * span.end_ms:
            if middle >= 2 * span.start_ms:
                inside.append(inner[at][1])
            at += 1
        yield span, text, inside


def _letters(text: str) -> str:
    return "".join(text.split())


def clock(ms: int) -> str:
    """A time as people read it: minutes and seconds, hours where there are any."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
