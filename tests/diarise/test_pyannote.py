"""pyannote.audio as a diariser: its own pipeline on small models, from files here, in silence, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speech import cli
from speech.diarise import engines
from speech.diarise import pyannote_engine as engine
from speech.diarise.checkpoints import COMMUNITY
from speech.diarise.records import SpeakerCount, Voices
from speech.errors import ModelRefused, UsageFailure
from tests.conftest import REPOSITORY
from tests.diarise import small

OPEN = SpeakerCount()
TALK = ((1500, 0.5, 3.0), (500, 2.5, 5.0), (1500, 6.0, 7.5))


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    small.require()


@pytest.fixture(scope="module")
def tones(installed: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A pipeline a way of clustering; not to be changed."""
    place = tmp_path_factory.mktemp("tones")
    return {name: small.save_tones(place / name, name) for name in small.VALUES}


@pytest.fixture
def folder(tones: dict[str, Path], tmp_path: Path) -> Path:
    """One that a test may spoil."""
    return Path(shutil.copytree(tones["VBxClustering"], tmp_path / "pipeline"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub's cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def loaded(folder: Path) -> engine.Pyannote:
    return engine.load(str(folder), trust=[str(folder)])


def heard(diariser: engine.Pyannote, sound: small.Samples, count: SpeakerCount = OPEN) -> Voices:
    return diariser.voices(sound, 0.1, [], count, lambda step, done, total: None)


def snapshot(cache: Path, repository: str, source: Path) -> Path:
    """A repository in the hub's cache, as the hub's own library lays it out."""
    at = cache / f"models--{repository.replace('/', '--')}"
    (at / "refs").mkdir(parents=True)
    (at / "refs" / "main").write_text("0123abc", encoding="utf-8")
    return Path(shutil.copytree(source, at / "snapshots" / "0123abc"))


def refused(act: Callable[[], object], code: str) -> ModelRefused:
    with pytest.raises(ModelRefused) as found:
        act()
    assert found.value.code == code, found.value
    return found.value


@pytest.mark.parametrize("clustering", list(small.VALUES))
def test_turns_are_where_the_voices_are_overlap_kept(tones: dict[str, Path], clustering: str) -> None:
    steps: list[tuple[str, int, int]] = []
    diariser = loaded(tones[clustering])
    sound = small.conversation(*TALK, seconds=9)
    voices = diariser.voices(sound, 0.1, [], OPEN, lambda *step: steps.append(step))
    assert [t.speaker for t in voices.turns] == ["S1", "S2", "S1"]
    for turn, (_, start, end) in zip(voices.turns, TALK, strict=True):
        assert abs(turn.span.start_ms - 1000 * start) <= 40 and abs(turn.span.end_ms - 1000 * end) <= 40
        assert turn.margin is None
    first, second = (voices.voice_by_speaker[name] for name in ("S1", "S2"))
    assert first.dtype == np.float32 and abs(np.linalg.norm(first) - 1) < 1e-6
    assert first[1] > 0.99 and second[0] > 0.99  # 1500 Hz speaks first, and the vector of a voice is its own
    assert {name for name, _, _ in steps} == {"hearing voices", "telling voices apart"}
    assert all(0 <= done <= total for _, done, total in steps) and steps[-1][1] == steps[-1][2]
    assert diariser.name == str(tones[clustering])


def test_a_known_number_of_speakers_is_kept_to(tones: dict[str, Path]) -> None:
    diariser = loaded(tones["VBxClustering"])
    sound = small.conversation(*TALK, seconds=9)
    for count, due in ((SpeakerCount(least=1, most=1), 1), (SpeakerCount(least=3, most=3), 3), (SpeakerCount(most=1), 1)):
        assert len({t.speaker for t in heard(diariser, sound, count).turns}) == due
    with pytest.raises(UsageFailure) as failed:
        heard(diariser, sound, SpeakerCount(least=60, most=60))
    assert failed.value.code == "SPEAKERS"


def test_a_pipeline_that_must_be_told_the_number_says_so(folder: Path) -> None:
    text = small.config("VBxClustering", plda=None).replace("VBxClustering", "KMeansClustering")
    text = text.replace("  clustering:\n    Fa: 0.07\n    Fb: 0.8\n    threshold: 0.6\n", "")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    diariser = loaded(folder)
    with pytest.raises(UsageFailure) as failed:
        heard(diariser, small.conversation(*TALK, seconds=9))
    assert failed.value.code == "SPEAKERS" and "--speakers" in failed.value.mend
    assert len({t.speaker for t in heard(diariser, small.conversation(*TALK, seconds=9), SpeakerCount(least=2, most=2)).turns}) == 2


@pytest.mark.parametrize("seconds", [0, 0.05, 0.3, 3])
def test_silence_and_the_shortest_sounds_have_no_turns(tones: dict[str, Path], seconds: float) -> None:
    assert heard(loaded(tones["VBxClustering"]), small.conversation(seconds=seconds)) == Voices()


def test_a_turn_ends_where_the_recording_ends(tones: dict[str, Path]) -> None:
    voices = heard(loaded(tones["AgglomerativeClustering"]), small.conversation((500, 0, 0.3), seconds=0.3))
    assert [(t.span.end_ms, t.speaker) for t in voices.turns] == [(300, "S1")]


def test_pyannotes_own_networks_run(installed: None, tmp_path: Path) -> None:
    voices = heard(loaded(small.save_random(tmp_path / "random")), small.conversation((1500, 0.5, 2.0), seconds=3))
    assert all(0 <= t.span.start_ms < t.span.end_ms <= 3000 for t in voices.turns)
    assert set(voices.voice_by_speaker) <= {t.speaker for t in voices.turns}


def test_an_older_pipeline_needs_no_plda_and_finds_its_models_in_the_cache(folder: Path, cache: Path) -> None:
    pipeline, segmentation, embedding = "pyannote/speaker-diarization-3.1", "pyannote/segmentation-3.0", "pyannote/wespeaker-resnet34-LM"
    text = small.config("AgglomerativeClustering", plda=None).replace("$model/segmentation", segmentation)
    text = text.replace("$model/embedding", embedding).replace("dependencies:\n  pyannote.audio: 4.0.0", "version: 3.1.0")
    snapshot(cache, segmentation, folder / "segmentation")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    for name in ("segmentation", "plda"):
        shutil.rmtree(folder / name)
    last = folder.parent / "embedding"
    (folder / "embedding").rename(last)
    snapshot(cache, pipeline, folder)
    missing = refused(lambda: engine.load(pipeline, trust=[pipeline]), "MODEL_NOT_HERE")
    assert f"hf download {embedding}" in missing.mend and f"https://huggingface.co/{embedding}" in missing.mend
    snapshot(cache, embedding, last)
    assert embedding in refused(lambda: engine.load(pipeline, trust=[segmentation]), "MODEL_PICKLE").what
    diariser = engine.load(pipeline, trust=[segmentation, embedding])
    assert [t.speaker for t in heard(diariser, small.conversation(*TALK, seconds=9)).turns] == ["S1", "S2", "S1"]


def test_the_name_pyannote_is_community_1_in_the_cache(tones: dict[str, Path], cache: Path) -> None:
    snapshot(cache, COMMUNITY, tones["VBxClustering"])
    assert f"{COMMUNITY}/plda/plda.npz" in refused(lambda: engine.load("pyannote"), "MODEL_PICKLE").what
    assert engine.load("pyannote", trust=["pyannote"]).name == "pyannote"
    assert len(engine.load(COMMUNITY).sha256_by_checkpoint) == 4


def test_pyannote_is_offered_once_it_is_here_and_trusted(tones: dict[str, Path], cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert engines.there() == ("embedded",)
    snapshot(cache, COMMUNITY, tones["VBxClustering"])
    assert engines.there() == ("embedded",)  # a pickle that nobody has trusted
    engine.load("pyannote", trust=["pyannote"])
    assert engines.there() == ("embedded", "pyannote")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert engines.there() == ("embedded",)


PROGRAM = """
import json, logging, random, socket, sys, threading, warnings
warnings.simplefilter("error")
def refuse(*arguments):
    raise AssertionError("a connection")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
import numpy, torch
torch.set_num_threads(2)
def state():
    numbers = [torch.get_rng_state().sum().item(), hash(random.getstate()), numpy.random.get_state()[1].sum().item()]
    filters = [str(f[:3]) for f in warnings.filters if "pyannote" in str(f) or "torchcodec" in str(f) or f[0] == "ignore"]
    flags = [torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.is_grad_enabled(), torch.get_num_threads()]
    threads = sorted(t.name for t in threading.enumerate())
    return [numbers, filters, flags, threads, len(logging.root.handlers), torch.get_float32_matmul_precision()]
before = state()
from speech.diarise import pyannote_engine
from speech.diarise.records import SpeakerCount
from tests.diarise import small
sound = small.conversation((1500, 0.5, 3.0), (500, 2.5, 5.0), seconds=6)
diariser = pyannote_engine.load(sys.argv[1], trust=[sys.argv[1]])
turns = diariser.voices(sound, 0.1, [], SpeakerCount(), lambda *step: None).turns
few = diariser.voices(sound, 0.1, [], SpeakerCount(least=2, most=2), lambda *step: None).turns
after = state()
from pyannote.audio.telemetry.metrics import is_metrics_enabled
print(json.dumps([before, after, len(turns), is_metrics_enabled()]))
"""


def test_a_fresh_process_is_left_as_it_was_with_telemetry_off(tones: dict[str, Path], tmp_path: Path) -> None:
    environment = {**os.environ, "PYANNOTE_METRICS_ENABLED": "1", "PYTHONPATH": str(REPOSITORY), "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tones["AgglomerativeClustering"])],
        capture_output=True,
        text=True,
        env={**environment, "SPEECH_MODELS": str(tmp_path)},
        cwd=REPOSITORY,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()  # nothing of pyannote's among results
    before, after, turns, telemetry = json.loads(line)
    assert after == before
    assert turns == 2 and telemetry is False


def test_only_known_warnings_are_silenced() -> None:
    with engine._left_as_found():
        warnings.warn("\ntorchcodec is not installed correctly so built-in audio decoding will fail.", stacklevel=1)
        with pytest.raises(UserWarning):
            warnings.warn("torchcodec has burnt down", stacklevel=1)


@pytest.mark.parametrize("lacking", ["pyannote", "pyannote.audio"])
def test_where_pyannote_is_not_installed_the_command_is_named(monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    def find(name: str) -> None:
        if lacking == "pyannote":
            raise ModuleNotFoundError(name)

    monkeypatch.setattr("importlib.util.find_spec", find)
    assert "pip install 'oral-speech[diarise]'" in refused(lambda: engine.load("pyannote"), "MODEL_NOT_HERE").mend


CLASS = "pyannote.audio.pipelines.SpeakerDiarization"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (CLASS, "os.system", "os.system"),
        (CLASS, "pyannote.audio.pipelines.VoiceActivityDetection", "VoiceActivityDetection"),
        ("params:\n  clustering", "preprocessors:\n  audio: {name: os.system}\nparams:\n  clustering", "preprocessors"),
        ("segmentation_batch_size", "segmentation_onset", "segmentation_onset"),
        ("VBxClustering", "OracleClustering", "OracleClustering"),
        ("$model/embedding", "speechbrain/spkrec-ecapa-voxceleb", "speechbrain"),
        ("threshold: 0.6", "threshold: [0.6]", "params.clustering"),
        ("threshold: 0.6", "treshold: 0.6", "treshold"),
        ("pyannote.audio: 4.0.0", "nemo: 1.0.0", "nemo"),
        ("pipeline:", "pipeline: [", "YAML"),
        ("pipeline:", "model:", "names no pipeline"),
        ("pipeline:", "deep: " + "[" * 20_000 + "\npipeline:", "YAML"),
        (f"name: {CLASS}", "name: *bomb", "a list"),
        ("clustering: VBxClustering", "clustering: *bomb", "a list"),
        ("embedding_exclude_overlap: true", "embedding_exclude_overlap: *bomb", "a list"),
        ("pyannote.audio: 4.0.0", "pyannote.audio: *bomb", "a list"),
    ],
)
def test_a_config_that_asks_for_more_than_a_pipeline_is_refused(folder: Path, old: str, new: str, told: str) -> None:
    text = (folder / "config.yaml").read_text(encoding="utf-8")
    assert old in text
    if "*bomb" in new:  # forty lines that would be 2^40 letters
        text = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)) + "a40: &bomb [*a39]\n" + text
    (folder / "config.yaml").write_text(text.replace(old, new), encoding="utf-8")
    error = refused(lambda: loaded(folder), "MODEL_CONFIG")
    assert told in error.what + error.where


def test_a_file_that_the_config_points_to_is_missed_by_name(folder: Path) -> None:
    (folder / "embedding" / "pytorch_model.bin").unlink()
    error = refused(lambda: loaded(folder), "MODEL_NOT_HERE")
    assert error.where.endswith("embedding/pytorch_model.bin") and "embedding" in error.what


def test_models_at_paths_are_found_from_the_config_on(folder: Path) -> None:
    text = small.config("VBxClustering", at="", plda="plda").replace(": embedding\n", ": embedding/pytorch_model.bin\n")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    assert heard(loaded(folder), small.conversation(*TALK, seconds=9)).turns


@pytest.mark.parametrize("spoilt", ["embedding/pytorch_model.bin", "plda/plda.npz"])
def test_a_trusted_file_that_is_cut_is_a_refusal(folder: Path, spoilt: str) -> None:
    data = (folder / spoilt).read_bytes()
    (folder / spoilt).write_bytes(data[: len(data) // 2])
    refused(lambda: loaded(folder), "MODEL_CONFIG")


def test_weights_of_another_shape_are_a_refusal(folder: Path) -> None:
    import torch

    path = folder / "embedding" / "pytorch_model.bin"
    checkpoint = torch.load(path, weights_only=False)
    checkpoint["state_dict"]["weight"] = torch.ones(7)
    torch.save(checkpoint, path)
    assert "weight" in refused(lambda: loaded(folder), "MODEL_SHAPE").what
    del checkpoint["state_dict"]["weight"]
    torch.save(checkpoint, path)
    assert "weight" in refused(lambda: loaded(folder), "MODEL_SHAPE").what


def test_adding_fetches_the_pipeline_and_what_it_points_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = small.config("VBxClustering").replace("$model/segmentation", "pyannote/segmentation-3.0@abc")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    asked: list[tuple[str, object, object]] = []

    def download(repository: str, **options: object) -> str:
        asked.append((repository, options["revision"], options["ignore_patterns"]))
        return str(folder)

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert cli.run(["model", "add", "pyannote"]) == 0
    assert asked == [(COMMUNITY, None, []), ("pyannote/segmentation-3.0", "abc", [])]
    assert str(folder) in capsys.readouterr().out
