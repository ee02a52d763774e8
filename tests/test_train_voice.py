"""The recipe that trains voices: alignment against brute force, losses against other tools, letters, consent, and a run that goes on."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from speech.collections import answers
from speech.collections.cards import load_card
from speech.collections.consent import Context
from speech.collections.ledger import rows_of
from speech.collections.manifest import Manifest, Row, read_manifest, write_manifest
from speech.errors import ConsentRefused, TextRefused, TrainingFailure
from speech.files import sha256_of
from speech.say import Settings, say
from tests.conftest import REPOSITORY
from tests.diarise.fakes import CARD, carded
from tests.say import vits_folder
from tests.sounds import save as save_sound

pytest.importorskip("torch")
import torch

Torch: Any = torch
"""As it is, for what it has without annotations."""
CONTEXT = Context(basis="test")
PERSON = "EX1-001"
HOLDER = CARD.replace('"voiceprint"', '"train_tts", "synthesise_voice"')
TEXTS = ("habari ya leo", "ngoma kubwa", "mbuzi wetu wawili", "siku njema", "mtoto anacheza", "maji na chai")


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The recipe's modules."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "recipes"))
    names = ("train_voice", "voice_learning", "voice_material", "voice_page", "voice_start")
    return SimpleNamespace(**{name: importlib.import_module(name) for name in names})


# Alignment.


def paths(frames: int, symbols: int) -> list[list[int]]:
    """Every way through all symbols in order that skips none."""
    cuts = itertools.combinations(range(1, frames), symbols - 1)
    return [[sum(frame >= cut for cut in cut_at) for frame in range(frames)] for cut_at in cuts]


@pytest.mark.parametrize(("frames", "symbols"), [(1, 1), (4, 4), (5, 1), (6, 2), (7, 3), (8, 5), (9, 4)])
def test_the_alignment_is_the_best_of_all_paths(recipe: SimpleNamespace, frames: int, symbols: int) -> None:
    rng = np.random.default_rng(frames * 10 + symbols)
    every = paths(frames, symbols)
    assert len(every) == math.comb(frames - 1, symbols - 1)
    for _ in range(20):
        likely = rng.normal(size=(frames, symbols)) * 5
        scores = [sum(likely[frame, symbol] for frame, symbol in enumerate(path)) for path in every]
        assert recipe.voice_learning.align(likely).tolist() == every[int(np.argmax(scores))]


def test_of_equal_paths_one_is_taken_that_skips_nothing(recipe: SimpleNamespace) -> None:
    found = recipe.voice_learning.align(np.zeros((6, 3)))
    assert found.tolist() in paths(6, 3)
    with pytest.raises(ValueError, match="4 symbols have no room in 3 frames"):
        recipe.voice_learning.align(np.zeros((3, 4)))


def test_a_path_that_was_put_in_is_found_again_in_a_batch_with_padding(recipe: SimpleNamespace) -> None:
    rng = np.random.default_rng(2)
    likely = rng.normal(size=(2, 40, 12))
    due = [np.repeat(np.arange(12), [1, 9, 2, 3, 1, 1, 6, 4, 5, 3, 2, 3]), np.repeat(np.arange(5), [4, 1, 10, 2, 8])]
    for n, path in enumerate(due):
        likely[n, np.arange(len(path)), path] += 50
    symbol_of, durations = recipe.voice_learning._aligned(likely, [40, 25], [12, 5])
    assert symbol_of[0].tolist() == due[0].tolist() and symbol_of[1, :25].tolist() == due[1].tolist()
    assert durations[1].tolist() == [4, 1, 10, 2, 8, 0, 0, 0, 0, 0, 0, 0]


# Losses, against what torch and numpy give by other ways.


def test_likelihoods_are_those_of_normal_distributions(recipe: SimpleNamespace) -> None:
    torch.manual_seed(1)
    latents, means, deviations = torch.randn(2, 6, 9), torch.randn(2, 6, 4), torch.randn(2, 6, 4) * 0.3
    found = recipe.voice_learning.log_likelihoods(latents, means, deviations)
    normal = Torch.distributions.Normal(means[:, :, None, :], deviations.exp()[:, :, None, :])
    torch.testing.assert_close(found, normal.log_prob(latents[..., None]).sum(1))


def test_a_loss_of_identical_spectrograms_is_nothing(recipe: SimpleNamespace) -> None:
    spectra = recipe.voice_learning.Spectra(recipe.train_voice.tiny_config())
    torch.manual_seed(1)
    sound = torch.randn(2, 256 * 20) * 0.1
    mel = spectra.log_mel(sound)
    assert mel.shape == (2, 80, 20) and spectra.linear(sound).shape == (2, 513, 20)
    assert recipe.voice_learning.mel_by_clip(mel, mel.clone()).tolist() == [0.0, 0.0]
    half = recipe.voice_learning.mel_by_clip(mel, spectra.log_mel(sound / 2))
    assert half.tolist() == pytest.approx([math.log(2)] * 2, abs=0.01), "half as loud is log 2 less in each band"
    judges = recipe.voice_learning.Discriminators(recipe.train_voice.TINY.judges)
    assert float(recipe.voice_learning.feature_loss(judges(sound), judges(sound.clone())).detach()) == 0.0


def test_a_frame_of_the_spectrogram_is_what_numpy_gives(recipe: SimpleNamespace) -> None:
    spectra = recipe.voice_learning.Spectra(recipe.train_voice.tiny_config())
    sound = np.random.default_rng(3).normal(size=256 * 12).astype(np.float32) * 0.1
    frame = np.pad(sound, 384, mode="reflect")[5 * 256 : 5 * 256 + 1024] * np.hanning(1025)[:-1]
    due = np.sqrt(np.abs(np.fft.rfft(frame)) ** 2 + 1e-6)
    np.testing.assert_allclose(spectra.linear(torch.from_numpy(sound[None]))[0, :, 5].numpy(), due, rtol=2e-3, atol=1e-4)


def test_divergence_is_that_of_two_normal_distributions(recipe: SimpleNamespace) -> None:
    torch.manual_seed(4)
    one = Torch.distributions.Normal(torch.tensor(0.3), torch.tensor(0.8))
    other = Torch.distributions.Normal(torch.tensor(-0.4), torch.tensor(1.5))
    shape = (1, 200, 1000)
    drawn = one.sample(torch.Size(shape))
    found = recipe.voice_learning.kl_by_clip(
        drawn, one.scale.log().expand(shape), other.loc.expand(shape), other.scale.log().expand(shape), torch.ones(1, 1, 1000)
    )
    assert float(found) / 200_000 == pytest.approx(float(Torch.distributions.kl_divergence(one, other)), abs=0.01)


def test_adversarial_losses_have_the_values_of_least_squares(recipe: SimpleNamespace) -> None:
    features = [[torch.zeros(1), torch.tensor([[1.0, 1.0]])], [torch.zeros(1), torch.tensor([[0.5]])]]
    made = [[torch.ones(1), torch.tensor([[0.0, 1.0]])], [torch.ones(1), torch.tensor([[0.0]])]]
    assert float(recipe.voice_learning.discriminator_loss(features, made)) == pytest.approx(0 + 0.5 + 0.25 + 0)
    assert float(recipe.voice_learning.adversarial_loss(made)) == pytest.approx(0.5 + 1)
    assert float(recipe.voice_learning.feature_loss(features, made)) == pytest.approx(2)


@pytest.mark.parametrize("stochastic", [True, False])
def test_padding_changes_no_part_of_the_loss_and_durations_are_learnt_from(recipe: SimpleNamespace, stochastic: bool) -> None:
    """A clip alone and beside a longer one; at rest nothing but the posterior's draw is random, and it is taken out."""
    from transformers import VitsModel

    config = recipe.train_voice.tiny_config()
    config.vocab_size, config.use_stochastic_duration_prediction = 20, stochastic
    torch.manual_seed(1)
    network = VitsModel(config).eval()
    network.posterior_encoder.conv_proj.weight.data[config.flow_size :] = 0
    network.posterior_encoder.conv_proj.bias.data[config.flow_size :] = -30.0
    rng = np.random.default_rng(1)
    clips = [
        recipe.voice_material.Clip(
            id=str(n), text="", samples=(rng.normal(size=256 * frames) * 0.1).astype(np.float32), symbols=tuple(rng.integers(1, 19, size=n))
        )
        for n, frames in ((9, 40), (15, 70))
    ]
    spectra = recipe.voice_learning.Spectra(config)
    with torch.no_grad():
        both, alone = (
            recipe.voice_learning.hear(network, spectra, recipe.voice_material.collated(part, 32, 256, np.random.default_rng(5)), 32)
            for part in (clips, clips[:1])
        )
    assert float(both.kl[0]) == pytest.approx(float(alone.kl[0]), rel=1e-3)
    assert float(both.frames) == 110 and float(both.symbols) == 24
    if not stochastic:
        assert float(both.duration[0]) == pytest.approx(float(alone.duration[0]), rel=1e-3)
    trained = recipe.voice_learning.hear(network, spectra, recipe.voice_material.collated(clips, 32, 256, np.random.default_rng(5)), 32)
    Torch.stack(list(trained.total().values())).sum().backward()
    without = sorted(name.split(".")[0] for name, p in network.named_parameters() if p.grad is None)
    assert without == [], "each part of the network learns by some loss"


