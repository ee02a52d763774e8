"""Train `mini`, the embedded recogniser, on the open speech.

Data: the collections of `mini_data.COLLECTIONS` (split train; licences and credit in their cards under
data_manifests/) and speech made by eSpeak NG from the same training texts. Splits are those of the manifests.
Command: python recipes/train_mini.py --data ../shared/speech --run RUN            holds the rate, resumes
         python recipes/train_mini.py --data ../shared/speech --run RUN --decay N  ends it in N more steps (with --hold, once it is over)
         python recipes/train_mini.py --data ../shared/speech --run NEW --start speech/models/mini    goes on from shipped weights
         python recipes/train_mini.py --run RUN --export speech/models/mini        writes the checkpoint
Time: about 0.7 s a step on two quiet cores; see docs for the curve. `--smoke` ends in a minute.
`--leave-out yor,swh` trains without these languages, for honest tests of adaptation; `--leave-out mlg_dimbyr_f` without a
collection, for a test on a voice that did not train (score_new_voice.py).
"""

from __future__ import annotations

import argparse
import ast
import functools
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jiwer
import numpy as np
import torch
from mini_data import SPOKEN, Clip, add_speeds, allowed, known_names, read_clips
from torch import Tensor, nn
from torch.nn import functional as F

from speech import languages, text
from speech.audio import RATE, resampled
from speech.errors import SpeechError
from speech.models import guard, precision
from speech.models.banks import Bank
from speech.models.cards import read_card
from speech.models.training import Evaluation, Loop, LoopSettings, Step, generators, rows, supply
from speech.models.training.augment import Augment, as_voice, levelled, not_speech
from speech.models.training.loop import take_averaged
from speech.models.training.losses import ctc
from speech.say import Espeak

guard.load()
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC  # noqa: E402  # after the guard

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", text.WORD_BREAK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What may be turned; each with its reason. Kinds of values are read by `read_settings`: numbers, texts, tuples of these."""

    hidden: int = 256  # 320 x 8 is the largest that ships in 25 MB; 256 keeps 200 times real time
    layers: int = 8
    bands: int = 80  # mel bands of the first layer, each as a filter in four phases
    adapter: int = 32
    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)
    shapes: tuple[tuple[int, float], ...] = ((16, 3.0), (8, 6.0), (5, 9.6), (3, 16.0), (2, 24.0))  # 48 s each
    early_longest: float = 9.6  # clips under this for the first third
    languages_power: float = 0.5  # temperature of language sampling: share of hours to this power
    more_of: str = "amh"  # drawn half again as often: of the larger languages it learns slowest
    first: str = "que"  # alone for the first eighth: gets out of the CTC plateau soonest
    first_steps: int = 500
    early_steps: int = 2500
    not_speech: float = 0.06  # share of items without words
    espeak: float = 0.06  # share of items spoken by eSpeak NG
    middle_weight: float = 0.3  # intermediate CTC, arXiv:2102.03216
    middle_layer: int = 4
    # After 230 hours heard without dropout, train clips were heard far better than dev clips: so dropout, twice the masks,
    # and most of the rows with noise.
    dropout: float = 0.1
    layer_drop: float = 0.0
    mask_time: float = 0.08
    mask_feature: float = 0.04
    augmented: float = 0.8  # share of rows with noise, room, tilt or band (`mini_data.Augment`)
    voices: float = 0.0  # share of clips given another voice: pitch and formants moved by up to a fifth, the pace by a tenth
    common_layers: int = 4  # lowest layers whose adapters stay zero, so that what they give serves all languages (docs/decisions/0005)


def changed(given: Sequence[str]) -> Settings:
    """Settings with other values, each given as NAME=VALUE; rows by commas, as in speeds=0.9,1.0 or shapes=(16,3.0),(8,6.0)."""
    kinds = get_type_hints(Settings)
    changes: dict[str, Any] = {}
    for pair in given:
        name, _, written = pair.partition("=")
        kind = kinds.get(name, str)
        try:
            changes[name] = written if kind is str else ast.literal_eval(f"({written},)" if get_args(kind) else written)
        except (SyntaxError, ValueError):
            changes[name] = None  # no value of any kind
    return read_settings(changes)


def read_settings(stated: Mapping[str, Any]) -> Settings:
    """Settings from the values of a command line or of a run's card; stops where there is no such setting or it is of another kind."""
    kinds, defaults = get_type_hints(Settings), Settings()
    if strange := stated.keys() - kinds.keys():
        sys.exit(f"{', '.join(sorted(strange))}: no such setting; there are {', '.join(kinds)}")
    try:
        return Settings(**{name: as_kind(kinds[name], value, name, getattr(defaults, name)) for name, value in stated.items()})
    except TypeError as error:
        sys.exit(str(error))


