"""What routes share: who asks with which right, and the one way from an id to a recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from speech.errors import SpeechError
from speech.jobs import Job
from speech.ui.aloud import BY_RULE
from speech.ui.answers import NotThere
from speech.ui.served import Known, Served
from speech.ui.users import Asker


def served_of(request: Request) -> Served:
    """What this server serves."""
    served = request.app.state.served
    if not isinstance(served, Served):
        raise TypeError("the app was built without what it serves")
    return served


def with_right(right: str) -> Callable[[Request], Asker]:
    """The asker, where the role holds a right; else the route is not there."""

    def check(request: Request) -> Asker:
        asker = request.scope.get("speech_asker")
        if not isinstance(asker, Asker) or not asker.may(right):
            raise NotThere
        return asker

    return check


Reader = Annotated[Asker, Depends(with_right("read"))]
Listener = Annotated[Asker, Depends(with_right("play"))]
Writer = Annotated[Asker, Depends(with_right("text"))]
Uploader = Annotated[Asker, Depends(with_right("uploads"))]
Worked = Annotated[Asker, Depends(with_right("jobs"))]
Exporter = Annotated[Asker, Depends(with_right("exports"))]
Learner = Annotated[Asker, Depends(with_right("learn"))]
Consenter = Annotated[Asker, Depends(with_right("consent"))]


def recording_of(request: Request, id: str, *scopes: str) -> Known:
    """A recording that may be used for all of `scopes` now; asked anew on each request, so that a withdrawal holds at once.

    Raises
    ------
    NotThere
        No such recording, or the gate says no: alike.
    """
    served = served_of(request)
    found = served.find(id)
    if found is None or not served.allowed(found, scopes):
        raise NotThere
    return found


def allowed_to(request: Request, id: str, *scopes: str) -> Known:
    """As `recording_of`, for those who keep consent: a recording that is there and refused is refused by name.

    Raises
    ------
    NotThere
        No such recording.
    ConsentRefused
    """
    served = served_of(request)
    found = served.find(id)
    if found is None:
        raise NotThere
    served.require(found, scopes)
    return found


def own_speech(request: Request, asker: Asker, id: str) -> tuple[Job, Path]:
    """A sound that the asker had made, by the id of its job, with its file; while its voice may be used: a withdrawal holds at once.

    Raises
    ------
    NotThere
        No such job, another's, not done, deleted, or refused by now: alike.
    """
    served = served_of(request)
    job = served.queue.find(id)
    if job is None or job.kind != "say" or job.owner != asker.name or job.workspace != served.id or job.state != "done":
        raise NotThere
    path = served.spoken.sound(str(job.settings["said"]))
    if path is None or job.settings["voice"] != BY_RULE and _is_barred(served, job):
        raise NotThere
    return job, path


def _is_barred(served: Served, job: Job) -> bool:
    """Whether the gate keeps the voice of a job from speaking now; what it cannot judge is no."""
    try:
        asked = {name: job.settings[name] for name in ("voice", "language", "borrow")}
        return served.aloud.barred(basis=served.basis(), **asked) is not None
    except SpeechError:
        return True
