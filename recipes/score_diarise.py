"""Diarisation error rates on composed conversations, the packaged sample and meeting excerpts, beside two baselines.

Data: conversations that are composed, by seed, from speakers who neither trained nor tuned anything (`voice_data.REPORT`); the sample
that pyannote.audio packages; `conversation/eng_ami_excerpts`, 12 of 30 s.
Command: python recipes/score_diarise.py --data ../shared/speech
         python recipes/score_diarise.py --page               prints the page anew from the rows that the last run kept
         python recipes/score_diarise.py --pipeline FOLDER    scores a pyannote.audio pipeline of this machine instead, prints alone
         python recipes/score_diarise.py --pipeline random    runs pyannote's pipeline class with small networks of random weights
Writes: docs/score_runs/diarise.jsonl, docs/diarise_scores.md and its plots. For the page's rows of Resemblyzer it must be installed.
Time: about five minutes on two cores. `--smoke`: one short conversation a set, nothing written.
Expected: see the page.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import voice_data
from diarise_page import (
    CALIBRATED,
    DOCS,
    KEPT,
    KEPT_PIPELINE,
    SYSTEMS,
    Detected,
    Parts,
    PipelineRun,
    Report,
    StandIn,
    binned,
    keep,
    kept,
    page,
    pipeline_rows,
    rates,
    write,
)
from numpy.typing import NDArray

from speech import formats
from speech.audio import RATE, resampled
from speech.diarise.embedded import Embedded, EmbeddedSettings, placed
from speech.diarise.records import SpeakerCount
from speech.diarise.thresholds import ACTIVITY as DETECTION
from speech.models.activity import segments, speech_probabilities
from speech.models.training.conversations import ConversationSettings, compose, in_one_room, speaking
from speech.models.unheard import loud_beside
from speech.models.voices import Heard, load
from speech.score.times import Labelled, time_errors
from speech.types import Span, Turn, merged, without

if TYPE_CHECKING:
    from speech.diarise.pyannote_engine import Pyannote

Floats = NDArray[np.float32]
COMPOSED = ConversationSettings(length_s=180.0)
CONVERSATIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """A recording in memory."""

    samples: Floats

    @property
    def length_samples(self) -> int:
        return len(self.samples)

    def read(self, start: int, count: int) -> Floats:
        return self.samples[start : start + count]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A recording with its reference, and what was heard in it."""

    set: str
    name: str
    samples: np.ndarray
    reference: tuple[Turn, ...]

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean(np.square(self.samples, dtype=np.float64))))


def composed(root: Path, sets: dict[str, dict[str, set[str]]], settings: ConversationSettings, count: int, seed: int) -> Iterator[Case]:
    """`count` conversations a set, by seed."""
    for name, collections in sets.items():
        voices = [v.voice() for v in voice_data.read_voices(root, collections)]
        for n in range(count):
            made = compose(voices, settings, np.random.default_rng([seed, n, len(voices)]))
            yield Case(set=name, name=f"{name} {n + 1}", samples=made.samples, reference=made.turns)


def excerpts(root: Path) -> Iterator[Case]:
    """Meeting excerpts, and the sample that pyannote.audio packages."""
    for path in sorted((root / "conversation" / "eng_ami_excerpts").glob("*.rttm")):
        yield _case("meeting excerpts", path.with_suffix(".opus"), path)
    import importlib.util

    found = importlib.util.find_spec("pyannote.audio")
    if found and found.submodule_search_locations:
        sample = Path(found.submodule_search_locations[0]) / "sample"
        yield _case("packaged sample", sample / "sample.wav", sample / "sample.rttm")


