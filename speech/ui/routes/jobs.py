"""What takes long: begun, shown, held, ended. A person sees only their own; places count everybody's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from speech import languages
from speech.align.recording import ALIGN
from speech.diarise.engines import there
from speech.errors import Refusal, TextRefused, UsageFailure
from speech.jobs import Job
from speech.review import learning
from speech.transcribe import codes_of
from speech.ui.answers import Json, NotThere
from speech.ui.catalogue import models
from speech.ui.routes.common import Worked, recording_of, served_of
from speech.ui.routes.speak import Say, checked
from speech.ui.routes.texts import own_text
from speech.ui.served import DRAFTING, Served
from speech.ui.users import Asker
from speech.ui.work import HEAVY, VOICE, asked_of

router = APIRouter(prefix="/api/jobs")


class Transcribe(BaseModel):
    """How a recording is transcribed: languages (one, several with commas, `auto`), speakers (`off`, `auto`, N, MIN-MAX), by what."""

    model_config = ConfigDict(extra="forbid")
    language: str = Field(min_length=1, max_length=80)
    model: str = Field(default="mini", max_length=200)
    lm: Literal["auto", "off"] = "auto"
    words: list[str] = Field(default_factory=list, max_length=500)
    speakers: str = Field(default="off", max_length=7)
    channels: Literal["mix", "per-speaker"] = "mix"
    diariser: Literal["embedded", "pyannote"] = "embedded"


class Align(BaseModel):
    """Which transcript is placed on a recording: its id, the tiers of it that hold the transcription, the language spoken, by what."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(max_length=16)
    tiers: list[Annotated[str, Field(max_length=1000)]] = Field(default_factory=list, max_length=500)
    language: str = Field(max_length=80)
    model: str = Field(default="mini", max_length=200)


class Identify(BaseModel):
    """How a recording is listened to: nothing is chosen."""

    model_config = ConfigDict(extra="forbid")


class Adapt(BaseModel):
    """What is learnt."""

    model_config = ConfigDict(extra="forbid")
    language: str = Field(max_length=80)


class AskedToTranscribe(BaseModel):
    """A recording to be transcribed."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["transcribe"]
    recording: str = Field(max_length=16)
    settings: Transcribe


class AskedToAlign(BaseModel):
    """A recording on which a transcript is to be placed."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["align"]
    recording: str = Field(max_length=16)
    settings: Align


class AskedToIdentify(BaseModel):
    """A recording whose language is to be told."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["identify"]
    recording: str = Field(max_length=16)
    settings: Identify = Field(default_factory=Identify)


class AskedToAdapt(BaseModel):
    """What is approved to be learnt from."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["adapt"]
    settings: Adapt


class AskedToSay(BaseModel):
    """A text to be spoken."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["say"]
    settings: Say


Asked = Annotated[AskedToTranscribe | AskedToAlign | AskedToIdentify | AskedToAdapt | AskedToSay, Field(discriminator="kind")]


def shown(job: Job, places: dict[str, int]) -> dict[str, Any]:
    """A job for its owner."""
    return {
        "id": job.id, "kind": job.kind, "recording": job.recording, "state": job.state, "wanted": job.wanted, "step": job.step,
        "done": job.done, "total": job.total, "left_s": job.left_s, "created": job.created, "started": job.started, "ended": job.ended,
        "settings": dict(job.settings), "result": dict(job.result), "refusal": job.refusal, "place": places.get(job.id),
    }  # fmt: skip


@router.get("")
def jobs(request: Request, asker: Worked) -> Json:
    """The asker's jobs, oldest first."""
    served = served_of(request)
    places = _places(served)
    rows = []
    for job in served.queue.all(served.id):
        if job.owner != asker.name or job.kind not in (*HEAVY, *VOICE):
            continue
        row = shown(job, places)
        if job.kind == "say":
            row["title"] = served.spoken.title(str(job.settings["said"]))
            if row["title"] is None:
                continue  # it was deleted
        elif job.kind == "align":
            sent = served.texts.find(str(job.settings["text"]), asker.name)
            row["title"] = sent.name if sent is not None else ""
        rows.append(row)
    return Json(rows)


