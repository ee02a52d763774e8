"""What the guides say holds: cards that pass the gate, tiers that exist, commands and options that are there."""

from __future__ import annotations

import datetime
import importlib
import re
import shlex
from pathlib import Path

import pytest

from speech import cli, languages
from speech.collections.consent import OWN_USE, Context, answer, item_of
from speech.formats import save
from speech.formats.eaf import EafFile
from speech.text import normalise
from speech.text.checks import require_trainable
from speech.types import Alternative, Segment, Span, Transcript, Word
from tests.conftest import REPOSITORY
from tests.sounds import save as save_sound
from tests.sounds import silence

GUIDES = sorted((REPOSITORY / "docs" / "guides").glob("*.md"))
PAGES = [*GUIDES, REPOSITORY / "README.md"]
REPORTS = sorted((REPOSITORY / "docs").glob("*.md"))


def test_the_card_of_the_guide_allows_what_it_says(tmp_path: Path) -> None:
    card = re.search(r"```toml\n(.*?)```", (REPOSITORY / "docs/guides/consent.md").read_text(encoding="utf-8"), re.DOTALL)
    assert card is not None
    save_sound(tmp_path / "a.wav", silence(1))
    context = Context(basis=OWN_USE, purpose="research", day=datetime.date(2026, 11, 26))

    def code(scope: str) -> str:
        return answer({scope}, item_of(tmp_path / "a.wav"), context=context).code

    assert code("train_asr") == "NO_CARD"
    (tmp_path / "collection.card.toml").write_text(card[1], encoding="utf-8")
    assert (code("transcribe_local"), code("train_asr")) == ("OK", "OK")
    assert code("train_tts") != "OK" and code("publish_text") != "OK"
    withdrawn = card[1] + (
        '\n[[consent]]\nid = "valley_stories:2026-b"\ndecision = "withdrawn"\nscopes = ["ALL"]\nbasis = "community_protocol"\n'
        'given_by = "holder"\ngiven_on = 2026-06-01\nrecorded_by = "linguist"\n'
    )
    (tmp_path / "collection.card.toml").write_text(withdrawn, encoding="utf-8")
    assert code("transcribe_local") == "WITHDRAWN"


def test_the_tiers_of_the_guide_are_those_of_our_files(tmp_path: Path) -> None:
    word = Word(text="kay", span=Span(start_ms=0, end_ms=400), confidence=0.5, alternatives=(Alternative(text="kai", confidence=0.2),))
    segments = (
        Segment(span=Span(start_ms=0, end_ms=900), text="kay", words=(word,), status="unsure", unsure_reason="noise"),
        Segment(span=Span(start_ms=500, end_ms=1500), text="chay", words=(Word(text="chay", span=Span(start_ms=600, end_ms=900)),)),
    )
    save(Transcript(segments=segments), tmp_path / "a.eaf")
    made = {t.id for t in EafFile.from_bytes((tmp_path / "a.eaf").read_bytes()).tiers()}
    guide = (REPOSITORY / "docs/guides/transcribe.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(segments(?: \[[a-z ]+\]| \(\d\))?)`", guide))
    assert named == {"segments", "segments (2)", "segments [words]", "segments [readings]", "segments [status]", "segments [unsure reason]"}
    assert named <= made


def commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for block in re.findall(r"^```\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            found += [(page.name, re.split(r"\s{2,}#", line)[0].strip()) for line in block.splitlines() if line.startswith("speech ")]
    return found


@pytest.mark.parametrize(("page", "line"), commands())
def test_commands_of_the_guides_are_there_with_their_options(page: str, line: str) -> None:
    words = shlex.split(line.split(" > ")[0].split(" | ")[0])[1:]
    command = cli.speech
    context = command.make_context("speech", [*words], resilient_parsing=True)
    while hasattr(command, "commands") or hasattr(command, "get_command"):
        name, command, words = command.resolve_command(context, words)  # type: ignore[assignment]  # a group
        assert command is not None and name
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert [w for w in words if w.startswith("-") and not re.fullmatch(r"-?\d+", w) and w.split("=")[0] not in known] == []


@pytest.mark.parametrize("verb", ["adapt", "diarise", "score"])
def test_every_option_stands_in_the_guide(verb: str) -> None:
    guide = (REPOSITORY / "docs" / "guides" / f"{verb}.md").read_text(encoding="utf-8")
    command = importlib.import_module(f"speech.cli.{verb}").command
    options = [max(o.opts, key=len) for o in command.params if o.opts[0].startswith("-")]
    assert [o for o in options if f"`{o}`" not in guide] == []


def test_the_table_of_the_guide_rules_on_its_letters() -> None:
    guide = (REPOSITORY / "docs" / "guides" / "adapt.md").read_text(encoding="utf-8")
    table = re.search(r"```toml\n(.*?)```", guide, re.DOTALL)
    assert table is not None
    language = languages.parse(table[1], "mdw.toml")
    require_trainable([("1", "lεpω lέ bώ")], language)
    assert normalise("lεpω lέ bώ", language) == "lɛpɔ lɛ́ bɔ́"


def test_links_of_the_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (page.name, target)


def test_the_table_of_the_apps_tests_names_every_file_of_them() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(ui(?:_element)?/test_\w+\.py)`", text))
    tests = REPOSITORY / "tests"
    assert named == {path.relative_to(tests).as_posix() for room in ("ui", "ui_element") for path in (tests / room).glob("test_*.py")}


def test_pictures_are_few_small_used_and_told_in_words() -> None:
    """What a picture shows is said for who does not see it; none lies there unused."""
    shown = [
        (page.parent / target, told)
        for page in [*PAGES, *REPORTS]
        for told, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
        if not target.startswith("http")
    ]
    assert [path.name for path, told in shown if len(told) < 20] == []
    there = {path for path in (REPOSITORY / "docs" / "images").rglob("*") if path.is_file()}
    assert {path.resolve() for path, _ in shown} == {path.resolve() for path in there}
    assert sum(path.stat().st_size for path in there) < 1_200_000
