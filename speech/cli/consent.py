"""`speech consent`: what was agreed about recordings, asked in plain words and written down; withdrawn; shown."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from speech.cli.options import PURPOSES, told
from speech.cli.streams import Streams
from speech.collections.answers import HOLDERS
from speech.errors import PathRefused, UsageFailure
from speech.files import is_folder, shown

SCOPES_ASKED = {
    "LOCAL": "listen to it, transcribe and correct it, on a machine of the holder",
    "TRAIN": "train a recogniser of speech with it",
    "LEAVE": "let texts or sound of it leave the machine",
    "PUBLISH": "publish texts, sound, or models made of it",
}
VOICES_ASKED = {
    "voiceprint": "recognise this voice in other recordings",
    "train_tts": "make a synthetic voice learn from it",
    "synthesise_voice": "let a machine speak with this voice",
}
HOW = {
    "written": "each on paper, or in a message",
    "oral_recorded": "each by word of mouth, recorded",
    "community_protocol": "by the community as a whole (an assembly, a council): it stands for all its speakers",
    "public_licence": "by a public licence that the recordings carry",
}
ASKED = ("title", "languages", "holder", "kind", "source", "how", "allow", "purposes", "given_on", "evidence", "licence")
"""What is asked for a new card where no option gives it."""


@click.group("consent", short_help="What was agreed about recordings: recorded, withdrawn, shown.")
def command() -> None:
    """What the people recorded agreed to, in cards beside the recordings. Every command asks these cards first."""


@command.command("record")
@click.argument("where", type=click.Path(path_type=Path))
@click.option("--person", metavar="CODE", help="Record what this person said, such as STORY-01; else the holder of the recordings.")
@click.option("--title", help="What the collection is called.")
@click.option("--language", "-l", "languages", multiple=True, metavar="CODE", help="Language of the recordings; may be repeated.")
@click.option("--holder", help="Who holds the recordings and answers for them.")
@click.option("--kind", type=click.Choice(HOLDERS), help="What the holder is.")
@click.option("--source", help="Where the recordings come from.")
@click.option("--licence", help="Licence they carry, such as cc-by-4.0; archive_terms where only these records speak.")
@click.option("--how", type=click.Choice(tuple(HOW)), help="How it was agreed.")
@click.option("--allow", metavar="SCOPE,SCOPE", help=f"What may be done: {', '.join(SCOPES_ASKED)}, or single scopes.")
@click.option("--for", "purposes", metavar="WHAT,WHAT", help=f"For what: {', '.join(PURPOSES)}.")
@click.option("--on", "given_on", type=click.DateTime(["%Y-%m-%d"]), help="The day on which it was agreed.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The first day on which it no longer holds.")
@click.option("--evidence", help="Where it can be looked up: form, minutes, recording, page of the licence.")
@click.option("--recorded-by", default="linguist", show_default=True, help="Your role; no name.")
@told
def record(where: Path, as_json: bool, debug: bool, **given: Any) -> int:
    """Ask what was agreed about the recordings in WHERE (a folder or its card), and write it into the card.

    \b
    speech consent record recordings
    speech consent record recordings --person STORY-01
    What is given as an option is not asked for.
    """
    from speech.collections import asking

    ask, person = Asked(given), str(given["person"] or "")
    card = _card_of(where)
    if person:
        asking.person_card(card, person)  # a code that is none is refused before anything is asked
        [made] = asking.record(card, ask.answer(person=True), people=[person])
    elif card.exists():
        [made] = asking.record(card, ask.answer(person=False))
    else:
        described, answer = ask.collection(card.parent)
        [made] = asking.record(card, answer, collection=described)
    if as_json:
        Streams.json(
            {"path": shown(made.path), "ok": True, "record": made.records[0], "scopes": list(made.scopes), "decision": made.decision,
             "taken_back": list(made.taken_back)}
        )  # fmt: skip
        return 0
    Streams.result(f"{shown(made.path)}: record {made.records[0]} written ({', '.join(made.scopes)} {made.decision})")
    if made.taken_back:
        Streams.result(f"  no longer allowed: {', '.join(made.taken_back)} (record {made.records[1]})")
    if made.outdone:
        Streams.note(f"  Another answer, later or stricter on the same day, goes on to count for: {', '.join(made.outdone)}")
    if not person:
        _say_who_is_missing(made.path)
    return 0


@command.command("withdraw")
@click.argument("where", type=click.Path(path_type=Path))
@click.option("--person", metavar="CODE", help="This person withdraws; else the holder of the recordings.")
@click.option("--scopes", default="ALL", show_default=True, metavar="SCOPE,SCOPE", help="What is withdrawn.")
@click.option("--recorded-by", default="linguist", show_default=True, help="Your role; no name.")
@told
def withdraw(where: Path, person: str | None, scopes: str, recorded_by: str, as_json: bool, debug: bool) -> int:
    """Record that consent was taken back: from now on every command refuses these recordings, and results that name them."""
    from speech.collections import asking

    made = asking.withdraw(_card_of(where), person=person or "", scopes=_names(scopes), recorded_by=recorded_by)
    if as_json:
        Streams.json(
            {"path": shown(made.path), "ok": True, "record": made.records[0], "scopes": list(made.scopes), "decision": made.decision}
        )  # fmt: skip
    else:
        Streams.result(f"{shown(made.path)}: {', '.join(made.scopes)} withdrawn (record {made.records[0]}). Commands refuse from now on.")
        Streams.note("  Transcripts and models made before are still there: their files are yours to delete.")
    return 0


@command.command("show")
@click.argument("where", type=click.Path(path_type=Path))
@click.option("--purpose", type=click.Choice(PURPOSES), default="research", show_default=True)
@told
def show(where: Path, purpose: str, as_json: bool, debug: bool) -> int:
    """What may be done with recordings, scope by scope, and why not."""
    from speech.collections import consent
    from speech.collections.cards import load_card
    from speech.collections.records import SCOPES

    path = _card_of(where)
    card = load_card(path) if path.exists() else None
    context = consent.Context(basis=consent.basis_for(purpose), purpose=purpose)
    item = consent.Item(id=shown(where), path=None if card else where / "recording", card=card, card_path=path if card else None)
    found = {scope: consent.answer({scope}, item, context=context) for scope in SCOPES}
    if as_json:
        Streams.json({"path": shown(path), "ok": True, "scopes": {s: {"allowed": d.allowed, "code": d.code} for s, d in found.items()}})
        return 0
    Streams.result(f"{card.id}: {card.title} ({shown(path)})" if card else f"{shown(where)}: no card speaks for it")
    for scope, decision in found.items():
        why = "" if decision.allowed else f"  {decision.reasons[0].what} [{decision.code}]"
        Streams.result(f"  {'yes' if decision.allowed else 'no ':3} {scope}{why}")
    return 0


@dataclass(slots=True)
class Asked:
    """Answers given as options; what is missing is asked on the terminal."""

    given: dict[str, Any]

    def collection(self, folder: Path) -> tuple[Any, Any]:
        """What a new card says: the collection, and what was agreed."""
        from speech.collections import answers, asking

        if not all(self.given.get(name) for name in ASKED):
            Streams.note(f"There is no card for {shown(folder)} yet. A few questions, as they were agreed with the people recorded:")
        title = self._text("title", "What is this collection called?", folder.resolve().name)
        codes = self.given["languages"] or tuple(self._text("", "Which language is it (ISO 639-3 codes, by commas)?").split(","))
        holder = self._text("holder", "Who holds the recordings and answers for them (a community, an archive, you as a role)?")
        kind = self._text("kind", f"What is that ({', '.join(answers.HOLDERS)})?", "researcher", answers.HOLDERS)
        source = self._text("source", "Where do the recordings come from?", f"recorded by {holder}")
        answer = self.answer(person=False)
        licence = self._text(
            "licence",
            "Which licence do they carry (such as cc-by-4.0; archive_terms: none, only what is recorded here)?",
            "archive_terms",
            answers.LICENCES,
        )
        codes = tuple(c.strip().lower() for c in codes)
        return asking.Collection(title=title, languages=codes, holder=holder, kind=kind, source=source, licence=licence), answer

    def answer(self, *, person: bool) -> Any:
        """What was agreed, by the holder or by a person. What is named by --allow is added; where it is asked, no is an answer, too."""
        from speech.collections import asking

        ways = {way: HOW[way] for way in (asking.HOW_PERSON if person else asking.HOW)}
        how = self._text("how", _choices("How was it agreed?", ways), "written", tuple(ways))
        asked: dict[str, str] = {}
        if self.given["allow"] is not None:
            allow = _names(self.given["allow"])
        else:
            asked = {**SCOPES_ASKED, **(VOICES_ASKED if person else {})}
            allow = tuple(s for s, what in asked.items() if click.confirm(f"May one {what}?", default=s == "LOCAL", err=True))
        if not allow:
            raise UsageFailure(
                "--allow",
                "nothing was allowed, so there is nothing to record",
                "To take consent back: speech consent withdraw",
                "CONSENT_ANSWER",
            )
        purposes = self._text("purposes", f"For what ({', '.join(PURPOSES)}; by commas)?", "community,education,research")
        given_on = self.given["given_on"] or self._day("On which day was it agreed (YYYY-MM-DD)?", _today().isoformat()) or _today()
        until = self.given["until"]
        if until is None and self.given["given_on"] is None:
            until = self._day("Until when does it hold (YYYY-MM-DD, or never: until it is withdrawn)?", "never")
        evidence = self._text("evidence", "Where can that be looked up (a form, minutes, a recording's name, a page)?")
        digest = ""
        if how == "oral_recorded":
            from speech.files import sha256_of

            if not Path(evidence).is_file():
                raise PathRefused(
                    evidence, "what was said is to be named as the file of its recording", "Give its path with --evidence", "PATH_MISSING"
                )
            digest, evidence = sha256_of(Path(evidence)), Path(evidence).name
        return asking.Answer(
            how=how, allow=allow, asked=tuple(asked), given_on=_date(given_on), until=_date(until) if until else None,
            evidence=evidence, evidence_sha256=digest, purposes=_names(purposes), recorded_by=self.given["recorded_by"],
        )  # fmt: skip

    def _text(self, name: str, question: str, default: str | None = None, allowed: Sequence[str] = ()) -> str:
        value = self.given.get(name) if name else None
        while not value or (allowed and value not in allowed):
            if value:
                Streams.note(f"  {shown(str(value))}: choose {', '.join(allowed)}")
            if name and self.given.get(name):
                raise UsageFailure(
                    f"--{name}", f"{shown(str(value))} is none of {', '.join(allowed)}", "Choose one of these", "CONSENT_ANSWER"
                )
            value = click.prompt(question, default=default, err=True).strip()
        return str(value)

    def _day(self, question: str, default: str) -> datetime.date | None:
        def day(text: str) -> str:
            if text.strip() != "never":
                try:
                    datetime.date.fromisoformat(text.strip())
                except ValueError as error:
                    raise click.UsageError("a day is written YYYY-MM-DD") from error
            return text.strip()

        text = click.prompt(question, default=default, value_proc=day, err=True)
        return None if text == "never" else datetime.date.fromisoformat(text)


def _choices(question: str, choices: dict[str, str]) -> str:
    return question + "".join(f"\n  {name}: {what}" for name, what in choices.items()) + "\n "


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _date(value: datetime.date | datetime.datetime) -> datetime.date:
    return value.date() if isinstance(value, datetime.datetime) else value


def _today() -> datetime.date:
    from speech.collections import consent

    return consent.today()


def _card_of(where: Path) -> Path:
    """The card that is meant: itself, or that of a folder, found as the gate finds it; else where a new one goes."""
    from speech.collections import answers
    from speech.collections.cards import find_card

    if where.name.endswith(".card.toml"):
        return where
    if not is_folder(where):
        raise PathRefused(shown(where), "there is no such folder", "Name the folder of the recordings, or its card", "PATH_MISSING")
    own = where / answers.CARD
    found = find_card(where / "recording")
    return own if found is None or found == own.resolve() else found


def _say_who_is_missing(path: Path) -> None:
    """Where each speaker must answer, those of the manifest who have no card yet."""
    from speech.collections import answers, asking, workspaces
    from speech.collections.cards import load_card
    from speech.collections.manifest import read_manifest

    if load_card(path).rule == "collection":
        return
    folder = workspaces.spoken_for(path)
    manifest = folder / answers.MANIFEST
    if not manifest.is_file():
        Streams.note(
            "  Each speaker answers, too: speech consent record FOLDER --person CODE. Which codes there are: speech manifest import FOLDER"
        )
        return
    still = asking.waiting(path, {row.speaker for row in read_manifest(manifest).rows})
    if still:
        Streams.note(f"  Each speaker answers, too. Still open: {', '.join(still)} (speech consent record {shown(folder)} --person CODE)")
