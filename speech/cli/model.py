"""`speech model`: what is on this machine, fetched, shown, checked, removed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from speech.cli.options import LANGUAGE, told
from speech.cli.streams import Streams
from speech.errors import ModelRefused, Refusal, UsageFailure
from speech.files import disk_errors, is_folder, replacing, shown


@click.group("model", short_help="Models and adapters on this machine: list, add, show, check, remove.")
def command() -> None:
    """Models and adapters on this machine. Only `add` with a repository's name opens a connection."""


@command.command("list")
@told
def list_models(as_json: bool, debug: bool) -> int:
    """The embedded model, those kept in your folder, and those in the hub's cache, with their kind and languages."""
    from speech import languages
    from speech.models import hub
    from speech.say.vits import is_vits

    kept = sorted(p for p in hub.user_folder().glob("*") if (p / "config.json").exists()) if hub.user_folder().is_dir() else []
    named = {
        hub.MINI: hub.mini_folder(),
        **{p.name: p for p in kept},
        **hub.cached(),
        **{n: f for n, f in hub.snapshots().items() if is_vits(f)},
    }
    for name, folder in named.items():
        if is_vits(folder):
            _list_voice(name, folder, as_json=as_json)
            continue
        family, codes = _family(folder), sorted(p.name.split(".")[1] for p in folder.glob("adapter.*.safetensors"))
        if as_json:
            kind = family.architecture if family else ""
            Streams.json({"path": name, "ok": True, "folder": shown(folder), "family": kind, "languages": codes})
            continue
        note = f" ({family.note})" if family and family.note and name != hub.MINI else ""
        Streams.result(f"{name}: {family.architecture if family else 'unknown kind'}{note}  ({shown(folder)})")
        Streams.result(f"  {', '.join(map(languages.named, codes)) or 'any language, one vocabulary'}")
    return 0


def _list_voice(name: str, folder: Path, *, as_json: bool) -> None:
    from speech import languages
    from speech.say.vits import ARCHITECTURE, open_vits

    try:
        code = open_vits(folder).language
    except Refusal:
        code = ""
    if as_json:
        Streams.json({"path": name, "ok": True, "folder": shown(folder), "family": ARCHITECTURE, "languages": [code] if code else []})
        return
    Streams.result(f"{name}: {ARCHITECTURE} (a voice: speech say --voice {name})  ({shown(folder)})")
    Streams.result(f"  {languages.named(code) if code else 'it does not say of which language'}")


def _family(folder: Path) -> Any:
    """The family of a checkpoint's folder, None where its configuration names none of ours."""
    from speech.models.families import family_of
    from speech.models.vocabulary import read_json

    try:
        return family_of(read_json(folder / "config.json"), shown(folder))
    except Refusal:
        return None


@command.command("add")
@click.argument("source")
@click.option(
    "--language", "-l", "codes", type=LANGUAGE, multiple=True, metavar="CODE", help="An adapter to fetch with it; may be repeated."
)
@click.option("--revision", metavar="SHA", help="The exact revision of a repository.")
@told
def add(source: str, codes: tuple[str, ...], revision: str | None, as_json: bool, debug: bool) -> int:
    """Keep a model FOLDER or an ADAPTER file in your folder, or fetch a REPOSITORY from the hub.

    \b
    speech model add ./my-model
    speech model add ./adapter.que.safetensors
    speech model add facebook/mms-1b-all --language que
    speech model add pyannote/speaker-diarization-community-1
    """
    from speech import languages
    from speech.models import hub

    for code in codes:
        languages.check_code(code)
    path = Path(source)
    if is_folder(path):
        target = _keep_folder(path)
    elif path.suffix == ".safetensors" and path.is_file():
        target = _keep_adapter(path)
    elif source.split("/")[0] in ("pyannote", "pyannoteAI") and not path.exists():
        from speech.diarise import checkpoints

        target = checkpoints.fetch(source, revision=revision)
    elif "/" in source and not path.exists() or source in hub.KNOWN:
        known = hub.KNOWN.get(source)
        target = hub.fetch(known.repository if known else source, language_codes=codes, revision=revision)
    else:
        raise UsageFailure(source, "this is no folder, no .safetensors file and no OWNER/NAME", "Check the spelling", "MODEL_SOURCE")
    if as_json:
        Streams.json({"path": source, "ok": True, "folder": shown(target)})
    else:
        Streams.result(shown(target))
    return 0


