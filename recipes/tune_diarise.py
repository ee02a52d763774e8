"""What the embedded diariser's weights and settings are chosen by: conversations of tuning speakers, whom no report hears.

Data: Arabic dev speakers, one Swahili and one Kinyarwanda reader (`voice_data.TUNE`), near a microphone and far from it, with other
bodies of theirs, alone, whispering and singing (made from clips: `models.training.augment`), and sound without anybody.
Command: python recipes/tune_diarise.py --data ../shared/speech                       settings, one after another
         python recipes/tune_diarise.py --curve RUN/voices_*.safetensors             error rates by weights: a curve of training
         python recipes/tune_diarise.py --margins                                    the map of margins (`EmbeddedSettings.margins`)
         python recipes/tune_diarise.py --links                                      cosines of voices in two recordings (`thresholds`)
Time: about two minutes a file of weights on two cores; the settings take half an hour. `--smoke` ends within a minute.
Expected: docs/decisions/0010 has the curve.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import voice_data
from diarise_page import Parts
from score_diarise import COMPOSED, Case, Found, composed, detection, heard_in, margins_of, parts, persons, spans_of

from speech.audio import RATE
from speech.diarise.clustering import unit
from speech.diarise.embedded import Embedded, EmbeddedSettings, placed
from speech.diarise.records import SpeakerCount
from speech.models.training.augment import not_speech, sung, whispered
from speech.models.training.conversations import Voice, compose, far, in_one_room
from speech.models.voices import load

SPREADS = ((0.6, 0.65, 0.7), (0.55, 0.6, 0.65, 0.7), (0.5, 0.55, 0.6, 0.65, 0.7, 0.75), (0.65,))
SOUNDS = "sound without anybody"


def tuning_cases(root: Path, *, smoke: bool) -> Iterator[Case]:
    """Tuning speakers among themselves, near and far; readers with other bodies of theirs; each alone; odd voices; nobody."""
    length, count = (30, 2) if smoke else (180, 16)
    settings = replace(COMPOSED, length_s=length)
    yield from composed(root, {"near": voice_data.TUNE}, settings, count, seed=8)
    yield from composed(root, {"far": voice_data.TUNE}, far(settings), count // 2, seed=12)
    voices = voice_data.read_voices(root, voice_data.TUNE)
    kinyarwanda, swahili = (next(v for v in voices if v.name.startswith(code)) for code in ("kin", "swh"))
    close = {
        "two sizes": [[kinyarwanda.voice(), voice_data.resized(kinyarwanda, 1.13)], [swahili.voice(), voice_data.resized(swahili, 0.88)]],
        "four": [[kinyarwanda.voice(), voice_data.resized(kinyarwanda, 0.86), swahili.voice(), voice_data.resized(swahili, 1.16)]],
        "two readers": [[kinyarwanda.voice(), swahili.voice()]],
        "alone": [[voice.voice()] for voice in voices],
        "whispers": [[swahili.voice(), odd(kinyarwanda.voice(), "whispered")], [kinyarwanda.voice(), odd(swahili.voice(), "whispered")]],
        "sings": [[swahili.voice(), odd(kinyarwanda.voice(), "sung")], [kinyarwanda.voice(), odd(swahili.voice(), "sung")]],
    }
    for name, groups in close.items():
        for number, group in enumerate(groups):
            alone = len(group) == 1
            spoken = replace(COMPOSED, length_s=30 if smoke else 90 if alone else 120, speakers=(1, 1) if alone else COMPOSED.speakers)
            for n in range(1 if smoke or alone else 3):
                made = compose(group, spoken, np.random.default_rng([9, n, len(group)]))
                yield Case(set=name, name=f"{name} {number + 1} {n + 1}", samples=made.samples, reference=made.turns)
    for n in range(1 if smoke else 4):
        rng = np.random.default_rng([10, n])
        pieces = [not_speech(rng, int(RATE * rng.uniform(1, 6))) for _ in range(4 if smoke else 40)]
        sounds = np.concatenate([0.06 * p / (np.std(p) + 1e-6) * np.hanning(len(p)) ** 0.25 for p in pieces]).astype(np.float32)
        yield Case(set=SOUNDS, name=f"{SOUNDS} {n + 1}", samples=in_one_room(sounds, COMPOSED, rng), reference=())


def odd(voice: Voice, kind: str) -> Voice:
    """A voice that whispers or sings, as training has them."""
    change = {"whispered": whispered, "sung": sung}[kind]
    return Voice(name=f"{voice.name}, {kind}", draw=lambda rng, wished: change(voice.draw(rng, wished), rng)[:wished])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--model", type=Path, help="weights; without it what ships")
    parser.add_argument("--curve", type=Path, nargs="+", metavar="FILE", help="error rates of several weights")
    parser.add_argument("--margins", action="store_true")
    parser.add_argument("--links", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    cases = list(tuning_cases(given.data, smoke=given.smoke))
    spans = [spans_of(case) for case in cases]

    def found(engine: Embedded) -> list[Found]:
        return [heard_in(case, speech, engine) for case, speech in zip(cases, spans, strict=True)]

    if given.curve:
        print("\n".join(curve_head(cases)), flush=True)
        for path in given.curve:
            print(curve_row(path.stem, cases, found(Embedded(load(path), packaged=False))), flush=True)
        return
    engine = Embedded(load(given.model), packaged=given.margins)
    if given.margins:
        fitted(cases, found(engine), engine)
    elif given.links:
        links(cases, found(engine))
    else:
        tune(cases, found(engine))


def curve_head(cases: Sequence[Case]) -> list[str]:
    sets = names_of(cases)
    columns = ["weights", *sets, "all", *(f"false alarm, {n}" for n in FALSE), *(f"in no span, {n}" for n in sets), f"{SOUNDS}, s a minute"]
    return [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]


FALSE = ("near", "far")


def names_of(cases: Sequence[Case]) -> list[str]:
    return [name for name in dict.fromkeys(c.set for c in cases) if name != SOUNDS]


def curve_row(name: str, cases: Sequence[Case], heard: Sequence[Found], settings: EmbeddedSettings | None = None) -> str:
    """DER by set, number unknown / told; false alarm; reference speech in no span; turns in sound without anybody."""
    settings = settings or EmbeddedSettings()
    free: list[Parts] = []
    told: list[Parts] = []
    seen = []
    for case, found in zip(cases, heard, strict=True):
        number = max(1, len({t.speaker for t in case.reference}))
        for rows, count in ((free, SpeakerCount()), (told, SpeakerCount(least=number, most=number))):
            rows.append(parts(case, placed(found.heard, found.speech, count, settings).turns, 0))
        seen.append(detection(case, found, settings))
    sets = names_of(cases)
    of = {n: [k for k, c in enumerate(cases) if c.set == n] for n in (*sets, SOUNDS)}
    of["all"] = [k for n in sets for k in of[n]]

    def share(rows: Sequence[Parts], group: str, part: str) -> float:
        return 100 * float(sum(getattr(rows[k], part) for k in of[group])) / sum(rows[k].total for k in of[group])

    cells = [f"{share(free, n, 'wrong'):.1f} / {share(told, n, 'wrong'):.1f}" for n in (*sets, "all")]
    cells += [f"{share(free, n, 'false'):.1f}" for n in FALSE]
    cells += [f"{100 * sum(seen[k].missed for k in of[n]) / sum(seen[k].speech for k in of[n]):.2f}" for n in sets]
    minutes = sum(len(cases[k].samples) for k in of[SOUNDS]) / RATE / 60
    cells.append(f"{sum(seen[k].beside for k in of[SOUNDS]) / 1000 / minutes:.1f}")
    return f"| {name} | {' | '.join(cells)} |"


def tune(cases: Sequence[Case], heard: Sequence[Found]) -> None:
    """Settings one after another."""
    base = EmbeddedSettings()
    print("\n".join(curve_head(cases)))
    for block, distances, least in itertools.product((15, 20, 30), SPREADS, (3.0, 6.0)):
        settings = replace(base, block=block, clustering=replace(base.clustering, distances=distances, least_blocks=least))
        print(curve_row(f"block {block} distances {distances} least {least}", cases, heard, settings), flush=True)
    for speaking, surely in itertools.product((0.2, 0.3, 0.4, 0.5), (0.6, 0.7, 0.8, 0.9)):
        print(curve_row(f"speaking {speaking} surely {surely}", cases, heard, replace(base, speaking=speaking, surely=surely)), flush=True)
    for several, pause in itertools.product((0.35, 0.5, 0.65), (160, 240)):
        print(curve_row(f"several {several} pause {pause}", cases, heard, replace(base, several=several, pause_ms=pause)), flush=True)


def fitted(cases: Sequence[Case], heard: Sequence[Found], engine: Embedded) -> None:
    """The share of turns that were given to the right speaker, by how far the next lies behind, as a map that never falls (isotonic)."""
    from scipy.optimize import isotonic_regression

    settings = replace(engine.settings, margins=AS_THEY_ARE, packaged_margins=AS_THEY_ARE)
    raw = Embedded(engine.model, settings, packaged=False)
    for name in ("margins", *(["packaged_margins"] if engine.packaged else [])):
        pairs: list[tuple[float, bool]] = []
        for case, found in zip(cases, heard, strict=True):
            turns = raw.told(found.heard, None if name == "margins" else found.packaged, found.speech, SpeakerCount()).turns
            pairs += margins_of(case, turns)
        pairs.sort()
        margins, right = np.array([m for m, _ in pairs]), np.array([r for _, r in pairs], np.float64)
        groups = np.array_split(np.arange(len(pairs)), KNOTS)
        places = [float(margins[g].mean()) for g in groups]
        shares = isotonic_regression([float(right[g].mean()) for g in groups], weights=[len(g) for g in groups]).x
        print(f"{name}: {len(pairs)} turns, {100 * right.mean():.1f} % right")
        print(f"    {name} = ({', '.join(f'({m:.3f}, {s:.2f})' for m, s in zip(places, shares, strict=True))})", flush=True)


AS_THEY_ARE = ((-1.0, -1.0), (1.0, 1.0))
KNOTS = 10


def links(cases: Sequence[Case], heard: Sequence[Found]) -> None:
    """Cosines of voices in two recordings, of one speaker and of two."""
    voices, names, recordings = [], [], []
    for number, (case, found) in enumerate(zip(cases, heard, strict=True)):
        if not case.reference:
            continue
        told = SpeakerCount(least=len({t.speaker for t in case.reference}), most=len({t.speaker for t in case.reference}))
        made = placed(found.heard, found.speech, told, EmbeddedSettings())
        person = persons(case, made.turns)
        for speaker, voice in made.voice_by_speaker.items():
            voices.append(unit(voice))
            names.append(person[speaker])
            recordings.append(number)
    alike = np.stack(voices) @ np.stack(voices).T
    apart = np.array(recordings)[:, None] < np.array(recordings)
    one = np.array(names)[:, None] == np.array(names)
    for least in (0.4, 0.5, 0.6, 0.7):
        found_share, false_share = (100 * np.mean(alike[apart & which] >= least) for which in (one, ~one))
        print(f"cosine from {least}: {found_share:.1f} % of one speaker's pairs, {false_share:.2f} % of others'")


if __name__ == "__main__":
    main()
