"""The diariser that ships: no network, no token, no other package.

The voice network hears the recording once: a vector and a count (nobody, one, several) each 40 ms. Stretches of one speaker
become clusters, clusters become states of a chain, and where several speak at once the second likeliest gets a turn, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from speech.diarise.clustering import ClusterSettings, clusters, posteriors, unit
from speech.diarise.packaged import PackagedVoices, joined
from speech.diarise.packaged import load as load_packaged
from speech.diarise.records import Progress, Sound, SpeakerCount, Voice, Voices
from speech.models.voices import FRAME, RATE, Heard, VoiceModel, load
from speech.types import Span, Turn

Floats = NDArray[np.float32]
FRAME_MS = 1000 * FRAME // RATE
Map = tuple[tuple[float, float], ...]
"""A function as points between which it is straight."""
_PIECE = 7500
"""Frames worked on at once: five minutes of speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSettings:
    """Tuned on composed conversations of open speakers who train nothing (`recipes/tune_diarise.py`)."""

    speaking: float = 0.4
    """Probability of somebody speaking over which a frame that speech detection calls speech is a turn's."""
    likely: float = 0.5
    """Over this it is a turn's where speech detection heard speech within `beside`: singing and whispering among talk it leaves out."""
    beside: int = 50
    """Frames: 2 s."""
    surely: float = 0.9
    """Over this it is a turn's without speech detection's word."""
    several: float = 0.5
    """Probability of several speaking over which a second turn is given."""
    block: int = 15
    """Frames of a stretch that is clustered, about: 0.6 s."""
    least_block: int = 6
    """Shorter stretches are not clustered, only given to a speaker."""
    pause_ms: int = 240
    """A pause of one speaker up to this belongs to the turn."""
    least_ms: int = 120
    """Shorter turns are not given."""
    packaged: float = 0.5
    """What the vectors of an installed Resemblyzer count for beside ours."""
    packaged_distances: tuple[float, ...] = (0.41, 0.46, 0.51)
    """`clustering.distances` where they do."""
    margins: Map = (
        (-0.287, 0.39), (0.129, 0.62), (0.242, 0.78), (0.339, 0.86), (0.423, 0.91), (0.500, 0.92), (0.994, 0.92),
    )  # fmt: skip
    """How much more like its speaker a turn sounds than like the next (cosines), and the share of such turns that were given to the
    right one, which is the turn's margin: fitted by `recipes/tune_diarise.py --margins`."""
    packaged_margins: Map = ((-0.205, 0.37), (0.070, 0.69), (0.137, 0.88), (0.193, 0.92), (0.242, 0.93), (0.289, 0.94), (0.881, 0.94))
    """`margins` where Resemblyzer's vectors count, too."""
    near: int = 25
    """Frames on both sides in which a second speaker is looked for: 1 s."""
    clustering: ClusterSettings = field(default_factory=ClusterSettings)


class Embedded:
    """Turns by the voice network that ships, and by that of Resemblyzer beside it where this is installed."""

    name = "embedded"
    several_at_once = True

    def __init__(self, model: VoiceModel | None = None, settings: EmbeddedSettings | None = None, *, packaged: bool = True) -> None:
        """`packaged`: whether an installed Resemblyzer is asked, too."""
        self.model = model or load()
        self.packaged: PackagedVoices | None = load_packaged() if packaged else None
        self.settings = settings or EmbeddedSettings()

    @property
    def sha256(self) -> str:
        """The hash of the weights."""
        if self.packaged is None:
            return self.model.sha256
        return hashlib.sha256(f"{self.model.sha256} {self.packaged.sha256}".encode()).hexdigest()

    def voices(self, sound: Sound, rms: float, speech: Sequence[Span], count: SpeakerCount, progress: Progress) -> Voices:
        """Who speaks when."""
        if not speech:
            return Voices()
        heard = self.model.hear(sound, rms, lambda done, total: progress("hearing voices", done, total))
        return self.told(heard, self.packaged.hear(sound, rms) if self.packaged else None, speech, count)

    def told(self, heard: Heard, packaged: Floats | None, speech: Sequence[Span], count: SpeakerCount) -> Voices:
        """What was heard, as turns; voices are always ours alone, so that thresholds for them hold with and without a package."""
        settings = self.settings
        if packaged is not None:
            heard = joined(heard, packaged, settings.packaged)
            clustering = replace(settings.clustering, distances=settings.packaged_distances)
            settings = replace(settings, clustering=clustering, margins=settings.packaged_margins)
        found = placed(heard, speech, count, settings)
        own = {name: unit(voice[: self.model.shape.dimension]) for name, voice in found.voice_by_speaker.items()}
        return replace(found, voice_by_speaker=own)

    def voice(self, sound: Sound, rms: float, speech: Sequence[Span]) -> Voice:
        """How the one speaker of a clip sounds: a unit vector."""
        heard = self.model.hear(sound, rms)
        weights = heard.counts[:, 1] * _flags(speech, len(heard.counts))
        sums = [weights[p] @ heard.vectors(p) for p in _pieces(len(weights))]
        return unit(np.sum(sums, axis=0) if sums else np.zeros(self.model.shape.dimension, np.float32))