def _keep_folder(path: Path) -> Path:
    """Copy a checked checkpoint into the user's folder; there whole or not at all."""
    from speech.models import hub
    from speech.models.checkpoint import base_sha256, open_checkpoint
    from speech.say.vits import is_vits

    if is_vits(path):
        _whole_voice(path)
    else:
        base_sha256(open_checkpoint(path))
    target = hub.user_folder() / path.resolve().name
    if target.exists():
        raise ModelRefused(
            shown(target),
            "a model of this name is kept already",
            f"speech model remove {target.name}, or rename the folder",
            "FORMAT_EXISTS",
        )
    with disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    patterns = (
        "*.json",
        "*.txt",
        "*.md",
        "*.safetensors",
        "adapter.*.toml",
        "card.toml",
        "language_model/*",
        "*.card.toml",
        "people/*.person.toml",
    )
    try:
        with disk_errors(target):
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for file in sorted({f for pattern in patterns for f in path.glob(pattern)}):
                (part / file.relative_to(path)).parent.mkdir(exist_ok=True)
                shutil.copyfile(file, part / file.relative_to(path))
            part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _whole_voice(folder: Path) -> str:
    """The hash of a voice's tensors, each looked at: whole, and numbers."""
    from speech.models.weights import canonical_name, content_sha256, entries
    from speech.say.vits import open_vits

    return content_sha256([(path, entries(path)) for path in open_vits(folder).weights], rename=canonical_name)


def _keep_adapter(path: Path) -> Path:
    """Copy an adapter with its card, and the language model beside it where there is one, to the place of its base."""
    from speech.models import hub
    from speech.models.cards import read_card
    from speech.models.lm.finding import beside
    from speech.models.weights import canonical_name, content_sha256, entries

    card = read_card(path.with_suffix(".toml"))
    if content_sha256([(path, entries(path))], rename=canonical_name) != card.tensor_sha256:
        raise ModelRefused(
            shown(path), "the file does not hold the tensors its card states", "Fetch adapter and card from the same place", "MODEL_CARD"
        )
    folder = hub.user_folder() / "adapters" / card.base_sha256[:16]
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"adapter.{card.language}.safetensors"
    model = beside(path, card.language)
    copies = [(path.with_suffix(".toml"), kept.with_suffix(".toml")), (path, kept)]
    for file, place in [*copies, *([(model, beside(kept, card.language))] if model.is_file() else [])]:
        with replacing(place) as copy:
            shutil.copyfile(file, copy)
    return kept


@command.command("show")
@click.argument("name", default="mini")
@told
def show(name: str, as_json: bool, debug: bool) -> int:
    """Size, shape and languages of a model, with what its adapters' cards state."""
    from speech.models import hub
    from speech.models.cards import read_card
    from speech.models.checkpoint import RATE, open_checkpoint
    from speech.say.vits import is_vits

    if is_vits(hub.resolve(name)):
        return _show_voice(name, as_json=as_json)
    checkpoint = open_checkpoint(hub.resolve(name))
    numbers = sum(_size(e.shape) for e in checkpoint.tensors.values())
    facts: dict[str, Any] = {
        "path": name,
        "ok": True,
        "folder": shown(checkpoint.folder),
        "parameters": numbers,
        "family": checkpoint.family.architecture,
        "lacks": _lacks(checkpoint),
        "frame_ms": 1000 * checkpoint.front_end.stride / RATE,
        "languages": {},
    }
    for code, path in checkpoint.adapters.items():
        card = path.with_suffix(".toml")
        facts["languages"][code] = _card_facts(read_card(card)) if card.exists() else "no card"
    if as_json:
        Streams.json(facts)
        return 0
    Streams.result(
        f"{name}: {facts['family']}, {numbers / 1e6:.1f} million parameters, frames of {facts['frame_ms']:.0f} ms, {facts['folder']}"
    )
    for lacking in facts["lacks"]:
        Streams.result(f"  {lacking}")
    for finding in checkpoint.findings:
        Streams.result(f"  {finding.what} [{finding.code}]")
    for code, stated in facts["languages"].items():
        Streams.result(f"  {code}: {stated if isinstance(stated, str) else '; '.join(f'{k} {_plain(v)}' for k, v in stated.items())}")
    return 0


def _show_voice(name: str, *, as_json: bool) -> int:
    """Size, letters and language of a voice, and whether it may speak."""
    from speech import languages
    from speech.collections import consent
    from speech.models import hub
    from speech.say.cards import SCOPE, of_voice
    from speech.say.vits import ARCHITECTURE, open_vits

    folder = hub.resolve(name)
    voice = open_vits(folder)
    letters = sorted(sign for sign in voice.vocabulary if len(sign) == 1)
    decision = consent.answer({SCOPE}, of_voice(folder, name).item, context=consent.Context(basis=consent.OWN_USE))
    numbers = sum(_size(e.shape) for e in voice.tensors.values())
    if as_json:
        facts = {"folder": shown(folder), "parameters": numbers, "family": ARCHITECTURE, "sample_rate": voice.sample_rate}
        Streams.json(
            {"path": name, "ok": True, **facts, "languages": [voice.language], "letters": letters, "romanised": voice.romanises,
             SCOPE: {"allowed": decision.allowed, "code": decision.code}}
        )  # fmt: skip
        return 0
    Streams.result(f"{name}: {ARCHITECTURE}, {numbers / 1e6:.1f} million parameters, {voice.sample_rate} samples a second, {shown(folder)}")
    Streams.result(f"  language: {languages.named(voice.language) if voice.language else 'not stated'}")
    Streams.result(f"  letters{', of romanised text' if voice.romanises else ''}: {' '.join(letters)}")
    Streams.result(f"  {SCOPE}: {'allowed' if decision.allowed else f'refused, {decision.reasons[0].what} [{decision.code}]'}")
    return 0


