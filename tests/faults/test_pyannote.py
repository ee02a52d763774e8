"""Rows M and W of the fault table that speak of pyannote's checkpoints, which are pickles and lie behind a gate."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from speech.diarise import checkpoints, trust
from speech.diarise import pyannote_engine as engine
from speech.diarise.records import SpeakerCount
from speech.errors import ModelRefused, NetworkFailure
from tests.diarise import small

REPOSITORY = checkpoints.COMMUNITY


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    small.require()
    return small.save_tones(tmp_path_factory.mktemp("made") / "pipeline")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "pipeline"))


def refused(act: Callable[[], object], code: str) -> ModelRefused:
    with pytest.raises(ModelRefused) as found:
        act()
    assert found.value.code == code, found.value
    return found.value


def test_m3_a_pipelines_pickles_are_not_opened_before_they_are_trusted(folder: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    (folder / "embedding" / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    error = refused(lambda: engine.load(str(folder)), "MODEL_PICKLE")
    assert f"--trust-checkpoint {folder}" in error.mend
    assert all(name in error.what for name in ("segmentation/pytorch_model.bin", "embedding/pytorch_model.bin", "plda.npz"))
    assert not (tmp_path / "sprung").exists()
    # And trust is what stands between: with it, the pickle is opened.
    refused(lambda: engine.load(str(folder), trust=[str(folder)]), "MODEL_CONFIG")
    assert (tmp_path / "sprung").exists()


def test_m3_trust_is_asked_once_kept_by_sha256_and_asked_again_when_a_byte_changes(folder: Path) -> None:
    refused(lambda: engine.load(str(folder)), "MODEL_PICKLE")
    assert not trust.kept_in().exists()
    diariser = engine.load(str(folder), trust=[str(folder)])
    kept = json.loads(trust.kept_in().read_text(encoding="utf-8"))
    assert kept == dict(diariser.sha256_by_checkpoint) and len(kept) == 4
    engine.load(str(folder))
    path = folder / "plda" / "plda.npz"
    before = kept[str(path)]
    path.write_bytes(path.read_bytes() + b"\0")
    error = refused(lambda: engine.load(str(folder)), "MODEL_PICKLE")
    assert "has changed" in error.what and before[:16] in error.what and "segmentation" not in error.what
    assert engine.load(str(folder), trust=[str(path)]).sha256_by_checkpoint[str(path)] != before
    engine.load(str(folder))


def test_m3_trust_is_of_what_was_named_only(folder: Path, tmp_path: Path) -> None:
    first = folder / "segmentation" / "pytorch_model.bin"
    for said in (str(first), str(folder / "segmentation"), str(folder.parent), "/", "", "."):
        assert "embedding" in refused(lambda said=said: engine.load(str(folder), trust=[said]), "MODEL_PICKLE").what  # type: ignore[misc]
    assert not trust.kept_in().exists()  # what was refused as a whole keeps nothing
    engine.load(str(folder / "config.yaml"), trust=[str(folder)])
    moved = folder.rename(tmp_path / "elsewhere")
    assert engine.load(str(moved)).name == str(moved)  # the same bytes


def test_m3_a_damaged_list_of_the_trusted_trusts_nothing(folder: Path) -> None:
    engine.load(str(folder), trust=[str(folder)])
    trust.kept_in().write_bytes(b'{"half')
    refused(lambda: engine.load(str(folder)), "MODEL_PICKLE")
    engine.load(str(folder), trust=[str(folder)])
    engine.load(str(folder))


@pytest.mark.parametrize(
    "data", [b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", b"<!DOCTYPE html><html></html>", b"", b"{}"]
)
def test_m4_no_trust_is_asked_for_what_are_no_weights(folder: Path, data: bytes) -> None:
    (folder / "segmentation" / "pytorch_model.bin").write_bytes(data)
    refused(lambda: engine.load(str(folder), trust=[str(folder)]), "MODEL_NOT_WEIGHTS")


@pytest.mark.parametrize("name", ["pyannote", REPOSITORY, "pyannote/speaker-diarization-3.1", "no/such-pipeline"])
def test_w1_a_pipeline_that_is_not_here_is_refused_before_anything_heavy(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it went on")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(engine, "_import", never)
    error = refused(lambda: engine.load(name, trust=[name]), "MODEL_NOT_HERE")
    repository = REPOSITORY if name == "pyannote" else name
    assert f"speech model add {repository}" in error.mend and "--diariser embedded" in error.mend
    assert f"https://huggingface.co/{repository}" in error.mend


@pytest.mark.parametrize("name", ["nothing here", "/no/folder", "a/../b", "\0", "x" * 300 + ".yaml"])
def test_w1_a_name_that_is_nothing_is_said_to_be_nothing(made: Path, name: str) -> None:
    refused(lambda: engine.load(name), "MODEL_NOT_HERE")


def test_w3_a_gated_pipeline_names_its_page_and_shows_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.errors import GatedRepoError

    def gated(*_arguments: object, **_options: object) -> None:
        raise GatedRepoError.__new__(GatedRepoError)

    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with pytest.raises(NetworkFailure) as offline:
        checkpoints.fetch("pyannote")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.snapshot_download", gated)
    error = refused(lambda: checkpoints.fetch("pyannote"), "MODEL_GATED")
    assert f"https://huggingface.co/{REPOSITORY}" in error.mend and "HF_TOKEN" in error.mend
    assert offline.value.code == "NETWORK_OFFLINE" and "hf_secret" not in f"{error} {offline.value}"


def test_w5_the_pipeline_is_built_and_run_without_a_connection(folder: Path) -> None:
    # conftest fails any connection; the config names no PLDA and none is fetched.
    (folder / "config.yaml").write_text(small.config("AgglomerativeClustering", plda=None), encoding="utf-8")
    shutil.rmtree(folder / "plda")
    diariser = engine.load(str(folder), trust=[str(folder)])
    sound = small.conversation((500, 1, 2), seconds=3)
    assert len(diariser.voices(sound, 0.1, [], SpeakerCount(), lambda *_: None).turns) == 1
