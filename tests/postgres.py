"""A throw-away PostgreSQL cluster of Debian's package: in a folder of its own, on a Unix socket, no TCP."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def programs() -> Path | None:
    """Where initdb and pg_ctl lie; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]) if p.parts[-3].isdigit() else 0)
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return Path(named).resolve().parent if named else None


@contextmanager
def cluster() -> Iterator[Path]:
    """A running cluster; the folder of its socket. The test is skipped where PostgreSQL cannot be started."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: oral-speech[app]")
    here = programs()
    if here is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="speech-pg-", dir="/tmp"))  # a socket's path may have 107 bytes, no more
    user: str | int | None = None
    group: str | int | None = None
    if os.geteuid() == 0:  # the server refuses to be run by root
        try:
            account = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        user, group = account.pw_uid, account.pw_gid

    def run(*command: str) -> None:
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            user=user,
            group=group,
            extra_groups=[] if user is not None else None,
        )

    data = folder / "data"
    try:
        try:
            run(f"{here}/initdb", "-D", str(data), "-A", "trust", "-U", "speech", "-E", "UTF8", "--locale=C", "--no-sync")
            options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"
            run(f"{here}/pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"PostgreSQL cannot be started here: {error}")
        try:
            yield folder
        finally:
            run(f"{here}/pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(folder: Path) -> str:
    """A new, empty database of a cluster: its URL."""
    import psycopg

    name = f"t{os.urandom(6).hex()}"
    with psycopg.connect(host=str(folder), user="speech", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql://speech@/{name}?host={folder}"