def _places(served: Served) -> dict[str, int]:
    """The place of each job in its own queue."""
    return served.queue.places(HEAVY) | served.queue.places(VOICE)


@router.get("/diarisers")
def diarisers(request: Request, asker: Worked) -> Json:
    """What can tell voices apart on this machine."""
    return Json(list(there()))


@router.post("")
def begin(request: Request, asker: Worked, asked: Asked) -> Json:
    """Put a job into the queue; the gate is asked first, and again when it begins."""
    served = served_of(request)
    if isinstance(asked, AskedToAdapt):
        if not asker.may("learn"):
            raise NotThere
        languages.check_code(asked.settings.language, "language")
        job = learning.begin(served.queue, served.workspace(), asked.settings.language, owner=asker.name)
        return Json(shown(job, served.queue.places(HEAVY)))
    if isinstance(asked, AskedToSay):
        return Json(_say(served, asker, asked.settings))
    known = served.find(asked.recording)
    if known is None or not served.allowed(known, ("review",)):
        raise NotThere
    settings = asked.settings.model_dump()
    if isinstance(asked, AskedToIdentify):
        served.require(known, ("identify_language",))
    elif isinstance(asked, AskedToAlign):
        settings["tiers"] = _tiers(request, asker, asked.settings)
        if asked.settings.model not in models():
            raise NotThere
        served.require(known, sorted(ALIGN.scopes))
        served.check_undrafted(known)
    else:
        told = asked_of(settings)
        told.check("speakers")
        for code in codes_of(told):
            languages.check_code(code, "language")
        if asked.settings.diariser not in there():
            raise NotThere
        if asked.settings.model not in models():
            raise NotThere
        served.require(known, sorted(told.verb.scopes))
        served.check_undrafted(known)
    if asked.kind in DRAFTING:
        served.check_free(known, asked.kind, settings)
    job = served.queue.add(asked.kind, workspace=served.id, owner=asker.name, recording=known.id, settings=settings)
    if job.owner != asker.name:
        raise NotThere  # another's, for the same recording
    return Json(shown(job, served.queue.places(HEAVY)))


def _tiers(request: Request, asker: Asker, asked: Align) -> list[str]:
    """The tiers of the transcript that will be read; what is not settled yet is refused before there is a job."""
    sent = own_text(request, asker, asked.text)
    if asked.language in ("", languages.UNDETERMINED):
        raise UsageFailure("language", "it is not said which language is spoken", "Choose it", "LANGUAGE_MISSING")
    languages.check_code(asked.language, "language")
    return sent.check_tiers(asked.tiers)


def _say(served: Served, asker: Asker, asked: Say) -> dict[str, Any]:
    """Have a text spoken: what the voice cannot say, and what may not be said with it, is refused before there is a job."""
    found = checked(served, asked)
    if found["barred"]:
        raise Refusal("voice", **found["barred"])
    if found["refused"]:
        letters = ", ".join(one["letter"] for one in found["unsaid"])
        what = f"the voice cannot say {len(found['unsaid'])} of the letters: {letters}"
        raise TextRefused("text", what, "Choose what to do with them, or change the text", "VOICE_LETTERS")
    said = served.spoken.begin(asked.text)
    settings = {**asked.how(), "said": said, "suffix": asked.suffix}
    job = served.queue.add("say", workspace=served.id, owner=asker.name, settings=settings)
    return {**shown(job, _places(served)), "title": served.spoken.title(said)}


@router.post("/{id}/{wanted}")
def want(request: Request, asker: Worked, id: str, wanted: Literal["pause", "resume", "cancel"]) -> Json:
    """Hold a job, let it go on, or end it."""
    served = served_of(request)
    found = served.queue.find(id)
    if found is None or found.owner != asker.name or found.workspace != served.id or found.kind not in (*HEAVY, *VOICE):
        raise NotThere
    if wanted == "resume" and found.recording is not None:
        recording_of(request, found.recording, "review")
    return Json(shown(served.queue.want(id, "run" if wanted == "resume" else wanted), _places(served)))
