"""A text, spoken: checked, asked of the gate, said sentence by sentence, into memory or a file that is there whole or not at all."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import numpy as np

from speech import languages
from speech.collections import consent, ledger
from speech.collections.events import Entity, Event
from speech.errors import ConsentRefused, Finding, ModelRefused, SpeechError, StoreFailure, TextRefused, UsageFailure
from speech.say import engines, marks
from speech.say.cards import SCOPE
from speech.say.letters import unsaid_in
from speech.say.records import Checked, Letters, Progress, Replaced, Samples, Settings, Spoken, Unsaid, Voice
from speech.say.sentences import sentences
from speech.text import decode
from speech.text.normalise import visible_name
from speech.text.spoken import changes

SPEEDS = (0.5, 2.0)
_MINUS = re.compile(r"(?<![\w-])-(?=\d)")
"""A hyphen that is written for a minus: as a hyphen it would be taken for a pause, and nobody would be told."""


class Stopped(Exception):
    """Whoever asked for the speech does not want it any more; nothing was written."""


def check(
    text: str, *, language: str, voice: str | Voice = engines.ESPEAK, borrow: str | None = None, settings: Settings | None = None,
    card: Path | None = None,
) -> Checked:  # fmt: skip
    """What a voice will say of `text`, and what it cannot say, with places; makes no sound.

    Raises
    ------
    TextRefused
        `TEXT_EMPTY`: there is nothing in it that could be said. `TEXT_CONTROL`, `TEXT_SURROGATE`: a sign that no text holds.
    UsageFailure
        `VOICE_SPEED`; `VOICE_LETTERS`: there is no such setting. `VOICE_OPTION`: the voice has no use for `borrow` or `card`.
    ModelRefused
        `VOICE_SPEAKER`: the voice has no such speaker. Else as `engines.load`.
    """
    speaker = engines.load(voice, language, borrow=borrow, card=card) if isinstance(voice, str) else voice
    return _checked(text, language, speaker, settings or Settings())


def _checked(text: str, language: str, voice: Voice, settings: Settings) -> Checked:
    if not SPEEDS[0] <= settings.speed <= SPEEDS[1]:
        raise UsageFailure(f"--speed {settings.speed}", "this is no speed that can be followed", "Choose one from 0.5 to 2", "VOICE_SPEED")
    if settings.letters not in get_args(Letters):  # a slip in the name would leave letters out
        raise UsageFailure(
            f"letters {settings.letters!r}", "there is no such setting", f"Choose {', '.join(get_args(Letters))}", "VOICE_LETTERS"
        )
    _require_speaker(voice, settings)
    decode.check(text, "the text")  # eSpeak NG ends at a NUL, and what stands behind it would go unsaid
    if not any(unicodedata.category(sign)[0] in "LNS" for sign in text):
        raise TextRefused("the text", "there is nothing in it that could be said", "Give some words", "TEXT_EMPTY")
    table = languages.load(language)
    said, places, replaced = _spelt_out(_MINUS.sub("−", text), table)
    unsaid = tuple(
        Unsaid(letter=u.letter, name=u.name, places=tuple(places[p] for p in u.places), nearest=u.nearest)
        for u in unsaid_in(said, voice, table)
    )
    if settings.letters == "refuse" and unsaid or settings.letters == "nearest" and any(u.nearest is None for u in unsaid):
        return Checked(text=text, spoken="", unsaid=unsaid, replaced=replaced, sentences=(), voice=voice.facts)
    spoken = _with_nearest(said, voice, table)
    return Checked(
        text=text, spoken=spoken, unsaid=unsaid, replaced=replaced, sentences=sentences(spoken, settings.speed), voice=voice.facts
    )


def _require_speaker(voice: Voice, settings: Settings) -> None:
    held = voice.speakers
    if settings.speaker is None or 0 <= settings.speaker < held:
        return
    have, mend = ("one speaker", "Leave --speaker out") if held == 1 else (f"{held} speakers", f"Choose one from 0 to {held - 1}")
    raise ModelRefused(voice.facts.name, f"it has {have}, and no speaker {settings.speaker} (the first is 0)", mend, "VOICE_SPEAKER")


def _spelt_out(text: str, table: languages.Language) -> tuple[str, list[int], tuple[Replaced, ...]]:
    """`text` with numbers, abbreviations and signs in words, and for each place in it the place in the text as given."""
    parts: list[str] = []
    places: list[int] = []
    at = 0
    done = changes(text, table)
    for change in done:
        parts.append(text[at : change.start])
        places.extend(range(at, change.start))
        # Words of their own, whatever they touched: 5% is two words.
        before = " " if change.start and not text[change.start - 1].isspace() else ""
        after = " " if change.end < len(text) and text[change.end].isalnum() else ""
        words = before + change.spoken + after
        parts.append(words)
        places.extend([change.start] * len(words))
        at = change.end
    parts.append(text[at:])
    places.extend(range(at, len(text)))
    replaced = tuple(Replaced(start=c.start, end=c.end, was=c.was, spoken=c.spoken, why=c.why) for c in done)
    return "".join(parts), [*places, len(text)], replaced


def _with_nearest(text: str, voice: Voice, table: languages.Language) -> str:
    """`text` with the nearest letter in the place of each that the voice cannot say; one without any is left out."""
    pieces: list[str] = []
    at = 0
    swaps = sorted((place, u) for u in unsaid_in(text, voice, table) for place in u.places)
    for place, unsaid in swaps:
        pieces.append(text[at:place])
        written = text[place : place + len(unsaid.letter)]
        length = len(unsaid.letter) if unicodedata.normalize("NFC", written.lower()) == unsaid.letter.lower() else _length(text, place)
        pieces.append(unsaid.nearest or "")
        at = place + length
    return "".join([*pieces, text[at:]])


def _length(text: str, place: int) -> int:
    """Signs of the letter that begins at a place, as it is written there (taken apart, it may have more than in NFC)."""
    from speech.text.spelling import graphemes

    return len(graphemes(text[place:])[0])


def say(
    text: str,
    *,
    language: str,
    voice: str | Voice = engines.ESPEAK,
    borrow: str | None = None,
    out: Path | None = None,
    settings: Settings | None = None,
    card: Path | None = None,
    context: consent.Context | None = None,
    force: bool = False,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> Spoken:
    """Speak `text`: into a file (`out`, by its suffix WAV, FLAC, Opus or MP3), else into memory.

    Asked first: the letters, then the gate (`synthesise_voice`). The same text, voice and settings give the same sound. A file says
    in its own metadata that it is synthetic, with voice and origin.

    Parameters
    ----------
    voice : a name as `engines.load` takes it, or a voice
    borrow : the language whose voice is taken, where the text's own has none
    context : who asks, what for; by default research, with no basis stated
    force : whether another file at `out` is replaced
    progress : called with sentences done, of how many
    stop : asked between sentences; True ends it with `Stopped`, and nothing is written

    Raises
    ------
    TextRefused
        `VOICE_LETTERS`: letters that the voice cannot say, with places and the nearest it can; `TEXT_EMPTY`.
    ConsentRefused
        The gate refuses this voice.
    ModelRefused, FormatRefused, UsageFailure, DiskFailure
    """
    from speech.audio.writing import check_target, write_sound

    settings, context = settings or Settings(), context or consent.Context()
    speaker = engines.load(voice, language, borrow=borrow, card=card) if isinstance(voice, str) else voice
    checked = _checked(text, language, speaker, settings)
    tags = marks.tags_of(checked, settings, language)
    if out is not None:
        # The same again is no fault: whether it is, is only known when it is made.
        check_target(out, force=force or marks.has(out, tags))
    if checked.refused:
        raise refusal(checked, settings)
    decision = _allowed(speaker, context)
    said = _Said(speaker, checked, settings, progress, stop)
    if out is None:
        samples = np.concatenate(list(said.pieces())) if checked.sentences else np.zeros(0, np.float32)
    else:
        write_sound(out, said.pieces(), speaker.sample_rate, tags, force=force)
        samples = np.zeros(0, np.float32)
    return Spoken(
        samples=samples, sample_rate=speaker.sample_rate, duration_ms=round(1000 * said.samples / speaker.sample_rate),
        sha256=said.digest.hexdigest(), voice=speaker.facts, checked=checked, settings=settings, output=out,
        findings=_recorded(speaker, out, decision, context, round(1000 * said.samples / speaker.sample_rate)), decision=decision,
    )  # fmt: skip


def refusal(checked: Checked, settings: Settings) -> TextRefused:
    """What to say of a text whose letters forbid it: each letter with its places, and the nearest."""
    shown_letters = checked.unsaid[:20]
    listed = "; ".join(_told(u) for u in shown_letters)
    more = f"; and {len(checked.unsaid) - 20} letters more" if len(checked.unsaid) > 20 else ""
    what = f"{checked.voice.name} cannot say {len(checked.unsaid)} of its letters: {listed}{more}"
    other = "write them otherwise, or choose a voice of the language"
    if settings.letters == "leave-out":
        what, mend = f"{what}. Without them nothing is left to say", other[0].upper() + other[1:]
    elif any(u.nearest is None for u in checked.unsaid):
        mend = f"Leave those without a nearest letter out with --letters leave-out, {other}"
    else:
        mend = f"Say the nearest with --letters nearest, {other}"
    return TextRefused("the text", what, mend, "VOICE_LETTERS")


def _told(unsaid: Unsaid) -> str:
    name = visible_name(unsaid.letter) if len(unsaid.letter) == 1 else f"{unsaid.letter!r} {unsaid.name}"
    at = ", ".join(str(p + 1) for p in unsaid.places[:5]) + (f" and {len(unsaid.places) - 5} more" if len(unsaid.places) > 5 else "")
    near = "no near letter" if unsaid.nearest is None else f"nearest {unsaid.nearest!r}" if unsaid.nearest else "best left out"
    return f"{name} at {at} ({near})"


def _allowed(voice: Voice, context: consent.Context) -> consent.Decision:
    """The gate's answer for this voice; a refusal gets its row in the ledger."""
    from speech.say.cards import mend

    try:
        return consent.require({SCOPE}, voice.item, context=context)
    except ConsentRefused as refused:
        if refused.code == "NO_CARD" and voice.item.path is not None:
            refused.mend = mend(voice.item.id, voice.item.path.parent)
            refused.args = (f"{refused.where}: {refused.what}. {refused.mend}.",)
        try:
            _append(voice, None, refused, context, None)
        except StoreFailure as failure:
            refused.add_note(str(failure))
        raise