def as_kind(kind: Any, value: Any, name: str, example: object) -> Any:
    """`value` as the annotation of a setting asks: a text, a number, or a tuple of them."""
    inner = get_args(kind)
    if inner and isinstance(value, tuple | list):
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
        if len(kinds) == len(value):
            return tuple(as_kind(k, v, name, example) for k, v in zip(kinds, value, strict=True))
    elif not inner and (type(value) is kind or (kind is float and type(value) is int)):
        return kind(value)
    raise TypeError(f"{name}: a value like {example!r} is needed")


def configuration(settings: Settings) -> Wav2Vec2Config:
    """The network's shape: frames of 40 ms by strides 160, 2, 2."""
    return Wav2Vec2Config(
        vocab_size=64,
        hidden_size=settings.hidden,
        num_hidden_layers=settings.layers,
        num_attention_heads=4,
        intermediate_size=4 * settings.hidden,
        hidden_dropout=settings.dropout,
        activation_dropout=0.0,
        attention_dropout=0.0,
        feat_proj_dropout=settings.dropout,
        final_dropout=settings.dropout,
        layerdrop=settings.layer_drop,
        feat_extract_norm="layer",
        conv_dim=(4 * settings.bands, settings.hidden, settings.hidden),
        conv_kernel=(400, 3, 3),
        conv_stride=(160, 2, 2),
        conv_bias=True,
        num_conv_pos_embeddings=64,
        num_conv_pos_embedding_groups=16,
        do_stable_layer_norm=True,
        apply_spec_augment=True,
        mask_time_prob=settings.mask_time,
        mask_time_length=5,
        mask_feature_prob=settings.mask_feature,
        mask_feature_length=16,
        ctc_loss_reduction="sum",
        ctc_zero_infinity=True,
        adapter_attn_dim=settings.adapter,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )


def gabor(bands: int, taps: int) -> Tensor:
    """Filters (4 * bands, 1, taps): cosine and sine of mel-spaced tones under a Gaussian, and their negatives.

    Four phases, since the activation passes half a wave: their sum is near the band's amplitude at any phase.
    """
    edges = np.linspace(2595 * math.log10(1 + 60 / 700), 2595 * math.log10(1 + 7600 / 700), bands + 2)
    centre = 700 * (10 ** (edges / 2595) - 1)
    time = (np.arange(taps) - (taps - 1) / 2) / RATE
    rows: list[np.ndarray] = []
    for low, middle, high in zip(centre, centre[1:], centre[2:], strict=False):
        width = min(0.35 * taps / RATE / 1.5, 0.9 / (high - low))
        window = np.exp(-0.5 * (time / width) ** 2)
        window /= np.sqrt(np.sum(window**2))
        gain = (middle / 500) ** 0.5  # speech falls with frequency: lift the upper bands
        for wave in (np.cos, np.sin):
            tone = gain * window * wave(2 * np.pi * middle * time)
            rows.extend((tone, -tone))
    return torch.tensor(np.array(rows)[:, None, :], dtype=torch.float32)


def vocabularies(codes: Sequence[str]) -> dict[str, dict[str, int]]:
    """Nested vocabulary as MMS has it: language, then symbol and number; the blank is 0."""
    return {c: {s: n for n, s in enumerate((*SPECIAL, *text.symbols_of(languages.load(c))))} for c in codes}


def romanised(symbols: Sequence[str]) -> list[int]:
    """One alphabet for all languages, for the intermediate loss: base letters without marks, a space, an apostrophe."""
    import unicodedata

    vowels = dict(zip("ᵊᵘⁱᵃᵉᵒʷ", "auiaeow", strict=True))
    rows = dict(zip("ህልሕምሥርስሽቅብቭትችኅንኝእክኽውዕዝዥይድጅግጥጭጵጽፅፍፕ", "hlhmsrssqbvtchnn'kkw'zzydjgtcpssfp", strict=True))
    out = []
    for symbol in symbols:
        letter = vowels.get(symbol) or rows.get(symbol) or unicodedata.normalize("NFD", symbol)[0]
        if letter == text.WORD_BREAK:
            out.append(1)
        elif letter == "'":
            out.append(2)
        elif "a" <= letter <= "z":
            out.append(3 + ord(letter) - ord("a"))
    return out


