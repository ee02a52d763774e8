"""What the voice network heard, as turns: overlap, pauses, margins, numbers of speakers."""

from __future__ import annotations

import numpy as np

from speech.diarise.embedded import FRAME_MS, EmbeddedSettings, placed
from speech.diarise.records import SpeakerCount, Voices
from speech.diarise.thresholds import UNSURE_MARGIN
from speech.models.voices import Heard
from speech.types import Span

DIRECTIONS = np.linalg.qr(np.random.default_rng(1).normal(size=(128, 128)))[0][:3]


def heard(rows: list[tuple[int, str]]) -> Heard:
    """Frames of nobody (""), of one ("a") or of two at once ("ab"), with little noise."""
    rng = np.random.default_rng(5)
    vectors, counts = [], []
    for frames, who in rows:
        direction = DIRECTIONS[[ord(w) - ord("a") for w in who]].sum(axis=0) if who else np.zeros(128)
        made = direction + rng.normal(0, 0.03, (frames, 128))
        vectors.append(made / np.linalg.norm(made, axis=1, keepdims=True))
        counts.append(np.tile(np.eye(3)[min(2, len(who))] * 0.94 + 0.02, (frames, 1)))
    return Heard.of(np.concatenate(vectors), counts=np.concatenate(counts).astype(np.float32))


def turns(found: Voices) -> list[tuple[str, int, int]]:
    return [(t.speaker, t.span.start_ms // FRAME_MS, t.span.end_ms // FRAME_MS) for t in found.turns]


WHOLE = (Span(start_ms=0, end_ms=60_000),)
SETTINGS = EmbeddedSettings()


def test_two_speakers_with_a_pause() -> None:
    found = placed(heard([(10, ""), (100, "b"), (20, ""), (100, "a")]), WHOLE, SpeakerCount(), SETTINGS)
    assert turns(found) == [("S1", 10, 110), ("S2", 130, 230)]
    assert all(t.margin is not None and t.margin > 0.9 for t in found.turns)


def test_overlap_is_two_turns_at_once() -> None:
    found = placed(heard([(100, "a"), (25, "ab"), (100, "b")]), WHOLE, SpeakerCount(), SETTINGS)
    (first, start, end), (second, begin, last) = turns(found)
    assert (first, second) == ("S1", "S2")
    assert start == 0 and last == 225
    assert abs(end - 125) <= 2 and abs(begin - 100) <= 2


def test_what_speech_detection_left_out_is_no_turn_unless_the_network_is_sure() -> None:
    only = (Span(start_ms=0, end_ms=100 * FRAME_MS),)
    unsure = heard([(100, "a"), (50, ""), (100, "a")])
    weak = Heard(packed=unsure.packed, counts=np.where(np.arange(250)[:, None] >= 150, [0.3, 0.6, 0.1], unsure.counts).astype(np.float32))
    assert turns(placed(weak, only, SpeakerCount(), SETTINGS)) == [("S1", 0, 100)]
    assert turns(placed(unsure, only, SpeakerCount(), SETTINGS)) == [("S1", 0, 100), ("S1", 150, 250)]


def test_near_detected_speech_the_network_is_believed_sooner() -> None:
    only = (Span(start_ms=0, end_ms=100 * FRAME_MS),)
    likely = heard([(100, "a"), (30, ""), (40, "a"), (100, ""), (40, "a")])
    chance = np.where(np.arange(310)[:, None] >= 130, [0.4, 0.5, 0.1], likely.counts)
    chance[170:270] = [0.96, 0.02, 0.02]
    weak = Heard(packed=likely.packed, counts=chance.astype(np.float32))
    assert turns(placed(weak, only, SpeakerCount(), SETTINGS)) == [("S1", 0, 100), ("S1", 130, 150)]


def test_a_turn_between_two_voices_is_unsure_and_a_clear_one_is_not() -> None:
    rng = np.random.default_rng(3)
    made = heard([(200, "a"), (20, ""), (200, "b"), (20, ""), (40, "a")])
    between = DIRECTIONS[0] + 0.9 * DIRECTIONS[1] + rng.normal(0, 0.03, (40, 128))
    vectors = np.concatenate([made.vectors(slice(0, 440)), between / np.linalg.norm(between, axis=1, keepdims=True)])
    found = placed(Heard.of(vectors, counts=made.counts), WHOLE, SpeakerCount(), SETTINGS)
    assert [t.speaker for t in found.turns] == ["S1", "S2", "S1"]
    first, second, last = (t.margin or 0.0 for t in found.turns)
    assert first == second == SETTINGS.margins[-1][1] > UNSURE_MARGIN > last > 0.5


def test_a_short_pause_belongs_to_the_turn() -> None:
    assert turns(placed(heard([(50, "a"), (4, ""), (50, "a")]), WHOLE, SpeakerCount(), SETTINGS)) == [("S1", 0, 104)]


def test_nobody_speaks() -> None:
    assert placed(heard([(100, "")]), WHOLE, SpeakerCount(), SETTINGS) == Voices()
    assert placed(heard([(100, "a")]), (), SpeakerCount(), SETTINGS).turns != ()


def test_one_is_asked_for_and_one_is_given() -> None:
    found = placed(heard([(100, "a"), (100, "b")]), WHOLE, SpeakerCount(least=1, most=1), SETTINGS)
    assert {t.speaker for t in found.turns} == {"S1"}


def test_a_stretch_too_short_to_cluster_is_still_a_turn() -> None:
    assert turns(placed(heard([(20, ""), (4, "a"), (20, "")]), WHOLE, SpeakerCount(), SETTINGS)) == [("S1", 20, 24)]