def _case(name: str, audio: Path, rttm: Path) -> Case:
    samples, rate = soundfile.read(audio, dtype="float32")
    turns = tuple(Turn(span=s.span, speaker=s.speaker or "") for s in formats.read(rttm).segments)
    return Case(set=name, name=audio.stem, samples=resampled(samples, rate) if rate != 16000 else samples, reference=turns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What speech detection and the network heard in a case."""

    speech: tuple[Span, ...]
    heard: Heard
    packaged: Floats | None = None
    """What an installed Resemblyzer heard."""


def spans_of(case: Case) -> tuple[Span, ...]:
    """What speech detection finds."""
    length = 1000 * len(case.samples) // 16000
    return tuple(segments(speech_probabilities(Samples(samples=case.samples), case.rms), length, DETECTION))


def heard_in(case: Case, speech: tuple[Span, ...], engine: Embedded) -> Found:
    sound = Samples(samples=case.samples)
    packaged = engine.packaged.hear(sound, case.rms) if engine.packaged else None
    return Found(speech=speech, heard=engine.model.hear(sound, case.rms), packaged=packaged)


def parts(case: Case, turns: Sequence[Turn], collar_ms: int, system: str = "") -> Parts:
    """How far turns are from the reference; the collar is what is forgiven on each side of a border of the reference."""
    beside = [Span(start_ms=1000 * len(case.samples) // 16000, end_ms=sys.maxsize)]
    said, heard = ([Labelled(span=t.span, label=t.speaker) for t in given] for given in (case.reference, turns))
    found = time_errors(said, heard, named=False, collar_ms=collar_ms, beside=beside).counts
    return Parts(
        set=case.set, name=case.name, collar_ms=collar_ms, total=found.reference, missed=found.deletions, false=found.insertions,
        confused=found.substitutions, speakers=len({t.speaker for t in case.reference}), found=len({t.speaker for t in turns}),
    )  # fmt: skip


def overlaps(case: Case, turn: Turn) -> dict[str, int]:
    """Milliseconds of each speaker of the reference within a turn."""
    over = dict.fromkeys(sorted({t.speaker for t in case.reference}), 0)
    for t in case.reference:
        over[t.speaker] += max(0, min(t.span.end_ms, turn.span.end_ms) - max(t.span.start_ms, turn.span.start_ms))
    return over


def persons(case: Case, turns: Sequence[Turn]) -> dict[str, str]:
    """Whom each speaker that was found is most of."""
    shared: dict[str, Counter[str]] = {}
    for turn in turns:
        shared.setdefault(turn.speaker, Counter()).update(overlaps(case, turn))
    return {speaker: max(over, key=lambda name, over=over: over[name]) if over else "" for speaker, over in shared.items()}  # type: ignore[misc]


def margins_of(case: Case, turns: Sequence[Turn]) -> list[tuple[float, bool]]:
    """Each turn's margin, and whether the person it is most of is whom its speaker stands for; a turn without speech is wrong."""
    person = persons(case, turns)
    found = []
    for turn in turns:
        over = overlaps(case, turn)
        most = max(over.values(), default=0)
        found.append((turn.margin or 0.0, most > 0 and over[person[turn.speaker]] == most))
    return found


def answers(case: Case, found: Found, engine: Embedded, seed: int) -> dict[str, Sequence[Turn]]:
    """What each system says of a case; the two baselines stand on the same speech detection."""
    number = len({t.speaker for t in case.reference})
    rng = np.random.default_rng(seed)
    asked = {"embedded": SpeakerCount(), "embedded, number told": SpeakerCount(least=number, most=number)}
    made: dict[str, Sequence[Turn]] = {name: engine.told(found.heard, None, found.speech, count).turns for name, count in asked.items()}
    if found.packaged is not None:
        for name, count in zip(SYSTEMS[2:4], asked.values(), strict=True):
            made[name] = engine.told(found.heard, found.packaged, found.speech, count).turns
    made["one speaker"] = [Turn(span=s, speaker="S1") for s in found.speech]
    made["random speakers"] = [Turn(span=s, speaker=f"S{rng.integers(number)}") for s in found.speech]
    return made


def cases_of(root: Path, *, smoke: bool, count: int = CONVERSATIONS) -> list[Case]:
    """What is reported: `count` conversations a set, and the excerpts."""
    length, count = (30, 1) if smoke else (COMPOSED.length_s, count)
    return [*composed(root, voice_data.REPORT, replace(COMPOSED, length_s=length), count, seed=31), *excerpts(root)]


def scored(cases: Sequence[Case], engine: Embedded) -> Report:
    """Every system on every case, then speech detection."""
    report = Report()
    margins: dict[tuple[str, str], list[tuple[float, bool]]] = {}
    for n, case in enumerate(cases):
        found = heard_in(case, spans_of(case), engine)
        made = answers(case, found, engine, n)
        for system, turns in made.items():
            report.parts += [replace(parts(case, turns, collar_ms), system=system) for collar_ms in (0, 250)]
            if system in CALIBRATED:
                margins.setdefault((case.set, system), []).extend(margins_of(case, turns))
        report.detected.append(detection(case, found, engine.settings))
        rate = parts(case, made["embedded"], 0)
        print(f"{case.name}: {100 * rate.wrong / rate.total:.1f}", flush=True)
    report.margins = [row for (name, system), given in margins.items() for row in binned(name, system, given)]
    return report


@contextlib.contextmanager
def random_pipeline() -> Iterator[Pyannote]:
    """pyannote's own pipeline with small networks of random weights, built as the tests build it."""
    sys.path.insert(0, str(DOCS.parent))  # tests are no package of the program
    from speech.diarise import pyannote_engine
    from tests.diarise import small

    with tempfile.TemporaryDirectory() as name:
        os.environ["SPEECH_MODELS"] = name  # what is trusted is noted there
        small.require()
        folder = str(small.save_random(Path(name) / "random"))
        yield pyannote_engine.load(folder, trust=[folder])


def piped(cases: Sequence[Case], pipeline: Pyannote) -> Report:
    """A pipeline of pyannote.audio on every case, the number of speakers unknown; one thread."""
    import torch

    torch.set_num_threads(1)
    report = Report()
    for case in cases:
        begun = time.process_time()
        turns = pipeline.voices(Samples(samples=case.samples), case.rms, (), SpeakerCount(), lambda *_: None).turns
        spent = time.process_time() - begun
        report.parts += [replace(parts(case, turns, collar_ms), system="pipeline") for collar_ms in (0, 250)]
        length = 1000 * len(case.samples) // RATE
        report.pipelines.append(
            PipelineRun(set=case.set, name=case.name, sound_ms=length, processor_ms=round(1000 * spent), turns=len(turns))
        )
        print(f"{case.name}: {len(turns)} turns, {spent:.0f} s", flush=True)
    return report


def detection(case: Case, found: Found, settings: EmbeddedSettings) -> Detected:
    """What speech detection, and the turns, leave out of the reference's speech."""
    reference = merged(t.span for t in case.reference)
    turns = placed(found.heard, found.speech, SpeakerCount(), settings).turns
    covered = merged([*found.speech, *(t.span for t in turns)])
    return Detected(
        set=case.set,
        name=case.name,
        speech=sum(s.length_ms for s in reference),
        missed=sum(left.length_ms for s in reference for left in without(s, covered)),
        without_turn=sum(left.length_ms for s in reference for left in without(s, merged(t.span for t in turns))),
        beside=sum(left.length_ms for s in merged(t.span for t in turns) for left in without(s, reference)),
    )


def stand_ins(root: Path, *, smoke: bool) -> Iterator[tuple[str, np.ndarray]]:
    """Sound that stands in for singing, whispering and far speech: whole of speech, between two seconds of room noise."""
    from speech.say import Espeak

    rng, espeak = np.random.default_rng(3), Espeak()
    texts = voice_data.texts_of(root)[: 2 if smoke else 20]
    yield "sung vowels (synthesis)", np.concatenate([sung_vowel(rng) for _ in range(2 if smoke else 20)])
    whispered = [espeak.say(t, "swh", variant=v) for t, v in zip(texts, itertools.cycle(("whisper", "whisperf")), strict=False)]
    yield "whisper (eSpeak's variant)", resampled(np.concatenate(whispered), espeak.sample_rate)
    far = [v.clips for v in voice_data.read_voices(root, {"open/mlg_dimbyr_f": {"test"}})][0][: 2 if smoke else 40]
    settings = replace(COMPOSED, reverberation_s=(0.8, 0.9), noise_db=(15, 15), band_hz=(7000, 7100))
    clips = np.concatenate([c[np.repeat(speaking(np.asarray(c / 32768, np.float32)), 160).nonzero()[0]] for c in far]).astype(
        np.float32
    ) / np.float32(32768)
    yield "far speech (-30 dB, reverberation)", in_one_room(clips, settings, rng) * 10 ** (-30 / 20)


def sung_vowel(rng: np.random.Generator) -> np.ndarray:
    """Three seconds of one vowel on a melody of three notes, with vibrato: harmonics under three formants."""
    time = np.arange(3 * 16000) / 16000
    notes = rng.uniform(120, 500) * 2 ** (rng.choice([0, 2, 4, 5, 7], 3) / 12)
    pitch = notes[np.minimum(2, time.astype(int))] * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * time))
    phase, formants = 2 * np.pi * np.cumsum(pitch) / 16000, [(730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480)]
    peaks = formants[int(rng.integers(4))]
    made = np.zeros(len(time))
    for k in range(1, 30):
        gain = sum(1 / (1 + ((k * pitch - peak) / 90) ** 2) for peak in peaks) / k
        made += np.where(k * pitch < 7500, gain, 0) * np.sin(k * phase)
    return np.asarray(0.1 * made / np.std(made) + rng.normal(0, 1e-3, len(made)), np.float32)


