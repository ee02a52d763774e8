"""The number format is what the processor has; where torch cannot be asked, a product is timed."""

from __future__ import annotations

import pytest
import torch

from speech.errors import UsageFailure
from speech.models import precision


@pytest.mark.parametrize("has", [True, False])
def test_auto_takes_bf16_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch, has: bool) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    assert precision.choose("auto") == ("bf16" if has else "fp32")


def test_bf16_without_instructions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda: False)
    with pytest.raises(UsageFailure, match="no bf16 instructions") as failed:
        precision.choose("bf16")
    assert failed.value.code == "PRECISION"


def test_a_product_is_timed_where_torch_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported", raising=False)
    monkeypatch.setattr(precision, "_timed_bf16", lambda: True)
    assert precision.choose("auto") == "bf16"


def test_an_unknown_choice_lists_the_known() -> None:
    with pytest.raises(UsageFailure, match="auto, fp32, bf16, int8"):
        precision.choose("fp8")
