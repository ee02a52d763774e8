"""Speaking: files of four formats that say what they are, the same each time; stopping; the ledger; nothing half-written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speech.audio import load
from speech.collections.consent import Context
from speech.collections.ledger import rows_of
from speech.errors import AudioRefused, FormatRefused, ModelRefused, PathRefused, TextRefused, UsageFailure
from speech.files import sha256_of
from speech.say import Settings, check, espeak_alone, say, verify, voices
from speech.say.speaking import Stopped

pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")

CONTEXT = Context(basis="test")
TEXT = "Habari yako? Nina ndizi kumi."


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".opus", ".mp3"])
def test_a_file_of_each_format_is_read_back_and_says_that_it_is_synthetic(tmp_path: Path, suffix: str) -> None:
    one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    spoken = say(TEXT, language="swh", out=one, context=CONTEXT)
    say(TEXT, language="swh", out=two, context=CONTEXT)
    assert sha256_of(one) == sha256_of(two), "same text, voice and settings: same bytes"
    found = verify(one)
    assert found.synthetic and found.facts["voice"]["name"] == "eSpeak NG sw" and found.facts["language"] == "swh"
    assert "espeak-ng" in found.facts["voice"]["origin"] and found.facts["settings"]["speed"] == 1.0
    memory = say(TEXT, language="swh", context=CONTEXT)
    assert memory.sha256 == spoken.sha256 and len(spoken.samples) == 0
    with load(one) as signal:
        assert abs(1000 * signal.length_samples // 16_000 - spoken.duration_ms) <= 60
        heard = signal.read(0, signal.length_samples)
    level = np.sqrt(np.mean(memory.samples**2))
    assert 0.5 < np.sqrt(np.mean(heard**2)) / level < 2


def test_sound_of_a_sentence_does_not_depend_on_what_was_said_before() -> None:
    alone = say("Nina ndizi kumi.", language="swh", context=CONTEXT).samples
    after = say(TEXT, language="swh", context=CONTEXT).samples
    np.testing.assert_array_equal(after[-len(alone) :], alone)


def test_speed() -> None:
    slow, quick = (say("Habari yako", language="swh", settings=Settings(speed=s), context=CONTEXT).duration_ms for s in (0.7, 1.5))
    assert 1.6 < slow / quick < 2.8
    with pytest.raises(UsageFailure) as caught:
        say("Habari", language="swh", settings=Settings(speed=3), context=CONTEXT)
    assert caught.value.code == "VOICE_SPEED"


@pytest.mark.parametrize("speed", [0.0, -1.0, 3.0, float("nan"), float("inf")])
def test_a_speed_that_cannot_be_followed_is_refused_before_a_sound_too(speed: float) -> None:
    with pytest.raises(UsageFailure) as caught:
        check("Habari", language="swh", settings=Settings(speed=speed))
    assert caught.value.code == "VOICE_SPEED"


def test_settings_that_a_voice_does_not_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused) as caught:
        say("Habari", language="swh", out=tmp_path / "said.wav", settings=Settings(speaker=1), context=CONTEXT)
    assert caught.value.code == "VOICE_SPEAKER" and "Leave --speaker out" in caught.value.mend and not list(tmp_path.iterdir())
    with pytest.raises(ModelRefused) as caught:  # a check tells what speaking would
        check("Habari", language="swh", settings=Settings(speaker=1))
    assert caught.value.code == "VOICE_SPEAKER"
    with pytest.raises(UsageFailure) as failed:
        check("Habari", language="swh", card=tmp_path / "voice.card.toml")
    assert failed.value.code == "VOICE_OPTION" and "Leave --card out" in failed.value.mend
    with pytest.raises(UsageFailure) as failed:
        check("Habari", language="yor", voice=str(tmp_path), borrow="swh")
    assert failed.value.code == "VOICE_OPTION" and "Leave --as out" in failed.value.mend
    assert say("Habari", language="swh", settings=Settings(speaker=0), context=CONTEXT).duration_ms > 0
    slip: Any = "leave_out"
    with pytest.raises(UsageFailure) as failed:
        check("Habari §", language="swh", settings=Settings(letters=slip))
    assert failed.value.code == "VOICE_LETTERS" and "leave-out" in failed.value.mend


@pytest.mark.parametrize(("text", "code"), [("Habari\0 yako", "TEXT_CONTROL"), ("Habari\ud800", "TEXT_SURROGATE")])
def test_a_sign_that_no_text_holds_is_refused_with_its_place(text: str, code: str) -> None:
    """eSpeak NG ends at a NUL: what stands behind it would go unsaid."""
    with pytest.raises(TextRefused) as caught:
        check(text, language="swh")
    assert caught.value.code == code and "character 7" in caught.value.where


def test_the_same_again_is_no_fault_and_another_file_stays(tmp_path: Path) -> None:
    out = tmp_path / "said.wav"
    say(TEXT, language="swh", out=out, context=CONTEXT)
    say(TEXT, language="swh", out=out, context=CONTEXT)
    with pytest.raises(FormatRefused) as caught:
        say("Nyingine", language="swh", out=out, context=CONTEXT)
    assert caught.value.code == "FORMAT_EXISTS"
    data = bytearray(out.read_bytes())
    data[-200:] = b"\1" * 200
    out.write_bytes(data)  # the same account of itself, another sound: somebody has cut it
    with pytest.raises(FormatRefused):
        say(TEXT, language="swh", out=out, context=CONTEXT)
    assert out.read_bytes() == bytes(data) and len(list(tmp_path.iterdir())) == 1
    say(TEXT, language="swh", out=out, context=CONTEXT, force=True)
    assert out.read_bytes() != bytes(data)


def test_stopping_leaves_nothing(tmp_path: Path) -> None:
    done: list[int] = []
    with pytest.raises(Stopped):
        say("Moja. Mbili. Tatu. Nne.", language="swh", out=tmp_path / "said.opus", context=CONTEXT,
            progress=lambda n, _of: done.append(n), stop=lambda: len(done) == 2)  # fmt: skip
    assert done == [1, 2] and list(tmp_path.iterdir()) == [] and list(rows_of("synthesise")) == []


def test_the_ledger_has_voice_file_and_gate_and_no_text(tmp_path: Path) -> None:
    say(TEXT, language="swh", out=tmp_path / "said.wav", context=CONTEXT)
    [row] = rows_of("synthesise")
    event = row.event
    assert [e["kind"] for e in event["used"]] == ["voice"] and [e["kind"] for e in event["made"]] == ["synthetic_audio"]
    assert event["made"][0]["sha256"] == sha256_of(tmp_path / "said.wav")
    assert event["gate"]["code"] == "OK" and "mark_synthetic" in event["gate"]["duties"] and "Habari" not in row.body


def test_targets_are_refused_before_a_sound_is_made(tmp_path: Path) -> None:
    for out, code in ((tmp_path / "a.aiff", "FORMAT_UNKNOWN"), (tmp_path / "no" / "a.wav", "PATH_MISSING")):
        with pytest.raises((FormatRefused, PathRefused)) as caught:
            say(TEXT, language="swh", out=out, context=CONTEXT)
        assert caught.value.code == code
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(PathRefused) as refused:
        say(TEXT, language="swh", out=tmp_path / "folder.wav", context=CONTEXT)
    assert refused.value.code == "PATH_NOT_FILE"


def test_a_language_without_a_voice_names_those_that_may_be_borrowed() -> None:
    with pytest.raises(ModelRefused) as caught:
        say("Ẹ káàbọ̀", language="yor", context=CONTEXT)
    assert (caught.value.code, caught.value.where) == ("VOICE_NONE", "--language yor") and "--as swh" in caught.value.mend
    with pytest.raises(ModelRefused) as caught:
        say("Habari", language="swh", borrow="yor", context=CONTEXT)
    assert (caught.value.code, caught.value.where) == ("VOICE_NONE", "--as yor")
    spoken = say("Ẹ káàbọ̀", language="yor", borrow="swh", settings=Settings(letters="nearest"), context=CONTEXT)
    assert spoken.checked.spoken == "E kaabo" and spoken.voice.language == "swh"


def test_an_engine_that_ends_badly_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit(5)", encoding="utf-8")
    monkeypatch.setattr(espeak_alone, "__file__", str(broken))
    with pytest.raises(ModelRefused) as caught:
        say("Habari", language="swh", out=tmp_path / "said.wav", context=CONTEXT)
    assert caught.value.code == "VOICE_FAILED" and not (tmp_path / "said.wav").exists()


def test_a_file_that_says_nothing_of_itself_and_one_that_is_no_sound(tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "plain.wav", np.zeros(1600, np.float32), 16_000)
    assert verify(tmp_path / "plain.wav").synthetic is None
    (tmp_path / "text.wav").write_text("no sound", encoding="utf-8")
    with pytest.raises(AudioRefused) as caught:
        verify(tmp_path / "text.wav")
    assert caught.value.code == "AUDIO_NOT_AUDIO"


def test_voices_of_a_language_and_of_all() -> None:
    [entry] = voices("swh")
    assert (entry.voice, entry.facts.synthetic, entry.needs_card) == ("espeak", True, False)
    assert voices("bre") == () and len({v.language for v in voices()}) > 90
    with pytest.raises(ModelRefused) as caught:
        voices("breton")
    assert caught.value.code == "LANGUAGE_CODE"


def test_the_commands_say_check_list_and_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from speech import cli

    out, text = tmp_path / "said.wav", tmp_path / "text.txt"
    text.write_text("Nina 12 ndizi.", encoding="utf-8")
    assert cli.run(["say", "--file", str(text), "--language", "swh", "--out", str(out), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["ok"], row["synthetic"], row["spelt_out"][0]["spoken"]) == (True, True, "kumi na mbili")
    assert cli.run(["say", "--verify", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["voice"]["sha256"] == row["voice"]["sha256"]
    assert cli.run(["say", "káà", "--language", "yor", "--as", "swh", "--check", "--json"]) == 0
    assert [u["letter"] for u in json.loads(capsys.readouterr().out)["unsaid"]] == ["à", "á"]
    assert cli.run(["say", "káà", "--language", "swh", "--check"]) == 1
    assert "cannot say it" in capsys.readouterr().err
    assert cli.run(["say", "káà", "--language", "swh", "--out", str(tmp_path / "b.wav"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "VOICE_LETTERS" and not (tmp_path / "b.wav").exists()
    assert cli.run(["say", "--list", "--language", "swh"]) == 0 and "espeak" in capsys.readouterr().out
    assert cli.run(["say", "--list", "--language", "bre"]) == 0 and "--as cym" in capsys.readouterr().err
    assert cli.run(["say", "Habari"]) == 2 and cli.run(["say", "Habari", "--language", "swh"]) == 2
    assert cli.run(["say", "--language", "swh", "--out", str(out)]) == 2


def test_a_text_in_another_encoding_is_refused_with_its_place_and_read_as_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from speech import cli

    text = tmp_path / "text.txt"
    text.write_bytes("mañana".encode("latin-1"))
    for given in (["--file", str(text)], [os.fsdecode("mañana".encode("latin-1"))]):
        assert cli.run(["say", *given, "--language", "spa", "--check"]) == 1
        told = capsys.readouterr().err
        assert "0xF1 at offset 2" in told and "TEXT_ENCODING" in told
        assert cli.run(["say", *given, "--encoding", "latin-1", "--language", "spa", "--check"]) == 0
        assert capsys.readouterr().out.strip() == "mañana"


def test_what_a_file_says_of_settings_and_letters_left_out_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from speech import cli

    out = tmp_path / "said.flac"
    say("Habari § yako", language="swh", out=out, settings=Settings(letters="leave-out", speed=1.5, seed=7), context=CONTEXT)
    assert cli.run(["say", "--verify", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "settings: letters leave-out, seed 7, speed 1.5" in shown
    assert "letters left out of the text: 1" in shown


def test_a_seed_beyond_what_a_voice_takes_is_no_bug_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    from speech import cli

    assert cli.run(["say", "Habari", "--language", "swh", "--seed", str(2**32), "--check"]) == 2
    assert "--seed" in capsys.readouterr().err
