"""The house stands: imports go one way, heavy packages have owners, importing is quick, names are exported."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import speech
from tests.conftest import REPOSITORY

ROWS = (
    {"errors", "types"},
    {"files", "languages"},
    {"text", "audio", "report", "store"},
    {"formats", "models"},
    {"collections", "jobs"},
    {"diarise", "identify", "align", "score", "say", "lm", "search", "names", "lexicon", "check"},
    {"transcribe", "adapt", "audit", "translate"},
    {"review", "batch"},
    {"ui"},
    {"cli"},
)
ROW = {room: number for number, rooms in enumerate(ROWS) for room in rooms}

OWNERS = {
    "soundfile": {"audio"},
    "av": {"audio"},
    "soxr": {"audio"},
    "librosa": {"audio"},
    "transformers": {"models", "identify", "say", "translate", "names"},
    "huggingface_hub": {"models", "identify", "say", "translate", "names"},
    "safetensors": {"models", "say"},
    "pyannote": {"diarise", "score"},
    "jiwer": {"score"},
    "lxml": {"formats"},
    "sqlalchemy": {"store", "collections", "jobs", "review"},
    "psycopg": {"store"},
    "alembic": {"store"},
    "gradio": {"ui"},
    "fastapi": {"ui"},
    "starlette": {"ui"},
    "uvicorn": {"ui"},
    "pydantic": {"ui"},
    "matplotlib": {"report"},
    "ray": {"batch"},
    "peft": {"adapt"},
    "torch": {"models", "adapt", "align", "diarise", "identify", "say", "search", "translate", "names"},
    "torchaudio": {"models", "adapt", "align", "diarise", "identify", "say", "search", "translate", "names"},
}


PACKAGE = REPOSITORY / "speech"


def room_of(path: Path, package: Path = PACKAGE) -> str:
    return path.relative_to(package).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every module a file imports, wherever in it, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "speech":
                yield from ((node.lineno, f"speech.{alias.name}") for alias in node.names)
            yield node.lineno, node.module


def breaches(package: Path) -> list[str]:
    found = []
    for path in sorted(package.rglob("*.py")):
        room = room_of(path, package)
        if room in ("__init__", "__main__"):
            continue
        for line, module in imports(path):
            parts = module.split(".")
            if parts[0] != "speech" or len(parts) < 2 or parts[1] not in ROW or parts[1] == room:
                continue
            if ROW[parts[1]] >= ROW[room]:
                found.append(f"{path.relative_to(package)}:{line}: {room} imports {parts[1]}")
    return found


def sources() -> list[Path]:
    return sorted((REPOSITORY / "speech").rglob("*.py"))


def test_every_room_stands_in_a_row() -> None:
    rooms = {room_of(p) for p in sources()} - {"__init__", "__main__"}
    assert rooms <= set(ROW), rooms - set(ROW)


def test_imports_go_one_way() -> None:
    assert breaches(PACKAGE) == []


def test_an_arrow_that_goes_back_is_named_by_file_line_and_rooms(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "bad.py").write_text("def f():\n    from speech import transcribe\n    import speech.audio\n", encoding="utf-8")
    (tmp_path / "score.py").write_text("from speech.text import graphemes\n", encoding="utf-8")
    assert breaches(tmp_path) == ["text/bad.py:2: text imports transcribe", "text/bad.py:3: text imports audio"]


def test_heavy_packages_are_imported_by_their_owners_only() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}: {module}"
        for path in sources()
        for line, module in imports(path)
        if module.split(".")[0] in OWNERS and room_of(path) not in OWNERS[module.split(".")[0]]
    ]
    assert found == []


def test_the_package_does_not_import_recipes_demos_or_tests() -> None:
    found = [f"{p}:{line}" for p in sources() for line, m in imports(p) if m.split(".")[0] in {"recipes", "demos", "benchmarks", "tests"}]
    assert found == []


def loaded_after(code: str) -> set[str]:
    """Top-level packages in a fresh process after `code`."""
    program = f"import json, sys\n{code}\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    return set(json.loads(done.stdout.splitlines()[-1]))


HEAVY = {"torch", "transformers", "gradio", "fastapi", "librosa", "sqlalchemy", "matplotlib", "av", "lxml", "jiwer"}


def test_importing_speech_loads_nothing_heavy() -> None:
    assert not loaded_after("import speech") & HEAVY


def test_help_loads_nothing_heavy() -> None:
    code = "import io, contextlib\nfrom speech.cli import run\nwith contextlib.redirect_stdout(io.StringIO()):\n    run(['--help'])"
    assert not loaded_after(code) & (HEAVY | {"numpy", "rich"})


def test_light_rooms_need_no_torch() -> None:
    rooms = (
        "errors types files languages text formats collections.consent models.hub models.cards models.checkpoint models.ctc models.activity"
    )
    code = "import " + ", ".join(f"speech.{room}" for room in rooms.split())
    assert not loaded_after(code) & {"torch", "transformers", "sqlalchemy"}


def test_every_exported_name_is_there() -> None:
    for name in speech.__all__:
        assert getattr(speech, name) is not None
    assert set(speech.__all__) <= set(dir(speech))
    assert sorted(speech.__all__) == speech.__all__