def _lacks(checkpoint: Any) -> list[str]:
    """What a checkpoint does not have, in words."""
    lacks = []
    if not checkpoint.takes_adapters:
        lacks.append("no adapter layers: one head for all languages; a new one learns low-rank adapters")
    if not checkpoint.adapters:
        lacks.append("no adapters beside it" if checkpoint.takes_adapters else "no cards: confidences are not calibrated")
    if not checkpoint.pads:
        lacks.append("no padding: clips of different lengths are heard one by one")
    return lacks


def _card_facts(card: Any) -> dict[str, Any]:
    from speech.text import WORD_BREAK

    facts = {
        "letters": sum(len(s) == 1 and s != WORD_BREAK for s in card.alphabet),
        **{k: v for k, v in card.trained.items() if k in ("hours", "licence", "voices")},
    }
    for row in card.scores:
        decoder = f", {row['decoder']}" if row.get("decoder", "greedy") != "greedy" else ""
        interval = f" ({row['cer_low']}–{row['cer_high']})" if "cer_low" in row else ""
        facts[f"{row.get('split', '?')} CER{decoder}"] = f"{row.get('cer')} %{interval}"
    return facts


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _size(shape: tuple[int, ...]) -> int:
    total = 1
    for n in shape:
        total *= n
    return total


@command.command("check")
@click.argument("name", default="mini")
@told
def check(name: str, as_json: bool, debug: bool) -> int:
    """Verify every file: whole, finite, of the right shapes; each adapter against base, alphabet and card; and hear one second."""
    from speech.models import hub
    from speech.models.checkpoint import base_sha256, open_adapter, open_checkpoint
    from speech.say.vits import is_vits

    if is_vits(hub.resolve(name)):
        digest = _whole_voice(hub.resolve(name))
        line = f"{name}: a voice, whole and finite, {digest}"
        Streams.json({"path": name, "ok": True, "tensor_sha256": digest}) if as_json else Streams.result(line)
        return 0
    checkpoint = open_checkpoint(hub.resolve(name))
    base = base_sha256(checkpoint)
    status = 0
    if not as_json:
        Streams.result(f"{name}: base {base}")
    for code, path in checkpoint.adapters.items():
        try:
            adapter = open_adapter(checkpoint, path, code, base_hash=base, symbols=checkpoint.vocabularies.get(code))
        except Refusal as refusal:
            status = 1
            Streams.json(refusal.as_dict(code)) if as_json else Streams.result(f"  {code}: {refusal} [{refusal.code}]")
            continue
        if as_json:
            Streams.json({"path": code, "ok": True, "tensor_sha256": adapter.tensor_sha256, "card": adapter.card is not None})
        else:
            Streams.result(f"  {code}: whole and finite, {len(adapter.symbols)} symbols, {'card agrees' if adapter.card else 'no card'}")
    return max(status, _hears(name, checkpoint, as_json))


def _hears(name: str, checkpoint: Any, as_json: bool) -> int:
    """Let the model hear one second of made sound, in the first of its languages: a folder that cannot run does not pass."""
    import numpy as np

    from speech.languages import UNDETERMINED
    from speech.models.recogniser import load

    code = next(iter(checkpoint.adapters), checkpoint.symbols.inside or UNDETERMINED)
    try:
        model = load(name)
        sound = np.sin(np.arange(model.sample_rate) / 20).astype(np.float32)
        (encoding,) = next(iter(model.stream([[(sound, code)]])))
    except Refusal as refusal:
        Streams.json(refusal.as_dict(name)) if as_json else Streams.result(f"  hearing a second: {refusal} [{refusal.code}]")
        return 1
    good = len(encoding.emissions) == model.frames(len(sound)) and bool(np.isfinite(encoding.emissions).all())
    if as_json:
        Streams.json({"path": name, "ok": good, "frames_of_a_second": len(encoding.emissions)})
    else:
        Streams.result(f"  hears a second as {len(encoding.emissions)} frames" if good else "  what it hears are no numbers")
    return 0 if good else 1


@command.command("remove")
@click.argument("name")
@told
def remove(name: str, as_json: bool, debug: bool) -> int:
    """Delete a model kept in your folder. The embedded model and the hub's cache are not touched."""
    from speech.models import hub

    target = hub.user_folder() / name
    if Path(name).name != name or not (target / "config.json").exists():
        raise ModelRefused(
            name, f"no model of this name is kept in {shown(hub.user_folder())}", "speech model list shows what is", "MODEL_NOT_HERE"
        )
    shutil.rmtree(target)
    if as_json:
        Streams.json({"path": name, "ok": True})
    return 0
