"""The store: made whole, brought up to date, and never changed behind the ledger's back."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from speech.errors import StoreFailure
from speech.store import HEAD, open_store, place_of
from speech.store.places import disk_of

ROW = (1, "01900000-0000-7000-8000-000000000001", "2026-01-01T00:00:00Z", "block", "{}", "0" * 64, "a" * 64)
INSERT = "INSERT INTO ledger_event (seq, id, time, type, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"


@pytest.fixture
def raw(tmp_path: Path) -> sqlite3.Connection:
    """A store with one row, opened without our code, as any other program could."""
    open_store(tmp_path / "store.sqlite3").close()
    connection = sqlite3.connect(tmp_path / "store.sqlite3")
    connection.execute(INSERT, ROW)
    connection.commit()
    return connection


def test_the_store_lies_in_the_users_data_folder_unless_another_is_named(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place_of() == own_home / "data" / "oral-speech" / "store.sqlite3"
    monkeypatch.setenv("SPEECH_STORE", str(tmp_path / "mine.db"))
    assert place_of() == tmp_path / "mine.db"
    monkeypatch.setenv("SPEECH_STORE", str(tmp_path))
    assert place_of() == tmp_path / "store.sqlite3"
    assert place_of(Path("other.db")) == Path("other.db")


def test_a_new_store_is_one_file_in_a_folder_of_its_owner(own_home: Path) -> None:
    open_store().close()
    folder = own_home / "data" / "oral-speech"
    assert [p.name for p in folder.iterdir()] == ["store.sqlite3"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_every_commit_reaches_the_disk_and_readers_do_not_wait(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store, store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_the_newest_revision_is_the_one_the_code_names_and_makes_the_tables_it_uses(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    import speech.store
    from speech.store.tables import metadata

    config = Config()
    config.set_main_option("script_location", str(Path(speech.store.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD
    with open_store(tmp_path / "s.db") as store, store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_store_that_is_up_to_date_opens_without_alembic_and_without_the_mapper(tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    open_store(place).close()
    code = (
        "import sys, pathlib, speech.store as s; light = [m for m in ('sqlalchemy', 'platformdirs') if m in sys.modules]; "
        f"s.open_store(pathlib.Path({str(place)!r})).close(); "
        "print(light, [m for m in ('alembic', 'sqlalchemy.orm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE ledger_event SET type = 'unblock'", "no row is changed"),
        ("DELETE FROM ledger_event", "no row is deleted"),
        (INSERT.replace("INSERT", "INSERT OR REPLACE").replace("(?, ?, ?, ?, ?, ?, ?)", str(ROW)), "goes on from the last one"),
        (INSERT.replace("(?, ?, ?, ?, ?, ?, ?)", str((2, "x", *ROW[2:5], "b" * 64, "c" * 64))), "goes on from the last one"),
        (INSERT.replace("(?, ?, ?, ?, ?, ?, ?)", str((3, "x", *ROW[2:5], "a" * 64, "c" * 64))), "goes on from the last one"),
        (
            INSERT.replace("INSERT", "INSERT OR REPLACE").replace("(?, ?, ?, ?, ?, ?, ?)", str((2, *ROW[1:5], "a" * 64, "c" * 64))),
            "goes on",
        ),
    ],
    ids=["update", "delete", "replace", "other_prev", "gap", "replace_by_id"],
)
def test_rows_of_the_ledger_cannot_be_changed_by_any_program(raw: sqlite3.Connection, statement: str, why: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=why):
        raw.execute(statement)
    assert raw.execute("SELECT * FROM ledger_event").fetchall() == [ROW]
    raw.close()


def test_what_a_block_wrote_is_undone_when_it_fails(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        with pytest.raises(RuntimeError, match="stopped"), store.write() as connection:
            connection.exec_driver_sql(INSERT, ROW)
            raise RuntimeError("stopped")
        with store.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM ledger_event").scalar() == 0


def test_a_row_that_the_ledger_refuses_is_a_failure_of_the_store(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store, pytest.raises(StoreFailure, match="append-only") as caught, store.write() as connection:
        connection.exec_driver_sql(INSERT, (7, *ROW[1:]))
    assert caught.value.code == "STORE_LEDGER"


def test_a_store_of_a_newer_version_is_left_alone(raw: sqlite3.Connection, tmp_path: Path) -> None:
    raw.execute("UPDATE alembic_version SET version_num = '9999_future'")
    raw.commit()
    raw.close()
    with pytest.raises(StoreFailure, match="9999_future") as caught:
        open_store(tmp_path / "store.sqlite3")
    assert caught.value.code == "STORE_NEWER"


def test_two_processes_that_open_a_new_store_at_once_get_the_same_one(tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    code = f"import pathlib, speech.store as s; s.open_store(pathlib.Path({str(place)!r})).close()"
    started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [p.wait(timeout=120) for p in started] == [0, 0, 0]
    assert {p.name.removesuffix("-wal").removesuffix("-shm") for p in tmp_path.iterdir()} == {"s.db"}


def test_the_kind_of_disk_is_read_from_the_table_of_mounts() -> None:
    mounts = (
        "1 0 0:1 / / rw - ext4 /dev/sda1 rw\n"
        "2 1 0:2 / /home rw,nosuid shared:5 - nfs4 server:/home rw\n"
        "3 2 0:3 / /home/a\\040b rw - tmpfs tmpfs rw\n"
    )
    assert disk_of(Path("/var/x.db"), mounts) == "ext4"
    assert disk_of(Path("/home/me/x.db"), mounts) == "nfs4"
    assert disk_of(Path("/home/a b/x.db"), mounts) == "tmpfs"
    assert disk_of(Path("/homely/x.db"), mounts) == "ext4"


def test_what_sqlite_says_beyond_the_known_is_a_failure_of_the_store(tmp_path: Path) -> None:
    from speech.store.faults import failure_of

    failure = failure_of(sqlite3.OperationalError("something new"), tmp_path / "store.sqlite")
    assert failure.code == "STORE_FAILED"
    assert "OperationalError" in failure.what
