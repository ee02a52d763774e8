"""The language model of an adapter: what dev reports, it did not choose; kept where it helps; no sentence of dev or test is learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from speech.adapt import language_model
from speech.adapt.language_model import ENOUGH_WORDS, further, on_dev, put, weighed, words_in
from speech.adapt.material import Clip, Material
from speech.collections.consent import Decision
from speech.lm import Text
from speech.models.lm.files import load
from speech.models.lm.finding import FoundModel, beside
from speech.score import weighing
from speech.score.weighing import Emitted
from tests.emissions import OUTPUT, SENTENCES, emitted

UNSEEN = ("chay runa sumak kan", "kay wasi hatun kan", "ñuka runa kan", "chay wasi sumak kan")


def material(train: Sequence[str], dev: Sequence[str], apart: Sequence[str] = ()) -> Material:
    def clips(texts: Sequence[str]) -> list[Clip]:
        return [Clip(id=str(n), text=text, symbols=list(text), samples=None) for n, text in enumerate(texts)]  # type: ignore[arg-type]  # not heard

    decision = Decision(allowed=True, code="OK", item="a", scope="train_asr")
    return Material(
        language="que", found_as="a manifest", train=clips(train), dev=clips(dev), split_by="", decision=decision,
        records=("field:1",), collections=("field",), kept_apart=frozenset(apart),
    )  # fmt: skip


def weigh(heard: Sequence[Emitted], texts: Sequence[Text] = ()) -> tuple[Any, list[str]]:
    said: list[str] = []
    return weighed(material(SENTENCES * 6, [c.reference for c in heard]), texts, heard, OUTPUT, say=said.append), said


def test_it_is_kept_where_fewer_letters_of_dev_are_wrong_with_it(tmp_path: Path) -> None:
    heard = emitted(UNSEEN * 2, 0.3)
    found, said = weigh(heard)
    assert found.kept and found.helped.overall.letters.counts.errors < found.greedy.overall.letters.counts.errors
    assert found.limit is None and found.calibration is None and words_in(heard) < ENOUGH_WORDS
    assert any("has no limit" in line and "30 words, 100 are needed" in line for line in said)
    path = put(found, tmp_path / "adapter.que.safetensors", "que", "a" * 64, say=said.append)
    assert path == beside(tmp_path / "adapter.que.safetensors", "que") and path is not None
    card = load(path).model.card
    assert card["calibration"] == {"adapter": "a" * 64} and card["consent"] == ["field:1"]
    assert card["texts"][0]["name"] == "field, train" and card["texts"][0]["ground"] == "field:1"  # type: ignore[index]  # JSON


def test_it_is_not_written_where_it_does_not_help_and_an_earlier_one_is_taken_away(tmp_path: Path) -> None:
    found, said = weigh(emitted(UNSEEN * 2, 0.95))  # greedy is right already
    assert not found.kept and any("not kept" in line for line in said)
    path = beside(tmp_path / "adapter.que.safetensors", "que")
    path.write_bytes(b"an earlier one")
    assert put(found, tmp_path / "adapter.que.safetensors", "que", "a" * 64, say=said.append) is None
    assert not path.exists() and "taken away" in said[-1]
    assert put(None, tmp_path / "adapter.que.safetensors", "que", "a" * 64, say=said.append) is None


def test_limit_and_confidences_are_fitted_where_dev_has_words_enough(tmp_path: Path) -> None:
    heard = emitted(UNSEEN * 8, 0.3, sessions=4)
    assert words_in(heard) >= ENOUGH_WORDS
    found, _ = weigh(heard)
    assert found.kept and found.limit is not None and found.calibration is not None
    path = put(found, tmp_path / "adapter.que.safetensors", "que", "a" * 64, say=print)
    assert path is not None
    file = load(path)
    read = FoundModel(model=file.model, sha256=file.sha256, path=path)
    assert (read.limit("a" * 64), read.calibration("a" * 64)) == (found.limit, found.calibration)
    assert read.limit("b" * 64) is None


@pytest.mark.parametrize(("sessions", "halves"), [(4, "2 and 2 sessions"), (0, "clips in turn")])
def test_no_clip_is_judged_by_what_it_chose(sessions: int, halves: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = emitted(UNSEEN * 8, 0.3, sessions=sessions)
    chose: list[set[str]] = []
    judged: list[set[str]] = []

    def choosing(rows: Any, grid: Any) -> Any:
        chose.append({row.id for row in rows[0]})
        return weighing.best_of(rows, grid)

    def limiting(clips: Any, *more: Any) -> Any:
        assert {clip.id for clip in clips} == chose[-1]
        return weighing.limit_of(clips, *more)

    def judging(clips: Any, output: Any, lm: Any = None, limit: Any = None) -> Any:
        if lm is not None:
            judged.append({clip.id for clip in clips})
        return weighing.decoded(clips, output, lm, limit)

    monkeypatch.setattr(language_model, "best_of", choosing)
    monkeypatch.setattr(language_model, "limit_of", limiting)
    monkeypatch.setattr(language_model, "decoded", judging)
    found, _ = weigh(heard)
    every = {clip.id for clip in heard}
    assert [c & j for c, j in zip(chose[:2], judged[:2], strict=True)] == [set(), set()]
    assert [c | j for c, j in zip(chose[:2], judged[:2], strict=True)] == [every, every]
    assert chose[2] == every  # what is kept counts by all of dev
    assert found.halves == halves
    by_session = {c.id: c.recording for c in heard}
    if sessions:
        assert not {by_session[n] for n in chose[0]} & {by_session[n] for n in judged[0]}
    assert found.greedy.overall.resampled == ("recordings" if sessions else "clips")


def test_sentences_of_dev_and_test_are_left_out_of_further_texts_and_counted() -> None:
    own = material(["kay wasi"], ["chay runa sumak kan"], apart=["ñuka wasi hatun sumak kan kaypi"])
    lines = (
        "Chay runa, sumak kan!",  # of dev, otherwise written
        "chay wasi sumak kan",
        "Kay wasi.",  # of train: learnt already
        "chaymanta ñuka wasi hatun sumak kan kaypi runa",  # holds one of test
        "ñuka wasi hatun sumak",  # four words in a row are no copy
    )
    found, copies = further([Text(name="a.txt", sha256="x", sentences=lines, ground="the user's own text")], own)
    assert copies == 2
    assert [text.sentences for text in found] == [("chay wasi sumak kan", "ñuka wasi hatun sumak")]
    said: list[str] = []
    made = weighed(own, [Text(name="a.txt", sha256="x", sentences=lines, ground="")], emitted(UNSEEN, 0.3), OUTPUT, say=said.append)
    assert made is not None and made.model.card["sentences"] == 3 and made.model.card["copies_left_out"] == 2
    assert any("2 sentences that stand in dev or test" in line for line in said)


def test_too_few_clips_weigh_nothing_and_too_few_words_calibrate_nothing() -> None:
    said: list[str] = []
    found = on_dev(material(SENTENCES, UNSEEN), (), emitted(UNSEEN[:3], 0.3), OUTPUT, say=said.append)
    assert found.weighed is None and not found.calibration.raw and [row["decoder"] for row in found.rows] == ["greedy"]
    assert any("3 clips, 4 are needed" in line for line in said) and any("11 words, 100 are needed" in line for line in said)


def test_the_card_states_dev_greedy_and_with_it_with_intervals() -> None:
    heard = emitted(UNSEEN * 8, 0.3, sessions=4)
    found = on_dev(material(SENTENCES * 6, UNSEEN), (), heard, OUTPUT, say=print)
    greedy, helped = found.rows
    assert (greedy["decoder"], helped["decoder"], helped["kept"]) == ("greedy", "language model", True)
    for row in found.rows:
        assert row["cer_low"] <= row["cer"] <= row["cer_high"] and row["wer_low"] <= row["wer"] <= row["wer_high"]
        assert (row["split"], row["clips"], row["interval_of"]) == ("dev", 32, "recordings")
    assert helped["cer"] < greedy["cer"] and "2 and 2 sessions" in helped["chosen_by"]
    assert found.calibration.split == "dev" and found.calibration.words > 0
    none = on_dev(material(SENTENCES * 6, UNSEEN), None, heard, OUTPUT, say=print)
    assert none.weighed is None and none.rows == [greedy]
