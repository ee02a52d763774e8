"""Fit the head by which the embedded model tells its languages apart, and none of these.

Data: split train of the open collections of mini_data.COLLECTIONS, and of `lid_data.BACKGROUND` (Arabic, Wyandot; Cherokee, which
has only a test split and is reported nowhere); eSpeak NG voices, of three languages of ours and some fifty others. Dev splits, and held-out
eSpeak languages, fit the second stage and the softening. Licences and credit in their cards under data_manifests/; the gate is asked for
`train_lid`. Nothing of the class research is read.
Command: python recipes/train_lid.py --data ../shared/speech            writes speech/models/mini/identify.safetensors and .toml
         python recipes/train_lid.py --model FOLDER --without mlg_dimbyr_m --out FOLDER     by another base, without a voice
Time: about 20 minutes on one core, nearly all of it hearing; heard once, it is kept in the cache. `--smoke` ends in a minute.
Expected on dev: languages left out in turn are told from the others with an AUROC of about 0.95.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from lid_data import BACKGROUND, allowed
from lid_fit import Sets, Table, head_of, sizes
from mini_data import COLLECTIONS, MANIFESTS
from safetensors.numpy import save_file

from speech.collections.cards import load_card
from speech.errors import SpeechError
from speech.files import write_text
from speech.identify.head import CARD, FILE, SCHEMA, Head, head_sha256
from speech.models import hub
from speech.models.cards import toml_value
from speech.models.recogniser import CtcRecogniser, LoadSettings, load


def cache_of(model: CtcRecogniser, given: Path | None, *, smoke: bool) -> Path:
    """Where what a model hears is kept: by its base and adapters, so that another model hears anew."""
    if smoke:
        return Path(tempfile.mkdtemp(prefix="lid_"))
    adapters = "".join(model.use(code).tensor_sha256 for code in sorted(model.checkpoint.adapters))
    name = hashlib.sha256((model.base_sha256 + adapters).encode()).hexdigest()[:16]
    return (given or Path("~/.cache/oral-speech/lid").expanduser()) / name


def opened(options: argparse.Namespace) -> Sets:
    """The model, and what it heard of all pieces."""
    torch.set_num_threads(1)
    model = load(options.model, LoadSettings(threads=1))
    languages = sorted(model.checkpoint.adapters)
    for code in languages:
        model.use(code)
    cache = cache_of(model, options.cache, smoke=options.smoke)
    return Sets(model, languages, options.data, cache, share=0.015 if options.smoke else 1.0)


def without(table: Table, names: set[str]) -> Table:
    """The pieces of other collections."""
    return table.where(~np.isin(table.collection, sorted(names)))


def write(head: Head, sets: Sets, folder: Path, left_out: set[str], found: dict[str, float], pieces: int) -> None:
    """The head and its card."""
    folder.mkdir(parents=True, exist_ok=True)
    half = {name: getattr(head, name).astype(np.float16) for name in ("mean", "scale", "weight")}
    whole = {name: getattr(head, name).astype(np.float32) for name in ("bias", "sure_mean", "sure_scale", "known", "softening")}
    save_file({**half, **whole, "kept": head.kept.astype(np.int32)}, folder / FILE)
    cards = [load_card(MANIFESTS / f"{name}.card.toml") for name in (*COLLECTIONS, *BACKGROUND) if name not in left_out]
    lines = [f"schema = {toml_value(SCHEMA)}", f"languages = {toml_value(list(head.languages))}"]
    lines += [f"base = {toml_value(sets.model.name)}", f"base_sha256 = {toml_value(sets.model.base_sha256)}"]
    lines += [f"tensor_sha256 = {toml_value(head_sha256(folder / FILE))}", f"layer = {head.layer}", f"least_ms = {head.least_ms}"]
    lines += ["\n[adapters]", *(f"{code} = {toml_value(sets.model.use(code).tensor_sha256)}" for code in sets.languages)]
    lines += ["\n[calibration]", 'split = "dev"', f"pieces = {pieces}"]
    lines += [f"{name} = {value:.4f}" for name, value in found.items()]
    lines += ["\n[trained]", f"collections = {toml_value([c.id for c in cards])}"]
    lines += [f"licence = {toml_value(sorted({str(c.raw['licence']['id']) for c in cards}))}"]
    lines += [f"attribution = {toml_value(list(dict.fromkeys(str(c.raw['licence']['attribution']) for c in cards)))}"]
    lines += [f"consent = {toml_value([f'{c.id}:licence' for c in cards])}"]
    lines += [
        'perturbed = "voice, pace, room, band, codec, noise, level"',
        'synthetic = "eSpeak NG voices, of which some fifty are of other languages"',
    ]
    write_text(folder / CARD, "\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--model", default="mini")
    parser.add_argument("--without", default="", metavar="NAME,NAME", help="collections that the head never hears")
    parser.add_argument("--cache", type=Path, help="where what was heard is kept")
    parser.add_argument("--out", type=Path, help="else the model's folder")
    parser.add_argument("--smoke", action="store_true", help="a few pieces; writes to a temporary folder")
    options = parser.parse_args()
    left_out = set(filter(None, options.without.split(",")))
    allowed([name for name in (*COLLECTIONS, *BACKGROUND) if name not in left_out])
    sets = opened(options)
    try:
        sets.hear_all(judged=None)
        train = without(sets.table(r"train\.[a-z_]+"), left_out)
        dev = without(sets.table(r"dev\.[a-z_]+"), left_out)
        where = sizes(sets.vocabularies, len(sets.kept), train.numbers.shape[1])
        head, found = head_of(train, dev, sets.languages, where, sets.kept)
        print(", ".join(f"{name} {value:.3f}" for name, value in found.items()))
        folder = options.out or (sets.cache / "head" if options.smoke else hub.resolve(options.model))
        write(head, sets, folder, left_out, found, len(dev.seconds))
        print(f"{folder / FILE}: {(folder / FILE).stat().st_size / 1000:.0f} kB")
    finally:
        if options.smoke:
            shutil.rmtree(sets.cache, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except SpeechError as error:
        sys.exit(str(error))
