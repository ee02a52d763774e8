"""The ledger: a table that takes rows at its end and refuses every change of what stands in it.

Three triggers, because SQLite knows no such right: UPDATE and DELETE are refused; INSERT must go on from the
last row. The third also stops INSERT OR REPLACE, which deletes without firing a delete trigger. PostgreSQL has the same
three, and one more against TRUNCATE.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_ledger"
down_revision = None
branch_labels = None
depends_on = None

_TRIGGERS = (
    "CREATE TRIGGER ledger_event_no_update BEFORE UPDATE ON ledger_event "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no row is changed'); END",
    "CREATE TRIGGER ledger_event_no_delete BEFORE DELETE ON ledger_event "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no row is deleted'); END",
    "CREATE TRIGGER ledger_event_goes_on BEFORE INSERT ON ledger_event "
    "WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger_event) "
    "OR NEW.prev IS NOT coalesce((SELECT hash FROM ledger_event ORDER BY seq DESC LIMIT 1), printf('%064d', 0)) "
    "OR EXISTS (SELECT 1 FROM ledger_event WHERE id = NEW.id OR hash = NEW.hash) "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: a row goes on from the last one'); END",
)

_REFUSE = (
    "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {when}"
    "RAISE EXCEPTION 'the ledger is append-only: {why}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
)
_NOT_NEXT = (
    "IF NEW.seq IS NOT DISTINCT FROM (SELECT coalesce(max(seq), 0) + 1 FROM ledger_event) "
    "AND NEW.prev IS NOT DISTINCT FROM coalesce((SELECT hash FROM ledger_event ORDER BY seq DESC LIMIT 1), repeat('0', 64)) "
    "AND NOT EXISTS (SELECT 1 FROM ledger_event WHERE id = NEW.id OR hash = NEW.hash) THEN RETURN NEW; END IF; "
)
_POSTGRESQL = (
    _REFUSE.format(name="ledger_event_no_update", when="", why="no row is changed"),
    _REFUSE.format(name="ledger_event_no_delete", when="", why="no row is deleted"),
    _REFUSE.format(name="ledger_event_goes_on", when=_NOT_NEXT, why="a row goes on from the last one"),
    "CREATE TRIGGER ledger_event_no_update BEFORE UPDATE ON ledger_event FOR EACH ROW EXECUTE FUNCTION ledger_event_no_update()",
    "CREATE TRIGGER ledger_event_no_delete BEFORE DELETE ON ledger_event FOR EACH ROW EXECUTE FUNCTION ledger_event_no_delete()",
    "CREATE TRIGGER ledger_event_no_truncate BEFORE TRUNCATE ON ledger_event FOR EACH STATEMENT EXECUTE FUNCTION ledger_event_no_delete()",
    "CREATE TRIGGER ledger_event_goes_on BEFORE INSERT ON ledger_event FOR EACH ROW EXECUTE FUNCTION ledger_event_goes_on()",
)


def upgrade() -> None:
    """Make the table and its triggers."""
    op.create_table(
        "ledger_event",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("time", sa.String(27), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("prev", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
    )
    op.create_index("ix_ledger_event_type", "ledger_event", ["type"])
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _TRIGGERS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refused: the ledger is never thrown away."""
    raise NotImplementedError("the ledger is append-only and has no way back")
