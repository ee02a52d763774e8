"""Alembic's environment for the store; run by `speech.store` on opening, never by hand."""