class _Said:
    """The sound of a text, made piece by piece as it is asked for; counts and hashes what went through."""

    def __init__(
        self, voice: Voice, checked: Checked, settings: Settings, progress: Progress | None, stop: Callable[[], bool] | None
    ) -> None:
        self.samples = 0
        self.digest = hashlib.sha256()
        self._voice, self._checked, self._settings, self._progress, self._stop = voice, checked, settings, progress, stop

    def pieces(self) -> Iterator[Samples]:
        """Sentence, silence, sentence, and so on."""
        of = len(self._checked.sentences)
        for number, sentence in enumerate(self._checked.sentences):
            if self._stop is not None and self._stop():
                raise Stopped
            sound = np.clip(self._voice.say(sentence.text, self._settings, number=number), -1.0, 1.0).astype(np.float32)
            pause = np.zeros(self._voice.sample_rate * sentence.pause_ms // 1000, np.float32)
            for piece in (sound, pause):
                self.samples += len(piece)
                self.digest.update(np.round(piece * 32767).astype("<i2").tobytes())
                yield piece
            if self._progress is not None:
                self._progress(number + 1, of)


def _recorded(voice: Voice, out: Path | None, decision: consent.Decision, context: consent.Context, ms: int) -> tuple[Finding, ...]:
    """The ledger's row; a finding where this machine has no place for a ledger."""
    try:
        _append(voice, out, decision, context, ms)
    except StoreFailure as failure:
        if failure.code != "STORE_PLACE":
            raise
        return (
            Finding(code=failure.code, where=failure.where, what=f"no row was written to the ledger: {failure.what}", mend=failure.mend),
        )
    return ()


def _append(voice: Voice, out: Path | None, outcome: consent.Decision | ConsentRefused, context: consent.Context, ms: int | None) -> None:
    refused = isinstance(outcome, SpeechError)
    ledger.append(
        Event(
            type="synthesise",
            used=() if refused else (Entity(kind="voice", sha256=voice.facts.sha256, people=_codes(voice)),),
            made=(Entity.of(out, "synthetic_audio", root=out.parent),) if out is not None and not refused else (),
            outcome="refused" if refused else "success",
            gate=consent.gate_of(outcome),
            collection="" if isinstance(outcome, ConsentRefused) else outcome.collection,
            purpose=context.purpose,
            audio_ms=ms,
            fault=outcome.code if isinstance(outcome, ConsentRefused) else "",
        )
    )


def _codes(voice: Voice) -> tuple[str, ...]:
    from speech.collections.events import PERSON

    return tuple(code for code in voice.item.speakers if PERSON.fullmatch(code))
