"""What is asked of the verb beside the words: who speaks, and in which language; and what that makes a result depend on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from speech import diarise, identify
from speech.collections.accounts import now, software
from speech.collections.acts import TRANSCRIBE, Verb
from speech.diarise.engines import EMBEDDED, model_sha256
from speech.diarise.gate import DIARISE
from speech.diarise.records import Diariser, SpeakerCount
from speech.diarise.runs import speaker_count
from speech.errors import UsageFailure
from speech.files import shown
from speech.identify.chain import Languages
from speech.identify.records import Identifier
from speech.languages import UNDETERMINED, check_code
from speech.models.recogniser import LoadSettings, Recogniser
from speech.transcribe.turns import Ears
from speech.types import Act

ANY = "auto"
"""What `--language` and `--speakers` say for "find out"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which language is spoken, and who.

    `language` is one code; several, as "swh,yor"; "auto" for any that is known; empty where passages say it. `speakers` is their number as
    far as it is known, None where nobody asks; `per_speaker`: each channel is one. `diariser` and `identifier` are loaded where
    they are needed; the embedded ones, where none is given.
    """

    language: str = ""
    speakers: SpeakerCount | None = None
    per_speaker: bool = False
    diariser: Diariser | diarise.Later | None = None
    identifier: Identifier | identify.Later | None = None

    @property
    def several(self) -> Languages | None:
        """The languages among which each turn's is told; None where one is given."""
        return languages_of(self.language)

    @property
    def by_speakers(self) -> bool:
        """Whether somebody asks who speaks."""
        return self.speakers is not None or self.per_speaker

    @property
    def turns(self) -> bool:
        """Whether turns are told apart, by speaker or by language."""
        return self.by_speakers or self.several is not None

    @property
    def verb(self) -> Verb:
        """The verb with the scopes that the gate is asked for."""
        scopes = set(TRANSCRIBE.scopes)
        scopes |= DIARISE.scopes if self.by_speakers else set()
        scopes |= identify.IDENTIFY.scopes if self.several else set()
        return Verb(TRANSCRIBE.event, frozenset(scopes), TRANSCRIBE.item_of)

    def once(self) -> Asked:
        """The same with engines that are loaded once, for several recordings."""
        return dataclasses.replace(
            self, diariser=self.diariser or diarise.Later(EMBEDDED), identifier=self.identifier or identify.Later("mini", LoadSettings())
        )

    def check(self, where: str) -> None:
        """Refuse what cannot be.

        Raises
        ------
        UsageFailure
            `SPEAKERS`: a number of speakers for channels that are one speaker each.
        """
        if self.per_speaker and self.speakers not in (None, SpeakerCount()):
            raise UsageFailure(
                where, "each channel is one speaker, so their number is known", "Leave out the number of speakers", "SPEAKERS"
            )

    def ears(self, recogniser: Recogniser | None) -> Ears:
        """The engines, loaded; none where nobody asks.

        Raises
        ------
        ModelRefused
            An engine cannot be loaded; `MODEL_LANGUAGE`: the identifier cannot tell several of the languages from one another.
        """
        several = self.several
        engine = self._diariser() if self.speakers is not None and not self.per_speaker else None
        identifier = self._identifier() if several else None
        return Ears(
            diariser=engine,
            count=self.speakers,
            per_speaker=self.per_speaker,
            identifier=identifier,
            columns=several.of(identifier) if several and identifier else None,
            hears=frozenset(recogniser.languages() if recogniser else ()) if several and several.any_known else None,
        )

    def facts(self, ears: Ears) -> dict[str, Any]:
        """What the result depends on beside the settings; empty where nobody asks."""
        if not self.turns:
            return {}
        return {
            "language": self.language,
            "speakers": [self.speakers.least, self.speakers.most] if self.speakers else None,
            "diariser": [ears.diariser.name, model_sha256(ears.diariser)] if ears.diariser else None,
            "identifier": [ears.identifier.name, ears.identifier.base_sha256, ears.identifier.sha256] if ears.identifier else None,
        }

    def acts(self, ears: Ears, settings_sha256: str) -> tuple[Act, ...]:
        """What told turns and languages, as a transcript's provenance has it."""
        found = []
        if self.by_speakers:
            engine = ears.diariser
            found.append(
                Act(
                    activity="diarise", agent=software(), model=engine.name if engine else "channels",
                    base_sha256=model_sha256(engine) if engine else "", settings_sha256=settings_sha256, at=now(),
                )
            )  # fmt: skip
        if ears.identifier is not None:
            told_by = ears.identifier
            found.append(
                Act(
                    activity="identify_language", agent=software(), model=told_by.name, base_sha256=told_by.base_sha256,
                    adapter_sha256=told_by.sha256, settings_sha256=settings_sha256, at=now(), calibration=told_by.calibration,
                )
            )  # fmt: skip
        return tuple(found)

    def _diariser(self) -> Diariser:
        engine = self.once().diariser
        assert engine is not None  # `once` gives one
        return engine() if isinstance(engine, diarise.Later) else engine

    def _identifier(self) -> Identifier:
        engine = self.once().identifier
        assert engine is not None  # `once` gives one
        return engine() if isinstance(engine, identify.Later) else engine


def languages_of(text: str) -> Languages | None:
    """Several languages that may be spoken, from "auto" or codes with commas; None where it is one code, or nothing.

    Raises
    ------
    ModelRefused
        `LANGUAGE_CODE`: a code has not the form of one.
    UsageFailure
        `LANGUAGE_MISSING`: a comma without codes; `und`, which is no language, among several.
    """
    if text == ANY:
        return Languages(any_known=True)
    if "," not in text:
        return None
    codes = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    if not codes or UNDETERMINED in codes:
        raise UsageFailure(f"--language {shown(text)}", "no languages are named", "For example --language swh,yor", "LANGUAGE_MISSING")
    for code in codes:
        check_code(code)
    return Languages(codes=codes) if len(codes) > 1 else None


def speakers_of(text: str | None) -> SpeakerCount | None:
    """How many people speak, from "auto", "3", "2-4"; None where nobody asks: None or "off".

    Raises
    ------
    UsageFailure
        `SPEAKERS`: it is none of these.
    """
    if text is None or text == "off":
        return None
    return SpeakerCount() if text == ANY else speaker_count(text)


def codes_of(asked: Asked, passages: Sequence[str] = ()) -> tuple[str, ...]:
    """The languages that are named: those of passages, of a list, or the one; none for "auto"."""
    several = asked.several
    return tuple(dict.fromkeys(passages)) or (several.codes if several else (_one(asked.language),))


def _one(text: str) -> str:
    return text.replace(",", "").strip() or UNDETERMINED
