"""Threads of one core each."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from speech.models.workers import Workers, shared


def test_each_worker_computes_on_one_core_and_the_caller_keeps_its_own_number() -> None:
    own = torch.get_num_threads()
    workers = Workers(3)

    def asked(_: int) -> int:
        torch.ones(300, 300) @ torch.ones(300, 300)  # a thread's number could be set again by its first product
        return torch.get_num_threads()

    assert set(workers.map(asked, range(12))) == {1}
    assert torch.get_num_threads() == own
    found: list[int] = []
    other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert found == [own]


@pytest.mark.parametrize("count", [1, 2])
def test_results_come_in_order_and_items_are_taken_a_few_ahead(count: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for n in range(50):
            taken.append(n)
            yield n

    def slow_first(n: int) -> int:
        time.sleep(0.02 if n == 0 else 0)
        return n * n

    made = []
    for n, square in enumerate(Workers(count).map(slow_first, items())):
        made.append(square)
        assert len(taken) - n <= 2 * count + 1
    assert made == [n * n for n in range(50)]


def test_a_caller_that_stops_leaves_the_rest_undone() -> None:
    done: list[int] = []
    results = Workers(2).map(done.append, range(1000))
    next(results)
    results.close()  # type: ignore[attr-defined]  # a generator
    assert len(done) < 20


def test_the_process_shares_its_workers() -> None:
    assert shared() is shared() is shared(torch.get_num_threads())


def test_one_worker_serves_its_callers_one_after_the_other() -> None:
    workers = Workers(1)
    inside: list[int] = []
    most: list[int] = []

    def work(n: int) -> int:
        inside.append(n)
        most.append(len(inside))
        time.sleep(0.01)
        inside.remove(n)
        return n

    callers = [threading.Thread(target=lambda k=k: list(workers.map(work, range(10 * k, 10 * k + 5)))) for k in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert max(most) == 1
    assert len(most) == 15


def test_threads_that_ask_first_at_once_get_the_same_workers_and_detector() -> None:
    from speech.models import activity
    from speech.models import workers as module

    module._made.clear()
    activity._made.clear()
    ready = threading.Barrier(6)
    found: list[tuple[Workers, object]] = []

    def ask() -> None:
        ready.wait()
        found.append((module.shared(2), activity.detector()))

    askers = [threading.Thread(target=ask) for _ in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(found) == 6 and len(set(found)) == 1