# Letters.


def test_letters_are_mapped_by_name(recipe: SimpleNamespace) -> None:
    vocabulary = {"<pad>": 0, **{letter: n for n, letter in enumerate("abegnos ", 1)}}
    letters = recipe.voice_start.unknown_letters(["Ñan ŋes ɓo", "ẹ̀ bé 12 o'a"], vocabulary)
    assert letters == sorted(["ñ", "ŋ", "ɓ", "ẹ", "\u0300", "é"])
    found = {m.letter: m.rows for m in recipe.voice_start.map_letters(letters, vocabulary)}
    assert found == {"ñ": ("n",), "ŋ": ("n", "g"), "ɓ": ("b",), "ẹ": ("e",), "é": ("e",), "\u0300": ()}
    assert recipe.voice_start.map_letters(["ቤ"], vocabulary)[0].rows == ()
    # Where the signs of a letter are known apart it is no new letter.
    assert recipe.voice_start.unknown_letters(["ñ"], vocabulary | {"\u0303": 9}) == []


def test_new_letters_take_rows_and_the_others_keep_theirs(recipe: SimpleNamespace, tmp_path: Path) -> None:
    folder = vits_folder.save(tmp_path / "near", bins=513)
    old = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    before = weights_of(folder)
    start = recipe.voice_start.from_voice(str(folder), "que", ["ñan ŋa ḱ"])
    assert [m.letter for m in start.mapped] == ["ñ", "ŋ", "ḱ"]
    assert {sign: n for sign, n in start.vocabulary.items() if sign in old} == old
    rows = start.network.text_encoder.embed_tokens.weight.detach()
    assert rows.shape[0] == start.network.config.vocab_size == len(start.vocabulary)
    torch.testing.assert_close(rows[: len(before)], before, rtol=0, atol=0)
    torch.testing.assert_close(rows[start.vocabulary["ñ"]], before[old["n"]], rtol=0, atol=0)
    torch.testing.assert_close(rows[start.vocabulary["ŋ"]], (before[old["n"]] + before[old["g"]]) / 2)
    torch.testing.assert_close(rows[start.vocabulary["ḱ"]], before[old["k"]], rtol=0, atol=0)
    assert "ñ (LATIN SMALL LETTER N WITH TILDE) from n" in [m.said for m in start.mapped]


