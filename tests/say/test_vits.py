"""VITS checkpoints: parity with plain transformers, letters told before they would be dropped, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from speech import languages
from speech.collections.consent import Context
from speech.collections.ledger import rows_of
from speech.errors import ConsentRefused, ModelRefused
from speech.say import Settings, check, say, voices
from speech.say.letters import unsaid_in
from speech.say.vits import load, open_vits
from speech.text import nearest
from tests.diarise.fakes import CARD, carded
from tests.say import vits_folder

CONTEXT = Context(basis="test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vits_folder.save(tmp_path_factory.mktemp("voice"))


def plain(folder: Path, text: str, seed: int, **more: float) -> np.ndarray:
    import torch
    from transformers import VitsModel, VitsTokenizer, set_seed

    model, tokenizer = VitsModel.from_pretrained(folder).eval(), VitsTokenizer.from_pretrained(folder)
    inputs = tokenizer(text, return_tensors="pt")
    set_seed(seed)
    with torch.no_grad():
        return np.asarray(model(**inputs, **more).waveform[0])


@pytest.mark.parametrize(("text", "seed"), [("habari yako", 0), ("Habari yako?", 555), ("ng'ombe wa babu", 7)])
def test_the_sound_is_that_of_plain_transformers_with_the_same_seed(folder: Path, text: str, seed: int) -> None:
    due = plain(folder, text, seed)
    spoken = say(text, language="swh", voice=str(folder), settings=Settings(seed=seed), context=CONTEXT)
    assert spoken.sample_rate == 16_000 and len(due) > 1_000 and np.abs(due).max() > 0
    np.testing.assert_array_equal(spoken.samples, np.clip(due, -1, 1))
    assert not np.array_equal(due, plain(folder, text, seed + 1)), "the seed must matter, or this shows nothing"


@pytest.mark.slow
def test_so_it_is_with_the_real_size(tmp_path: Path) -> None:
    """36 million parameters, as MMS-TTS has them."""
    folder = vits_folder.save(tmp_path / "real", real=True)
    spoken = say("habari yako ya leo", language="swh", voice=str(folder), settings=Settings(seed=555), context=CONTEXT)
    np.testing.assert_array_equal(spoken.samples, np.clip(plain(folder, "habari yako ya leo", 555), -1, 1))
    assert len(open_vits(folder).tensors) > 600 and len(spoken.samples) > 2_000


def test_speed_is_the_checkpoints_own_rate_times_what_is_asked(folder: Path) -> None:
    spoken = say("habari yako", language="swh", voice=str(folder), settings=Settings(seed=1, speed=2.0), context=CONTEXT)
    np.testing.assert_array_equal(spoken.samples, np.clip(plain(folder, "habari yako", 1, speaking_rate=2.0), -1, 1))
    assert len(spoken.samples) < len(plain(folder, "habari yako", 1))


def test_each_sentence_has_its_own_seed_and_the_process_keeps_its_chance(folder: Path) -> None:
    import torch

    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    spoken = say("habari. habari.", language="swh", voice=str(folder), settings=Settings(seed=4), context=CONTEXT)
    assert torch.equal(before, torch.random.get_rng_state())
    first, second = plain(folder, "habari.", 4), plain(folder, "habari.", 5)
    pause = np.zeros(16_000 * spoken.checked.sentences[0].pause_ms // 1000)
    np.testing.assert_array_equal(spoken.samples, np.clip(np.concatenate([first, pause, second]), -1, 1).astype(np.float32))


def test_letters_the_tokenizer_would_drop_are_told(folder: Path) -> None:
    """fairseq#5331, transformers#32387: plain transformers says such a word without the letter, and nobody hears of it."""
    checked = check("Ọjọ́ ŋombe x 12", language="swh", voice=str(folder))
    assert checked.refused
    assert {u.letter: (u.places, u.nearest) for u in checked.unsaid} == {
        "Ọ": ((0,), "O"), "ọ́": ((2,), "o"), "ŋ": ((5,), "ng"), "x": ((11,), None),
    }  # fmt: skip
    assert [(r.was, r.spoken) for r in checked.replaced] == [("12", "kumi na mbili")]
    nearest = check("Ọjọ́ ŋombe", language="swh", voice=str(folder), settings=Settings(letters="nearest"))
    assert nearest.spoken == "Ojo ngombe"


def test_a_letter_whose_signs_are_known_apart_is_taken_apart(tmp_path: Path) -> None:
    folder = vits_folder.save(tmp_path / "v", letters=vits_folder.LETTERS + "\u0301\u0323")
    voice = load(str(folder), "yor")
    assert voice.cannot_say("ọ́") == frozenset() and voice.cannot_say("ọ̀") == {"ọ̀"}
    assert voice.handed_over("jọ́") == "jo\u0323\u0301"


