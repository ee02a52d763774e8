"""Diarisation error rates on composed conversations, the packaged sample and meeting excerpts, beside two baselines.

Data: conversations that are composed, by seed, from speakers who neither trained nor tuned anything (`voice_data.REPORT`); the sample
that pyannote.audio packages; `conversation/eng_ami_excerpts`, 12 of 30 s.
Command: python recipes/score_diarise.py --data ../shared/speech               the report
         python recipes/score_diarise.py --data ../shared/speech --tune        instead, settings on tuning speakers alone
Writes: docs/diarise_scores.md and its plot.
Time: about five minutes on two cores. `--smoke`: one short conversation a set, nothing written.
Expected: see the page.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import voice_data
from numpy.typing import NDArray

from speech import formats
from speech.audio import resampled
from speech.diarise.embedded import Embedded, EmbeddedSettings, placed
from speech.diarise.records import SpeakerCount
from speech.diarise.thresholds import ACTIVITY as DETECTION
from speech.files import write_text
from speech.models.activity import segments, speech_probabilities
from speech.models.training.conversations import ConversationSettings, compose, in_one_room, speaking
from speech.models.unheard import loud_beside
from speech.models.voices import Heard, VoiceModel, VoiceShape, build, load
from speech.report.plots import Band, interval_plot
from speech.score.times import Labelled, time_errors
from speech.types import Span, Turn, merged, without

Floats = NDArray[np.float32]
COMPOSED = ConversationSettings(length_s=180.0)
CONVERSATIONS = 10
DRAWS = 1000
DOCS = Path(__file__).resolve().parent.parent / "docs"
KIND = "mean"


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


def found_in(case: Case, engine: Embedded) -> Found:
    sound = Samples(samples=case.samples)
    length = 1000 * len(case.samples) // 16000
    spans = segments(speech_probabilities(sound, case.rms), length, DETECTION)
    packaged = engine.packaged.hear(sound, case.rms) if engine.packaged else None
    return Found(speech=tuple(spans), heard=engine.model.hear(sound, case.rms), packaged=packaged)


@dataclass(frozen=True, slots=True)
class Parts:
    """Seconds of a case: reference speech, missed, false alarm, confusion; speakers there and found."""

    total: float
    missed: float
    false: float
    confused: float
    speakers: int
    found: int

    @property
    def wrong(self) -> float:
        return self.missed + self.false + self.confused


def parts(case: Case, turns: Sequence[Turn], collar: float) -> Parts:
    """The collar, in seconds, is what is forgiven on each side of a border of the reference."""
    beside = [Span(start_ms=1000 * len(case.samples) // 16000, end_ms=sys.maxsize)]
    said, heard = ([Labelled(span=t.span, label=t.speaker) for t in given] for given in (case.reference, turns))
    found = time_errors(said, heard, named=False, collar_ms=round(1000 * collar), beside=beside).counts
    return Parts(
        found.reference / 1000, found.deletions / 1000, found.insertions / 1000, found.substitutions / 1000,
        len({t.speaker for t in case.reference}), len({t.speaker for t in turns}),
    )  # fmt: skip


def interval(rows: Sequence[Parts]) -> tuple[float, float, float]:
    """DER in per cent with a 95 % interval by drawing whole recordings anew."""
    rng = np.random.default_rng(0)
    wrong, total = np.array([r.wrong for r in rows]), np.array([r.total for r in rows])
    picks = rng.integers(0, len(rows), (DRAWS, len(rows)))
    drawn = 100 * wrong[picks].sum(axis=1) / total[picks].sum(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return 100 * wrong.sum() / total.sum(), float(low), float(high)


def model_of(path: Path | None) -> VoiceModel:
    """The network that ships, or the running mean of a checkpoint of train_voices.py."""
    if path is None or path.suffix == ".safetensors":
        return load(path)
    import torch

    held = torch.load(path, weights_only=True)
    network = build(VoiceShape())
    network.load_state_dict({k.removeprefix("module."): v for k, v in held[KIND].items() if k != "n_averaged"})
    return VoiceModel(network, VoiceShape())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    if given.tune:
        tune(given.data, model_of(given.model), smoke=given.smoke)
        return
    report(given.data, model_of(given.model), smoke=given.smoke)


def tuning_cases(root: Path, *, smoke: bool) -> Iterator[Case]:
    """Tuning speakers among themselves; two readers with other bodies of theirs, two and more at a time; each speaker alone."""
    length, count = (30, 2) if smoke else (180, 24)
    yield from composed(root, {"tuning": voice_data.TUNE}, replace(COMPOSED, length_s=length), count, seed=8)
    voices = voice_data.read_voices(root, voice_data.TUNE)
    kinyarwanda, swahili = (next(v for v in voices if v.name.startswith(code)) for code in ("kin", "swh"))
    near = {
        "two sizes, Kinyarwanda": [kinyarwanda.voice(), voice_data.resized(kinyarwanda, 1.13)],
        "two sizes, Swahili": [swahili.voice(), voice_data.resized(swahili, 0.88)],
        "four": [kinyarwanda.voice(), voice_data.resized(kinyarwanda, 0.86), swahili.voice(), voice_data.resized(swahili, 1.16)],
        "two readers": [kinyarwanda.voice(), swahili.voice()],
        **{f"alone: {voice.name}": [voice.voice()] for voice in voices},
    }
    for name, group in near.items():
        alone = len(group) == 1
        settings = replace(COMPOSED, length_s=30 if smoke else 90 if alone else 120, speakers=(1, 1) if alone else COMPOSED.speakers)
        for n in range(1 if smoke or alone else 5):
            made = compose(group, settings, np.random.default_rng([9, n, len(group)]))
            yield Case(set=name, name=f"{name} {n + 1}", samples=made.samples, reference=made.turns)


def tune(root: Path, model: VoiceModel, *, smoke: bool) -> None:
    """Settings on conversations of tuning speakers, one after another, and what `thresholds` are chosen by."""
    cases = list(tuning_cases(root, smoke=smoke))
    heard = [found_in(case, Embedded(model, packaged=False)) for case in cases]
    base = EmbeddedSettings()
    spreads = ((0.6, 0.65, 0.7), (0.55, 0.6, 0.65, 0.7), (0.5, 0.55, 0.6, 0.65, 0.7, 0.75), (0.65,))
    for block, distances, least in itertools.product((15, 20, 30), spreads, (3.0, 6.0)):
        settings = replace(base, block=block, clustering=replace(base.clustering, distances=distances, least_blocks=least))
        show(f"block {block} distances {distances} least {least}", cases, heard, settings)
    for least, several, pause in itertools.product((0.3, 0.4, 0.5), (0.35, 0.5, 0.65), (160, 240)):
        settings = replace(base, speaking=least, several=several, pause_ms=pause)
        show(f"speaking {least} several {several} pause {pause}", cases, heard, settings)
    chosen_by(cases, heard)


def chosen_by(cases: Sequence[Case], heard: Sequence[Found]) -> None:
    """Cosines of voices in two recordings, of one speaker and of two; how many turns are right by margin."""
    voices, names, recordings, margins, right = [], [], [], [], []
    for number, (case, found) in enumerate(zip(cases, heard, strict=True)):
        told = SpeakerCount(least=len({t.speaker for t in case.reference}), most=len({t.speaker for t in case.reference}))
        made = placed(found.heard, found.speech, told, EmbeddedSettings())
        shared: dict[tuple[str, str], int] = {}
        best: list[tuple[str, float, str]] = []
        for turn in made.turns:
            over = {name: 0 for name in sorted({t.speaker for t in case.reference})}
            for t in case.reference:
                over[t.speaker] += max(0, min(t.span.end_ms, turn.span.end_ms) - max(t.span.start_ms, turn.span.start_ms))
            for name, length in over.items():
                shared[turn.speaker, name] = shared.get((turn.speaker, name), 0) + length
            best.append((turn.speaker, turn.margin or 0.0, max(over, key=lambda n: over[n])))
        person = {s: max((n for k, n in shared if k == s), key=lambda n, s=s: shared[s, n]) for s in made.voice_by_speaker}  # type: ignore[misc]
        for speaker, voice in made.voice_by_speaker.items():
            voices.append(voice)
            names.append(person[speaker])
            recordings.append(number)
        margins += [margin for _, margin, _ in best]
        right += [person[speaker] == name for speaker, _, name in best]
    alike = np.stack(voices) @ np.stack(voices).T
    apart = np.array(recordings)[:, None] < np.array(recordings)
    one = np.array(names)[:, None] == np.array(names)
    for least in (0.4, 0.5, 0.6, 0.7):
        found_share, false_share = (100 * np.mean(alike[apart & which] >= least) for which in (one, ~one))
        print(f"cosine from {least}: {found_share:.1f} % of one speaker's pairs, {false_share:.2f} % of others'")
    bounds = (0, 0.3, 0.5, 0.8, 0.9, 0.95, 0.99, 1.01)
    for low, high in itertools.pairwise(bounds):
        within = (np.array(margins) >= low) & (np.array(margins) < high)
        if within.any():
            print(f"margin {low} to {high}: {within.sum()} turns, {100 * np.array(right)[within].mean():.0f} % right")


def show(label: str, cases: Sequence[Case], heard: Sequence[Found], settings: EmbeddedSettings) -> None:
    rows = [parts(c, placed(f.heard, f.speech, SpeakerCount(), settings).turns, 0.0) for c, f in zip(cases, heard, strict=True)]
    total = sum(r.total for r in rows)
    shares = [100 * sum(getattr(r, k) for r in rows) / total for k in ("wrong", "missed", "false", "confused")]
    exact = sum(r.speakers == r.found for r in rows)
    named = " ".join(f"{n} {x:.1f}" for n, x in zip(("DER", "missed", "false", "confused"), shares, strict=True))
    print(f"{label}: {named}; {exact} of {len(rows)} counts", flush=True)


SYSTEMS = ("embedded", "embedded, number told", "with Resemblyzer", "with Resemblyzer, told", "one speaker", "random speakers")


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


def report(root: Path, model: VoiceModel, *, smoke: bool) -> None:
    """Every system on every set, then speech detection; written into docs/ but for a smoke run."""
    length, count = (30, 1) if smoke else (180, CONVERSATIONS)
    cases = [*composed(root, voice_data.REPORT, replace(COMPOSED, length_s=length), count, seed=31), *excerpts(root)]
    rows: dict[tuple[str, str], list[Parts]] = {}
    forgiven: dict[tuple[str, str], list[Parts]] = {}
    detected: dict[str, list[Detected]] = {}
    engine = Embedded(model)
    for n, case in enumerate(cases):
        found = found_in(case, engine)
        for system, turns in answers(case, found, engine, n).items():
            rows.setdefault((case.set, system), []).append(parts(case, turns, 0.0))
            forgiven.setdefault((case.set, system), []).append(parts(case, turns, 0.25))
        detected.setdefault(case.set, []).append(detection(case, found))
        print(f"{case.name}: {100 * rows[case.set, 'embedded'][-1].wrong / rows[case.set, 'embedded'][-1].total:.1f}", flush=True)
    hard = [hard_speech(name, samples) for name, samples in stand_ins(root, smoke=smoke)]
    text = page(rows, forgiven, detected, hard)
    if smoke:
        print(text)
        return
    write_text(DOCS / "diarise_scores.md", text)
    sets = dict.fromkeys(s for s, _ in rows)
    bands = [Band(name=f"{s}: {k}", **ends(interval(rows[s, k]))) for s in sets for k in SYSTEMS[:-1] if (s, k) in rows]
    write_text(DOCS / "images" / "diarise_scores.svg", str(interval_plot("Diarisation error rate, no collar, 95 % interval", bands)) + "\n")


def ends(found: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("value", "low", "high"), (x / 100 for x in found), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """Milliseconds of reference speech in a case; of these not in a span of speech detection; of these in no turn; spans beside speech."""

    speech: int
    missed: int
    without_turn: int
    beside: int


def detection(case: Case, found: Found) -> Detected:
    """What speech detection, and the turns, leave out of the reference's speech."""
    reference = merged(t.span for t in case.reference)
    turns = placed(found.heard, found.speech, SpeakerCount(), EmbeddedSettings()).turns
    covered = merged([*found.speech, *(t.span for t in turns)])
    return Detected(
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


def hard_speech(name: str, samples: np.ndarray) -> tuple[str, float, float, float]:
    """Name, seconds, per cent of them that speech detection leaves out, and per cent that are neither in it nor named as loud beside it."""
    noise = np.random.default_rng(1).normal(0, 3e-4, 32000).astype(np.float32)
    sound = Samples(samples=np.concatenate([noise, samples.astype(np.float32), noise]))
    rms = float(np.sqrt(np.mean(np.square(sound.samples, dtype=np.float64))))
    spans = segments(speech_probabilities(sound, rms), 1000 * len(sound.samples) // 16000, DETECTION)
    whole = Span(start_ms=2000, end_ms=2000 + 1000 * len(samples) // 16000)
    named = merged([*spans, *loud_beside(sound, spans)])
    left, silent = (100 * sum(s.length_ms for s in without(whole, given)) / whole.length_ms for given in (merged(spans), named))
    return name, whole.length_ms / 1000, left, silent


PREFACE = """\
Made by `python recipes/score_diarise.py`. DER (`speech.score.times`) in per cent of reference speech, overlap counted, with a
95 % interval that draws whole recordings anew; its parts; DER with a collar of 0.25 s on each side. Composed conversations (2 to 5
speakers, 3 minutes each, pauses, back-channels, wind, sounds in pauses, one room and one band over all) hold speakers who trained and
tuned nothing: Mboshi (3), Malagasy (2), Southern Quechua (24, most of them with little speech), the three Arabic test speakers of
26, and all these and three more readers mixed. Their microphones still differ somewhat. Meeting excerpts are of 30 s and gate
nothing. "with Resemblyzer": with that package's voice vectors beside ours, as where it is installed (its weights learnt from
thousands of people; `pip install --no-deps Resemblyzer==0.1.4`). Baselines: all speech that was detected as one speaker's, or each
span of it as one of the true number by lot.""".splitlines()
ACTIVITY = """\
## Speech activity

Reference speech that is in no span (what `coverage` would call silence), reference speech without a turn (listed as skipped
where speech detection heard it), and turns beside reference speech, in per cent of reference speech.

| set | speech, min | in no span | without a turn | turns beside speech |
|---|---|---|---|---|""".splitlines()


def page(
    rows: dict[tuple[str, str], list[Parts]],
    forgiven: dict[tuple[str, str], list[Parts]],
    detected: dict[str, list[Detected]],
    hard: Sequence[tuple[str, float, float, float]],
) -> str:
    """The report."""
    sets = list(dict.fromkeys(s for s, _ in rows))
    lines = [
        "# Who speaks when: error rates",
        "",
        *PREFACE,
        "",
        "| set | recordings | system | DER | missed | false alarm | confusion | with collar | number right |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in sets:
        for system in (k for k in SYSTEMS if (name, k) in rows):
            found, total = rows[name, system], sum(r.total for r in rows[name, system])
            rate, low, high = interval(found)
            shares = [100 * sum(getattr(r, part) for r in found) / total for part in ("missed", "false", "confused")]
            exact = sum(r.speakers == r.found for r in found)
            cells = [f"{rate:.1f} ({low:.1f}–{high:.1f})", *(f"{x:.1f}" for x in shares), f"{interval(forgiven[name, system])[0]:.1f}"]
            lines.append(f"| {name} | {len(found)} | {system} | {' | '.join(cells)} | {exact} of {len(found)} |")
    lines += ["", "![Rates with intervals](images/diarise_scores.svg)", "", *ACTIVITY]
    for name in sets:
        found_here = detected[name]
        speech = sum(d.speech for d in found_here)
        missed, without_turn, beside = (100 * sum(getattr(d, k) for d in found_here) / speech for k in ("missed", "without_turn", "beside"))
        lines.append(f"| {name} | {speech / 60000:.1f} | {missed:.2f} | {without_turn:.2f} | {beside:.2f} |")
    lines += ["", "What stands in for singing, whispering and far speech: no recording of these with a free licence is at hand.", "",
              "| stand-in | seconds | in no span, % | and not named as loud without speech, % |", "|---|---|---|---|"]  # fmt: skip
    lines += [f"| {name} | {seconds:.0f} | {left:.1f} | {silent:.1f} |" for name, seconds, left, silent in hard]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
