"""Names of models: found here, or refused with the command that fetches them; fetching says what stands in the way."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from speech import cli
from speech.errors import ModelRefused, NetworkFailure
from speech.models import hub
from speech.models.checkpoint import open_checkpoint
from tests.conftest import REPOSITORY


def test_offline_mode_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NetworkFailure) as failed:
        hub.fetch("facebook/mms-1b-all", language_codes=["que"])
    assert failed.value.code == "NETWORK_OFFLINE"


def test_w3_a_gated_repository_names_its_page_and_shows_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub.errors import GatedRepoError

    def gated(*_arguments: object, **_options: object) -> None:
        raise GatedRepoError.__new__(GatedRepoError)

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", gated)
    with pytest.raises(ModelRefused) as refused:
        hub.fetch("some/model", language_codes=[])
    assert refused.value.code == "MODEL_GATED"
    assert "https://huggingface.co/some/model" in refused.value.mend
    assert "hf_secret" not in str(refused.value)


def test_only_safe_files_of_the_pinned_revision_are_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    asked: dict[str, object] = {}

    def download(repository: str, **options: object) -> str:
        asked.update(options, repository=repository)
        return str(tmp_path)

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert hub.fetch("facebook/mms-1b-all", language_codes=["que"]) == tmp_path
    assert asked["revision"] == "3d33597edbdaaba14a8e858e2c8caa76e3cec0cd"
    patterns = asked["allow_patterns"]
    assert isinstance(patterns, list)
    assert "adapter.que.*" in patterns and not [
        p for p in patterns if p.endswith((".bin", "*")) and not p.startswith(("adapter.", "model"))
    ]
    assert asked["ignore_patterns"] == ["*.bin", "*.pt"]


def test_the_newest_pinned_snapshot_of_the_cache_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for name in ("other", "3d33597edbdaaba14a8e858e2c8caa76e3cec0cd", "later"):
        folder = tmp_path / "models--facebook--mms-1b-all" / "snapshots" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}", encoding="utf-8")
    assert hub.resolve("mms-1b-all").name == "3d33597edbdaaba14a8e858e2c8caa76e3cec0cd"


def test_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]}', encoding="utf-8"
    )
    with pytest.raises(ModelRefused) as refused:
        open_checkpoint(tmp_path)
    assert refused.value.code == "MODEL_CONFIG"
    assert "whisper" in refused.value.what


def test_what_is_no_model_is_not_added(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["model", "add", "nothing-here"]) == 2
    assert "MODEL_SOURCE" in capsys.readouterr().err


def test_an_adapter_is_looked_for_in_flag_collection_user_and_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEECH_MODELS", "/kept")
    places = hub.adapter_places("que", "0123456789abcdef99", flag=Path("/flag"), collection=Path("/collection"), package=Path("/package"))
    name = "adapter.que.safetensors"
    assert places == [
        Path("/flag") / name,
        Path("/collection/adapters") / name,
        Path("/kept/adapters/0123456789abcdef") / name,
        Path("/package") / name,
    ]


def test_the_cache_is_where_the_hubs_own_library_puts_it(tmp_path: Path) -> None:
    code = "from speech.models import hub; print(hub.cache_folder())"
    for name, due in (("XDG_CACHE_HOME", "huggingface/hub"), ("HF_HOME", "hub"), ("HF_HUB_CACHE", "")):
        environment = {k: v for k, v in os.environ.items() if k not in ("XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE")}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment | {name: str(tmp_path)},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        assert Path(done.stdout.strip()) == tmp_path / due


def test_what_lies_in_the_cache_is_listed_where_it_can_be_heard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for repository, kind in (("hf-audio--omniasr-ctc-300m-v2", "omniasr_ctc"), ("openai--whisper-small", "whisper"), ("a--half", "hubert")):
        folder = tmp_path / f"models--{repository}" / "snapshots" / "0123"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"model_type": kind}), encoding="utf-8")
        if repository != "a--half":
            (folder / "model.safetensors").write_bytes(b"")
    assert list(hub.cached()) == ["hf-audio/omniasr-ctc-300m-v2"]
    assert cli.run(["model", "list"]) == 0
    said = capsys.readouterr().out
    assert "hf-audio/omniasr-ctc-300m-v2: OmniASRForCTC (Omnilingual ASR)  (" in said and "\n  any language, one vocabulary\n" in said
    assert cli.run(["model", "list", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[-1]["family"] == "OmniASRForCTC" and rows[-1]["languages"] == []


def test_a_model_with_one_vocabulary_is_fetched_by_its_short_name_with_its_tokenizer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, object] = {}

    def download(repository: str, **options: object) -> str:
        asked.update(options, repository=repository)
        return str(tmp_path)

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert cli.run(["model", "add", "omniasr-ctc-300m"]) == 0
    assert asked["repository"] == "hf-audio/omniasr-ctc-300m-v2" and asked["revision"] is None
    assert {"tokenizer.json", "added_tokens.json", "vocab.json", "config.json", "*preprocessor_config.json"} <= set(asked["allow_patterns"])  # type: ignore[call-overload]
    assert capsys.readouterr().out.strip() == str(tmp_path)


def test_no_room_for_a_model_is_named_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.models import folders

    folders._wav2vec2(tmp_path / "given")
    monkeypatch.setenv("SPEECH_MODELS", str(tmp_path / "kept"))

    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfile", full)
        assert cli.run(["model", "add", str(tmp_path / "given")]) == 2
    assert "DISK_FULL" in capsys.readouterr().err
    assert list((tmp_path / "kept").iterdir()) == []
    assert cli.run(["model", "add", str(tmp_path / "given")]) == 0
    assert cli.run(["model", "check", "given"]) == 0
    assert "hears a second as 49 frames" in capsys.readouterr().out


def test_a_folder_that_cannot_run_does_not_pass_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.models import folders

    folders._wav2vec2(tmp_path)
    vocabulary = json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8"))
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary | {"ñ": len(vocabulary)}), encoding="utf-8")
    assert cli.run(["model", "check", str(tmp_path)]) == 1
    assert "MODEL_VOCAB" in capsys.readouterr().out


def test_a_full_disk_is_not_taken_for_a_missing_network(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(*_arguments: object, **_options: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.snapshot_download", full)
    assert cli.run(["model", "add", "facebook/mms-1b-all"]) == 2
    assert "DISK_FULL" in capsys.readouterr().err


def test_a_kept_folder_still_tells_of_its_language_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.models import folders

    folders._with_language_model(tmp_path / "given")
    monkeypatch.setenv("SPEECH_MODELS", str(tmp_path / "kept"))
    assert cli.run(["model", "add", str(tmp_path / "given")]) == 0
    assert cli.run(["model", "show", "given"]) == 0
    assert "MODEL_LANGUAGE_MODEL" in capsys.readouterr().out
