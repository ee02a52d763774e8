"""One small random checkpoint for the tests of a worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models import tiny


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random MMS-shaped checkpoint with three languages; not to be changed."""
    return tiny.save(tmp_path_factory.mktemp("tiny") / "model")
