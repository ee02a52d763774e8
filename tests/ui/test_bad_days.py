"""R32 on SQLite and PostgreSQL: a store that is held, may not be written, or has no room: not saved is said, and what is sent again is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from speech.review import edits
from speech.store import Server, Store, open_store
from speech.ui.served import Served
from tests.ui.conftest import Person, make_collection, opened, recording, work_off

WAIT_S = 0.3


@pytest.fixture
def store(store_place: Path | str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("SPEECH_STORE", str(store_place))
    with open_store(store_place, wait_s=WAIT_S) as made:
        yield made


@pytest.fixture
def served(store: Store, tmp_path: Path) -> Served:
    return opened(store, make_collection(tmp_path / "tapes"), None)


@contextmanager
def held(store: Store) -> Iterator[None]:
    """Another program writes and does not let go."""
    place = store.place.url if isinstance(store.place, Server) else store.place
    with open_store(place, wait_s=10) as other, other.write():
        yield


@contextmanager
def each_connection(store: Store, statement: str) -> Iterator[None]:
    """Every connection to SQLite begins with a statement."""
    from sqlalchemy import event

    def connected(raw: Any, _: Any) -> None:
        cursor = raw.cursor()
        cursor.execute(statement)
        cursor.close()

    engine = store._engine
    event.listen(engine, "connect", connected)
    engine.dispose()
    yield
    event.remove(engine, "connect", connected)
    engine.dispose()


@contextmanager
def refusing(store: Store, state: str) -> Iterator[None]:
    """PostgreSQL answers every writing of a row as it does in a state of its own."""
    with store.write() as connection:
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"RAISE EXCEPTION 'it cannot be written' USING ERRCODE = '{state}'; END $$"
        )
        for table in ("edit", "job"):
            connection.exec_driver_sql(f"CREATE TRIGGER refuses BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuses()")
    yield
    with store.write() as connection:
        for table in ("edit", "job"):
            connection.exec_driver_sql(f"DROP TRIGGER refuses ON {table}")


@contextmanager
def read_only(store: Store) -> Iterator[None]:
    """The store may be read, not written."""
    with refusing(store, "25006") if isinstance(store.place, Server) else each_connection(store, "PRAGMA query_only = ON"):
        yield


@contextmanager
def full(store: Store) -> Iterator[None]:
    """No page more."""
    if isinstance(store.place, Server):
        with refusing(store, "53100"):
            yield
        return
    with store.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with each_connection(store, f"PRAGMA max_page_count = {pages}"):
        yield


Fault = Callable[[Store], AbstractContextManager[None]]
FAULTS: dict[str, tuple[Fault, int, str]] = {
    "held": (held, 503, "STORE_LOCKED"),
    "read only": (read_only, 503, "STORE_PLACE"),
    "full": (full, 507, "DISK_FULL"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_not_stored_is_not_called_saved_and_is_stored_when_it_is_sent_again(served: Served, fault: str) -> None:
    make, status, code = FAULTS[fault]
    person, id = Person(served, "local"), recording(served)
    before = person.get(f"/api/recordings/{id}").json()
    first = before["segments"][0]
    asked = {"id": "e1", "base": {first["id"]: first["version"]}, "act": "text", "segment": first["id"], "text": "ñuka " * 4000}
    with make(served.store):
        answer = person.send(f"/api/recordings/{id}/edits", asked)
        assert (answer.status_code, answer.json()["ok"], answer.json()["code"]) == (status, False, code)
        assert answer.json()["mend"] and str(served.store.where) not in answer.text
        assert person.get(f"/api/recordings/{id}").json()["segments"] == before["segments"]  # reading goes on
    assert person.send(f"/api/recordings/{id}/edits", asked).status_code == 200
    assert person.send(f"/api/recordings/{id}/edits", asked).status_code == 200
    assert [past.act for past in edits.history(served.store, id, first["id"])] == ["draft", "text"]


@pytest.mark.parametrize("fault", ["held", "read only"])
def test_work_waits_for_a_store_that_cannot_be_written(served: Served, fault: str) -> None:
    from speech.errors import StoreFailure

    id = recording(served)
    known = served.find(id)
    assert known is not None
    served.look(known)
    with FAULTS[fault][0](served.store), pytest.raises(StoreFailure):
        work_off(served)
    assert [job.state for job in served.queue.all(served.id)] == ["queued"]
    work_off(served)
    assert [job.state for job in served.queue.all(served.id)] == ["done"]
