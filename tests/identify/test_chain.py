"""Languages of turns, told together: a speaker's turns hang together, and a list may hold one language that is not known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from speech.errors import ModelRefused
from speech.identify.chain import ChainSettings, Columns, Languages, languages_of, together
from speech.identify.turns import Evidence


class Table:
    """An identifier whose evidence is its answer."""

    name, base_sha256, sha256, calibration, least_ms, threads, calibrated = "table", "", "", "", 1000, 0, True
    languages = ("swh", "yor")

    def probabilities(self, weights: Sequence[NDArray[np.float32]], lengths_ms: Sequence[int]) -> NDArray[np.float64]:
        return np.asarray(np.mean([np.asarray(w, np.float64) for w in weights], axis=0))


def heard(swh: float, yor: float, ms: int = 3000) -> Evidence:
    return [np.array([swh, yor, 1 - swh - yor], np.float32)], [ms]


def told(columns: Columns, speakers: Sequence[str | None], *evidence: Evidence) -> list[str | None]:
    return [t.language for t in languages_of(speakers, evidence, Table(), columns, ChainSettings())]  # type: ignore[arg-type]  # a stand-in


LISTED = Columns(languages=("swh", "yor"), places=(0, 1))


def test_two_turns_by_hand() -> None:
    # Stays 0.6, else either by half: P(1, 1) = 0.9 * 0.8 * 0.4 = 0.288, P(1, 2) = 0.9 * 0.2 * 0.6 = 0.108,
    # P(2, 1) = 0.1 * 0.2 * 0.4 = 0.008, P(2, 2) = 0.1 * 0.8 * 0.6 = 0.048; the sum is 0.452.
    found = together(np.array([[0.9, 0.1], [0.4, 0.6]]), 0.6, np.array([0.5, 0.5]))
    np.testing.assert_allclose(found, [[0.396 / 0.452, 0.056 / 0.452], [0.296 / 0.452, 0.156 / 0.452]], rtol=1e-9)


def test_a_long_chain_keeps_its_digits() -> None:
    found = together(np.tile([[0.6, 0.4]], (5000, 1)), 0.9, np.array([0.5, 0.5]))
    assert np.isfinite(found).all() and found[2500, 0] > 0.9


def test_what_is_hardly_spoken_is_believed_less_easily() -> None:
    around, doubtful = heard(0.97, 0.02), heard(0.2, 0.79)
    assert told(LISTED, ["S1", *["S2"] * 20], doubtful, *[around] * 20)[0] == "swh"
    assert told(LISTED, ["S1", "S2"], doubtful, around)[0] == "yor"


def test_a_turn_too_short_to_tell_has_the_language_of_its_speakers_other_turns() -> None:
    short = heard(0.0, 1.0, ms=400)
    assert told(LISTED, ["S1", "S1", "S2", "S1"], heard(0.99, 0), short, heard(0, 0.99), heard(0.99, 0)) == ["swh", "swh", "yor", "swh"]
    assert told(LISTED, ["S1", "S2", "S1"], heard(0.99, 0), short, heard(0.99, 0)) == ["swh", "swh", "swh"]


def test_weak_evidence_is_no_change_and_strong_evidence_is_one() -> None:
    around = heard(0.98, 0.01)
    assert told(LISTED, ["S1"] * 3, around, heard(0.45, 0.54), around) == ["swh"] * 3
    assert told(LISTED, ["S1"] * 3, around, heard(0.005, 0.99), around) == ["swh", "yor", "swh"]


def test_one_language_that_is_not_known_gets_what_is_none_of_the_others() -> None:
    columns = Languages(codes=("yor", "quy")).of(Table())  # type: ignore[arg-type]  # a stand-in
    assert told(columns, ["S1", "S2"], heard(0.01, 0.98), heard(0.3, 0.02)) == ["yor", "quy"]
    with pytest.raises(ModelRefused, match="quy from mdw") as refused:
        Languages(codes=("quy", "mdw")).of(Table())  # type: ignore[arg-type]  # a stand-in
    assert refused.value.code == "MODEL_LANGUAGE"


def test_any_language_may_be_none_and_a_list_says_how_likely_another_is() -> None:
    any_known = Languages(any_known=True).of(Table())  # type: ignore[arg-type]  # a stand-in
    assert told(any_known, ["S1", "S2"], heard(0.01, 0.01), heard(0.9, 0.05)) == [None, "swh"]
    (one,) = languages_of(["S1"], [heard(0.02, 0.01)], Table(), LISTED, ChainSettings())  # type: ignore[arg-type]  # a stand-in
    assert one.language == "swh" and one.outside == pytest.approx(0.97, abs=1e-6)
    assert sum(c.probability for c in one.candidates) == pytest.approx(1, abs=1e-3)


def test_who_says_too_little_has_the_others_languages_and_nobody_is_told_by_nothing() -> None:
    short = heard(0.0, 1.0, ms=400)
    assert told(LISTED, ["S1", "S2"], heard(0.02, 0.97), short) == ["yor", "yor"]
    nothing = languages_of(["S1", "S2"], [short, short], Table(), LISTED, ChainSettings())  # type: ignore[arg-type]  # a stand-in
    assert [(t.language, t.probability, t.heard) for t in nothing] == [(None, 0.0, False)] * 2
