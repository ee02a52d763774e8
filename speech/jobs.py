"""What takes long: a queue on disk, and workers in processes of their own that are handed the work by kind.

A page only puts jobs into the table and reads their state; it can be closed, and the server started anew. A worker takes one job at a
time, says each second that it lives (`beat`) and how far it is, and asks whether the job is still wanted. A job whose worker fell
silent is taken up again, from its beginning. `attempt` tells whose a job is: a worker that was given up and comes back finds another
number there and writes nothing. The work itself puts down its result under a name made of the job's id, so that the second time is the
first one. Times left are an estimate from the shares that the steps of this kind had.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from speech.errors import Refusal, RunFailure, SpeechError
from speech.store import Store
from speech.store.moments import following, moment

_ID = re.compile(r"[0-9a-f]{16}")

log = logging.getLogger(__name__)

State = Literal["queued", "running", "paused", "done", "failed", "cancelled"]
Wanted = Literal["run", "pause", "cancel"]
OPEN: tuple[State, ...] = ("queued", "running", "paused")

BEAT_S = 1.0
LOST_S = 15.0
"""A worker that said nothing for so long is given up."""
HARD_S = 6.0
"""A job that does not end so long after it was cancelled is ended with its worker's process."""
MOST_LOST = 3
GIVEN_UP = frozenset({"JOB_LOST", "JOB_SILENT"})
"""Why a job of a recording is not begun anew by itself: it would end in the same way."""
"""A job that its worker died of so often is not tried again."""
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A row of the queue."""

    id: str
    workspace: str
    recording: str | None
    kind: str
    settings: Mapping[str, Any]
    state: State
    wanted: Wanted
    owner: str
    created: str
    started: str | None = None
    ended: str | None = None
    beat: str | None = None
    step: str = ""
    done: int = 0
    total: int = 0
    left_s: int | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    refusal: Mapping[str, Any] | None = None
    attempt: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is not at its end."""
        return self.state in OPEN


class Report:
    """What the work is given to say how far it is; it is also where a job that is no longer wanted ends."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Step, done, total."""
        raise NotImplementedError


Work = Callable[[Job, Report], Mapping[str, Any]]
"""Does a job and gives its result, for the row. What it raises of SpeechError is the job's refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of work: what does it, and which share of the time each step takes (the steps in order, about 1 together).

    Work that reports nothing for `silent_s` is ended with its process: a decoder that runs in circles hears nothing.
    """

    work: Work
    shares: Mapping[str, float] | Callable[[Job], Mapping[str, float]] = field(default_factory=dict)
    silent_s: float | None = None

    def shares_of(self, job: Job) -> Mapping[str, float]:
        """The shares of one job's steps: it may have others than its like."""
        return self.shares(job) if callable(self.shares) else self.shares


class _Ended(BaseException):
    """The job ends here without a result; `state` is what its row says then."""

    def __init__(self, state: State | None) -> None:
        self.state = state
        super().__init__(state)


def now() -> datetime.datetime:
    """The time, UTC."""
    return datetime.datetime.now(datetime.UTC)


