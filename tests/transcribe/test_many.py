"""Several recordings at once: order, refusals in their place, the same as alone, nothing loaded for nothing."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

import speech
from speech.collections.consent import Context
from speech.errors import AudioRefused, MemoryFailure, ModelRefused
from speech.models.recogniser import Later, LoadSettings
from speech.transcribe import Asked, Pipeline, Result, runs, transcribe_all
from tests.sounds import SENTENCES, save, silence, spoken

CONTEXT = Context(basis="test", purpose="research")


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return speech.load("mini", basis="test", precision="fp32")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("many")
    made = [save(folder / f"{n}.wav", spoken(*SENTENCES[: 1 + n % len(SENTENCES)])) for n in range(6)]
    (folder / "damaged.wav").write_bytes(b"")
    return [*made[:3], folder / "damaged.wav", *made[3:]]


def test_results_come_in_order_with_refusals_in_their_place_and_as_if_alone(pipeline: Pipeline, recordings: list[Path]) -> None:
    found = list(pipeline.run_all(recordings, language="que"))
    assert isinstance(found[3], AudioRefused) and found[3].code == "AUDIO_EMPTY"
    for path, result in zip(recordings, found, strict=True):
        if path.name == "damaged.wav":
            continue
        assert isinstance(result, Result)
        alone = pipeline.run(path, language="que").transcript
        assert result.transcript.segments == alone.segments
        assert result.transcript.coverage == alone.coverage


def test_a_damaged_recording_is_answered_before_a_model_is_loaded(recordings: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.models.recogniser.load", lambda *_: pytest.fail("the model was loaded"))
    later = Later("mini", LoadSettings(), ["que"])
    (outcome,) = transcribe_all([recordings[3]], asked=Asked(language="que"), model=later, context=CONTEXT)
    assert isinstance(outcome, AudioRefused)


def test_a_model_that_is_not_here_is_said_before_a_recording_is_read(recordings: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.transcribe.recording.load_audio", lambda *_, **__: pytest.fail("the recording was read"))
    later = Later("mms-1b-all", LoadSettings(), ["que"])
    outcomes = list(transcribe_all(recordings, asked=Asked(language="que"), model=later, context=CONTEXT))
    assert all(isinstance(o, ModelRefused) and o.code == "MODEL_NOT_HERE" for o in outcomes)
    assert len(outcomes) == len(recordings)


def test_a_language_without_an_adapter_is_refused_once_loaded(recordings: list[Path]) -> None:
    later = Later("mini", LoadSettings(), ["mdw"])
    outcomes = list(transcribe_all(recordings[:2], asked=Asked(language="mdw"), model=later, context=CONTEXT))
    assert [o.code for o in outcomes if isinstance(o, ModelRefused)] == ["MODEL_LANGUAGE"] * 2


def test_closing_stops_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Path] = []
    ended = threading.Event()

    def endless(recording: Path, **options: object) -> Result:
        begun.append(recording)
        if recording.name == "0.wav":
            return quiet
        try:
            while True:
                options["progress"]("reading", 1, 2)  # type: ignore[operator]  # the verb's own progress
                time.sleep(0.01)
        finally:
            ended.set()

    save(tmp_path / "0.wav", silence(1))
    (quiet,) = (
        o for o in transcribe_all([tmp_path / "0.wav"], asked=Asked(language="und"), model=None, context=CONTEXT) if isinstance(o, Result)
    )
    monkeypatch.setattr(runs, "transcribe", endless)
    outcomes = transcribe_all([tmp_path / f"{n}.wav" for n in range(100)], asked=Asked(language="und"), model=None, context=CONTEXT)
    assert next(outcomes) is quiet
    outcomes.close()
    assert ended.wait(10)
    time.sleep(0.05)
    assert len(begun) < 50


def test_short_recordings_go_on_behind_a_long_one_and_are_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def heard(recording: Path, **_: object) -> object:
        if recording.name == "long":
            go_on.wait(60)
        return recording.name

    monkeypatch.setattr(runs, "transcribe", heard)
    names = [tmp_path / n for n in ("long", *map(str, range(7)))]
    outcomes = transcribe_all(names, asked=Asked(language="und"), model=None, context=CONTEXT)
    outcomes._fill()
    for _ in range(500):
        done = sum(future.done() for _, _, future, _ in outcomes._begun)
        if done == 7:
            break
        time.sleep(0.02)
    assert [recording.name for recording, _ in outcomes.finished()] == list(map(str, range(7)))
    go_on.set()
    outcomes.close()


def test_what_stands_against_a_model_is_asked_once(recordings: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def too_large(*_: object) -> None:
        tries.append(1)
        raise MemoryFailure("mini", "needs 9 GB", "Close other programs", "MODEL_MEMORY")

    monkeypatch.setattr("speech.models.recogniser.load", too_large)
    later = Later("mini", LoadSettings(), ["que"])
    outcomes = list(transcribe_all(recordings[:3] * 4, asked=Asked(language="que"), model=later, context=CONTEXT))
    assert [type(o) for o in outcomes] == [MemoryFailure] * 12
    assert len(tries) == 1
    assert len({id(o) for o in outcomes}) == 12


def test_progress_says_of_which_recording_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(recording: Path, **options: object) -> Exception:
        options["progress"]("reading", int(recording.stem), 9)  # type: ignore[operator]  # the verb's own progress
        time.sleep(0.4)
        raise ValueError(recording.stem)

    monkeypatch.setattr(runs, "transcribe", slow)
    said: list[tuple[int, str, int, int]] = []
    names = [tmp_path / f"{n}.wav" for n in (1, 2)]
    outcomes = transcribe_all(
        names,
        asked=Asked(language="und"),
        model=None,
        context=CONTEXT,
        progress=lambda number, step, done, total: said.append((number, step, done, total)),
    )
    assert [str(o) for o in outcomes] == ["1", "2"]
    assert set(said) == {(0, "reading", 1, 9), (1, "reading", 2, 9)}


def test_outcomes_come_as_they_are_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def heard(recording: Path, **_: object) -> object:
        if recording.name == "long":
            go_on.wait(60)
        return recording.name

    monkeypatch.setattr(runs, "transcribe", heard)
    names = [tmp_path / n for n in ("long", "a", "b", "c")]
    outcomes = transcribe_all(names, asked=Asked(language="und"), model=None, context=CONTEXT)
    found: list[object] = []
    for recording, outcome in outcomes.as_done():
        assert str(outcome) == recording.name
        found.append(outcome)
        if len(found) == 3:
            go_on.set()
    assert set(found[:3]) == {"a", "b", "c"} and found[3] == "long"


def test_the_recordings_asked_for_first_are_finished_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cores compute for the earliest recording that needs them: else all would be finished at the end."""
    from speech.models.workers import Workers

    workers = Workers(2)
    all_there = threading.Barrier(3)

    def heard(recording: Path, **_: object) -> object:
        if recording.stem < "3":
            all_there.wait(60)
        list(workers.map(lambda _: time.sleep(0.02), range(20)))
        return recording.stem

    monkeypatch.setattr(runs, "transcribe", heard)
    names = [tmp_path / f"{n}.wav" for n in range(5)]
    monkeypatch.setattr(runs, "cores_of", lambda _model: 2)
    outcomes = transcribe_all(names, asked=Asked(language="und"), model=None, context=CONTEXT)
    assert [str(outcome) for _, outcome in outcomes.as_done()] == ["0", "1", "2", "3", "4"]