def hard_speech(name: str, samples: np.ndarray, engine: Embedded) -> StandIn:
    """How much of a sound that is whole of speech is not heard as such."""
    noise = np.random.default_rng(1).normal(0, 3e-4, 32000).astype(np.float32)
    case = Case(set="", name=name, samples=np.concatenate([noise, samples.astype(np.float32), noise]), reference=())
    found = heard_in(case, spans_of(case), engine)
    turns = engine.told(found.heard, None, found.speech, SpeakerCount()).turns
    heard = merged([*found.speech, *(t.span for t in turns)])
    named = merged([*heard, *loud_beside(Samples(samples=case.samples), heard)])
    whole = Span(start_ms=2000, end_ms=2000 + 1000 * len(samples) // 16000)
    left = [100 * sum(s.length_ms for s in without(whole, given)) / whole.length_ms for given in (merged(found.speech), heard, named)]
    return StandIn(name=name, seconds=whole.length_ms / 1000, undetected=left[0], without_turn=left[1], unnamed=left[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--model", type=Path, help="other weights of voices: prints alone")
    parser.add_argument("--page", action="store_true", help="hear nothing: print the page and its plots from the rows that were kept")
    parser.add_argument("--pipeline", metavar="NAME", help="score a pipeline of pyannote.audio; random: small networks of random weights")
    parser.add_argument("--trust-checkpoint", action="append", default=[], metavar="NAME", help="as speech diarise has it")
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    if given.pipeline == "random":
        with random_pipeline() as pipeline:
            first = {case.set: case for case in reversed(cases_of(given.data, smoke=given.smoke, count=1))}
            made = piped(list(reversed(first.values()))[: 1 if given.smoke else None], pipeline)
        if given.smoke:
            print("\n".join(pipeline_rows(made.pipelines)))
            return
        keep(Report(pipelines=made.pipelines), KEPT_PIPELINE)
    elif given.pipeline:
        from speech.diarise import pyannote_engine

        made = piped(cases_of(given.data, smoke=given.smoke), pyannote_engine.load(given.pipeline, trust=given.trust_checkpoint))
        print("\n".join([*rates(made), "", *pipeline_rows(made.pipelines)]))
        return
    elif not given.page:
        engine = Embedded(load(given.model))
        made = scored(cases_of(given.data, smoke=given.smoke), engine)
        made.stand_ins = [hard_speech(name, samples, engine) for name, samples in stand_ins(given.data, smoke=given.smoke)]
        if given.smoke or given.model:
            print(page(made))
            return
        keep(made, KEPT)
    write(kept(KEPT, KEPT_PIPELINE))


if __name__ == "__main__":
    main()
