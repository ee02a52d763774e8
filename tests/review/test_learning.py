"""What people approved teaches: who judges stays, what may not be learnt from is counted, nothing is put to use by itself."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from speech import formats
from speech.collections import answers, consent
from speech.collections.manifest import Row
from speech.errors import ManifestRefused, ModelRefused, Refusal
from speech.jobs import Queue
from speech.review import learning
from speech.review.learning import Reviewed, back, begin, choose, in_use, judges, kept, learn, lesson
from speech.review.workspace import open_workspace
from speech.store import open_store
from speech.types import Segment, Span, Transcript
from tests.adapt.sources import CARD
from tests.sounds import SENTENCES, spoken

CONTEXT = consent.Context(basis="test")


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Reviewed]]:
    """Five recordings of two sentences each: approved, but for one segment; the fifth lies where no card speaks."""
    root = tmp_path_factory.mktemp("village")
    recordings = []
    for number in range(5):
        folder = root / ("tapes" if number < 4 else "elsewhere")
        folder.mkdir(exist_ok=True)
        (root / "tapes" / answers.CARD).write_text(CARD.replace('"que"', '"zza"'), encoding="utf-8")
        sounds, segments, at = [], [], 0
        for place in range(2):
            text = SENTENCES[(2 * number + place) % len(SENTENCES)]
            sound = spoken(text)
            end = at + len(sound) * 1000 // 16_000
            status = "draft" if (number, place) == (0, 0) else "approved"
            segments.append(Segment(id=f"a{place + 1}", span=Span(start_ms=at, end_ms=end), text=text, status=status))  # type: ignore[arg-type]
            sounds.append(sound)
            at = end
        path = folder / f"tape_{number}.wav"
        soundfile.write(path, np.concatenate(sounds), 16_000)
        recordings.append(Reviewed(id=f"r{number}", path=path, sha256="", segments=segments, language="zza"))
    return root, recordings


def row(id: str, session: str, seconds: float = 2.0) -> Row:
    return Row(id=id, audio=f"{session}.wav", language="zza", text="x", session=session, end_ms=round(1000 * seconds))


def test_only_what_is_approved_and_allowed_is_learnt_from(village: tuple[Path, list[Reviewed]], tmp_path: Path) -> None:
    root, recordings = village
    given = lesson(recordings, "zza", root=root, models=tmp_path, context=CONTEXT)
    assert given.refused == {"NO_CARD": 1} and given.unapproved == 1 and given.ready
    assert {r.id for r in given.rows} == {"r0/a2", *(f"r{n}/a{k}" for n in (1, 2, 3) for k in (1, 2))}
    dev = {r.session for r in given.rows if r.split == "dev"}
    assert dev == {"r0"} and not dev & {r.session for r in given.rows if r.split == "train"}
    assert lesson(recordings, "swh", root=root, models=tmp_path, context=CONTEXT).rows == ()


def test_who_judged_once_judges_again_and_never_teaches() -> None:
    rows = [row(f"{session}{n}", session) for session in "abcd" for n in range(3)]
    dev, _ = judges(rows, (), ())
    taught = {r.id for r in rows} - dev
    assert len(dev) == 3 and len({r.session for r in rows if r.id in dev}) == 1
    session = next(r.session for r in rows if r.id in dev)
    grown = [*rows, row(f"{session}9", session), row("e0", "e", 30), row("f0", "f", 40)]
    again, _ = judges(grown, dev, taught)
    assert again >= dev and f"{session}9" in again and not again & taught
    assert "e0" not in again  # eight seconds of 94 are more than half of the share
    many = [*grown, *(row(f"g{n}", "g", 20) for n in range(9))]
    assert "e0" in judges(many, dev, taught)[0]  # they had become too few: the smallest session that is new joins them
    assert judges(many, dev, {*taught, "e0"})[0] & {"e0", "f0"} == {"f0"}


def test_an_adapter_is_learnt_judged_beside_the_one_before_and_put_to_use_by_hand(
    village: tuple[Path, list[Reviewed]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, recordings = village
    monkeypatch.setattr("speech.adapt.whole.steps_for", lambda seconds, large: 2)
    monkeypatch.setattr("speech.adapt.batches.SHAPES", ((2, 6.0),))
    monkeypatch.setattr("speech.adapt.minutes.SIZES", ())
    given = lesson(recordings, "zza", root=root, models=tmp_path, context=CONTEXT)
    told = learn(given, "zza", models=tmp_path, name="first", basis="test")
    assert told["old"] is None and told["new"]["cer"]["value"] > 0 and told["adapter"] == "first"
    assert told["worst"][0]["segment"] == "r0/a2" and told["refused"] == {"NO_CARD": 1} and told["dev_clips"] == 1
    assert in_use(tmp_path, "zza") is None  # nothing is replaced until a person says so
    choose(tmp_path, "zza", "first")
    assert in_use(tmp_path, "zza") == tmp_path / "zza" / "first"
    again = learn(
        lesson(recordings, "zza", root=root, models=tmp_path, context=CONTEXT), "zza", models=tmp_path, name="second", basis="test"
    )
    assert again["old"]["cer"]["value"] == pytest.approx(told["new"]["cer"]["value"], abs=0.02)
    assert [found["adapter"] for found in learning.learnt(tmp_path, "zza")] == ["first", "second"]
    choose(tmp_path, "zza", "second")
    back(tmp_path, "zza")
    assert in_use(tmp_path, "zza") == tmp_path / "zza" / "first"
    back(tmp_path, "zza")
    assert in_use(tmp_path, "zza") is None and kept(tmp_path, "zza").dev == ["r0/a2"]
    with pytest.raises(ModelRefused) as caught:
        choose(tmp_path, "zza", "../first")
    assert caught.value.code == "MODEL_NOT_HERE"


def test_a_workspace_tells_what_is_approved_and_what_to_look_at_next(village: tuple[Path, list[Reviewed]], tmp_path: Path) -> None:
    root, recordings = village
    folder = tmp_path / "tapes"
    shutil.copytree(root / "tapes", folder)
    for number, recording in enumerate(recordings[:4]):
        formats.save(Transcript(segments=tuple(replace(s, language="zza") for s in recording.segments)), folder / f"tape_{number}.eaf")
    with open_store(tmp_path / "store.sqlite3") as store:
        workspace = open_workspace(folder, store=store, context=CONTEXT)
        found = learning.reviewed(workspace)
        assert [r.path.name for r in found] == [f"tape_{n}.wav" for n in range(4)]
        told = learning.approved(found, "zza")
        whole = sum(s.span.length_ms for r in recordings[:4] for s in r.segments if s.status == "approved")
        assert told.ms == whole == learning.languages_of(found)["zza"] and told.lacking_ms == 75_000 - whole
        following = learning.next_to_review(found, "zza")
        assert [(n.recording, n.segment) for n in following] == [(found[0].id, found[0].segments[0].id)]
        given = lesson(found, "zza", root=learning.root_of(workspace), models=learning.models_of(workspace), context=CONTEXT)
        assert len(given.rows) == 7 and given.ready and given.unapproved == 1
        assert all((given.root / row.audio).is_file() for row in given.rows)


def test_too_little_is_said(village: tuple[Path, list[Reviewed]], tmp_path: Path) -> None:
    root, recordings = village
    given = lesson(recordings[:1], "zza", root=root, models=tmp_path, context=CONTEXT)
    with pytest.raises(ManifestRefused) as caught:
        learn(given, "zza", models=tmp_path, name="first", basis="test")
    assert caught.value.code == "MANIFEST_EMPTY" and not (tmp_path / "zza" / "first").exists()


def test_one_person_at_a_time_teaches_a_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever presses first has it, also where both press at once; another language is another's."""
    monkeypatch.setattr("speech.review.learning.lesson_in", lambda workspace, language: SimpleNamespace(
        require_ready=lambda language: None, seconds=lambda split: 60.0
    ))  # fmt: skip
    (tmp_path / "tapes").mkdir()
    with open_store(tmp_path / "store.sqlite3") as store:
        workspace = open_workspace(tmp_path / "tapes", store=store)
        queue = Queue(store)

        def teach(owner: str, language: str = "que") -> str:
            try:
                return begin(queue, workspace, language, owner=owner).id
            except Refusal as refused:
                return refused.code

        with ThreadPoolExecutor(2) as both:
            told = list(both.map(teach, ("ana", "ben")))
        assert told.count("REVIEW_LEARNING") == 1 and len(queue.all(workspace.id)) == 1
        [job] = queue.all(workspace.id)
        assert teach(job.owner) == job.id
        other = "ben" if job.owner == "ana" else "ana"
        assert teach(other) == "REVIEW_LEARNING" and teach(other, "swh") != "REVIEW_LEARNING"
        queue.want(job.id, "cancel")
        assert teach(other) not in ("REVIEW_LEARNING", job.id)
