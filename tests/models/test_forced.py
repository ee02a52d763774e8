"""Forced alignment: the best of all paths that write the text; the same as torchaudio's own, where its native part can be loaded."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from speech.models import forced
from speech.models.forced import TooShort, align, needed_frames, places_of, with_star


def emissions(frames: int, symbols: int, seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(frames, symbols)) * 2
    return np.asarray(values - np.log(np.exp(values).sum(-1, keepdims=True)), np.float32)


def best_by_trying_all(em: np.ndarray, targets: list[int], blank: int) -> tuple[float, list[int]]:
    def written(path: tuple[int, ...]) -> list[int]:
        return [s for s, _ in itertools.groupby(path) if s != blank]

    paths = [p for p in itertools.product(range(em.shape[1]), repeat=len(em)) if written(p) == targets]
    return max((sum(float(em[t, s]) for t, s in enumerate(p)), list(p)) for p in paths)


@pytest.mark.parametrize("targets", [[1], [1, 2], [1, 1], [2, 1, 2], [1, 2, 2], [1, 1, 1]])
@pytest.mark.parametrize("blank", [0, 3])
def test_it_is_the_best_of_all_paths(targets: list[int], blank: int) -> None:
    for seed in range(6):
        em = emissions(6, 4, seed)
        score, path = best_by_trying_all(em, targets, blank)
        ours = forced._places_ours(em, targets, blank)
        labels = [blank if p < 0 else targets[p] for p in ours]
        assert labels == path, score
        assert list(places_of(np.array(path), blank)) == list(ours)


def test_each_symbol_has_a_place_in_order() -> None:
    em = emissions(60, 9, 1)
    targets = [1, 2, 2, 5, 8, 8, 3]
    placed = align(em, targets, blank=0)
    assert [p.place for p in placed] == list(range(7))
    assert all(a.end <= b.first for a, b in itertools.pairwise(placed)) and all(len(p.scores) == p.end - p.first for p in placed)
    assert all(np.allclose(p.scores, em[p.first : p.end, targets[p.place]]) for p in placed)
    assert align(em, [], blank=0) == []


def test_too_few_frames_are_told() -> None:
    assert needed_frames([1, 1, 2]) == 4
    assert len(align(emissions(4, 3, 0), [1, 1, 2], blank=0)) == 3
    with pytest.raises(TooShort):
        align(emissions(3, 3, 0), [1, 1, 2], blank=0)


def test_a_star_takes_what_is_not_written() -> None:
    """Three symbols are said, the second is not in the text."""
    em = np.full((9, 4), np.log(0.02), np.float32)
    for frames, symbol in ((range(0, 3), 1), (range(3, 6), 2), (range(6, 9), 3)):
        em[list(frames), symbol] = np.log(0.94)
    starred = with_star(em, 0, cost=1.0)
    assert starred.shape == (9, 5) and np.allclose(starred[4, 4], np.log(0.94) - 1, atol=1e-5)
    assert np.allclose(with_star(np.log(np.array([[0.9, 0.1]], np.float32)), 0, cost=1.0)[0, 2], np.log(0.9)), "silence costs it nothing"
    placed = align(starred, [1, 4, 3], blank=0)
    assert [(p.first, p.end) for p in placed] == [(0, 3), (3, 6), (6, 9)]


# torchaudio's own, in a process where stand-ins for the CUDA libraries are loaded first: they register its kernels, and none is called.

_COMPARE = """
import ctypes, json, sys
for name in sys.argv[1:4]:
    ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
import numpy as np
import torch, torchaudio
from speech.models import forced, guard
assert guard.load() == "native" and forced.has_native()
rng = np.random.default_rng(0)
differ = 0
for case in range(300):
    frames, symbols = int(rng.integers(2, 80)), int(rng.integers(2, 12))
    blank = int(rng.integers(0, symbols))
    values = rng.normal(size=(frames, symbols)) * rng.uniform(0.1, 4)
    em = np.asarray(values - np.log(np.exp(values).sum(-1, keepdims=True)), np.float32)
    targets = [int(s) for s in rng.integers(0, symbols, size=int(rng.integers(1, frames + 1))) if s != blank]
    if not targets or forced.needed_frames(targets) > frames:
        continue
    ours, theirs = forced._places_ours(em, targets, blank), forced._places_native(em, targets, blank)
    differ += int(not np.array_equal(ours, theirs))
    case and forced.align(em, targets, blank=blank)
print(json.dumps({"differ": differ}))
"""
_LIBRARIES = {"libcudart.so.13": "libcudart.so.13", "libc10_cuda.so": "", "libtorch_cuda.so": ""}


def stand_ins(folder: Path, libraries: Path) -> list[Path]:
    """Libraries with every name that torchaudio's native part wants of CUDA's, all of which do nothing."""
    wanted: dict[str, set[str]] = {name: set() for name in _LIBRARIES}
    for library in libraries.glob("*.so"):
        for line in subprocess.run(
            ["nm", "-D", "--undefined-only", library], capture_output=True, text=True, check=True
        ).stdout.splitlines():
            name, _, version = line.split()[-1].partition("@")
            if version == "libcudart.so.13":
                wanted["libcudart.so.13"].add(name)
            elif name.startswith(("torch_c10_cuda", "torch_cuda", "torch_get_cuda", "torch_set_current_cuda")) or "cuda_stream" in name:
                wanted["libtorch_cuda.so"].add(name)
    made = []
    for name, version in _LIBRARIES.items():
        source, script = folder / f"{name}.c", folder / f"{name}.map"
        source.write_text("".join(f"void *{f}(void) {{ return 0; }}\n" for f in sorted(wanted[name])), encoding="ascii")
        script.write_text(f"{version or 'ANY'} {{ global: *; }};\n", encoding="ascii")
        more = [f"-Wl,--version-script={script}"] if version else []
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / name, source, f"-Wl,-soname,{name}", *more], check=True)
        made.append(folder / name)
    return made


def test_it_is_equal_to_torchaudios_own(tmp_path: Path) -> None:
    import importlib.util
    import shutil

    spec = importlib.util.find_spec("torchaudio")
    if spec is None or spec.origin is None:
        pytest.skip("torchaudio is not installed")
    if sys.platform != "linux" or not (shutil.which("gcc") and shutil.which("nm")):
        pytest.skip("stand-ins for CUDA's libraries are built by gcc on Linux")
    libraries = stand_ins(tmp_path, Path(spec.origin).parent / "lib")
    done = subprocess.run(
        [sys.executable, "-c", _COMPARE, *map(str, libraries)], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    if "OSError" in done.stderr and "Could not load" in done.stderr:
        pytest.skip(f"torchaudio's native part does not load here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == '{"differ": 0}'
