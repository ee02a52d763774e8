"""Memory that a model may take: the system's, and the limit of a container, in both versions of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from speech.errors import MemoryFailure
from speech.models import memory
from speech.models.memory import free_memory, require_memory


def group(folder: Path, **values: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (folder / name.replace("_dot_", ".")).write_text(f"{value}\n", encoding="ascii")


@pytest.fixture
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_system", lambda: 10**12)


@pytest.mark.usefixtures("plenty")
def test_the_limit_of_a_container_counts_and_files_kept_in_memory_do_not(tmp_path: Path) -> None:
    own = tmp_path / "cgroup"
    own.write_text("0::/user/session\n", encoding="utf-8")
    group(tmp_path / "fs/user/session", memory_dot_max="max", memory_dot_current=10)
    group(tmp_path / "fs/user", memory_dot_max=5000, memory_dot_current=4000, memory_dot_stat="anon 1\ninactive_file 700")
    assert free_memory(tmp_path / "fs", own) == 1700


@pytest.mark.usefixtures("plenty")
def test_the_first_version_of_control_groups_is_asked_too(tmp_path: Path) -> None:
    own = tmp_path / "cgroup"
    own.write_text("5:cpu,cpuacct:/a\n4:memory:/docker/0123\n", encoding="utf-8")
    group(tmp_path / "fs/memory", memory_dot_limit_in_bytes=9000, memory_dot_usage_in_bytes=1000, memory_dot_stat="total_inactive_file 5")
    assert free_memory(tmp_path / "fs", own) == 8005
    group(tmp_path / "fs/memory", memory_dot_limit_in_bytes=9223372036854771712)
    assert free_memory(tmp_path / "fs", own) == 10**12


@pytest.mark.usefixtures("plenty")
def test_without_control_groups_the_system_alone_is_asked(tmp_path: Path) -> None:
    assert free_memory(tmp_path / "none", tmp_path / "none") == 10**12


def test_a_model_that_does_not_fit_is_refused_before_loading() -> None:
    with pytest.raises(MemoryFailure, match="are free") as refused:
        require_memory("model", 300_000_000, "fp32", free=lambda: 1_000)
    assert refused.value.code == "MODEL_MEMORY"
    require_memory("model", 300_000_000, "fp32", free=lambda: None)