def test_a_checkpoint_that_reads_romanised_text_gets_it_from_uroman(tmp_path: Path) -> None:
    pytest.importorskip("uroman", reason="uroman (extra tts) is not installed")
    folder = vits_folder.save(tmp_path / "v", tokenizer={"is_uroman": True})
    spoken = say("ሰላም ነው", language="amh", voice=str(folder), context=CONTEXT)
    roman = nearest.romanised("ሰላም ነው", "amh")
    assert roman.isascii() and spoken.checked.unsaid == ()
    np.testing.assert_array_equal(spoken.samples, np.clip(plain(folder, roman, 0), -1, 1))


def test_without_uroman_such_a_checkpoint_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = vits_folder.save(tmp_path / "v", tokenizer={"is_uroman": True})
    monkeypatch.setattr(nearest, "romanises", lambda: False)
    with pytest.raises(ModelRefused) as caught:
        load(str(folder), "amh")
    assert caught.value.code == "MODEL_NOT_HERE" and "oral-speech[tts]" in caught.value.mend


def test_a_tokenizer_that_reads_phonemes_and_other_kinds_are_refused(folder: Path, tmp_path: Path) -> None:
    phonemes = vits_folder.save(tmp_path / "p", tokenizer={"phonemize": True})
    with pytest.raises(ModelRefused) as caught:
        open_vits(phonemes)
    assert caught.value.code == "MODEL_CONFIG"
    other = vits_folder.save(tmp_path / "o")
    config = json.loads((other / "config.json").read_text(encoding="utf-8"))
    (other / "config.json").write_text(json.dumps({**config, "architectures": ["Wav2Vec2ForCTC"]}), encoding="utf-8")
    with pytest.raises(ModelRefused) as caught:
        open_vits(other)
    assert caught.value.code == "MODEL_CONFIG" and "VitsModel" in str(caught.value)


def test_weights_that_do_not_fit_are_refused_by_name(tmp_path: Path) -> None:
    folder = vits_folder.save(tmp_path / "v")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "ffn_dim": 64}), encoding="utf-8")
    with pytest.raises(ModelRefused) as caught:
        say("habari", language="swh", voice=str(folder), context=CONTEXT)
    assert caught.value.code == "MODEL_SHAPE"
    symbols = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    (folder / "vocab.json").write_text(json.dumps({**symbols, "q": 999}), encoding="utf-8")
    with pytest.raises(ModelRefused) as caught:
        open_vits(folder)
    assert caught.value.code == "MODEL_VOCAB"


def test_a_voice_of_several_speakers(tmp_path: Path) -> None:
    folder = vits_folder.save(tmp_path / "v", speakers=3)
    said = [say("habari", language="swh", voice=str(folder), settings=Settings(speaker=n), context=CONTEXT).samples for n in (0, 2)]
    np.testing.assert_array_equal(said[1], np.clip(plain(folder, "habari", 0, speaker_id=2), -1, 1))
    assert not np.array_equal(said[0], said[1])
    with pytest.raises(ModelRefused) as caught:
        say("habari", language="swh", voice=str(folder), settings=Settings(speaker=3), context=CONTEXT)
    assert caught.value.code == "VOICE_SPEAKER" and "from 0 to 2" in caught.value.mend


# Consent: a voice belongs to a person.

HOLDER = CARD.replace('"voiceprint"', '"synthesise_voice"')