def placed(heard: Heard, speech: Sequence[Span], count: SpeakerCount, settings: EmbeddedSettings) -> Voices:
    """What the network heard, as turns. Pure: the same arrays give the same turns."""
    spoken = _spoken(heard, speech, settings)
    if not spoken.any():
        return Voices()
    vectors = _blocks(heard, spoken, settings)
    if not len(vectors):  # nothing long enough: then one speaker, by the first frame
        vectors = heard.vectors(np.flatnonzero(spoken)[:1])
    labels = clusters(vectors, settings.clustering, least=count.least, most=count.most)
    means = np.stack([unit(vectors[labels == k].sum(axis=0)) for k in range(labels.max() + 1)])
    frames = np.flatnonzero(spoken)
    chances, means = posteriors(
        _pieces(len(frames)), lambda piece: heard.vectors(frames[piece]), heard.counts[frames, 1], means, settings.clustering
    )
    active = _active(heard, frames, chances, len(spoken), settings)
    return _turns(active, _leads(heard, frames, means, len(spoken)), means, settings)


def _pieces(frames: int) -> list[slice]:
    """Frames in pieces that are held at once."""
    return [slice(start, min(frames, start + _PIECE)) for start in range(0, frames, _PIECE)]


def _spoken(heard: Heard, speech: Sequence[Span], settings: EmbeddedSettings) -> NDArray[np.bool_]:
    """Frames in which somebody speaks: the network and speech detection agree, or the network is sure enough."""
    speaking = 1 - heard.counts[:, 0]
    reach = FRAME_MS * settings.beside
    near = [Span(start_ms=max(0, s.start_ms - reach), end_ms=s.end_ms + reach) for s in speech]
    least = np.where(_flags(near, len(speaking)), settings.likely, settings.surely)
    least[_flags(speech, len(speaking))] = settings.speaking
    return np.asarray(speaking > least)


def _flags(spans: Sequence[Span], frames: int) -> NDArray[np.bool_]:
    flags = np.zeros(frames, np.bool_)
    for span in spans:
        flags[span.start_ms // FRAME_MS : -(-span.end_ms // FRAME_MS)] = True
    return flags


def _blocks(heard: Heard, spoken: NDArray[np.bool_], settings: EmbeddedSettings) -> Floats:
    """The unit mean vectors of stretches of about `block` frames in which one speaks alone: (stretches, dimension)."""
    alone = spoken & (heard.counts[:, 1] >= heard.counts[:, 2])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], alone.astype(np.int8), [0]])))
    vectors = []
    for start, end in edges.reshape(-1, 2):
        pieces = max(1, round((end - start) / settings.block))
        bounds = np.linspace(start, end, pieces + 1).astype(int)
        for a, b in zip(bounds[:-1], bounds[1:], strict=True):
            if b - a >= settings.least_block:
                vectors.append(unit(heard.vectors(slice(a, b)).sum(axis=0)))
    return np.asarray(vectors, np.float32).reshape(-1, heard.packed.shape[1])


def _active(heard: Heard, frames: NDArray[np.intp], chances: Floats, total: int, settings: EmbeddedSettings) -> NDArray[np.bool_]:
    """Who speaks in each frame: (total, speakers)."""
    speakers = chances.shape[1]
    active = np.zeros((total, speakers), np.bool_)
    first = np.argmax(chances, axis=1)
    active[frames, first] = True
    if speakers == 1:
        return active
    around = _around(chances, settings.near)
    around[np.arange(len(frames)), first] = -1
    second = np.argmax(around, axis=1)
    several = heard.counts[frames, 2] > settings.several
    active[frames[several], second[several]] = True
    return active


def _leads(heard: Heard, frames: NDArray[np.intp], means: Floats, total: int) -> Floats:
    """How much more like each speaker a frame sounds than like the likest other, as a difference of cosines: (total, speakers).

    What the chain of frames says is no measure of this: it is sure of nearly every frame, right or wrong.
    """
    leads = np.ones((total, len(means)), np.float32)
    if len(means) == 1:
        return leads
    for piece in _pieces(len(frames)):
        likeness = heard.vectors(frames[piece]) @ means.T
        for speaker in range(len(means)):
            leads[frames[piece], speaker] = likeness[:, speaker] - np.delete(likeness, speaker, axis=1).max(axis=1)
    return leads


def _around(chances: Floats, near: int) -> Floats:
    """The mean of each speaker's chances in the frames before and after."""
    sums = np.cumsum(np.vstack([np.zeros((1, chances.shape[1])), chances]), axis=0)
    place = np.arange(len(chances))
    first, last = np.maximum(0, place - near), np.minimum(len(chances), place + near + 1)
    return np.asarray((sums[last] - sums[first]) / (last - first)[:, None], np.float32)


def _mapped(value: float, points: Map) -> float:
    return float(np.interp(value, [x for x, _ in points], [y for _, y in points]))


def _turns(active: NDArray[np.bool_], leads: Floats, means: Floats, settings: EmbeddedSettings) -> Voices:
    """Runs of each speaker as turns, pauses bridged; speakers numbered by when they first speak."""
    found = []
    pause, least = settings.pause_ms // FRAME_MS, settings.least_ms // FRAME_MS
    for speaker in range(active.shape[1]):
        flags = active[:, speaker]
        edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))).reshape(-1, 2)
        held: list[list[int]] = []
        for start, end in edges.tolist():
            if held and start - held[-1][1] <= pause:
                held[-1][1] = end
            else:
                held.append([start, end])
        found += [(a, b, speaker, float(leads[a:b, speaker][flags[a:b]].mean())) for a, b in held if b - a >= least]
    order = {speaker: f"S{n + 1}" for n, speaker in enumerate(dict.fromkeys(s for _, _, s, _ in sorted(found)))}
    turns = [
        Turn(span=Span(start_ms=a * FRAME_MS, end_ms=b * FRAME_MS), speaker=order[s], margin=round(_mapped(lead, settings.margins), 3))
        for a, b, s, lead in sorted(found)
    ]
    return Voices(turns=tuple(turns), voice_by_speaker={name: means[s] for s, name in order.items()})
