"""The queue: one heavy job at a time, told apart by attempts; what was cut off is done again, and once."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from speech.errors import AudioRefused, Refusal
from speech.jobs import LOST_S, MOST_LOST, Job, Kind, Pace, Queue, Report, Worker
from speech.store import Store, open_store
from tests.conftest import REPOSITORY

W = "0123456789abcdef"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)

    def __call__(self) -> datetime.datetime:
        self.at += datetime.timedelta(milliseconds=1)
        return self.at

    def on(self, seconds: float) -> None:
        self.at += datetime.timedelta(seconds=seconds)


@pytest.fixture
def store(store_place: Path | str) -> Iterator[Store]:
    with open_store(store_place) as opened:
        yield opened


def add(queue: Queue, recording: str | None = None, kind: str = "count", **settings: Any) -> Job:
    return queue.add(kind, workspace=W, owner="ana", recording=recording, settings=settings)


def worker(queue: Queue, work: Callable[[Job, Report], Mapping[str, Any]], **options: Any) -> Worker:
    return Worker(queue, {"count": Kind(work=work, shares={"counting": 1.0})}, workspace=W, **{"beat_s": 0.02, **options})


def ended(queue: Queue, id: str) -> Job:
    found = queue.find(id)
    assert found is not None
    return found


def test_a_job_is_done_and_its_result_kept(store: Store) -> None:
    queue = Queue(store)
    job = add(queue, depth=3)

    def work(at_hand: Job, report: Report) -> Mapping[str, Any]:
        report("counting", 1, 2)
        return {"depth": at_hand.settings["depth"]}

    assert worker(queue, work).one()
    done = ended(queue, job.id)
    assert (done.state, done.result, done.attempt, done.is_open) == ("done", {"depth": 3}, 1, False)
    assert not worker(queue, work).one()


def test_the_same_recording_is_not_queued_twice(store: Store) -> None:
    queue = Queue(store)
    assert add(queue, "r1").id == add(queue, "r1").id
    assert add(queue, "r2").id != add(queue, "r1").id


def test_places_count_those_before(store: Store) -> None:
    queue = Queue(store, clock=Clock())
    jobs = [add(queue, f"r{n}") for n in range(3)]
    taken = queue.claim(["count"], W)
    assert taken is not None and taken.id == jobs[0].id
    assert queue.places(["count"]) == {jobs[0].id: 0, jobs[1].id: 1, jobs[2].id: 2}
    assert queue.claim(["count"], W) is None  # one at a time


def test_a_refusal_fails_the_job_and_a_bug_does_not_end_the_worker(store: Store) -> None:
    queue = Queue(store)
    first, second = add(queue, "r1"), add(queue, "r2")

    def work(job: Job, _: Report) -> Mapping[str, Any]:
        if job.id == first.id:
            raise AudioRefused("/home/ana/a.wav", "the file is empty (0 bytes)", "Copy it again", "AUDIO_EMPTY")
        raise ZeroDivisionError

    one = worker(queue, work)
    assert one.one() and one.one()
    refusal = ended(queue, first.id).refusal
    assert refusal is not None and refusal["code"] == "AUDIO_EMPTY" and "/home" not in str(refusal)
    assert (ended(queue, second.id).refusal or {})["code"] == "INTERNAL"


def test_what_waits_obeys_at_once(store: Store) -> None:
    queue = Queue(store)
    job = add(queue)
    assert queue.want(job.id, "pause").state == "paused"
    assert queue.claim(["count"], W) is None
    assert queue.want(job.id, "run").state == "queued"
    assert queue.want(job.id, "cancel").state == "cancelled"
    assert queue.want(job.id, "run").state == "cancelled"  # an end is an end
    with pytest.raises(Refusal) as caught:
        queue.want("nothing", "run")
    assert caught.value.code == "JOB_UNKNOWN"


def test_a_running_job_is_held_goes_on_and_ends_where_it_is_asked_to(store: Store) -> None:
    queue = Queue(store)
    job = add(queue)
    seen: list[int] = []

    def work(_: Job, report: Report) -> Mapping[str, Any]:
        for n in range(100_000):
            seen.append(n)
            report("counting", n, 100_000)
            time.sleep(0.002)
        return {}

    thread = threading.Thread(target=worker(queue, work).one)
    thread.start()
    wait_for(lambda: len(seen) > 5)
    queue.want(job.id, "pause")
    wait_for(lambda: ended(queue, job.id).state == "paused")
    held = len(seen)
    time.sleep(0.1)
    assert len(seen) == held
    queue.want(job.id, "run")
    wait_for(lambda: len(seen) > held + 5 and ended(queue, job.id).state == "running")
    assert seen[0] == 0 and seen == sorted(set(seen))  # it went on, it did not start anew
    queue.want(job.id, "cancel")
    thread.join(10)
    assert ended(queue, job.id).state == "cancelled"


def wait_for(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def test_a_job_that_hears_nothing_is_ended_with_its_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.jobs.HARD_S", 0.1)
    queue, died, begun = Queue(store), threading.Event(), threading.Event()
    job = add(queue)

    def deaf(_: Job, __: Report) -> Mapping[str, Any]:
        begun.set()
        died.wait(10)
        return {"late": True}

    thread = threading.Thread(target=worker(queue, deaf, die=died.set).one)
    thread.start()
    begun.wait(10)
    queue.want(job.id, "cancel")
    thread.join(10)
    assert died.is_set()
    assert (ended(queue, job.id).state, ended(queue, job.id).result) == ("cancelled", {"lost": 0})


def test_a_silent_workers_job_is_taken_up_and_the_one_that_comes_back_writes_nothing(store: Store) -> None:
    clock = Clock()
    queue = Queue(store, clock=clock)
    add(queue)
    first = queue.claim(["count"], W)
    assert first is not None and queue.claim(["count"], W) is None
    clock.on(LOST_S + 1)
    second = queue.claim(["count"], W)
    assert second is not None and (second.id, second.attempt) == (first.id, 2)
    assert queue.beat(first, {}) is None
    assert not queue.end(first, "done", result={"by": 1})
    assert queue.end(second, "done", result={"by": 2})
    assert ended(queue, first.id).result == {"by": 2}


def test_a_job_that_kills_its_workers_is_given_up_with_a_reason(store: Store) -> None:
    clock = Clock()
    queue = Queue(store, clock=clock)
    job = add(queue)
    for _ in range(MOST_LOST + 1):
        assert queue.claim(["count"], W) is not None
        clock.on(LOST_S + 1)
    assert queue.claim(["count"], W) is None
    assert ended(queue, job.id).state == "failed" and (ended(queue, job.id).refusal or {})["code"] == "JOB_LOST"


def test_a_clock_set_back_makes_no_worker_immortal(store: Store) -> None:
    clock = Clock()
    queue = Queue(store, clock=clock)
    add(queue)
    assert queue.claim(["count"], W) is not None
    clock.on(-7200)
    assert queue.claim(["count"], W) is not None


def test_jobs_keep_the_order_they_were_made_in_where_the_clock_is_set_back(store: Store) -> None:
    clock = Clock()
    queue = Queue(store, clock=clock)
    made = []
    for n in range(4):
        made.append(add(queue, f"r{n}").id)
        clock.on(-3600)
    assert [job.id for job in queue.all(W)] == made
    assert queue.places(["count"]) == {id: n for n, id in enumerate(made, 1)}
    taken = queue.claim(["count"], W)
    assert taken is not None and taken.id == made[0]
    last = queue.last("count", "r2")
    assert last is not None and last.id == made[2] and queue.last("other", "r2") is None


def test_work_that_falls_silent_is_ended_with_its_process_and_said(store: Store) -> None:
    queue, died = Queue(store), threading.Event()
    job = add(queue)

    def in_circles(_: Job, report: Report) -> Mapping[str, Any]:
        report("counting", 1, 2)
        died.wait(10)
        return {}

    kinds = {"count": Kind(work=in_circles, silent_s=0.1)}
    thread = threading.Thread(target=Worker(queue, kinds, workspace=W, beat_s=0.02, die=died.set).one)
    thread.start()
    thread.join(10)
    assert died.is_set()
    found = ended(queue, job.id)
    assert found.state == "failed" and found.refusal is not None and found.refusal["code"] == "JOB_SILENT" and found.refusal["mend"]


def test_work_that_is_held_is_not_silent(store: Store) -> None:
    queue, died = Queue(store), threading.Event()
    job = add(queue)
    go_on = threading.Event()

    def work(_: Job, report: Report) -> Mapping[str, Any]:
        while not go_on.is_set():
            report("counting", 1, 2)
            time.sleep(0.01)
        return {}

    kinds = {"count": Kind(work=work, silent_s=5.0)}
    thread = threading.Thread(target=Worker(queue, kinds, workspace=W, beat_s=0.02, die=died.set).one)
    thread.start()
    wait_for(lambda: ended(queue, job.id).state == "running")
    queue.want(job.id, "pause")
    wait_for(lambda: ended(queue, job.id).state == "paused")
    queue.want(job.id, "run")
    go_on.set()
    thread.join(10)
    assert ended(queue, job.id).state == "done" and not died.is_set()


def test_a_stopped_worker_puts_its_job_back(store: Store) -> None:
    queue = Queue(store)
    job = add(queue)
    one: list[Worker] = []

    def work(_: Job, report: Report) -> Mapping[str, Any]:
        one[0].stop()
        report("counting", 1, 2)
        return {}

    one.append(worker(queue, work))
    one[0].run()
    assert (ended(queue, job.id).state, ended(queue, job.id).attempt) == ("queued", 1)


_PROGRAM = """
import sys, time
from pathlib import Path
from speech.jobs import Kind, Queue, Worker
from speech.store import open_store