def test_a_letter_without_a_near_one_starts_at_the_mean_of_letters(recipe: SimpleNamespace) -> None:
    rows = torch.tensor([[9.0], [1.0], [3.0], [50.0]])
    vocabulary = {"<pad>": 0, "a": 1, "b": 2, " ": 3}
    new = recipe.voice_start.map_letters(["ቤ"], vocabulary)
    assert recipe.voice_start.grown(rows, vocabulary, new, 5).flatten().tolist() == [9, 1, 3, 50, 2]


def weights_of(folder: Path) -> torch.Tensor:
    from safetensors.torch import load_file

    found: dict[str, torch.Tensor] = load_file(folder / "model.safetensors")
    return found["text_encoder.embed_tokens.weight"]


# A run.


def speech_folder(folder: Path, card: str = "", *, speaker: str = "") -> Path:
    """A folder of short sounds with texts; a card that says synthetic, or another one."""
    folder.mkdir()
    rng = np.random.default_rng(6)
    rows = []
    for n, text in enumerate(TEXTS):
        length = 16_000 + 1_600 * n
        sound = np.sin(np.arange(length) * 0.05 * (1 + n / 10)) * 0.2 + rng.normal(size=length) * 0.01
        save_sound(folder / f"c{n}.wav", sound.astype(np.float32))
        rows.append(Row(id=f"c{n}", audio=f"c{n}.wav", text=text, language="swh", speaker=speaker))
    write_rows(folder, rows)
    (folder / "collection.card.toml").write_text(card or synthetic_card(), encoding="utf-8")
    return folder / "manifest.jsonl"


