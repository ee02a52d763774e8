"""The verb: languages, none of these, turns, candidates, too little speech; the gate before a sample; the head and its card."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from speech.collections import consent
from speech.errors import AudioRefused, ConsentRefused, ModelRefused, UsageFailure
from speech.identify import Candidate, Identifier, Later, Settings, identify, open_identifier
from speech.identify.head import CARD, FILE, standing
from speech.identify.turns import listed
from speech.models.hub import mini_folder
from speech.models.recogniser import LoadSettings
from speech.types import Span, Turn
from tests.faults.test_consent import carded
from tests.sounds import SENTENCES, noise, save, silence, spoken

OWN = consent.Context(basis="own use on this machine")
FINNISH = ("Lapset menevät kouluun joka päivä.", "Äiti keittää ruokaa keittiössä ja isä työskentelee pellolla.")


@pytest.fixture(scope="module")
def mini() -> Identifier:
    return open_identifier("mini", LoadSettings(precision="fp32", device="cpu"))


def test_a_known_language_is_told_and_another_is_none_of_these(mini: Identifier, tmp_path: Path) -> None:
    known = identify(save(tmp_path / "a.wav", spoken(*SENTENCES)), model=mini, context=OWN)
    other = identify(save(tmp_path / "b.wav", spoken(*FINNISH, language="fi")), model=mini, context=OWN)
    assert known.language == "que" and known.probability is not None and known.probability > 0.5
    assert other.language is None and other.probability is not None and other.probability > 0.5
    for result in (known, other):
        assert abs(sum(c.probability for c in result.candidates) - 1) < 0.01
        assert result.candidates[0] == Candidate(language=result.language, probability=result.probability or 0)
        assert 3_000 < result.speech_ms <= result.transcript.recording.duration_ms
        assert result.transcript.coverage is not None and result.transcript.coverage.adds_up
        assert result.turns is None and result.calibrated


def test_turns_have_their_own_languages_and_speakers(mini: Identifier, tmp_path: Path) -> None:
    first = spoken(*SENTENCES[:2], pause_s=0.3)
    second = spoken(*FINNISH, language="fi", pause_s=0.3)
    path = save(tmp_path / "talk.wav", np.concatenate([first, silence(1.5), second]))
    middle = len(first) * 1000 // 16_000 + 700
    end = (len(first) + len(second)) * 1000 // 16_000 + 1_500
    turns = [
        Turn(span=Span(start_ms=0, end_ms=middle), speaker="S1"),
        Turn(span=Span(start_ms=middle, end_ms=end), speaker="S2"),
        Turn(span=Span(start_ms=0, end_ms=400), speaker="S2"),
    ]
    told = identify(path, model=mini, context=OWN, turns=turns).turns
    assert told is not None
    assert [(t.language, t.speaker) for t in told[:2]] == [("que", "S1"), (None, "S2")]
    assert [t.span for t in told] == [t.span for t in turns]
    assert (told[2].language, told[2].probability) == (None, None)  # below the evidence floor nothing is said
    found = identify(path, model=mini, context=OWN, per_turn=True)
    assert {t.language for t in found.turns or ()} == {"que", None}
    assert found.speech_ms == sum(t.speech_ms for t in found.turns or ())
    with pytest.raises(AudioRefused) as refused:
        identify(path, model=mini, context=OWN, turns=[Turn(span=Span(start_ms=0, end_ms=end + 5_000), speaker="S1")])
    assert refused.value.code == "AUDIO_SPAN"


@pytest.mark.parametrize("sound", [silence(3.0), noise(3.0)], ids=["silence", "noise"])
def test_what_holds_too_little_speech_has_no_language(mini: Identifier, tmp_path: Path, sound: np.ndarray) -> None:
    result = identify(save(tmp_path / "a.wav", sound), model=mini, context=OWN)
    assert (result.language, result.probability, result.candidates) == (None, None, ())
    assert "LANGUAGE_TOO_LITTLE" in {f.code for f in result.findings}


def test_candidates_that_the_model_does_not_know_are_refused_by_name(mini: Identifier, tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(1.0))
    with pytest.raises(ModelRefused, match="cannot tell spa, fra") as refused:
        identify(path, model=mini, context=OWN, candidates=["que", "spa", "fra"])
    assert refused.value.code == "MODEL_LANGUAGE"
    with pytest.raises(UsageFailure) as empty:
        identify(path, model=mini, context=OWN, candidates=[])
    assert empty.value.code == "LANGUAGE_MISSING"


def test_a_list_of_candidates_makes_others_unlikely_not_impossible() -> None:
    known = ("aaa", "bbb", "ccc")
    torn = listed(np.array([0.4, 0.5, 0.0, 0.1]), known, ["aaa"], odds=20)
    assert torn[0] == Candidate(language="aaa", probability=round(0.4 / 0.525, 4))
    clear = listed(np.array([0.01, 0.97, 0.01, 0.01]), known, ["aaa"], odds=20)
    assert clear[0].language is None and clear[0].probability > 0.8
    assert [c.language for c in listed(np.array([0.1, 0.2, 0.3, 0.4]), known, None, odds=20)] == [None, "ccc", "bbb", "aaa"]
    assert [c.language for c in listed(np.array([0.1, 0.5, 0.3, 0.1]), known, None, odds=20, most=2)] == ["bbb", None]


def test_of_a_long_recording_so_much_is_heard_from_all_of_it(mini: Identifier, tmp_path: Path) -> None:
    path = save(tmp_path / "long.wav", np.concatenate([spoken(*SENTENCES, pause_s=2.0)] * 3))
    result = identify(path, model=mini, context=OWN, settings=Settings(most_ms=12_000))
    coverage = result.transcript.coverage
    assert coverage is not None and coverage.adds_up
    assert 6_000 < result.speech_ms <= 12_000 and coverage.skipped_ms > 0
    whole = identify(path, model=mini, context=OWN)
    assert whole.language == result.language == "que" and whole.speech_ms == coverage.speech_ms


def test_the_gate_comes_before_a_sample_is_read(mini: Identifier, tmp_path: Path) -> None:
    recording = carded(tmp_path, "denied")
    recording.unlink()
    os.mkfifo(recording)  # reading it would wait for ever
    with pytest.raises(ConsentRefused) as refused:
        identify(recording, model=mini, context=OWN)
    assert (refused.value.code, refused.value.scope) == ("COLLECTION_DENIED", "identify_language")


def test_a_model_that_is_not_here_is_refused_before_the_recording_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(ModelRefused) as refused:
        identify(tmp_path / "a.wav", model=Later("facebook/mms-lid-126", LoadSettings()), context=OWN)
    assert refused.value.code == "MODEL_NOT_HERE"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(mini_folder(), tmp_path / "mini"))


def test_a_head_is_held_against_its_card_and_its_base(copied: Path) -> None:
    card = copied / CARD
    said = card.read_text(encoding="utf-8")
    for spoiled, code in (
        (said.replace('tensor_sha256 = "', 'tensor_sha256 = "0'), "MODEL_CARD"),
        (said.replace("speech-identify/1", "speech-identify/9"), "MODEL_CARD"),
        (said.replace('base_sha256 = "', 'base_sha256 = "0'), "MODEL_BASE"),
        (said.replace('que = "', 'que = "0'), "MODEL_BASE"),
        (said.replace('"amh", "bre", ', '"amh", '), "MODEL_SHAPE"),
    ):
        assert spoiled != said
        card.write_text(spoiled, encoding="utf-8")
        with pytest.raises(ModelRefused) as refused:
            open_identifier(str(copied))
        assert refused.value.code == code
    (copied / FILE).unlink()
    with pytest.raises(ModelRefused, match="no head") as without:
        open_identifier(str(copied))
    assert without.value.code == "MODEL_CONFIG"


def test_an_adapter_that_a_person_learnt_does_not_stand_in_the_way(
    mini: Identifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "models" / "adapters" / mini.base_sha256[:16] / "adapter.que.safetensors"
    own.parent.mkdir(parents=True)
    shutil.copy(mini_folder() / "adapter.swh.safetensors", own)
    monkeypatch.setenv("SPEECH_MODELS", str(tmp_path / "models"))
    assert open_identifier("mini").sha256 == mini.sha256


def test_more_speech_of_the_same_makes_it_surer(mini: Identifier, tmp_path: Path) -> None:
    weights = np.zeros(8 + 35, np.float32)
    weights[2] = 3.0
    short, long = (mini.probabilities([weights], [ms]) for ms in (1_000, 8_000))
    assert long[2] / long[:-1].sum() > short[2] / short[:-1].sum()
    assert np.isclose(long.sum(), 1)


def test_what_the_second_stage_weighs_is_of_the_best_language() -> None:
    logits = np.array([[1.0, 5.0, 2.0, 3.0]])
    sureness = np.arange(15, dtype=np.float64).reshape(1, 3, 5)
    found = standing(logits, sureness, np.array([4.0]))
    np.testing.assert_allclose(found[0, :4], [5 / 4, 3 / 4, 2 / 4, 2.0])
    np.testing.assert_allclose(found[0, 4:9], sureness[0, 1])
    np.testing.assert_allclose(found[0, 9:14], sureness[0].mean(axis=0))


def test_the_object_of_json_says_what_the_issue_asks(mini: Identifier, tmp_path: Path) -> None:
    result = identify(save(tmp_path / "a.wav", spoken(SENTENCES[1])), model=mini, context=OWN, per_turn=True)
    said = json.loads(json.dumps(result.as_dict("a.wav")))
    assert {"path", "ok", "language", "probability", "candidates", "speech_ms", "turns"} <= set(said)
    assert said["ok"] is True and {"start_ms", "end_ms", "language", "probability", "candidates", "speech_ms"} <= set(said["turns"][0])
