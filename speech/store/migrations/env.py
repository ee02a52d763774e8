"""What Alembic runs: migrations on the connection that `speech.store` hands over, inside its transaction.

There is no alembic.ini and no offline mode: a store is brought up to date by opening it.
"""

from __future__ import annotations

from alembic import context

from speech.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