def write_rows(folder: Path, rows: list[Row]) -> None:
    made = [dataclasses.replace(row, sha256=sha256_of(folder / row.audio)) for row in rows]
    write_manifest(Manifest(rows=tuple(made)), folder / "manifest.jsonl")


def synthetic_card() -> str:
    return vits_folder.SYNTHETIC.replace('"synthesise_voice"', '"TRAIN", "train_tts", "synthesise_voice"')


@pytest.fixture
def near(tmp_path: Path) -> Path:
    return vits_folder.save(tmp_path / "near", bins=513, card=synthetic_card())


def plan(recipe: SimpleNamespace, near: Path, manifest: Path, out: Path, steps: int, **more: Any) -> Any:
    settings = dataclasses.replace(
        recipe.train_voice.TINY, batch=2, segment_frames=16, adversarial_from=1, checkpoint_steps=2, rate=1e-3
    )  # fmt: skip
    values = {"settings": settings, "context": CONTEXT, "start": str(near), **more}
    return recipe.train_voice.Plan(recordings=manifest, language="swh", out=out, steps=steps, **values)


def test_a_resumed_run_equals_an_unbroken_one(recipe: SimpleNamespace, near: Path, tmp_path: Path) -> None:
    """Bit by bit, with dropout, dropped layers, samples that are spoken between, and both optimisers."""
    manifest = speech_folder(tmp_path / "speech")
    whole = recipe.train_voice.train(plan(recipe, near, manifest, tmp_path / "whole", 6))
    recipe.train_voice.train(plan(recipe, near, manifest, tmp_path / "broken", 4))
    with (tmp_path / "broken" / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"step": 5, "seconds": 1.0, "mel": 99}\n')  # as a run leaves it that is killed between checkpoints
    again = recipe.train_voice.train(plan(recipe, near, manifest, tmp_path / "broken", 6))
    assert (whole.step, again.step) == (6, 6)
    for one, other in ((whole.network, again.network), (whole.judges, again.judges)):
        due = other.state_dict()
        assert all(torch.equal(tensor, due[name]) for name, tensor in one.state_dict().items())
    states = [[o.state_dict()["state"][0]["exp_avg"] for o in run.optimisers] for run in (whole, again)]
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
    logs = [[{k: v for k, v in row.items() if k != "seconds"} for row in recipe.train_voice.read_log(run.folder)] for run in (whole, again)]
    assert logs[0] == logs[1] and {row["step"] for row in logs[0]} == set(range(7))
    assert (tmp_path / "whole/samples/step_000006.flac").read_bytes() == (tmp_path / "broken/samples/step_000006.flac").read_bytes()
    assert any(not torch.equal(t, weights_of(near)) for t in [weights_of(tmp_path / "whole" / "voice")]), "it must have learnt"


def test_a_run_goes_on_only_with_what_it_began_with(recipe: SimpleNamespace, near: Path, tmp_path: Path) -> None:
    manifest = speech_folder(tmp_path / "speech")
    begun = plan(recipe, near, manifest, tmp_path / "run", 2)
    recipe.train_voice.train(begun)
    other = dataclasses.replace(begun, settings=dataclasses.replace(begun.settings, rate=5e-4))
    with pytest.raises(TrainingFailure) as caught:
        recipe.train_voice.train(other)
    assert caught.value.code == "TRAINING_CHECKPOINT" and "settings" in caught.value.what


def test_a_run_ends_when_its_time_is_over_and_goes_on_when_it_gets_more(recipe: SimpleNamespace, near: Path, tmp_path: Path) -> None:
    manifest = speech_folder(tmp_path / "speech")
    first = recipe.train_voice.train(plan(recipe, near, manifest, tmp_path / "run", 3, hours=1e-9))
    assert first.step == 1 and min(first.seconds, first.worked) > 0 and (tmp_path / "run" / "voice" / "training.json").is_file()
    assert recipe.train_voice.train(plan(recipe, near, manifest, tmp_path / "run", 3)).step == 3


