"""Where the network computes: asked of the machine, refused where it is not there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from speech.errors import UsageFailure
from speech.models import device, precision
from speech.models.recogniser import LoadSettings, load


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, due in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert (device.choose("auto"), device.choose("cpu")) == (due, "cpu")


def test_a_gpu_that_is_not_there_is_refused_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageFailure, match="TORCH=cuda") as refused:
        device.choose("cuda")
    assert refused.value.code == "DEVICE"
    with pytest.raises(UsageFailure, match="auto, cpu, cuda"):
        device.choose("tpu")


def test_the_number_format_is_that_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(precision, "has_bf16", lambda: False)
    assert precision.choose("auto", "cuda") == "bf16"
    assert precision.choose("auto", "cpu") == "fp32"
    with pytest.raises(UsageFailure, match="processor"):
        precision.choose("int8", "cuda")


@pytest.mark.gpu
def test_a_gpu_hears_what_the_processor_hears() -> None:
    clips = [(np.random.default_rng(n).standard_normal(16_000 * (n + 1)).astype(np.float32), code) for n, code in enumerate(("que", "yor"))]
    on_gpu, on_processor = (load("mini", LoadSettings(precision="fp32", device=where)).encode_batch(clips) for where in ("cuda", "cpu"))
    for one, other in zip(on_gpu, on_processor, strict=True):
        np.testing.assert_allclose(np.exp(one.emissions), np.exp(other.emissions), atol=1e-3)
