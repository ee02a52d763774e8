"""What is approved teaches the model: how much there is, what to look at next, what was learnt, and which adapter is in use."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from speech import languages
from speech.jobs import Job
from speech.review import learning
from speech.ui.answers import Json
from speech.ui.routes.common import Learner, served_of
from speech.ui.routes.jobs import shown
from speech.ui.work import HEAVY

router = APIRouter(prefix="/api/learn")


class Choice(BaseModel):
    """An adapter to put to use, or the one before it again."""

    model_config = ConfigDict(extra="forbid")
    adapter: str = Field(default="", max_length=80)
    back: bool = False

    @model_validator(mode="after")
    def one_of_both(self) -> Choice:
        """Either a name or `back`."""
        if bool(self.adapter) == self.back:
            raise ValueError("one of adapter and back")
        return self


@router.get("")
def overview(request: Request, asker: Learner) -> Json:
    """The languages in which something was reviewed, with what is approved of each."""
    served = served_of(request)
    found = learning.languages_of(learning.reviewed(served.workspace()))
    return Json([{"language": code, "name": languages.load(code).name, "approved_ms": ms} for code, ms in found.items()])


@router.get("/{language}")
def one(request: Request, asker: Learner, language: str) -> Json:
    """All that the page shows of a language."""
    languages.check_code(language, "language")
    served = served_of(request)
    workspace = served.workspace()
    recordings = learning.reviewed(workspace)
    models = learning.models_of(workspace)
    given = learning.lesson_in(workspace, language, recordings)
    told = learning.approved(recordings, language)
    names = {recording.id: workspace.get(recording.id).name for recording in recordings}
    runs = learning.learnt(models, language)
    cost = learning.cost_of(given, runs, models=models)
    if given.ready and cost.seconds is None:
        served.try_pace()
    jobs = [job for job in served.queue.all(served.id) if job.kind == "adapt" and job.settings.get("language") == language]
    places = served.queue.places(HEAVY)
    used = learning.in_use(models, language)
    return Json(
        {
            "language": language,
            "name": languages.load(language).name,
            "approved": [{"speaker": speaker, "ms": ms} for speaker, ms in told.by_speaker.items()],
            "approved_ms": told.ms,
            "lacking_ms": told.lacking_ms,
            "lesson": {
                "train_ms": round(1000 * given.seconds("train")),
                "dev_ms": round(1000 * given.seconds("dev")),
                "split_by": given.split_by.as_dict(),
                "ready": given.ready,
                "unapproved": given.unapproved,
                "refused": [{"code": code, "recordings": count} for code, count in given.refused.items()],
            },
            "cost": cost.as_dict(),
            "next": [
                {"recording": n.recording, "name": names[n.recording], "segment": n.segment, "reason": n.reason, "detail": n.detail}
                for n in learning.next_to_review(recordings, language)
            ],
            "runs": runs,
            "in_use": used.name if used else "",
            "can_go_back": bool(learning.kept(models, language).chosen),
            "job": _last(jobs, asker.name, places),
        }
    )


@router.post("/{language}/choose")
def choose(request: Request, asker: Learner, language: str, choice: Choice) -> Json:
    """Put an adapter to use, or take the one before it back."""
    languages.check_code(language, "language")
    models = learning.models_of(served_of(request).workspace())
    now = learning.back(models, language) if choice.back else learning.choose(models, language, choice.adapter)
    return Json({"in_use": now.chosen[-1] if now.chosen else ""})


def _last(jobs: list[Job], owner: str, places: dict[str, int]) -> dict[str, Any] | None:
    """The newest job of the language; of another person's only that there is one."""
    if not jobs:
        return None
    job = jobs[-1]
    if job.owner == owner:
        return shown(job, places)
    return {"state": job.state, "mine": False} if job.is_open else None