def work(job, report):
    begun = Path(sys.argv[2])
    begun.write_text(begun.read_text() + "x" if begun.exists() else "x")
    if len(begun.read_text()) == 1:
        while True:
            report("counting", 1, 2)
            time.sleep(0.01)
    return {"made": job.id}

Worker(Queue(open_store(sys.argv[1])), {"count": Kind(work=work)}, workspace="0123456789abcdef", beat_s=0.05).run()
"""


def test_after_kill_9_of_the_worker_there_is_one_result(
    tmp_path: Path, store: Store, store_place: Path | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech.jobs.LOST_S", 0.5)
    queue = Queue(store)
    job = add(queue)
    program = _PROGRAM.replace("from speech.store", "import speech.jobs\nspeech.jobs.LOST_S = 0.5\nfrom speech.store")
    command = [sys.executable, "-c", program, str(store_place), str(tmp_path / "begun")]
    first = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        wait_for(lambda: ended(queue, job.id).step == "counting", 60)
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert ended(queue, job.id).state == "running"
    second = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        wait_for(lambda: ended(queue, job.id).state == "done", 60)
    finally:
        second.kill()
        second.wait()
    assert ended(queue, job.id).result == {"made": job.id}
    assert [j.id for j in queue.all(W)] == [job.id]
    assert (tmp_path / "begun").read_text() == "xx"


def test_time_left_is_told_by_the_step_and_the_shares_of_those_to_come() -> None:
    at = [0.0]
    pace = Pace({"reading": 0.2, "recognising": 0.8}, clock=lambda: at[0])
    pace.at("reading", 0, 100)
    assert pace.left_s() is None
    at[0] = 10.0
    pace.at("reading", 50, 100)
    assert pace.left_s() == 10 + 80
    pace.at("recognising", 0, 100)
    at[0] = 70.0
    pace.at("recognising", 25, 100)
    assert pace.left_s() == 180
