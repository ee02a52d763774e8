"""Passages of a recording through the encoder: languages, channels and overlap mixed, each as if it were heard alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from speech.audio import ReadSettings, load
from speech.errors import AudioRefused, ModelRefused
from speech.models import encoder
from speech.models.encoder import Encoded, EncodeSettings, encode, gated_gain, speech_gain
from speech.models.network import Network
from speech.models.recogniser import Batch, CtcRecogniser, Encoding, HiddenStates, LoadSettings
from speech.models.recogniser import load as load_model
from speech.types import Passage, Span
from tests.sounds import SENTENCES, spoken

CODES = ("que", "swh", "yor", "bre")


@dataclass
class Sound:
    """Samples in memory, read as a recording is; every channel is its own row."""

    rows: np.ndarray

    @property
    def length_samples(self) -> int:
        return int(self.rows.shape[1])

    def read(self, start: int, count: int, channel: int | None = None) -> np.ndarray:
        rows = self.rows.mean(0) if channel is None else self.rows[channel - 1]
        return np.asarray(rows[start : start + count], np.float32)


@pytest.fixture(scope="module")
def mini() -> CtcRecogniser:
    return load_model("mini", LoadSettings(precision="fp32"))


@pytest.fixture(scope="module")
def story() -> Sound:
    one, other = spoken(*SENTENCES, *SENTENCES), spoken(*reversed(SENTENCES), *SENTENCES)
    length = min(len(one), len(other))
    return Sound(np.stack([one[:length], other[:length]]))


def passage(start_ms: int, end_ms: int, language: str = "que", channel: int | None = None) -> Passage:
    return Passage(span=Span(start_ms=start_ms, end_ms=end_ms), language=language, channel=channel)


def mixed(length_ms: int, count: int = 24) -> list[Passage]:
    """Passages of all lengths, languages and channels, overlapping."""
    rng = np.random.default_rng(5)
    starts = [int(s) for s in np.sort(rng.integers(0, length_ms - 900, count))]
    ends = [min(length_ms, s + int(rng.integers(120, 7_000))) for s in starts]
    return [passage(s, e, CODES[n % 4], (None, 1, 2)[n % 3]) for n, (s, e) in enumerate(zip(starts, ends, strict=True))]


def close(one: Encoded, other: Encoded, tolerance: float = 1e-5) -> bool:
    same = one.passage == other.passage and one.begin_samples == other.begin_samples and one.emissions.shape == other.emissions.shape
    # Probabilities, not their logarithms: log of a probability of 1e-9 has no digits to compare.
    return same and float(np.abs(np.exp(one.emissions) - np.exp(other.emissions)).max(initial=0)) < tolerance


def test_a_mixed_run_equals_runs_of_one_language(mini: CtcRecogniser, story: Sound) -> None:
    passages = mixed(story.length_samples // 16)
    together = list(encode(story, passages, mini))
    assert [e.passage for e in together] == passages
    for code in CODES:
        alone = list(encode(story, [p for p in passages if p.language == code], mini))
        for one, other in zip(alone, [e for e in together if e.passage.language == code], strict=True):
            assert close(one, other)
            np.testing.assert_allclose(one.emissions, other.emissions, rtol=1e-5, atol=1e-5)


def test_sound_in_several_languages_passes_the_common_layers_once_and_gives_the_same(
    mini: CtcRecogniser, story: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = [(0, 9_000), (9_400, 12_000), (13_000, 20_000)]
    passages = [passage(start, end, code) for start, end in spans for code in CODES]
    for code in CODES:
        mini.use(code)
    wanted = HiddenStates(layer=mini.common_layers)
    alone = [one for p in passages for one in encode(story, [p], mini, hidden=wanted)]
    heard: list[int] = []
    inputs_of = Network.inputs_of

    def counted(self: Network, clips: Sequence[np.ndarray], length: int, masked: bool) -> dict[str, torch.Tensor]:
        heard.append(sum(map(len, clips)))
        return inputs_of(self, clips, length, masked)

    monkeypatch.setattr(Network, "inputs_of", counted)
    together = list(encode(story, passages, mini, EncodeSettings(together_ms=0), hidden=wanted))
    assert sum(heard) < 30 * 16_000, "each stretch was to be heard once, not once a language"
    for one, other in zip(alone, together, strict=True):
        assert close(one, other)
        assert one.hidden is not None and other.hidden is not None
        np.testing.assert_allclose(one.hidden, other.hidden, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("settings", [EncodeSettings(batch_ms=1), EncodeSettings(batch_ms=200_000), EncodeSettings(window_ms=5_000)])
def test_batches_padding_and_windows_change_nothing(mini: CtcRecogniser, story: Sound, settings: EncodeSettings) -> None:
    passages = mixed(story.length_samples // 16)
    for one, other in zip(encode(story, passages, mini), encode(story, passages, mini, settings), strict=True):
        assert close(one, other)


def test_the_order_asked_for_is_the_order_given_and_changes_nothing(mini: CtcRecogniser, story: Sound) -> None:
    passages = mixed(story.length_samples // 16)
    order = np.random.default_rng(2).permutation(len(passages))
    found = list(encode(story, [passages[n] for n in order], mini))
    assert [e.passage for e in found] == [passages[n] for n in order]
    in_time = list(encode(story, passages, mini))
    assert all(close(one, in_time[n]) for one, n in zip(found, order, strict=True))


def test_frames_lie_where_their_passage_lies(mini: CtcRecogniser, story: Sound) -> None:
    for one in encode(story, mixed(story.length_samples // 16), mini):
        span = one.passage.span
        assert abs(one.begin_samples - span.start_ms * 16) <= mini.stride / 2
        assert abs(len(one.emissions) - mini.frames(span.length_ms * 16)) <= 1
        np.testing.assert_allclose(np.exp(one.emissions).sum(-1), 1, atol=1e-4)


def test_where_passages_touch_each_frame_is_one_passages(mini: CtcRecogniser, story: Sound) -> None:
    touching = [passage(500, 4_817), passage(4_817, 7_003), passage(7_500, 9_000)]
    first, second, third = encode(story, touching, mini)
    assert first.begin_samples + len(first.emissions) * mini.stride == second.begin_samples
    whole = list(encode(story, [passage(500, 9_000)], mini))[0]
    np.testing.assert_allclose(whole.emissions[: len(first.emissions)], first.emissions, atol=1e-4)
    assert third.begin_samples - first.begin_samples == 175 * mini.stride


def test_each_channel_is_heard_by_itself_at_its_own_level(mini: CtcRecogniser, story: Sound) -> None:
    quiet = Sound(story.rows * np.array([[1.0], [0.01]], np.float32))
    for channel, row in enumerate(quiet.rows, 1):
        (one,) = encode(quiet, [passage(300, 5_000, channel=channel)], mini)
        (mono,) = encode(Sound(row[None] / np.abs(row).max()), [passage(300, 5_000)], mini)
        np.testing.assert_allclose(one.emissions, mono.emissions, atol=1e-3)


def test_kept_channels_of_a_file_are_those_of_the_file(story: Sound, tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "two.wav"
    soundfile.write(path, story.rows.T, 16_000, subtype="FLOAT")
    with load(path, ReadSettings(keep_channels=True)) as signal:
        for channel, row in enumerate(story.rows, 1):
            np.testing.assert_allclose(signal.read(1_000, 90_000, channel), row[1_000:91_000] - row.mean(), atol=1e-6)
        with pytest.raises(AudioRefused, match="it has 2") as refused:
            signal.read(0, 1, 3)
        assert refused.value.code == "AUDIO_CHANNELS"
    with load(path) as signal, pytest.raises(AudioRefused, match="only their mix was kept"):
        signal.read(0, 1, 2)


@pytest.mark.parametrize("span", [(-1, 500), (900, 800), (0, 10_000_000)])
def test_a_passage_outside_the_recording_is_refused(mini: CtcRecogniser, story: Sound, span: tuple[int, int]) -> None:
    with pytest.raises(AudioRefused) as refused:
        encode(story, [passage(*span)], mini)
    assert refused.value.code == "AUDIO_SPAN"


def test_a_passage_may_end_a_rounding_beyond_the_sound_and_may_be_too_short_for_a_frame(mini: CtcRecogniser, story: Sound) -> None:
    end = story.length_samples // 16
    last, tiny = encode(story, [passage(end - 2_000, end + 40), passage(100, 110)], mini)
    assert 45 <= len(last.emissions) <= 51
    assert tiny.emissions.shape == (0, len(mini.symbols("que")))


def test_a_language_that_is_not_there_is_refused_before_anything_is_heard(mini: CtcRecogniser, story: Sound) -> None:
    with pytest.raises(ModelRefused) as refused:
        encode(story, [passage(0, 1_000), passage(0, 1_000, "fra")], mini)
    assert refused.value.code == "MODEL_LANGUAGE"


def test_what_is_held_is_bounded_by_the_window(mini: CtcRecogniser, story: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    stream = CtcRecogniser.stream

    def counted(model: CtcRecogniser, batches: Iterable[Batch], hidden: HiddenStates | None = None) -> Iterator[list[Encoding]]:
        kept = list(batches)
        heard.append(sum(len(clip) for batch in kept for clip, _ in batch))
        return stream(model, kept, hidden)

    monkeypatch.setattr(CtcRecogniser, "stream", counted)
    settings = EncodeSettings(window_ms=12_000)
    passages = [passage(start, start + 2_000) for start in range(0, story.length_samples // 16 - 3_000, 2_500)]
    first = next(iter(encode(story, passages, mini, settings)))
    assert first.passage == passages[0] and len(heard) == 1
    list(encode(story, passages, mini, settings))
    assert max(heard) <= 12_000 * 16 and len(heard) > 2
    # With a vocabulary of thousands the window is shorter than was asked for.
    monkeypatch.setattr(encoder, "_HELD_BYTES", 4 * len(mini.symbols("que")) * 25 * 12)
    heard.clear()
    list(encode(story, passages, mini))
    assert max(heard) <= 12_000 * 16


def test_gains_bring_speech_to_unit_power(story: Sound) -> None:
    spans = [Span(start_ms=1_000, end_ms=3_000), Span(start_ms=2_000, end_ms=4_000)]
    level = np.sqrt(np.mean(np.square(story.read(16_000, 48_000, 1), dtype=np.float64)))
    assert speech_gain(story, spans, 16_000, 1) == pytest.approx(1 / level, rel=1e-5)
    assert speech_gain(story, [], 16_000) == 1.0


def test_the_gated_level_leaves_pauses_out() -> None:
    rng = np.random.default_rng(0)
    speech = rng.standard_normal((1, 5 * 16_000)).astype(np.float32) * 0.1
    pauses = rng.standard_normal((1, 45 * 16_000)).astype(np.float32) * 1e-3
    assert gated_gain(Sound(np.hstack([pauses, speech, pauses])), None, 16_000) == pytest.approx(10, rel=0.05)
    assert gated_gain(Sound(np.zeros((1, 0), np.float32)), None, 16_000) == 1.0


@pytest.mark.parametrize("layer", [0, 3, 8])
def test_hidden_states_are_those_of_transformers(mini: CtcRecogniser, story: Sound, layer: int) -> None:
    import torch

    from speech.models import hub
    from tests.models import tiny

    network = tiny.plain(hub.mini_folder(), "que").float()
    clip = story.read(0, 60_000, 1)
    clip = clip / clip.std()
    with torch.inference_mode():
        due = network(torch.from_numpy(clip)[None], output_hidden_states=True).hidden_states[layer][0].numpy()
    (found,) = mini.encode_batch([(clip, "que")], HiddenStates(layer=layer, adapters=True))
    assert found.hidden is not None
    np.testing.assert_allclose(found.hidden, due, atol=2e-4)


def test_hidden_states_without_adapters_are_the_same_in_every_language(mini: CtcRecogniser, story: Sound) -> None:
    passages = [passage(500, 5_000, code) for code in CODES]
    gains: dict[int | None, float] = {None: 10.0}
    for hidden in (HiddenStates(layer=6), HiddenStates(layer=0)):
        states = [e.hidden for e in encode(story, passages, mini, gains=gains, hidden=hidden)]
        for other in states[1:]:
            assert states[0] is not None and other is not None
            np.testing.assert_allclose(states[0], other, atol=1e-4)
    spoken_in = [e.hidden for e in encode(story, passages, mini, gains=gains, hidden=HiddenStates(layer=8, adapters=True))]
    assert spoken_in[0] is not None and spoken_in[1] is not None
    assert np.abs(spoken_in[0] - spoken_in[1]).max() > 0.1
    plain = list(encode(story, passages, mini, gains=gains))
    with_states = list(encode(story, passages, mini, gains=gains, hidden=HiddenStates(layer=6)))
    assert all(close(one, other) and one.hidden is None for one, other in zip(plain, with_states, strict=True))


def test_a_second_pass_is_taken_only_where_adapters_would_tell(mini: CtcRecogniser) -> None:
    assert mini.passes(None) == mini.passes(HiddenStates(layer=8, adapters=True)) == 1
    assert mini.passes(HiddenStates(layer=0)) == 1
    assert mini.passes(HiddenStates(layer=mini.common_layers)) == 1
    assert mini.passes(HiddenStates(layer=mini.common_layers + 1)) == 2
    with pytest.raises(ValueError, match="0 to 8"):
        mini.encode_batch([(np.zeros(1_000, np.float32), "que")], HiddenStates(layer=9))


def test_a_checkpoint_that_wants_samples_as_they_are_gets_them_so(story: Sound, tmp_path: Path) -> None:
    from tests.models import folders

    folders._wav2vec2(tmp_path, extractor={"do_normalize": False})
    model = load_model(str(tmp_path), LoadSettings(precision="fp32"))
    (heard,) = encode(story, [passage(1_000, 10_000, channel=1)], model, gains={1: 40.0})
    (due,) = model.encode_batch([(story.read(16_000, 9 * 16_000, 1), "que")])
    np.testing.assert_allclose(heard.emissions, due.emissions, atol=1e-4)
    assert not model.levelled