class Queue:
    """The jobs in a store."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime.datetime] = now) -> None:
        self.store = store
        self._clock = clock

    def add(
        self, kind: str, *, workspace: str, owner: str, recording: str | None = None, settings: Mapping[str, Any] | None = None,
        one_by: str = "",
    ) -> Job:  # fmt: skip
        """Put a job at the end of the queue; one of the same kind and recording that is still open is given instead.

        `one_by` names a setting: of a kind, one job at a time has its value, whoever asks.

        Raises
        ------
        StoreFailure, DiskFailure
            Nothing was added.
        """
        job = _table()
        with self.store.write() as connection:
            same = job.select().where(
                job.c.kind == kind,
                job.c.workspace == workspace,
                job.c.recording == recording,
                job.c.state.in_(OPEN),
                job.c.wanted != "cancel",
            )
            open_ones = [_job(row) for row in connection.execute(same).mappings()] if recording is not None or one_by else []
            for found in open_ones:
                if not one_by or found.settings.get(one_by) == (settings or {}).get(one_by):
                    return found
            values = {
                "id": uuid.uuid4().hex[:16], "workspace": workspace, "recording": recording, "kind": kind,
                "settings": _json(settings or {}), "state": "queued", "wanted": "run", "owner": owner,
                "created": following(connection, job.c.created, self._clock()),
                "step": "", "done": 0, "total": 0, "attempt": 0, "result": "{}",
            }  # fmt: skip
            connection.execute(job.insert().values(values))
        made = self.find(str(values["id"]))
        assert made is not None
        return made

    def find(self, id: str) -> Job | None:
        """A job by its id; none by what has not the form of one, which a database may not even take (half a surrogate pair)."""
        if not _ID.fullmatch(id):
            return None
        job = _table()
        with self.store.read() as connection:
            found = connection.execute(job.select().where(job.c.id == id)).mappings().first()
        return _job(found) if found else None

    def last(self, kind: str, recording: str) -> Job | None:
        """The job of this kind that a recording had last."""
        job = _table()
        asked = job.select().where(job.c.kind == kind, job.c.recording == recording).order_by(job.c.created.desc(), job.c.id.desc())
        with self.store.read() as connection:
            found = connection.execute(asked.limit(1)).mappings().first()
        return _job(found) if found else None

    def all(self, workspace: str) -> list[Job]:
        """The jobs of a workspace, oldest first."""
        job = _table()
        with self.store.read() as connection:
            found = connection.execute(job.select().where(job.c.workspace == workspace).order_by(job.c.created, job.c.id))
            return [_job(row) for row in found.mappings()]

    def want(self, id: str, wanted: Wanted) -> Job:
        """Ask for a job to be paused, to go on, or to end; at its end nothing changes. A waiting job obeys at once.

        Raises
        ------
        Refusal
            `JOB_UNKNOWN`.
        """
        job = _table()
        with self.store.write() as connection:
            found = connection.execute(job.select().where(job.c.id == id)).mappings().first()
            if found is None:
                raise Refusal("job", "there is no such job", "Look at the list of jobs", "JOB_UNKNOWN")
            old = _job(found)
            if old.is_open:
                values: dict[str, Any] = {"wanted": wanted}
                if not self._held(old):
                    if wanted == "cancel":
                        values |= {"state": "cancelled", "ended": moment(self._clock()), "left_s": None}
                    else:
                        values["state"] = "paused" if wanted == "pause" else "queued"
                connection.execute(job.update().where(job.c.id == id).values(values))
        new = self.find(id)
        assert new is not None
        return new

    def places(self, kinds: Collection[str]) -> dict[str, int]:
        """The place of each job that is queued or running, by id: 0 is at work, 1 is next. Over all workspaces of the store."""
        job = _table()
        with self.store.read() as connection:
            asked = job.select().where(job.c.kind.in_(kinds), job.c.state.in_(("queued", "running"))).order_by(job.c.created, job.c.id)
            found = [_job(row) for row in connection.execute(asked).mappings()]
        waiting = [j for j in found if j.state == "queued"]
        return {**{j.id: 0 for j in found if j.state == "running"}, **{j.id: n for n, j in enumerate(waiting, 1)}}

    def _held(self, job: Job) -> bool:
        """Whether a worker that lives holds it. A clock that was set back makes no worker immortal."""
        if job.state not in ("running", "paused") or not job.beat:
            return False
        beat = datetime.datetime.fromisoformat(job.beat.replace("Z", "+00:00"))
        return abs((self._clock() - beat).total_seconds()) < LOST_S

    # What a worker asks.

    def claim(self, kinds: Collection[str], workspace: str) -> Job | None:
        """The next job of these kinds for a worker, now its own; None where none waits or another worker is at one of them."""
        job = _table()
        with self.store.write() as connection:
            asked = job.select().where(job.c.kind.in_(kinds), job.c.state.in_(OPEN)).order_by(job.c.created, job.c.id)
            found = [_job(row) for row in connection.execute(asked).mappings()]
            if any(self._held(j) for j in found):
                return None
            for one in found:
                if one.workspace != workspace or one.wanted == "pause":
                    continue
                lost = int(one.result.get("lost", 0)) + (one.state == "running")
                if one.wanted == "cancel" or lost > MOST_LOST:
                    self._close(connection, one, lost)
                    continue
                at = moment(self._clock())
                values = {
                    "state": "running", "attempt": one.attempt + 1, "beat": at, "started": one.started or at, "step": "", "done": 0,
                    "total": 0, "left_s": None, "result": _json({"lost": lost}),
                }  # fmt: skip
                connection.execute(job.update().where(job.c.id == one.id).values(values))
                row = connection.execute(job.select().where(job.c.id == one.id)).mappings().one()
                return _job(row)
        return None

    def _close(self, connection: Any, one: Job, lost: int) -> None:
        """End a job that nobody is at."""
        job = _table()
        values: dict[str, Any] = {"state": "cancelled", "ended": moment(self._clock()), "left_s": None}
        if one.wanted != "cancel":
            what = f"the work was cut off {lost} times: each time its process ended without a word"
            mend = "Often memory was short: close other programs, then start the job anew"
            values |= {"state": "failed", "refusal": _json({"code": "JOB_LOST", "what": what, "mend": mend})}
        connection.execute(job.update().where(job.c.id == one.id).values(values))

    def beat(self, mine: Job, values: Mapping[str, Any]) -> Wanted | None:
        """Say that the worker lives and how far it is; what is wanted of the job, None where it is another's by now."""
        job = _table()
        with self.store.write() as connection:
            own = (job.c.id == mine.id) & (job.c.attempt == mine.attempt) & job.c.state.in_(("running", "paused"))
            connection.execute(job.update().where(own).values({**values, "beat": moment(self._clock())}))
            found = connection.execute(job.select().where(own)).mappings().first()
        return None if found is None else _job(found).wanted

    def end(self, mine: Job, state: State, *, result: Mapping[str, Any] | None = None, refusal: Mapping[str, Any] | None = None) -> bool:
        """Write how a job ended, or that it waits again; False where it is another's by now."""
        job = _table()
        values: dict[str, Any] = {"state": state, "left_s": None, "beat": None}
        if state not in OPEN:
            values["ended"] = moment(self._clock())
        if result is not None:
            values["result"] = _json(result)
        if refusal is not None:
            values["refusal"] = _json(refusal)
        with self.store.write() as connection:
            own = (job.c.id == mine.id) & (job.c.attempt == mine.attempt) & job.c.state.in_(("running", "paused"))
            return bool(connection.execute(job.update().where(own).values(values)).rowcount)


