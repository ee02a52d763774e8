"""Speech made from text: which voices there are, what one cannot say, a segment read back, and what was spoken. The work itself, for
texts of any length, is a job (`jobs`).

A voice is named by its id in the list of voices, never by a path or an address.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from speech import languages
from speech.errors import SpeechError, TextRefused
from speech.review import edits
from speech.review.spoken import may_be_spoken
from speech.say.engines import near_voices
from speech.ui import aloud
from speech.ui.answers import Json, NotThere
from speech.ui.routes.common import Listener, Reader, Worked, own_speech, recording_of, served_of
from speech.ui.served import Served, is_right_to_left
from speech.ui.spoken import KINDS, MOST_LETTERS

router = APIRouter()


class Say(BaseModel):
    """How a text is spoken. `borrow` is the language whose voice says it; letters: see `speech.say.Settings`."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=MOST_LETTERS)
    language: str = Field(min_length=2, max_length=80)
    voice: str = Field(default=aloud.BY_RULE, pattern=r"^(espeak|[0-9a-f]{16})$")
    borrow: str = Field(default="", max_length=80)
    letters: Literal["refuse", "nearest", "leave-out"] = "refuse"
    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    seed: int = Field(default=0, ge=0, lt=1 << 31)
    suffix: Literal[".wav", ".flac", ".opus", ".mp3"] = ".wav"

    def how(self) -> dict[str, Any]:
        """As a voice is asked: without the text, and the file."""
        return self.model_dump(exclude={"text", "suffix"})


def checked(served: Served, asked: Say) -> dict[str, Any]:
    """What the voice would make of the text.

    Raises
    ------
    Refusal
        `VOICE_NONE`, `TEXT_EMPTY`.
    """
    languages.check_code(asked.language, "language")
    return served.aloud.check(text=asked.text, basis=served.basis(), **asked.how())


@router.get("/api/speak")
def voices(request: Request, asker: Reader) -> Json:
    """Languages with the voices that they have on this machine: those of the collection first, those without a voice, too."""
    served = served_of(request)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in served.aloud.voices():
        found.setdefault(row["language"], []).append({"voice": row["voice"], "needs_card": row["needs_card"], **_facts(row["facts"])})
    own = _own(served)
    codes = dict.fromkeys((*own, *languages.known(), *found))
    rows = []
    for code in codes:
        table = languages.load(code)
        direction = "rtl" if is_right_to_left(table) else "ltr"
        name = table.name if table.name != code else ""
        row = {"code": code, "name": name, "direction": direction, "own": code in own, "voices": found.get(code, [])}
        rows.append(row if row["voices"] else {**row, "near": list(near_voices(code))})
    return Json({"languages": rows, "any": bool(found)})


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in ("engine", "name", "origin", "licence", "synthetic")}


def _own(served: Served) -> list[str]:
    """The languages of the collection: those of its recordings, and those on the card of the first."""
    known = [one for one in served.workspace().recordings() if served.allowed(one, ("review",))]
    codes = [one.language for one in known]
    if known:
        with contextlib.suppress(SpeechError):  # a card that is wrong names none
            spoken = may_be_spoken(served.workspace(), known[0])
            codes += [*spoken.candidates, *(code for code, why in spoken.absent if why == "model")] if spoken.title else ()
    return [code for code in dict.fromkeys(codes) if languages.is_code(code) and code != languages.UNDETERMINED]


@router.post("/api/speak/check")
def check(request: Request, asker: Worked, asked: Say) -> Json:
    """What the voice cannot say, with its places, before there is sound; what numbers and signs become."""
    return Json(checked(served_of(request), asked))


@router.get("/api/recordings/{id}/aloud/{segment}")
def read_back(
    request: Request,
    asker: Listener,
    id: str,
    segment: str,
    voice: str = aloud.BY_RULE,
    borrow: str = "",
    letters: Literal["refuse", "nearest", "leave-out"] = "refuse",
) -> Response:
    """A segment's text as sound, at once: a WAV file that nobody keeps, with what is known of it in a header."""
    recording_of(request, id, "review", "play")
    served = served_of(request)
    form = edits.segments_of(served.store, id).forms.get(segment)
    if form is None:
        raise NotThere
    text, language = str(form["text"]), str(form.get("language") or served.find(id).language)  # type: ignore[union-attr]  # it is there
    if not text.strip():
        raise TextRefused("segment", "there is no text to be read", "Write its text first", "TEXT_EMPTY")
    if len(text) > aloud.MOST_LETTERS:
        what = f"the segment has {len(text)} letters; {aloud.MOST_LETTERS} are read back at most"
        raise TextRefused("segment", what, "Split the segment, or have the text spoken on the page Speak", "TEXT_TOO_LONG")
    known, data = served.aloud.read(
        text=text, language=language, voice=voice, borrow=borrow, letters=letters, basis=served.basis()
    )  # fmt: skip
    headers = {"cache-control": "no-store", "x-speech-voice": quote(json.dumps(known))}
    return Response(data, media_type="audio/wav", headers=headers)


@router.get("/download/speech/{id}")
def download(request: Request, asker: Worked, id: str) -> Response:
    """A sound that the asker had made; its name says that it is synthetic, as the file itself does."""
    job, path = own_speech(request, asker, id)
    name = f"synthetic_{job.settings['language']}_{job.id[:8]}{path.suffix}"
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}", "cache-control": "no-store"}
    try:
        return Response(path.read_bytes(), media_type=KINDS[path.suffix], headers=headers)
    except OSError as error:
        raise NotThere from error


@router.delete("/api/speak/{id}")
def delete(request: Request, asker: Worked, id: str) -> Json:
    """Delete a text with the sound made of it; one that is still being spoken is ended first."""
    served = served_of(request)
    job = served.queue.find(id)
    if job is None or job.kind != "say" or job.owner != asker.name or job.workspace != served.id:
        raise NotThere
    served.queue.want(id, "cancel")
    served.spoken.delete(str(job.settings["said"]))
    return Json({"ok": True})
