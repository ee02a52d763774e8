"""What each person has chosen, in the store."""

from __future__ import annotations

import json
from typing import Any

from speech.collections import ledger
from speech.store import Store

MOST = 200
"""Choices of one person, at most."""


class Preferences:
    """Choices by person and name; values are JSON."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, person: str) -> dict[str, Any]:
        """All of a person."""
        from speech.store.tables import preference

        with self._store.read() as connection:
            found = connection.execute(preference.select().where(preference.c.person == person)).mappings()
            return {row["name"]: json.loads(row["value"]) for row in found}

    def keep(self, person: str, name: str, value: Any, *, event: ledger.Event | None = None) -> bool:
        """Keep one, with a row in the ledger where it is an act, or neither; False where a person has too many."""
        from speech.store.tables import preference

        own = preference.c.person == person
        with self._store.write() as connection:
            names = {row["name"] for row in connection.execute(preference.select().where(own)).mappings()}
            text = json.dumps(value, ensure_ascii=False)
            if name in names:
                connection.execute(preference.update().where(own, preference.c.name == name).values(value=text))
            elif len(names) >= MOST:
                return False
            else:
                connection.execute(preference.insert().values(person=person, name=name, value=text))
            if event is not None:
                ledger.append_in(connection, event)
        return True
