"""From what `--voice` names to a voice, and which languages have which voices on this machine. A new engine has its line here."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from speech import languages
from speech.errors import ModelRefused, Refusal, UsageFailure
from speech.files import shown
from speech.models import hub
from speech.say.records import Voice, VoiceEntry

ESPEAK, MMS = "espeak", "mms"


def load(name: str, language: str, *, borrow: str | None = None, card: Path | None = None) -> Voice:
    """The voice of a name for texts of `language`: `espeak`, `mms`, or a VITS checkpoint by its folder or repository.

    `borrow` is the language whose voice is taken, where the text's own has none; `card` a consent card that lies elsewhere.

    Raises
    ------
    ModelRefused
        `VOICE_NONE`: this engine has no voice for the language; those that may be borrowed are named. `LANGUAGE_CODE`, and what the
        engine raises: `MODEL_NOT_HERE`, `MODEL_CONFIG`, ...
    UsageFailure
        `VOICE_OPTION`: `card` or `borrow`, which this voice has no use for.
    """
    languages.check_code(language)
    speaks = languages.check_code(borrow, f"--as {borrow}") if borrow else language
    if borrow and name not in (ESPEAK, MMS):
        raise UsageFailure(
            f"--as {borrow}", f"{shown(name)} is one voice, so there is none of another language to borrow",
            "Leave --as out: the text is said by this voice; --letters nearest says the nearest letters", "VOICE_OPTION",
        )  # fmt: skip
    if name == ESPEAK:
        if card is not None:
            raise UsageFailure(
                f"--card {shown(card)}", "eSpeak NG speaks with no person's voice, so no card is asked", "Leave --card out", "VOICE_OPTION"
            )
        from speech.say.espeak import VOICES, EspeakVoice

        if speaks[:3] not in VOICES:
            raise _none(speaks, f"--as {speaks}" if borrow else f"--language {speaks}")
        return EspeakVoice(speaks[:3], reads=language[:3])
    from speech.say import vits

    return vits.load(vits.MMS.format(speaks) if name == MMS else name, language, card=card)


def _none(language: str, where: str) -> ModelRefused:
    near = near_voices(language)
    return ModelRefused(
        where,
        f"eSpeak NG has no voice for {languages.named(language)}",
        f"Borrow a near one: --as {near[0] if near else 'swh'}" + (f" (or {', '.join(near[1:])})" if near[1:] else "")
        + ", whose letters are then told; or name a voice of its own: --voice mms, --voice FOLDER",
        "VOICE_NONE",
    )  # fmt: skip


_NEAR = {
    "yor": ("swh",),
    "kin": ("swh", "tsn"),
    "mlg": ("msa", "ind"),
    "bre": ("cym", "fra"),
    "quy": ("que",),
    "mdw": ("swh",),
    "sxb": ("swh",),
}
"""Languages without a voice of eSpeak NG, and voices of kindred languages or letters."""


def near_voices(language: str) -> tuple[str, ...]:
    """Languages whose eSpeak voice may be borrowed: kindred ones where we know some, else those of the same script."""
    from speech.say.espeak import VOICES

    if language[:3] in _NEAR:
        return _NEAR[language[:3]]
    script = languages.load(language).script if languages.is_code(language) else ""
    return (
        tuple(c for c in ("swh", "que") if script in ("", "Latn"))
        or tuple(c for c in VOICES if script and languages.load(c).script == script)[:3]
    )


def voices(language: str | None = None) -> tuple[VoiceEntry, ...]:
    """The voices on this machine, of one language or of all.

    eSpeak NG where it is installed, VITS checkpoints in the user's folder of models and in the hub's cache; opens no connection.
    A checkpoint that cannot be opened is left out: `load` says why.

    Raises
    ------
    ModelRefused
        `LANGUAGE_CODE`: this is no code of a language.
    """
    if language is not None:
        languages.check_code(language)
    found: list[VoiceEntry] = []
    if importlib.util.find_spec("espeakng_loader") is not None:
        from speech.say.espeak import VOICES, EspeakVoice

        for code in sorted(VOICES):
            if language in (None, code):
                found.append(VoiceEntry(language=code, voice=ESPEAK, facts=EspeakVoice(code).facts, needs_card=False))
    return (*found, *_checkpoints(language))


def _checkpoints(language: str | None) -> list[VoiceEntry]:
    from speech.collections import consent
    from speech.say import vits
    from speech.say.cards import SCOPE

    kept = sorted(p for p in hub.user_folder().glob("*") if (p / "config.json").is_file()) if hub.user_folder().is_dir() else []
    named = {**{str(p): p for p in kept}, **{name: folder for name, folder in hub.snapshots().items()}}
    found = []
    for name, folder in named.items():
        if not vits.is_vits(folder):
            continue
        try:
            voice = vits.load(name, language or "und")
        except Refusal:
            continue
        decision = consent.answer({SCOPE}, voice.item, context=consent.Context(basis=consent.OWN_USE))
        if language in (None, voice.facts.language):
            found.append(VoiceEntry(language=voice.facts.language, voice=name, facts=voice.facts, needs_card=not decision.allowed))
    return found
