"""What the app keeps: workspaces and their recordings, edits, what was heard and where people are, jobs, exports, preferences.

A row of `edit` is never changed: a trigger refuses it. Its number is never given again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_app"
down_revision = "0001_ledger"
branch_labels = None
depends_on = None

_SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TRIGGERS = (
    "CREATE TRIGGER edit_no_update BEFORE UPDATE ON edit BEGIN SELECT RAISE(ABORT, 'edits are append-only: no row is changed'); END",
)
_POSTGRESQL = (
    "CREATE FUNCTION edit_no_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION 'edits are append-only: no row is changed' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE TRIGGER edit_no_update BEFORE UPDATE ON edit FOR EACH ROW EXECUTE FUNCTION edit_no_update()",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "workspace",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("folder", sa.Text(), nullable=False, unique=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", sa.String(27), nullable=False),
    )
    op.create_table(
        "recording",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("workspace", sa.String(16), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("uploaded", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("sha256", sa.String(64), nullable=False, server_default=""),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("facts", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("language", sa.String(80), nullable=False, server_default="und"),
        sa.Column("added", sa.String(27), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False, server_default="0"),
        sa.UniqueConstraint("workspace", "uploaded", "path", name="uq_recording_path"),
    )
    op.create_table(
        "edit",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(80), nullable=False, unique=True),
        sa.Column("recording", sa.String(16), nullable=False),
        sa.Column("person", sa.String(80), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("undoes", sa.BigInteger(), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "heard",
        sa.Column("recording", sa.String(16), primary_key=True),
        sa.Column("segment", sa.String(80), primary_key=True),
        sa.Column("person", sa.String(80), primary_key=True),
        sa.Column("at", sa.String(27), nullable=False),
    )
    op.create_table(
        "place",
        sa.Column("recording", sa.String(16), primary_key=True),
        sa.Column("person", sa.String(80), primary_key=True),
        sa.Column("segment", sa.String(80), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("workspace", sa.String(16), nullable=False),
        sa.Column("recording", sa.String(16), nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("wanted", sa.String(16), nullable=False, server_default="run"),
        sa.Column("owner", sa.String(80), nullable=False, server_default=""),
        sa.Column("created", sa.String(27), nullable=False),
        sa.Column("started", sa.String(27), nullable=True),
        sa.Column("ended", sa.String(27), nullable=True),
        sa.Column("beat", sa.String(27), nullable=True),
        sa.Column("step", sa.Text(), nullable=False, server_default=""),
        sa.Column("done", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("total", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("left_s", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"),
    )
    op.create_table(
        "export",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("workspace", sa.String(16), nullable=False),
        sa.Column("person", sa.String(80), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("formats", sa.Text(), nullable=False),
        sa.Column("recordings", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "preference",
        sa.Column("person", sa.String(80), primary_key=True),
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
    op.create_index("ix_edit_recording", "edit", ["recording", "seq"])
    op.create_index("ix_job_state", "job", ["state"])
    op.create_index("ix_export_workspace", "export", ["workspace"])
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _TRIGGERS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refused: edits are never thrown away."""
    raise NotImplementedError("edits have no way back")
