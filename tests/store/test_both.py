"""What holds of a store on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from speech.collections import ledger
from speech.collections.events import Event
from speech.errors import SpeechError, StoreFailure
from speech.store import HEAD, Server, Store, open_store, place_of
from speech.store.faults import failure_of
from tests.store.test_store import ROW

VALUES = "(1, '01900000-0000-7000-8000-000000000001', '2026-01-01T00:00:00Z', 'block', '{}', '" + "0" * 64 + "', '" + "a" * 64 + "')"
INSERT = "INSERT INTO ledger_event (seq, id, time, type, body, prev, hash) VALUES "
SERVER = Server("postgresql+psycopg://ana:s3cret%21@db.example:5433/speech?password=other")


@pytest.fixture
def store(store_place: Path | str) -> Iterator[Store]:
    with open_store(store_place, wait_s=5) as opened:
        yield opened


def run(store: Store, statement: str) -> None:
    with store.write() as connection:
        connection.exec_driver_sql(statement)


def count(store: Store, table: str = "ledger_event") -> int:
    with store.read() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def test_the_newest_revision_makes_the_tables_that_the_code_uses(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from speech.store.tables import metadata

    with store.read() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, metadata) == []


def test_a_store_is_opened_again_with_what_was_written(store: Store, store_place: Path | str) -> None:
    run(store, INSERT + VALUES)
    with open_store(store_place) as again:
        assert count(again) == 1


def test_what_a_block_wrote_is_undone_when_it_fails(store: Store) -> None:
    with pytest.raises(RuntimeError, match="stopped"), store.write() as connection:
        connection.exec_driver_sql(INSERT + VALUES)
        raise RuntimeError("stopped")
    assert count(store) == 0


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE ledger_event SET type = 'unblock'", "no row is changed"),
        ("DELETE FROM ledger_event", "no row is deleted"),
        (INSERT + VALUES.replace("(1, '0", "(3, '1").replace("a" * 64, "b" * 64).replace("0" * 64, "a" * 64), "goes on from the last one"),
        (INSERT + VALUES.replace("(1, '0", "(2, '1").replace("a" * 64, "b" * 64), "goes on from the last one"),
        (INSERT + VALUES.replace("(1, ", "(2, ").replace("a" * 64, "b" * 64).replace("0" * 64, "a" * 64), "goes on from the last one"),
    ],
    ids=["update", "delete", "gap", "other_prev", "same_id"],
)
def test_the_ledger_takes_rows_at_its_end_and_no_change(store: Store, statement: str, why: str) -> None:
    run(store, INSERT + VALUES)
    with pytest.raises(StoreFailure, match=why) as caught:
        run(store, statement)
    assert caught.value.code == "STORE_LEDGER"
    with store.read() as connection:
        assert [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM ledger_event")] == [ROW]


@pytest.mark.postgres
def test_postgresql_refuses_to_empty_the_ledger_at_once(cluster: Path) -> None:
    from tests import postgres

    with open_store(postgres.new_database(cluster)) as store:
        run(store, INSERT + VALUES)
        with pytest.raises(StoreFailure, match="no row is deleted"):
            run(store, "TRUNCATE ledger_event")
        assert count(store) == 1


def test_a_row_of_edits_is_never_changed_and_its_number_never_given_again(store: Store) -> None:
    row = "INSERT INTO edit (id, recording, person, at, act, said, before, after) VALUES ('{}', 'r', 'p', 't', 'text', '', '', '')"
    run(store, row.format("a"))
    with pytest.raises(StoreFailure, match="no row is changed"):
        run(store, "UPDATE edit SET person = 'q'")
    run(store, "DELETE FROM edit")
    run(store, row.format("b"))
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT seq FROM edit").scalar_one() == 2


def test_the_ledger_is_kept_there_and_its_chain_holds(store: Store) -> None:
    for n in range(3):
        ledger.append(Event(type="block", detail_sha256=f"{n:064x}"), store=store)
    assert ledger.verify(store) == 3
    assert [row.seq for row in ledger.rows(store)] == [1, 2, 3]
    assert ledger.latest_day(store) is not None


def test_the_ledger_finds_a_store_that_the_environment_names(store_place: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEECH_STORE", str(store_place))
    assert list(ledger.rows_of("block")) == []
    assert ledger.latest_day() is None
    ledger.append(Event(type="block"))
    assert [row.type for row in ledger.rows_of("block")] == ["block"]


def test_writers_wait_for_each_other_and_see_what_the_other_wrote(store: Store) -> None:
    def append(n: int) -> None:
        for k in range(5):
            ledger.append(Event(type="block", detail_sha256=f"{n * 10 + k:064x}"), store=store)

    threads = [threading.Thread(target=append, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.verify(store) == 20


def test_a_writer_that_waited_too_long_is_told_so(store_place: Path | str) -> None:
    with open_store(store_place, wait_s=0.2) as store, open_store(store_place, wait_s=0.2) as other, other.write():
        with pytest.raises(StoreFailure) as caught, store.write():
            pass
    assert caught.value.code == "STORE_LOCKED"


def test_a_reader_sees_one_state_while_others_write(store: Store) -> None:
    with store.read() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM ledger_event").scalar_one()
        run(store, INSERT + VALUES)
        assert connection.exec_driver_sql("SELECT count(*) FROM ledger_event").scalar_one() == before == 0
    assert count(store) == 1


def test_an_older_store_is_brought_up_to_date_and_keeps_its_rows(store_place: Path | str) -> None:
    with open_store(store_place) as store:
        ledger.append(Event(type="block"), store=store)
        with store.write() as connection:
            for table in ("workspace", "recording", "edit", "heard", "place", "job", "export", "preference"):
                connection.exec_driver_sql(f"DROP TABLE {table}")
            if isinstance(store.place, Server):
                connection.exec_driver_sql("DROP FUNCTION edit_no_update")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001_ledger'")
    with open_store(store_place) as store:
        assert ledger.verify(store) == 1
        assert count(store, "edit") == 0


def test_a_store_of_a_newer_version_is_left_alone(store: Store, store_place: Path | str) -> None:
    run(store, "UPDATE alembic_version SET version_num = '9999_future'")
    with pytest.raises(StoreFailure, match="9999_future") as caught:
        open_store(store_place)
    assert caught.value.code == "STORE_NEWER"


def test_processes_that_open_a_new_store_at_once_get_the_same_one(store_place: Path | str) -> None:
    code = "import os, speech.store as s; s.open_store(os.environ['PLACE']).close()"
    started = [subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PLACE": str(store_place)}) for _ in range(3)]
    assert [p.wait(timeout=120) for p in started] == [0, 0, 0]


def test_a_url_names_a_server_and_its_text_hides_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert place_of("postgresql://ana@db/speech") == Server("postgresql+psycopg://ana@db/speech")
    monkeypatch.setenv("SPEECH_STORE", "postgresql+psycopg://ana:s3cret@db:5433/speech")
    assert str(place_of()) == "postgresql://ana@db:5433/speech"
    assert "s3cret" not in repr(place_of())
    assert str(SERVER) == "postgresql://ana@db.example:5433/speech"


def test_a_url_of_another_database_is_refused() -> None:
    with pytest.raises(StoreFailure, match="mysql") as caught:
        open_store("mysql://ana:s3cret@db/speech")
    assert caught.value.code == "STORE_PLACE"
    assert "s3cret" not in str(caught.value)


def test_a_server_that_does_not_answer_is_named_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setenv("PGPASSWORD", "hidden-word")
    with pytest.raises(StoreFailure, match="PGPASSWORD") as caught:
        open_store(f"postgresql://ana:s3cret@/speech?host={tmp_path}", wait_s=2)
    assert caught.value.code == "STORE_PLACE"
    assert "s3cret" not in str(caught.value) and "hidden-word" not in str(caught.value)


class Said(Exception):
    def __init__(self, text: str, sqlstate: str | None) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "code"),
    [
        ("55P03", "STORE_LOCKED"),
        ("40P01", "STORE_LOCKED"),
        ("53100", "DISK_FULL"),
        ("58030", "DISK_IO"),
        ("XX001", "STORE_CORRUPT"),
        ("23505", "STORE_LEDGER"),
        ("28P01", "STORE_PLACE"),
        ("3D000", "STORE_PLACE"),
        ("42501", "STORE_PLACE"),
        ("25006", "STORE_PLACE"),
        ("57P01", "STORE_PLACE"),
        ("22P02", "STORE_FAILED"),
        (None, "STORE_FAILED"),
    ],
)
def test_each_state_of_postgresql_has_its_failure(sqlstate: str | None, code: str) -> None:
    failure: Any = failure_of(Said("it failed for s3cret! and s3cret%21 and other", sqlstate), SERVER)
    assert isinstance(failure, SpeechError) and failure.code == code
    assert "s3cret" not in str(failure) and "other" not in failure.what.replace("another", "")