class Worker:
    """Takes jobs of its kinds, one at a time, until told to stop. `die` ends the process where a cancelled job does not end by itself."""

    def __init__(
        self, queue: Queue, kinds: Mapping[str, Kind], *, workspace: str, beat_s: float = BEAT_S, die: Callable[[], None] | None = None
    ) -> None:
        self._queue = queue
        self._kinds = kinds
        self._workspace = workspace
        self._beat_s = beat_s
        self._die = die or (lambda: os._exit(75))
        self._stop = threading.Event()

    def stop(self) -> None:
        """Take no more; the job at hand goes back into the queue at its next step."""
        self._stop.set()

    def run(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Work until stopped, or until `wanted` says no between two jobs."""
        while not self._stop.is_set() and wanted():
            try:
                if self.one():
                    continue
            except RunFailure as failure:  # the store is locked or its disk is full: that passes
                log.warning("%s", failure)
            self._stop.wait(_LOOK_S)

    def one(self) -> bool:
        """Do the next job; False where there is none."""
        job = self._queue.claim(list(self._kinds), self._workspace)
        if job is None:
            return False
        kind = self._kinds[job.kind]
        with _Task(self._queue, job, kind, self._stop, self._beat_s, self._die) as task:
            try:
                task.check()
                result = kind.work(job, task)
            except _Ended as ended:
                if ended.state is not None:
                    self._queue.end(job, ended.state)
            except SpeechError as error:
                self._queue.end(job, "failed", refusal={"code": error.code, "what": error.what, "mend": error.mend})
            except Exception as bug:  # one job's fault must not end the worker
                log.exception("a bug in a job of kind %s", job.kind)
                what = f"a bug in this program ({type(bug).__name__})"
                self._queue.end(job, "failed", refusal={"code": "INTERNAL", "what": what, "mend": "Report it; the recording is untouched"})
            else:
                self._queue.end(job, "done", result=result)
        return True


class _Task(Report):
    """A job at hand: its progress, its heart, and what is wanted of it."""

    def __init__(self, queue: Queue, job: Job, kind: Kind, stop: threading.Event, beat_s: float, die: Callable[[], None]) -> None:
        self._queue = queue
        self._job = job
        self._pace = Pace(kind.shares_of(job))
        self._silent_s = kind.silent_s
        self._heard_at = time.monotonic()
        self._stop = stop
        self._beat_s = beat_s
        self._die = die
        self._wanted: Wanted | None = "run"
        self._paused = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="speech-job-heart", daemon=True)

    def __enter__(self) -> _Task:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Progress; ends or holds the job where that is wanted."""
        self._pace.at(step, done, total)
        self.check()

    def check(self) -> None:
        """End the job here where it is not wanted; while it is paused, hold it."""
        while True:
            self._heard_at = time.monotonic()
            if self._wanted is None:
                raise _Ended(None)
            if self._wanted == "cancel":
                raise _Ended("cancelled")
            if self._stop.is_set():
                raise _Ended("queued")
            if self._wanted == "run":
                self._paused = False
                return
            if not self._paused:
                self._paused = True
                self._pace.hold()
            time.sleep(0.05)

    def _live(self) -> None:
        cancelled_at: float | None = None
        while not self._over.wait(self._beat_s):
            try:
                self._wanted = self._queue.beat(self._job, {"state": "paused" if self._paused else "running", **self._pace.values()})
            except SpeechError as failure:
                log.warning("no heartbeat: %s", failure)
            if self._silent_s is not None and time.monotonic() - self._heard_at > self._silent_s and not self._over.is_set():
                self._queue.end(self._job, "failed", refusal=_silent(self._silent_s))
                self._die()
                return
            if self._wanted in ("cancel", None):
                cancelled_at = cancelled_at or time.monotonic()
                if time.monotonic() - cancelled_at > HARD_S and not self._over.is_set():
                    if self._wanted == "cancel":
                        self._queue.end(self._job, "cancelled")
                    self._die()
                    return


def _silent(seconds: float) -> dict[str, str]:
    what = f"the work came to no end: nothing was heard of it for {seconds:.0f} s"
    return {"code": "JOB_SILENT", "what": what, "mend": "Make a copy of the recording with an audio program, and send that"}


class Pace:
    """How far a job is and how long it will still take, by the shares of its steps and, in a long step, by that step alone."""

    def __init__(self, shares: Mapping[str, float], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._shares = dict(shares)
        self._clock = clock
        self._lock = threading.Lock()
        self._now = ("", 0, 0)
        self._began = self._step_began = clock()
        self._before = 0.0

    def at(self, step: str, done: int, total: int) -> None:
        """Step, done, total."""
        with self._lock:
            if step != self._now[0]:
                self._before += self._shares.get(self._now[0], 0.0)
                self._step_began = self._clock()
            self._now = (step, done, total)

    def hold(self) -> None:
        """The job is held: what was measured so far no longer tells."""
        with self._lock:
            self._began = self._step_began = self._clock()

    def left_s(self) -> int | None:
        """Seconds left; None while there is too little to say."""
        with self._lock:
            step, done, total = self._now
            own = min(1.0, done / total) if total > 0 else 0.0
            share = self._shares.get(step, 0.0)
            clock = self._clock()
            in_step, in_all = clock - self._step_began, clock - self._began
            after = max(0.0, 1.0 - self._before - share)
            if own > 0.05 and in_step > 2 and share > 0:
                rest = in_step * (1 - own) / own
                return round(rest + after * (in_step / own) / share)
            part = self._before + share * own
            return round(in_all * (1 - part) / part) if part > 0.02 and in_all > 2 else None

    def values(self) -> dict[str, Any]:
        """For the row."""
        step, done, total = self._now
        return {"step": step, "done": done, "total": total, "left_s": self.left_s()}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _table() -> Any:
    from speech.store.tables import job

    return job


def _job(row: Any) -> Job:
    def held(name: str) -> Any:
        value = row[name]
        return json.loads(value) if isinstance(value, str) and value else value

    values = {name: row[name] for name in Job.__slots__}
    return Job(**{**values, "settings": held("settings") or {}, "result": held("result") or {}, "refusal": held("refusal") or None})