def test_a_loss_that_is_no_number_names_the_step_and_the_clip(recipe: SimpleNamespace, near: Path, tmp_path: Path) -> None:
    start = recipe.voice_start.from_voice(str(near), "swh", TEXTS)
    rng = np.random.default_rng(1)
    clips = [
        recipe.voice_material.Clip(id=f"c{n}", text="", samples=rng.normal(size=256 * 40).astype(np.float32) * 0.1, symbols=(0, 1, 0, 2, 0))
        for n in range(2)
    ]
    clips[1].samples[3000] = np.nan
    material = recipe.voice_material.Material(train=clips, dev=[], recordings=frozenset())
    settings = dataclasses.replace(recipe.train_voice.TINY, batch=2)
    run = recipe.train_voice.Training(start, material, settings, tmp_path / "run")
    before = {name: tensor.clone() for name, tensor in run.network.state_dict().items()}
    with pytest.raises(TrainingFailure) as caught:
        next(run.run(1))
    assert caught.value.code == "TRAINING_DIVERGED" and caught.value.where == "c1" and "step 1" in caught.value.what
    assert all(torch.equal(tensor, run.network.state_dict()[name]) for name, tensor in before.items())


def test_the_saved_folder_speaks_as_plain_transformers_does(recipe: SimpleNamespace, near: Path, tmp_path: Path) -> None:
    from transformers import VitsModel, VitsTokenizer, set_seed

    manifest = speech_folder(tmp_path / "speech")
    rows = list(read_manifest(manifest).rows)
    write_rows(manifest.parent, [dataclasses.replace(rows[0], text="ñuka ŋoma 12"), *rows[1:]])
    recipe.train_voice.train(plan(recipe, near, manifest, tmp_path / "run", 2))
    folder = tmp_path / "run" / "voice"
    model, tokenizer = VitsModel.from_pretrained(folder).eval(), VitsTokenizer.from_pretrained(folder)
    set_seed(3)
    with torch.no_grad():
        due = np.asarray(model(**tokenizer("ñuka ŋoma", return_tensors="pt")).waveform[0])
    spoken = say("ñuka ŋoma", language="swh", voice=str(folder), settings=Settings(seed=3), context=CONTEXT)
    assert len(due) > 1000
    np.testing.assert_array_equal(spoken.samples, np.clip(due, -1, 1))
    assert spoken.voice.synthetic and spoken.voice.language == "swh"
    account = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    assert [m["letter"] for m in account["letters_mapped"]] == ["ñ", "ŋ"] and account["synthetic"] and account["steps"] == 2
    assert load_card(folder / "collection.card.toml").synthetic
    [row] = [row for row in rows_of("train")]
    assert '"outcome":"success"' in row.body


def test_clips_that_cannot_be_learnt_are_left_out_by_name(recipe: SimpleNamespace, near: Path, tmp_path: Path) -> None:
    manifest = speech_folder(tmp_path / "speech")
    rows = list(read_manifest(manifest).rows)
    rows[0] = dataclasses.replace(rows[0], text="habari " * 20)
    rows[1] = dataclasses.replace(rows[1], text="bei ni ☃")
    rows[2] = dataclasses.replace(rows[2], end_ms=200)
    asked = recipe.voice_material.ask(
        SimpleNamespace(rows=rows, root=manifest.parent, name="x", found_as="a manifest"), "swh", context=CONTEXT
    )  # fmt: skip
    found = recipe.voice_material.gather(asked, near, "swh", 256)
    assert {clip.id for clip in [*found.train, *found.dev]} == {"c3", "c4", "c5"} and len(found.dev) == 1
    assert set(found.left_out) == {
        "with more symbols than frames", "with ☃, which the voice cannot say", "not between 0.5 and 15.0 s",
    }  # fmt: skip


def test_one_speaker_is_learnt_from(recipe: SimpleNamespace, tmp_path: Path) -> None:
    manifest = speech_folder(tmp_path / "speech")
    rows = [dataclasses.replace(row, speaker="ab"[n % 2]) for n, row in enumerate(read_manifest(manifest).rows)]
    source = SimpleNamespace(rows=rows, root=manifest.parent, name="x", found_as="a manifest")
    with pytest.raises(TextRefused) as caught:
        recipe.voice_material.ask(source, "swh", context=CONTEXT)
    assert caught.value.code == "VOICE_SPEAKER"
    assert {row.speaker for row in recipe.voice_material.ask(source, "swh", context=CONTEXT, speaker="b").rows} == {"b"}