MIDDLE_SIZE = 3 + 26


class Trainee(nn.Module):
    """The network with its banks and, for training only, the intermediate head."""

    def __init__(self, settings: Settings, vocabulary: Mapping[str, Mapping[str, int]]) -> None:
        super().__init__()
        self.network = Wav2Vec2ForCTC(configuration(settings))
        self.bank = Bank(self.network, {code: len(v) for code, v in vocabulary.items()})
        self.middle_norm = nn.LayerNorm(settings.hidden)
        self.middle = nn.Linear(settings.hidden, MIDDLE_SIZE)
        first = self.network.wav2vec2.feature_extractor.conv_layers[0].conv
        with torch.no_grad():
            first.weight.copy_(gabor(settings.bands, first.kernel_size[0]))
            first.bias.normal_(0, 0.05)  # a floor: below it the layer norm sees this pattern, not amplified noise
        self._half: Tensor | None = None
        self.half_precision = precision.has_bf16()
        self.keep_common(settings.common_layers)
        self.network.wav2vec2.encoder.layers[settings.middle_layer - 1].register_forward_hook(self._keep)

    def _keep(self, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        self._half = output

    def keep_common(self, layers: int) -> None:
        """Set the adapters of the lowest layers to add nothing, and leave them so."""
        for layer in self.network.wav2vec2.encoder.layers[:layers]:
            layer.adapter_layer.silence()

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Log probabilities of the heads and of the intermediate head, both (frames, clips, symbols)."""
        self._half = None
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half_precision and self.training):
            logits = self.network(inputs).logits
            middle = None if self._half is None else self.middle(self.middle_norm(self._half))  # None: layer dropped
        final = F.log_softmax(logits.float(), -1).transpose(0, 1)
        if middle is None:
            return final, torch.zeros(0)
        return final, F.log_softmax(middle.float(), -1).transpose(0, 1)


@dataclass(slots=True)
class Batch:
    """Inputs (clips, samples) levelled, and what each clip spells."""

    inputs: Tensor
    codes: list[str]
    targets: list[list[int]]
    middle: list[list[int]]
    names: list[str]


class Composer:
    """Draws batches: a fixed shape, each row filled with clips of one collection laid end to end.

    What is drawn depends on the number of the batch only through the curriculum.
    """

    def __init__(
        self, clips: list[Clip], spoken: list[Clip], settings: Settings, vocabulary: Mapping[str, Mapping[str, int]], seed: int
    ) -> None:
        self.settings = settings
        self.vocabulary = vocabulary
        self.step = 0
        self.draw = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.augment = Augment(self.rng, [clip.samples for clip in clips])
        self.by_collection: dict[str, list[Clip]] = {}
        for clip in clips:
            self.by_collection.setdefault(clip.collection, []).append(clip)
        self.spoken: dict[str, list[Clip]] = {}
        for clip in spoken:
            self.spoken.setdefault(clip.language, []).append(clip)
        self.decks = {name: supply.Deck({c.name: c for c in found}, self.draw) for name, found in self.by_collection.items()}
        self.held: dict[str, Clip] = {}
        hours: Counter[str] = Counter()
        for clip in clips:
            hours[clip.language] += len(clip.samples)
        self.share = {code: size**settings.languages_power * (1.5 if code == settings.more_of else 1.0) for code, size in hours.items()}
        self.size = {name: sum(len(c.samples) for c in found) for name, found in self.by_collection.items()}

    def state(self) -> supply.State:
        """What the next batches depend on."""
        return {
            "step": self.step,
            "draw": generators.state_of(self.draw),
            "rng": generators.state_of(self.rng),
            "decks": {name: deck.state() for name, deck in self.decks.items()},
            "held": {name: clip.name for name, clip in self.held.items()},
        }

    def restore(self, state: supply.State) -> None:
        """Go on from what `state` gave."""
        for name, deck in self.decks.items():
            deck.restore(state["decks"].get(name, {"order": []}), name)
        self.step = state["step"]
        generators.restore(self.draw, state["draw"])
        generators.restore(self.rng, state["rng"])
        self.held = {name: self.decks[name].items[clip] for name, clip in state["held"].items()}

    def make(self) -> Batch:
        """The next batch."""
        settings, step = self.settings, self.step
        self.step += 1
        early = step < settings.early_steps
        shapes = [s for s in settings.shapes if not early or s[1] <= settings.early_longest]
        count, seconds = self.draw.choice(shapes)
        made = [self._row(int(seconds * RATE), step) for _ in range(count)]
        inputs = torch.from_numpy(np.stack([m[0] for m in made]))
        codes = [m[1] for m in made]
        symbols = [m[2] for m in made]
        targets = [[self.vocabulary[c].get(s, 3) for s in said] for c, said in zip(codes, symbols, strict=True)]
        return Batch(inputs, codes, targets, [romanised(s) for s in symbols], [n for m in made for n in m[3]])

    def _row(self, length: int, step: int) -> tuple[np.ndarray, str, list[str], list[str]]:
        settings, draw = self.settings, self.draw
        code = (
            settings.first
            if step < settings.first_steps and settings.first in self.share
            else draw.choices(list(self.share), list(self.share.values()))[0]
        )
        chance = draw.random()
        if chance < settings.not_speech and step >= settings.first_steps:
            return self._finish(not_speech(self.rng, length), augment=False), code, [], []
        if chance > 1 - settings.espeak and code in self.spoken and step >= settings.first_steps:
            signal, symbols, names = self._fill(lambda: draw.choice(self.spoken[code]), "espeak", length)
        else:
            names_of = [n for n in self.by_collection if self.by_collection[n][0].language == code]
            name = draw.choices(names_of, [self.size[n] for n in names_of])[0]
            signal, symbols, names = self._fill(self.decks[name].take, name, length)
        return self._finish(signal, augment=draw.random() < settings.augmented), code, symbols, names

    def _fill(self, take: Callable[[], Clip], key: str, length: int) -> tuple[np.ndarray, list[str], list[str]]:
        """Clips laid into `length` samples until the next does not fit (it is kept for the next row, unless it is spoken by eSpeak NG)."""

        def next_clip() -> tuple[np.ndarray, list[str], Clip]:
            clip = self.held.pop(key, None) or take()
            if self.settings.voices and self.draw.random() < self.settings.voices:
                voice, tempo = math.exp(self.draw.uniform(-0.2, 0.2)), math.exp(self.draw.uniform(-0.1, 0.1))
                return as_voice(clip.samples, voice, tempo), clip.symbols, clip
            speed = self.draw.choice(list(clip.speeds) or [1.0])
            return clip.speeds.get(speed, clip.samples), clip.symbols, clip

        def hold(clip: Clip) -> None:
            if key != "espeak":
                self.held[key] = clip

        signal, symbols, clips = rows.filled(length, next_clip, hold, self.rng)
        return signal, symbols, [clip.name for clip in clips]

    def _finish(self, signal: np.ndarray, *, augment: bool) -> np.ndarray:
        return levelled(self.augment(signal) if augment else signal)


def losses(trainee: Trainee, batch: Batch, settings: Settings) -> Tensor:
    """CTC of the heads plus the weighted intermediate CTC, in nats a symbol."""
    trainee.bank.use(batch.codes)
    final, middle = trainee(batch.inputs)
    symbols = max(1, sum(map(len, batch.targets)))
    loss = ctc(final, batch.targets) / symbols
    if middle.numel():
        loss = (1 - settings.middle_weight) * loss + settings.middle_weight * (ctc(middle, batch.middle) / symbols)
    return loss


def steps(trainee: Trainee, composer: Composer, settings: Settings) -> Iterator[Callable[[], Step]]:
    """Steps whose batches a thread makes ahead of the network."""

    def step(batch: Batch, drawn: supply.State) -> Step:
        return Step(loss=losses(trainee, batch, settings), audio_s=batch.inputs.numel() / RATE, clips=batch.names, drawn=drawn)

    return (functools.partial(step, batch, drawn) for batch, drawn in supply.ahead(composer))


def greedy(trainee: Trainee, clips: Sequence[Clip], vocabulary: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What the network hears in clips of one language, best symbol a frame."""
    code = clips[0].language
    language = languages.load(code)
    names = list(vocabulary[code])
    trainee.bank.use(code)
    out: dict[str, str] = {}
    order = sorted(clips, key=lambda c: len(c.samples))
    with torch.inference_mode():
        for at in range(0, len(order), 6):
            group = order[at : at + 6]
            longest = max(len(c.samples) for c in group)
            inputs = torch.zeros(len(group), longest)
            mask = torch.zeros(len(group), longest, dtype=torch.long)
            for row, clip in enumerate(group):
                inputs[row, : len(clip.samples)] = torch.from_numpy(levelled(clip.samples / 32768))
                mask[row, : len(clip.samples)] = 1
            best = trainee.network(inputs, attention_mask=mask).logits.argmax(-1)
            for row, clip in enumerate(group):
                frames = int(trainee.network._get_feat_extract_output_lengths(len(clip.samples)))
                path = best[row, :frames].tolist()
                kept = [s for n, s in enumerate(path) if s >= 4 and (n == 0 or path[n - 1] != s)]
                out[clip.name] = " ".join(text.compose([names[s] for s in kept], language).split())
    return [out[c.name] for c in clips]


def cer_by_language(trainee: Trainee, clips: Sequence[Clip], vocabulary: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """Character error rate in per cent, by language."""
    found: dict[str, float] = {}
    for code in sorted({c.language for c in clips}):
        own = [c for c in clips if c.language == code]
        heard = greedy(trainee, own, vocabulary)
        found[code] = round(100 * float(jiwer.process_characters([c.text for c in own], heard).cer), 2)
    return found


def speak(clips: Sequence[Clip], count: int, seed: int) -> list[Clip]:
    """The training texts in eSpeak NG's voices, pace and pitch drawn."""
    draw = random.Random(seed)
    espeak = Espeak()
    variants = ["", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5", "klatt", "klatt2", "klatt3"]
    made: list[Clip] = []
    for code in SPOKEN:
        own = [c for c in clips if c.language == code and len(c.samples) < 12 * RATE]
        for clip in draw.sample(own, min(count, len(own))):
            signal = espeak.say(
                clip.text,
                code,
                variant=draw.choice(variants),
                words_a_minute=draw.randint(110, 190),
                pitch=draw.randint(30, 75),
                pitch_range=draw.randint(30, 75),
            )
            samples = (resampled(signal, espeak.sample_rate) * 28000).astype(np.int16)
            made.append(Clip(f"espeak/{clip.name}", "espeak", code, "train", clip.text, clip.symbols, samples))
    return made


def start_from(trainee: Trainee, folder: Path, common_layers: int) -> None:
    """Take base, adapters and heads of an exported checkpoint; languages it lacks keep their first weights."""
    from safetensors.torch import load_file

    base = {n: t for n, t in load_file(folder / "model.safetensors").items() if ".adapter_layer." not in n and not n.startswith("lm_head.")}
    lacking = trainee.network.load_state_dict(base, strict=False)
    strange = list(lacking.unexpected_keys) + [
        n for n in lacking.missing_keys if ".adapter_layer." not in n and not n.startswith("lm_head.")
    ]
    if strange:
        sys.exit(f"{folder}: another shape than this recipe's settings: {', '.join(strange)}")
    for code in trainee.bank.languages:
        path = folder / f"adapter.{code}.safetensors"
        if path.exists():
            found = load_file(path)
            with torch.no_grad():
                for name, place in trainee.bank.tensors(code).items():
                    place.copy_(found[name])
    trainee.keep_common(common_layers)


def heard_before(plan: Plan) -> dict[str, float]:
    """Steps and hours that the weights this run began from had heard, by their cards, or by the card of the run itself."""
    if (plan.run / "card.json").exists():
        kept: dict[str, float] = json.loads((plan.run / "card.json").read_text(encoding="utf-8")).get("before", {})
        return kept
    if plan.start is None:
        return {}
    trained = [read_card(path).trained for path in sorted(plan.start.glob("adapter.*.toml"))]
    return {"steps": max(t.get("steps", 0) for t in trained), "audio_h": max(t.get("audio_heard_hours", 0.0) for t in trained)}


def export(run: Path, target: Path) -> None:
    """Write the averaged weights as a checkpoint of transformers' layout, in half precision; asks whether they may be published."""
    from mini_export import write_mini

    state = json.loads((run / "card.json").read_text(encoding="utf-8"))
    settings = read_settings(state["recipe"])
    vocabulary = vocabularies(state["languages"])
    generators.seed_all(state["settings"]["seed"])  # what is frozen is in no checkpoint: it is made as the run made it
    trainee = Trainee(settings, vocabulary)
    allowed({"train_asr", "publish_model"}, set(state["languages"]))
    step, audio_s = take_averaged(run / "last.pt", trainee)
    before = state.get("before", {})
    step, audio_h = step + before.get("steps", 0), audio_s / 3600 + before.get("audio_h", 0.0)
    write_mini(trainee.network, trainee.bank, vocabulary, target, run_card=state, step=step, audio_h=audio_h)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run: where it lies, what it reads, how long it goes on."""

    data: Path
    run: Path
    hold: int | None = None
    """Steps at the held rate; None: without end, or, where a decay is asked for, those taken so far."""
    decay: int = 0
    """Steps in which it ends then; 0: it does not."""
    start: Path | None = None
    languages: frozenset[str] = frozenset()
    """Only these; empty: all."""
    leave_out: frozenset[str] = frozenset()
    """Languages and collections that it never reads."""
    settings: Settings = Settings()
    rate: float = 1e-3
    seed: int = 20261121
    threads: int = 2
    smoke: bool = False


def train(plan: Plan) -> None:
    """Begin a run or go on with it."""
    if strange := plan.leave_out - known_names():
        sys.exit(f"--leave-out {','.join(sorted(strange))}: no clip is of such a language or collection")
    settings = plan.settings
    torch.set_num_threads(plan.threads)
    left_out: Counter[str] = Counter()
    only = set(plan.languages) or None
    records = allowed({"train_asr"}, only)
    every = 25 if plan.smoke else 1
    clips = read_clips(plan.data, {"train", "dev"}, left_out=left_out, only=only, without=plan.leave_out, every=every)
    train = [c for c in clips if c.split == "train"]
    dev = [c for c in clips if c.split == "dev"]
    add_speeds(train, settings.speeds)
    codes = sorted({c.language for c in train})
    vocabulary = vocabularies(codes)
    spoken = speak(train, 20 if plan.smoke else 500, plan.seed)
    generators.seed_all(plan.seed)
    trainee = Trainee(settings, vocabulary)
    if plan.start and not (plan.run / "last.pt").exists():
        start_from(trainee, plan.start, settings.common_layers)
    hours = {c: round(sum(len(x.samples) for x in train if x.language == c) / RATE / 3600, 3) for c in codes}
    card = {
        "recipe": asdict(settings),
        "languages": codes,
        "without": sorted(plan.leave_out),
        "train_hours": hours,
        "left_out": dict(left_out),
        "spoken_clips": len(spoken),
        "consent": records,
        "before": heard_before(plan),
    }
    hold = 6 if plan.smoke and plan.hold is None else plan.hold
    loop = Loop(
        trainee,
        LoopSettings(
            rate=plan.rate,
            hold_steps=1_000_000 if hold is None else hold,
            decay_steps=plan.decay,
            seed=plan.seed,
            evaluate_steps=6 if plan.smoke else 500,
            checkpoint_steps=3 if plan.smoke else 250,
        ),
        plan.run,
        card=card,
    )
    composer = Composer(train, spoken, settings, vocabulary, plan.seed)
    if loop.drawn:
        composer.restore(loop.drawn)

    def evaluate(_step: int) -> Evaluation:
        with loop.averaged():
            found = cer_by_language(trainee, dev, vocabulary)
        mean = round(sum(found.values()) / len(found), 2)
        return Evaluation(score=mean, stated={"dev_cer": found, "mean": mean})

    supplied = steps(trainee, composer, settings)
    if plan.hold is not None or not plan.decay:
        loop.run(supplied, decay=False, evaluate=evaluate)
    if plan.decay:
        loop.run(supplied, decay=True, evaluate=evaluate)
    loop.save("end.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--run", type=Path, default=Path("~/.cache/oral-speech/train/mini").expanduser())
    parser.add_argument("--hold", type=int, help="steps at the held rate (stop and resume at will)")
    parser.add_argument("--decay", type=int, default=0, help="end the run in this many steps")
    parser.add_argument("--start", type=Path, help="begin a new run from this checkpoint folder, such as speech/models/mini")
    parser.add_argument("--leave-out", default="", metavar="NAME,NAME", help="train without these languages or collections")
    parser.add_argument("--languages", default="", help="only these, by commas (for comparisons)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another value for a setting")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--export", type=Path, help="write the run's averaged weights here and stop")
    parser.add_argument("--smoke", action="store_true", help="a few steps on a few clips")
    options = parser.parse_args()
    if options.export:
        export(options.run, options.export)
        return
    train(
        Plan(
            data=options.data,
            run=options.run,
            hold=options.hold,
            decay=options.decay,
            start=options.start,
            languages=frozenset(filter(None, options.languages.split(","))),
            leave_out=frozenset(filter(None, options.leave_out.split(","))),
            settings=changed(options.set),
            rate=options.rate,
            seed=options.seed,
            threads=options.threads,
            smoke=options.smoke,
        )
    )


if __name__ == "__main__":
    try:
        main()
    except SpeechError as error:
        sys.exit(str(error))
