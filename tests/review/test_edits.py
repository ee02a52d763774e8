"""Edits as rows: stored once, conflicts said, own edits undone across sessions; on both databases."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from speech.errors import Refusal
from speech.review import edits
from speech.review.edits import Conflict, Recorded, segments_of
from speech.store import Store, open_store
from speech.store import tables as t
from speech.types import Segment, Span, Transcript, Word
from tests.review.conftest import RECORDING, Person, three


def texts(store: Store) -> dict[str, str]:
    return {id: form["text"] for id, form in segments_of(store, RECORDING).forms.items()}


def state(store: Store, recording: str = RECORDING) -> Any:
    return dict(segments_of(store, recording).forms)


def rows(store: Store) -> int:
    with store.read() as connection:
        return len(connection.execute(t.edit.select()).all())


def test_a_draft_is_the_first_edit_and_comes_once(drafted: Store) -> None:
    fold = segments_of(drafted, RECORDING)
    assert [f["id"] for f in fold.ordered()] == ["a1", "a2", "a3"]
    assert fold.drafted and set(fold.versions.values()) == {fold.seq}
    assert dict(fold.segments) == {s.id: s for s in (fold.segments[i] for i in ("a1", "a2", "a3"))}
    assert fold.segments["a2"] == three()[1]
    again = edits.draft(drafted, RECORDING, Transcript(segments=three()), person="oral-speech", id="draft")
    assert (again.seq, rows(drafted)) == (fold.seq, 1)
    with pytest.raises(Refusal) as caught:
        edits.draft(drafted, RECORDING, Transcript(segments=three()), person="oral-speech", id="other")
    assert caught.value.code == "REVIEW_DRAFTED"


def test_what_a_draft_says_beside_its_segments_is_kept(store: Store) -> None:
    edits.draft(store, RECORDING, Transcript(segments=three(), software="x 1"), person="p", id="d", source="tape.eaf")
    about = edits.about(store, RECORDING)
    assert (about["from"], about["about"]["software"], about["about"]["segments"]) == ("tape.eaf", "x 1", [])


def test_an_edit_is_answered_with_the_segment_and_its_version(drafted: Store) -> None:
    found = Person(drafted).does("text", segment="a3", text="mana")
    answer = found.as_dict()
    assert answer["segments"]["a3"]["text"] == "mana"
    assert answer["segments"]["a3"]["version"] == answer["seq"] == segments_of(drafted, RECORDING).seq
    assert segments_of(drafted, RECORDING).versions["a1"] < found.seq


def test_the_same_id_is_stored_once_and_answered_alike(drafted: Store) -> None:
    ana = Person(drafted)
    base = dict(segments_of(drafted, RECORDING).versions)
    first = ana.ask("text", id="same", base=base, segment="a3", text="mana")
    ana.does("text", segment="a3", text="later")
    again = ana.ask("text", id="same", base=base, segment="a3", text="mana")
    assert isinstance(first, Recorded) and isinstance(again, Recorded)
    assert again.as_dict() == first.as_dict()
    assert rows(drafted) == 3 and texts(drafted)["a3"] == "later"
    with pytest.raises(Refusal, match="another edit has this id"):
        Person(drafted, "P2").ask("text", id="same", segment="a3", text="x")


def test_an_edit_on_an_older_version_is_a_conflict_with_all_texts(drafted: Store) -> None:
    base = dict(segments_of(drafted, RECORDING).versions)
    Person(drafted, "P2").does("text", segment="a3", text="theirs")
    before = rows(drafted)
    found = Person(drafted).ask("text", base=base, segment="a3", text="mine")
    assert isinstance(found, Conflict)
    said = found.as_dict()["conflict"]
    assert [said[k] and said[k]["text"] for k in ("mine", "theirs", "draft")] == ["mine", "theirs", "arí"]
    assert (said["theirs_by"], said["version"], said["segment"]) == ("P2", segments_of(drafted, RECORDING).seq, "a3")
    assert rows(drafted) == before
    kept = Person(drafted).does("text", base={"a3": found.version}, segment="a3", text="mine")
    assert texts(drafted)["a3"] == "mine"
    assert [(p.person, p.after and p.after["text"]) for p in edits.history(drafted, RECORDING, "a3")] == [
        ("oral-speech", "arí"), ("P2", "theirs"), ("P1", "mine")]  # fmt: skip
    assert kept.seq == found.version + 1


def test_a_segment_that_another_has_deleted_is_a_conflict(drafted: Store) -> None:
    base = dict(segments_of(drafted, RECORDING).versions)
    Person(drafted, "P2").does("delete", segment="a3")
    found = Person(drafted).ask("text", base=base, segment="a3", text="mine")
    assert isinstance(found, Conflict) and found.theirs is None and found.mine is not None


def test_two_who_write_the_same_are_in_no_conflict(drafted: Store) -> None:
    base = dict(segments_of(drafted, RECORDING).versions)
    Person(drafted, "P2").does("text", segment="a3", text="mana")
    found = Person(drafted).ask("text", base=base, segment="a3", text="mana")
    assert isinstance(found, Recorded) and not found.stored and rows(drafted) == 2


def test_an_edit_without_the_version_it_was_made_on_is_refused(drafted: Store) -> None:
    with pytest.raises(Refusal, match="version"):
        Person(drafted).ask("text", base={}, segment="a3", text="x")
    with pytest.raises(Refusal) as caught:
        Person(drafted, recording="0000000000000000").ask("text", base={}, segment="a3", text="x")
    assert caught.value.code == "REVIEW_RECORDING"


def test_an_edit_that_changes_nothing_adds_no_row(drafted: Store) -> None:
    found = Person(drafted).does("text", segment="a3", text="arí")
    assert not found.stored and found.segments["a3"] is not None and rows(drafted) == 1


def test_undo_and_redo_go_through_own_edits_only_and_say_what_they_did(drafted: Store) -> None:
    ana, rosa = Person(drafted), Person(drafted, "P2")
    ana.does("text", segment="a1", text="one")
    second = ana.does("text", segment="a2", text="two")
    rosa.does("text", segment="a3", text="three")
    undone = ana.does("undo")
    assert undone.undid == {"seq": second.seq, "act": "text", "segment": "a2", "segments": 1}
    assert texts(drafted) == {"a1": "one", "a2": "hatun mi", "a3": "three"}
    ana.does("undo")
    assert ana.does("redo").undid is not None and texts(drafted)["a1"] == "one"
    ana.does("redo")
    assert texts(drafted) == {"a1": "one", "a2": "two", "a3": "three"}
    for nothing in ("redo",):
        with pytest.raises(Refusal) as caught:
            ana.ask(nothing)
        assert caught.value.code == "REVIEW_NOTHING"
    ana.does("undo")
    ana.does("text", segment="a1", text="new")
    with pytest.raises(Refusal, match="nothing to redo"):
        ana.ask("redo")


def test_the_same_undo_sent_twice_undoes_once(drafted: Store) -> None:
    ana = Person(drafted)
    ana.does("text", segment="a1", text="one")
    ana.does("text", segment="a1", text="two")
    first, second = ana.ask("undo", id="u"), ana.ask("undo", id="u")
    assert isinstance(first, Recorded) and isinstance(second, Recorded)
    assert first.as_dict() == second.as_dict() and texts(drafted)["a1"] == "one"


def test_undo_leaves_what_others_changed_beside_it(drafted: Store) -> None:
    Person(drafted).does("text", segment="a3", text="mine")
    Person(drafted, "P2").does("note", segment="a3", notes=["heard twice"])
    Person(drafted).does("undo")
    form = segments_of(drafted, RECORDING).forms["a3"]
    assert (form["text"], form["notes"]) == ("arí", ["heard twice"])


def test_undo_of_what_others_changed_since_is_a_conflict_that_is_said(drafted: Store) -> None:
    Person(drafted).does("text", segment="a3", text="mine")
    Person(drafted, "P2").does("text", segment="a3", text="theirs")
    found = Person(drafted).ask("undo")
    assert isinstance(found, Conflict)
    assert (found.mine and found.mine["text"], found.theirs and found.theirs["text"], found.theirs_by) == ("arí", "theirs", "P2")
    Person(drafted, "P2").does("undo")
    Person(drafted).does("undo")
    assert texts(drafted)["a3"] == "arí"


def test_an_undo_that_clashes_may_be_left_so_that_the_next_goes_further_back(drafted: Store) -> None:
    Person(drafted).does("text", segment="a1", text="first")
    Person(drafted).does("text", segment="a3", text="mine")
    Person(drafted, "P2").does("text", segment="a3", text="theirs")
    assert isinstance(Person(drafted).ask("undo"), Conflict)
    left = Person(drafted).does("undo", leave=True)
    assert left.skipped == ("a3",) and left.segments == {}
    Person(drafted).does("undo")
    assert texts(drafted) == {"a1": "kay wasi", "a2": "hatun mi", "a3": "theirs"}


def test_undo_of_a_split_that_another_worked_on_is_a_conflict(drafted: Store) -> None:
    Person(drafted).does("split", segment="a1", caret=4, new="n1")
    Person(drafted, "P2").does("text", segment="n1", text="wasipi")
    assert isinstance(Person(drafted).ask("undo"), Conflict)


def test_replacing_is_one_edit_and_one_undo(drafted: Store) -> None:
    ana, start = Person(drafted), state(drafted)
    found = ana.does("replace", find="a", **{"with": "o"})
    assert texts(drafted) == {"a1": "koy wosi", "a2": "hotun mi", "a3": "orí"}
    assert rows(drafted) == 2 and len(found.segments) == 3
    undone = ana.does("undo")
    assert undone.undid is not None and undone.undid["segments"] == 3 and state(drafted) == start


def test_replacing_skips_what_others_changed_since_and_lists_it(drafted: Store) -> None:
    base = dict(segments_of(drafted, RECORDING).versions)
    Person(drafted, "P2").does("text", segment="a3", text="ama")
    found = Person(drafted).does("replace", base=base, find="a", **{"with": "o"})
    assert found.skipped == ("a3",) and texts(drafted) == {"a1": "koy wosi", "a2": "hotun mi", "a3": "ama"}
    Person(drafted, "P2").does("text", segment="a1", text="wasi")
    undone = Person(drafted).does("undo")
    assert undone.skipped == ("a1",) and texts(drafted) == {"a1": "wasi", "a2": "hatun mi", "a3": "ama"}


def test_a_state_of_the_past_comes_back_as_a_new_edit(drafted: Store) -> None:
    first = segments_of(drafted, RECORDING).seq
    ana = Person(drafted)
    ana.does("text", segment="a3", text="one")
    ana.does("delete", segment="a3")
    ana.does("restore", segment="a3", seq=first + 1)
    assert texts(drafted)["a3"] == "one"
    ana.does("restore", segment="a3", seq=first)
    assert segments_of(drafted, RECORDING).segments["a3"] == three()[2]
    assert [p.act for p in edits.history(drafted, RECORDING, "a3")] == ["draft", "text", "delete", "restore", "restore"]
    with pytest.raises(Refusal, match="not there then"):
        ana.ask("restore", segment="a3", seq=first + 2)


def test_fifty_mixed_edits_undone_after_reopening_give_the_start(drafted: Store, store_place: Path | str) -> None:
    start, rng, ana, made = state(drafted), random.Random(7), Person(drafted), 0
    while made < 50:
        ids = sorted(segments_of(drafted, RECORDING).forms)
        one = rng.choice(ids)
        asked: dict[str, Any] = {
            "segment": one, "text": f"word {made}", "status": rng.choice(["approved", "unsure", "draft"]), "notes": [str(made)], "caret": 1,
            "new": f"n{made}", "with": rng.choice(ids), "speaker": rng.choice(["S1", "S2", "S3"]), "start_ms": rng.randrange(0, 3000),
            "end_ms": rng.randrange(0, 4000), "language": "spa",
        }  # fmt: skip
        try:
            act = rng.choice(["text", "status", "note", "split", "merge", "speaker", "times", "add", "translation", "delete"])
            if act == "delete" and len(ids) < 3:
                continue
            made += ana.does(act, **asked).stored
        except Refusal:
            continue
    with open_store(store_place) as again:
        for _ in range(made):
            Person(again).does("undo")
        assert state(again) == start
        with pytest.raises(Refusal):
            Person(again).ask("undo")


def test_changes_since_an_edit_hold_the_touched_segments_and_where_people_are(drafted: Store) -> None:
    seq = segments_of(drafted, RECORDING).seq
    assert edits.changes_since(drafted, RECORDING, seq).segments == {}
    Person(drafted).does("text", segment="a3", text="one")
    Person(drafted).does("delete", segment="a1")
    edits.put_place(drafted, RECORDING, "a2", "P1")
    edits.put_place(drafted, RECORDING, "a3", "P1")
    found = edits.changes_since(drafted, RECORDING, seq).as_dict()
    assert found["segments"]["a1"] is None and found["segments"]["a3"]["version"] == seq + 1 and found["seq"] == seq + 2
    assert [(p["person"], p["segment"]) for p in found["people"]] == [("P1", "a3")]
    assert edits.place_in(drafted, RECORDING, "P1") == "a3" and edits.place_in(drafted, RECORDING, "P2") is None


def test_heard_is_kept_by_person_and_once(drafted: Store) -> None:
    for _ in range(2):
        edits.mark_heard(drafted, RECORDING, "a1", "P1")
    edits.mark_heard(drafted, RECORDING, "a2", "P2")
    assert edits.heard_in(drafted, RECORDING) == {"a1", "a2"} and edits.heard_in(drafted, RECORDING, "P2") == {"a2"}


def test_times_are_held_against_the_length_that_was_found(drafted: Store) -> None:
    Person(drafted).does("times", segment="a3", start_ms=1500, end_ms=99_000)
    with drafted.write() as connection:
        connection.execute(t.recording.update().where(t.recording.c.id == RECORDING).values(duration_ms=3000, facts='{"found_ms": 3000}'))
    with pytest.raises(Refusal) as caught:
        Person(drafted).ask("times", segment="a2", start_ms=1200, end_ms=3001)
    assert caught.value.code == "REVIEW_TIMES"
    Person(drafted).does("times", segment="a3", start_ms=1600, end_ms=99_000)


def test_the_fold_at_an_edit_is_what_it_was_then(drafted: Store) -> None:
    seq, before = segments_of(drafted, RECORDING).seq, state(drafted)
    Person(drafted).does("replace", find="a", **{"with": "o"})
    assert dict(edits.fold_at(drafted, RECORDING, seq).forms) == before


def test_threads_that_edit_at_once_lose_nothing(drafted: Store) -> None:
    errors: list[BaseException] = []

    def work(n: int) -> None:
        try:
            for k in range(8):
                Person(drafted, f"P{n}").does("add", start_ms=10_000 * n + 100 * k, end_ms=10_000 * n + 100 * k + 90, speaker=f"T{n}",
                                              text=str(k), new=f"t{n}_{k}")  # fmt: skip
                segments_of(drafted, RECORDING)
        except BaseException as error:  # noqa: BLE001  # a thread's failure is the test's
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and len(segments_of(drafted, RECORDING).forms) == 3 + 40


def test_another_process_sees_and_adds_to_the_same_segments(drafted: Store, store_place: Path | str) -> None:
    segments_of(drafted, RECORDING)
    code = (
        "import os\nfrom speech.store import open_store\nfrom speech.review import edits\n"
        "with open_store(os.environ['PLACE']) as s:\n"
        f"    v = edits.segments_of(s, '{RECORDING}').versions\n"
        f"    edits.record(s, '{RECORDING}', person='P9', id='p9', base=v, asked={{'act': 'text', 'segment': 'a3', 'text': 'far'}})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PLACE": str(store_place)}, timeout=120)
    assert texts(drafted)["a3"] == "far"


def test_five_thousand_segments_open_at_once(store: Store, store_place: Path | str) -> None:
    tokens = "kay hatun wasi mi chaypi tiyan".split()

    def segment(n: int) -> Segment:
        start = 1440 * n
        words = (
            Word(text=w, span=Span(start_ms=start + 200 * k, end_ms=start + 200 * k + 180), confidence=0.7) for k, w in enumerate(tokens)
        )
        span = Span(start_ms=start, end_ms=start + 1400)
        return Segment(id=f"a{n + 1}", span=span, text=" ".join(tokens), speaker=f"S{n % 3}", words=tuple(words))

    many = tuple(map(segment, range(5000)))
    edits.draft(store, RECORDING, Transcript(segments=many), person="p", id="d")
    with open_store(store_place) as again:
        started = time.perf_counter()
        assert len(segments_of(again, RECORDING).ordered()) == 5000
        assert time.perf_counter() - started < 10  # 0.3 s measured; a tenfold bound against hanging


@pytest.mark.parametrize(
    ("id", "asked"),
    [
        ("", {}),
        ("x" * 81, {}),
        ("nul\0", {}),
        ("é", {}),
        ("ok", {"act": "status", "segment": "a1", "status": "approved", "text": "\ud800"}),
        ("ok", {"act": "status", "segment": "a1", "status": "approved", "more": float("nan")}),
        ("ok", {"act": "status", "segment": "a1", "status": "approved", "more": "x" * (4 << 20)}),
    ],
    ids=["empty", "long", "nul", "letter", "half", "nan", "large"],
)
def test_what_no_row_can_hold_is_refused(drafted: Store, id: str, asked: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        edits.record(drafted, RECORDING, person="P1", id=id, base=segments_of(drafted, RECORDING).versions, asked=asked)
    assert caught.value.code == "REVIEW_ACT" and rows(drafted) == 1


def test_nobody_hears_or_is_at_a_segment_that_is_not_there(drafted: Store) -> None:
    for note in (edits.mark_heard, edits.put_place):
        for segment in ("gone", "nul\0", "\ud800"):
            with pytest.raises(Refusal):
                note(drafted, RECORDING, segment, "P1")


def test_what_was_answered_is_there_after_a_kill(store: Store, store_place: Path | str) -> None:
    edits.draft(store, RECORDING, Transcript(segments=three()), person="p", id="d")
    code = (
        "import os\nfrom speech.store import open_store\nfrom speech.review import edits\n"
        "s = open_store(os.environ['PLACE'])\nn = 0\n"
        "while True:\n"
        f"    v = edits.segments_of(s, '{RECORDING}').versions\n"
        f"    r = edits.record(s, '{RECORDING}', person='K', id=f\"{{os.environ['RUN']}}-{{n}}\", base=v, "
        "asked={'act': 'text', 'segment': 'a3', 'text': f'n {n}'})\n"
        "    print(r.seq, flush=True)\n    n += 1\n"
    )
    told: list[int] = []
    for run in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, "PLACE": str(store_place), "RUN": str(run)}, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(10 + 7 * run)]
        child.kill()
        rest = child.communicate(timeout=60)[0].splitlines(keepends=True)
        told += [int(line) for line in [*lines, *rest] if line.endswith("\n")]
    with store.read() as connection:
        kept = {row.seq for row in connection.execute(t.edit.select())}
    assert len(told) >= 51 and set(told) <= kept