@pytest.mark.parametrize(
    ("holder", "person", "code"),
    [
        (None, None, "NO_CARD"),
        (CARD, ("granted", '"synthesise_voice"'), "COLLECTION_SCOPE"),
        (HOLDER, None, "BIOMETRIC_EXPLICIT"),
        (HOLDER, ("granted", '"LOCAL"'), "BIOMETRIC_EXPLICIT"),
        (HOLDER, ("denied", '"synthesise_voice"'), "PERSON_DENIED"),
        (HOLDER, ("withdrawn", '"ALL"'), "WITHDRAWN"),
        (HOLDER.replace("schema_version = 1", "schema_version = 9"), ("granted", '"synthesise_voice"'), "CARD_INVALID"),
        (HOLDER, ("granted", '"synthesise_voice"'), None),
    ],
)
def test_a_persons_voice_speaks_only_with_that_persons_consent(
    tmp_path: Path, holder: str | None, person: tuple[str, str] | None, code: str | None
) -> None:
    folder = vits_folder.save(tmp_path / "voice", card="")
    if holder is not None:
        carded(folder, {"EX1-001": person} if person else {}, holder)
    out = tmp_path / "said.wav"
    if code is None:
        spoken = say("habari", language="swh", voice=str(folder), out=out, context=CONTEXT)
        assert out.is_file() and not spoken.voice.synthetic and spoken.decision is not None
        assert {"mark_synthetic", "inherit"} <= set(spoken.decision.duties)
        assert '"EX1-001"' in list(rows_of("synthesise"))[-1].body
        return
    with pytest.raises(ConsentRefused) as caught:
        say("habari", language="swh", voice=str(folder), out=out, context=CONTEXT)
    assert (caught.value.code, caught.value.scope) == (code, "synthesise_voice")
    assert not out.exists() and [p.name for p in tmp_path.iterdir()] == ["voice"]
    [row] = rows_of("synthesise")
    assert f'"{code}"' in row.body


def test_a_voice_without_a_card_is_told_the_way_to_one(tmp_path: Path) -> None:
    folder = vits_folder.save(tmp_path / "voice", card="")
    with pytest.raises(ConsentRefused) as caught:
        say("habari", language="swh", voice=str(folder), context=CONTEXT)
    assert "speech consent record" in str(caught.value) and "synthesise_voice" in caught.value.mend


def test_a_card_that_lies_elsewhere_and_one_kept_for_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = vits_folder.save(tmp_path / "voice", card="")
    (tmp_path / "cards").mkdir()
    card = tmp_path / "cards" / "elsewhere.card.toml"
    card.write_text(vits_folder.SYNTHETIC, encoding="utf-8")
    assert len(say("habari", language="swh", voice=str(folder), card=card, context=CONTEXT).samples)
    monkeypatch.setenv("SPEECH_MODELS", str(tmp_path / "models"))
    kept = tmp_path / "models" / "voices" / "facebook--mms-tts-swh"
    kept.mkdir(parents=True)
    snapshot = tmp_path / "hf" / "hub" / "models--facebook--mms-tts-swh" / "snapshots" / "0"
    vits_folder.save(snapshot, card="")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    with pytest.raises(ConsentRefused) as caught:
        say("habari", language="swh", voice="mms", context=CONTEXT)
    assert caught.value.code == "NO_CARD" and str(kept) in caught.value.mend
    (kept / "collection.card.toml").write_text(vits_folder.SYNTHETIC, encoding="utf-8")
    spoken = say("habari", language="swh", voice="mms", context=CONTEXT)
    assert spoken.voice.name == "facebook/mms-tts-swh" and spoken.voice.licence == "cc0-1.0"


def test_the_verb_model_keeps_shows_and_checks_a_voice(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from speech import cli

    monkeypatch.setenv("SPEECH_MODELS", str(tmp_path / "models"))
    copy = vits_folder.save(tmp_path / "mine")
    assert cli.run(["model", "add", str(copy)]) == 0 and (tmp_path / "models" / "mine" / "collection.card.toml").is_file()
    capsys.readouterr()
    assert cli.run(["model", "list", "--json"]) == 0
    row = [json.loads(line) for line in capsys.readouterr().out.splitlines()][-1]
    assert (row["path"], row["family"], row["languages"]) == ("mine", "VitsModel", ["swh"])
    assert cli.run(["model", "show", "mine", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["synthesise_voice"] == {"allowed": True, "code": "OK"} and "a" in shown["letters"]
    assert cli.run(["model", "check", "mine"]) == 0 and "whole and finite" in capsys.readouterr().out
    assert [(v.language, v.needs_card) for v in voices("swh") if v.facts.engine == "vits"] == [("swh", False)]
    assert cli.run(["model", "show", "mine"]) == 0 and cli.run(["model", "list"]) == 0


def test_unsaid_letters_are_found_for_every_script(folder: Path) -> None:
    voice = load(str(folder), "und")
    for text in ("ߒߞߏ", "العربية", "हिन्दी", "ሰላም", "Ẹ̀kọ́"):
        found = unsaid_in(text, voice, languages.load("und"))
        listed = sorted(place for u in found for place in range(u.places[0], u.places[0] + 1)) and {p for u in found for p in u.places}
        from speech.text.spelling import graphemes

        starts = [sum(map(len, graphemes(text)[:i])) for i in range(len(graphemes(text)))]
        known = [s for s, g in zip(starts, graphemes(text), strict=True) if g in vits_folder.LETTERS]
        assert listed == set(starts) - set(known), text