def test_each_clip_comes_once_in_a_round(recipe: SimpleNamespace) -> None:
    clips = [
        recipe.voice_material.Clip(id=str(n), text="", samples=np.zeros(256 * (40 + n), np.float32), symbols=(0,)) for n in range(12)
    ]  # fmt: skip
    batches = recipe.voice_material.Batches(clips, 3, 32, 256, seed=1)
    names = [name for step in range(4) for name in batches.at(step).names]
    assert sorted(names, key=int) == [str(n) for n in range(12)]
    assert batches.at(1).names == batches.at(1).names != batches.at(5).names


# Consent.

COLLECTIONS = sorted((REPOSITORY / "data_manifests").rglob("*.card.toml"))


def allowed_before_it_is_decoded(recipe: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*_: object, **__: object) -> None:
        raise AssertionError("a recording was opened before everybody was asked")

    monkeypatch.setattr(recipe.voice_material.audio, "load", decoded)


@pytest.mark.parametrize("card", COLLECTIONS, ids=lambda p: p.name.removesuffix(".card.toml"))
def test_the_gate_refuses_every_collection_that_comes_with_the_program(
    recipe: SimpleNamespace, card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them holds a person's consent to a voice; their licences do not give one."""
    allowed_before_it_is_decoded(recipe, monkeypatch)
    first = read_manifest(card.with_name(card.name.replace(".card.toml", ".jsonl"))).rows[0]
    rows = (dataclasses.replace(first, text="a", text_sha256="", split="train"),)
    source = SimpleNamespace(rows=rows, root=card.parent, name=card.name, found_as="a manifest")
    with pytest.raises(ConsentRefused) as caught:
        recipe.voice_material.ask(source, first.language, context=CONTEXT, card=card)
    assert (caught.value.code, caught.value.scope) == ("COLLECTION_SCOPE", "train_tts")
    [row] = rows_of("train")
    assert '"COLLECTION_SCOPE"' in row.body and '"refused"' in row.body
    # Nor would it help if the holder alone said yes.
    granted = card.read_text(encoding="utf-8").replace('scopes = ["LOCAL", "TRAIN"', 'scopes = ["train_tts", "LOCAL", "TRAIN"', 1)
    assert granted != card.read_text(encoding="utf-8")
    (tmp_path / card.name).write_text(granted, encoding="utf-8")
    with pytest.raises(ConsentRefused) as caught:
        recipe.voice_material.ask(source, first.language, context=CONTEXT, card=tmp_path / card.name)
    assert caught.value.code == "BIOMETRIC_EXPLICIT"


def test_the_page_lists_each_of_them(recipe: SimpleNamespace, tmp_path: Path) -> None:
    for card in COLLECTIONS:
        if card.stem.startswith(("swh", "mdw")):
            manifest = card.with_name(card.name.replace(".card.toml", ".jsonl"))
            (tmp_path / card.name).write_bytes(card.read_bytes())
            (tmp_path / manifest.name).write_bytes(manifest.read_bytes())
    found = recipe.voice_page.answers_of_collections(tmp_path)
    assert [(a.id, a.allowed, a.codes) for a in found] == [
        ("mdw_mboshi", 0, ("COLLECTION_SCOPE",)), ("swh_gitau", 0, ("COLLECTION_SCOPE",)),
    ]  # fmt: skip
    assert found[1].recordings == 325 and "BIOMETRIC_EXPLICIT" in found[1].reasons


@pytest.mark.parametrize(
    ("holder", "person", "code"),
    [
        (CARD, ("granted", '"train_tts"'), "COLLECTION_SCOPE"),
        (HOLDER, None, "BIOMETRIC_EXPLICIT"),
        (HOLDER, ("granted", '"LOCAL"'), "BIOMETRIC_EXPLICIT"),
        (HOLDER, ("denied", '"train_tts"'), "PERSON_DENIED"),
        (HOLDER, ("withdrawn", '"ALL"'), "WITHDRAWN"),
    ],
)
def test_a_voice_is_learnt_only_from_who_agreed_to_it(
    recipe: SimpleNamespace, near: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: str, person: Any, code: str
) -> None:
    allowed_before_it_is_decoded(recipe, monkeypatch)
    manifest = speech_folder(tmp_path / "speech", speaker=PERSON)
    carded(manifest.parent, {PERSON: person} if person else {}, holder)
    with pytest.raises(ConsentRefused) as caught:
        recipe.train_voice.train(plan(recipe, near, manifest, tmp_path / "run", 2))
    assert caught.value.code == code and not (tmp_path / "run").exists()


def test_a_persons_voice_keeps_the_persons_card_and_speaks_only_if_that_was_agreed(
    recipe: SimpleNamespace, near: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = speech_folder(tmp_path / "speech", speaker=PERSON)
    carded(manifest.parent, {PERSON: ("granted", '"train_tts"'), "EX1-002": ("granted", '"train_tts"')}, HOLDER)
    recipe.train_voice.train(plan(recipe, near, manifest, tmp_path / "run", 2))
    folder = tmp_path / "run" / "voice"
    assert "no sample: BIOMETRIC_EXPLICIT" in capsys.readouterr().out and not list((tmp_path / "run" / "samples").iterdir())
    account = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    assert (account["synthetic"], account["people"], account["collections"]) == (False, [PERSON], ["valley"])
    assert "inherit" in account["duties"] and account["records"]
    assert not load_card(folder / "collection.card.toml").synthetic
    assert [p.name for p in (folder / "people").iterdir()] == [f"{PERSON}.person.toml"], "of those heard in it, and of nobody else"
    with pytest.raises(ConsentRefused) as caught:
        say("habari", language="swh", voice=str(folder), context=CONTEXT)
    assert (caught.value.code, caught.value.people) == ("BIOMETRIC_EXPLICIT", (PERSON,))
    carded(folder, {PERSON: ("granted", '"train_tts", "synthesise_voice"')}, HOLDER)
    assert not say("habari", language="swh", voice=str(folder), context=CONTEXT).voice.synthetic


def test_the_voice_that_it_starts_from_is_asked_too_and_two_collections_need_one_card(recipe: SimpleNamespace, tmp_path: Path) -> None:
    manifest = speech_folder(tmp_path / "speech")
    near = vits_folder.save(tmp_path / "near", bins=513, card="")
    for people, code in (({}, "BIOMETRIC_EXPLICIT"), ({PERSON: ("denied", '"train_tts"')}, "PERSON_DENIED")):
        carded(near, people, HOLDER)
        with pytest.raises(ConsentRefused) as caught:
            recipe.train_voice.train(plan(recipe, near, manifest, tmp_path / "run", 2))
        assert caught.value.code == code
    carded(near, {PERSON: ("granted", '"train_tts"')}, HOLDER)
    start = recipe.voice_start.from_voice(str(near), "swh", TEXTS)
    # Synthetic recordings do not make a person's voice synthetic.
    held = recipe.voice_start.whose(start, [manifest.parent / answers.CARD], [])
    assert not held.synthetic and held.people == (PERSON,)
    carded(manifest.parent, {}, HOLDER.replace('id = "valley"', 'id = "hill"'))
    with pytest.raises(SystemExit, match="hill and valley"):
        recipe.voice_start.whose(start, [manifest.parent / answers.CARD], [PERSON])


# What is printed.


def test_the_curves_say_where_they_begin_and_end(recipe: SimpleNamespace) -> None:
    from lxml import etree

    log = [
        {"step": 0, "dev": {"mel": 4.0}},
        *({"step": n, "mel": 5.0 - n, "kl": 2.0 * n} for n in range(1, 4)),
        {"step": 3, "dev": {"mel": 2.5}},
    ]
    tree = etree.fromstring(recipe.voice_page.losses_plot(log))
    name = "{http://www.w3.org/2000/svg}"
    assert tree.findtext(f"{name}title") == "Losses over 3 steps"
    assert tree.findtext(f"{name}desc") == "mel from 4.00 to 2.00; kl from 2.00 to 6.00"
    lines, dots = tree.findall(f"{name}polyline"), tree.findall(f"{name}circle")
    points = [tuple(map(float, p.split(","))) for p in (lines[0].get("points") or "").split()]
    assert len(lines) == 2 and points[0][1] < points[1][1] < points[2][1], "lower is further down"
    assert [float(d.get("cx") or 0) for d in dots] == [70.0, 370.0] and float(dots[0].get("cy") or 0) == points[0][1]
