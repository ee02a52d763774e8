"""Train a voice: fine-tune a VITS checkpoint such as those of MMS-TTS, or start a language that has none from a near voice.

Data: one speaker's recordings with their texts, as `speech adapt` reads them (a manifest, or a folder with texts). The gate is asked for
`train_tts` for every recording before a sample is decoded: each person who is heard must have agreed by name, whatever the licence says
(docs/guides/consent.md). The voice that it starts from is asked, too. What comes of it is a folder that `speech say --voice FOLDER`
speaks with, and its card says whose voice it is.
Command: python recipes/train_voice.py RECORDINGS --language swh --start VOICE --out FOLDER [--minutes 20] [--steps 2000]
         again with the same --out it goes on where it stopped; --from-nothing in place of --start needs hours of speech
         python recipes/train_voice.py --show --out FOLDER     docs/voice_training.md, from synthetic speech of eSpeak NG (extra tts)
Licence: that of the recordings, and of the voice it starts from; its card goes with the voice.
Time: --show takes a few minutes on a core of its own, `--smoke` half a minute. A checkpoint of MMS's size needs a GPU (--device cuda),
which was not tried.
Expected: see docs/voice_training.md. Sizes and rates of `Settings` are those of the paper (arXiv 2106.06103), but for what is said there.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import hashlib
import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import voice_material
import voice_page
import voice_start
from torch import Tensor, nn
from voice_learning import Discriminators, Heard, Judges, Spectra, adversarial_loss, discriminator_loss, feature_loss, hear
from voice_start import Start

from speech import say
from speech.adapt.material import read_source
from speech.collections import answers, consent, ledger
from speech.collections.cards import load_card
from speech.errors import ConsentRefused, SpeechError, TextRefused, TrainingFailure
from speech.files import read_bytes, shown, write_text
from speech.models.training import generators, saved
from speech.models.training.environment import environment

LAST, LOG, VOICE, SAMPLES = "last.pt", "log.jsonl", "voice", "samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How it is learnt."""

    batch: int = 16
    segment_frames: int = 32
    """Frames that the decoder makes of each clip."""
    rate: float = 2e-4
    fall: float = 0.999875
    """Of the rate, an epoch."""
    mel_weight: float = 45.0
    feature_weight: float = 2.0
    adversarial_from: int = 0
    """The step from which the discriminators judge; before it the voice learns by mel, divergence and durations alone."""
    judges: Judges = field(default_factory=Judges)
    checkpoint_steps: int = 250
    seed: int = 1

    def rate_at(self, epoch: int) -> float:
        """Of both optimisers."""
        return float(self.rate * self.fall**epoch)


TINY = Settings(batch=8, rate=1e-3, adversarial_from=10_000, judges=Judges(periods=(2, 3), channels=(8, 16, 32)), checkpoint_steps=100)
"""For showing on one core: ours, not tuned."""


def tiny_config() -> Any:
    """A network that one core can train a little in minutes: a fortieth of the size of MMS-TTS."""
    from speech.models import guard

    guard.load()
    from transformers import VitsConfig

    return VitsConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=2, ffn_dim=128, flow_size=64, spectrogram_bins=513,
        upsample_initial_channel=96, upsample_rates=[8, 8, 2, 2], upsample_kernel_sizes=[16, 16, 4, 4], resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3, 9]], prior_encoder_num_flows=2, prior_encoder_num_wavenet_layers=2,
        posterior_encoder_num_wavenet_layers=3, duration_predictor_num_flows=2, depth_separable_num_layers=2, layerdrop=0.0,
    )  # fmt: skip


class Training:
    """A run: both sides, their optimisers, and where it stands; a folder with last.pt, log.jsonl, the voice and its samples."""

    def __init__(self, start: Start, material: voice_material.Material, settings: Settings, folder: Path, *, device: str = "cpu") -> None:
        """Begin or, where `folder` holds a checkpoint, go on.

        Raises
        ------
        TrainingFailure
            `TRAINING_CHECKPOINT`: it is of another start, other clips or settings.
        """
        self.start, self.material, self.settings, self.folder, self.device = start, material, settings, folder, device
        generators.seed_all(settings.seed)
        self.network = start.network.to(device).train()
        self.judges = Discriminators(settings.judges).to(device)
        self.spectra = Spectra(self.network.config)
        self.batches = voice_material.Batches(material.train, settings.batch, settings.segment_frames, self.spectra.hop, settings.seed)
        if not self.batches.clips:
            raise TextRefused("the clips", f"none has {settings.segment_frames} frames", "Add longer clips", "TEXT_EMPTY")
        self.optimisers = tuple(
            torch.optim.AdamW(side.parameters(), lr=settings.rate, betas=(0.8, 0.99), eps=1e-9) for side in (self.network, self.judges)
        )
        self.step, self.seconds, self.worked = 0, 0.0, 0.0
        """Steps, seconds by the clock, and seconds of the processor: less where other programs run beside it."""
        self.asked = {
            "settings": json.loads(json.dumps(asdict(settings))), "start": start.sha256 or start.name,
            "clips": _digest(material.train),
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / LAST).exists():
            self.load(folder / LAST)
        else:
            (folder / LOG).unlink(missing_ok=True)  # of a run that ended before its first checkpoint

    def load(self, path: Path) -> None:
        """Weights, optimisers, chance and the place of the run; lines of the log after it are taken away."""
        state = saved.read(path)
        if state["asked"] != self.asked:
            other = sorted(name for name in self.asked if state["asked"].get(name) != self.asked[name])
            raise saved.other(path, f"the run was begun with other {' and '.join(other)}")
        for side, name in ((self.network, "network"), (self.judges, "judges")):
            saved.place(path, state[name], side.state_dict())
        for optimiser, held in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(held)
        self.step, self.seconds, self.worked = state["step"], state["seconds"], state["worked"]
        generators.restore_process(state["generators"], self.device)
        log = self.folder / LOG
        if log.exists():
            lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
            write_text(log, "".join(line for line in lines if json.loads(line)["step"] <= self.step))

    def save(self) -> None:
        """The checkpoint, whole or not at all."""
        state = {
            "asked": self.asked, "network": self.network.state_dict(), "judges": self.judges.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers], "step": self.step,
            "seconds": self.seconds, "worked": self.worked,
            "generators": generators.process_states(self.device),
        }  # fmt: skip
        saved.write(self.folder / LAST, state)

    def run(self, steps: int, seconds: float = math.inf) -> Iterator[int]:
        """Up to `steps` in all, or until so many seconds were learnt.

        Gives the step at each checkpoint, when it is written and the process's chance is put aside.

        Raises
        ------
        TrainingFailure
            `TRAINING_DIVERGED`: a loss or a gradient is not finite; the step and the clips are named, and nothing of it is kept.
        """
        while self.step < steps and self.seconds < seconds:
            begun, worked = time.monotonic(), time.process_time()
            losses = self._step()
            self.step += 1
            self.seconds += time.monotonic() - begun
            self.worked += time.process_time() - worked
            with (self.folder / LOG).open("a", encoding="utf-8") as log:
                log.write(json.dumps({"step": self.step, "seconds": round(self.seconds, 1), **losses}) + "\n")
            if self.step % self.settings.checkpoint_steps == 0 or self.step == steps or self.seconds >= seconds:
                self.save()
                with self.apart():
                    yield self.step

    @contextmanager
    def apart(self) -> Iterator[None]:
        """The network at rest; what is drawn in the block, as a sample draws, does not move the run."""
        states = generators.process_states(self.device)
        try:
            self.network.eval()
            yield
        finally:
            self.network.train()
            generators.restore_process(states, self.device)

    def judged(self) -> dict[str, float]:
        """The losses of dev without discriminators, from the same draws each time; empty where there is no dev."""
        if not self.material.dev:
            return {}
        import numpy as np

        with self.apart(), torch.no_grad():
            generators.seed_all(self.settings.seed)
            rng = np.random.default_rng(self.settings.seed)
            clips = [clip for clip in self.material.dev if len(clip.samples) // self.spectra.hop >= self.settings.segment_frames]
            if not clips:
                return {}
            batch = _on(voice_material.collated(clips, self.settings.segment_frames, self.spectra.hop, rng), self.device)
            heard = hear(self.network, self.spectra, batch, self.settings.segment_frames)
            return {name: float(value) for name, value in heard.total().items()}

    def _step(self) -> dict[str, float]:
        settings = self.settings
        batch = _on(self.batches.at(self.step), self.device)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = settings.rate_at(self.step // self.batches.in_epoch)
        heard = hear(self.network, self.spectra, batch, settings.segment_frames)
        bad = heard.not_finite()
        if bad:
            raise self._diverged([batch.names[n] for n in bad], "the loss")
        judged = self.step >= settings.adversarial_from
        told = {"discriminator": self._judges_learn(heard, batch.names)} if judged else {}
        parts = heard.total()
        if judged:
            with torch.no_grad():
                real = self.judges(heard.recorded)
            made = self.judges(heard.made)
            parts |= {"adversarial": adversarial_loss(made), "feature": feature_loss(real, made)}
        weights = {"mel": settings.mel_weight, "feature": settings.feature_weight}
        total = torch.stack([weights.get(name, 1.0) * value for name, value in parts.items()]).sum()
        self._learn(0, self.network, total, batch.names)
        return {name: round(float(value.detach()), 5) for name, value in parts.items()} | told

    def _judges_learn(self, heard: Heard, names: Sequence[str]) -> float:
        loss = discriminator_loss(self.judges(heard.recorded), self.judges(heard.made.detach()))
        self._learn(1, self.judges, loss, names)
        return round(float(loss.detach()), 5)

    def _learn(self, side: int, network: nn.Module, loss: Tensor, names: Sequence[str]) -> None:
        self.optimisers[side].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no annotation here
        norm = nn.utils.get_total_norm(p.grad for p in network.parameters() if p.grad is not None)
        if not math.isfinite(float(loss.detach()) + float(norm)):
            raise self._diverged(names, "the gradient")
        self.optimisers[side].step()

    def _diverged(self, names: Sequence[str], what: str) -> TrainingFailure:
        return TrainingFailure(
            where=", ".join(names),
            what=f"{what} of step {self.step + 1} is not a finite number; the step was not taken",
            mend=f"Listen to these clips and compare their texts, or lower the rate; {shown(self.folder / LAST)} holds the last good step",
            code="TRAINING_DIVERGED",
        )


def _on(batch: Any, device: str) -> Any:
    """A batch on a device."""
    if device == "cpu":
        return batch
    values = {f.name: getattr(batch, f.name) for f in dataclasses.fields(batch)}
    return replace(batch, **{name: value.to(device) for name, value in values.items() if isinstance(value, Tensor)})


def _digest(clips: Sequence[voice_material.Clip]) -> str:
    found = hashlib.sha256()
    for clip in clips:
        found.update(json.dumps([clip.id, list(clip.symbols)]).encode())
        found.update(clip.samples.tobytes())
    return found.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked for."""

    recordings: Path
    language: str
    out: Path
    start: str = ""
    """A voice's folder or name; empty: from nothing."""
    card: Path | None = None
    start_card: Path | None = None
    speaker: str = ""
    minutes: float | None = None
    steps: int = 2000
    hours: float = math.inf
    """Of learning, after which it ends before its last step."""
    sentence: str = ""
    """Spoken at each checkpoint; empty: the first text of dev."""
    settings: Settings = field(default_factory=Settings)
    device: str = "cpu"
    context: consent.Context = field(default_factory=consent.Context)


def train(plan: Plan) -> Training:
    """From recordings to a voice in `plan.out`; the run that made it.

    Raises
    ------
    ConsentRefused
        Somebody did not agree; asked before a sample is decoded.
    """
    source = read_source(plan.recordings, plan.language)
    asked = voice_material.ask(source, plan.language, context=plan.context, card=plan.card, speaker=plan.speaker)
    generators.seed_all(plan.settings.seed)
    start = _started(plan, [row.text or "" for row in asked.rows])
    held = voice_start.whose(start, asked.cards, asked.speakers)
    say_start(start)
    voice = plan.out / VOICE
    if not (plan.out / LAST).exists():  # else the voice of the last checkpoint lies there
        voice_start.save(voice, start, {})
        voice_start.write_cards(voice, plan.language, start, held, [load_card(path) for path in asked.cards])
    hop = math.prod(start.network.config.upsample_rates)
    material = voice_material.gather(asked, voice, plan.language, hop, minutes=plan.minutes, seed=plan.settings.seed)
    told = "".join(f"; left out: {count} {why}" for why, count in material.left_out.most_common())
    print(f"{len(material.train)} clips, {material.minutes:.1f} minutes to learn from; {len(material.dev)} to judge by{told}", flush=True)
    run = Training(start, material, plan.settings, plan.out, device=plan.device)
    if run.step == 0:
        _log_dev(run)
    for step in run.run(plan.steps, 3600 * plan.hours):
        dev = _log_dev(run)
        voice_start.save(voice, start, account(plan, run, asked, held))
        _sample(plan, run, step)
        write_text(plan.out / "losses.svg", voice_page.losses_plot(read_log(plan.out)))
        print(f"step {step}: dev {', '.join(f'{name} {value:.3f}' for name, value in dev.items())}; {run.seconds:.0f} s", flush=True)
    ledger.append(voice_material.learnt(asked, material, voice / voice_start.WEIGHTS, start.sha256, plan.context))
    return run


def _started(plan: Plan, texts: Sequence[str]) -> Start:
    if not plan.start:
        return voice_start.from_nothing(tiny_config(), plan.language, texts)
    start = voice_start.from_voice(plan.start, plan.language, texts, plan.start_card)
    if start.item is not None:
        consent.require({voice_material.SCOPE}, start.item, context=plan.context)
    return start


def say_start(start: Start) -> None:
    """Print where the letters come from."""
    print(f"Starts from {start.name}. Letters that it has: {' '.join(start.kept) or 'none'}")
    for new in start.mapped:
        print(f"  new: {new.said}")


def account(plan: Plan, run: Training, asked: voice_material.Asked, held: voice_start.Whose) -> dict[str, Any]:
    """What is kept beside the voice: what it came from, on whose word, and what goes with it."""
    duties = sorted({duty for decision in asked.decisions for duty in decision.duties})
    return {
        "language": plan.language, "synthetic": held.synthetic, "people": list(held.people),
        "collections": sorted({d.collection for d in asked.decisions if d.collection}),
        "records": sorted({record for d in asked.decisions for record in d.records}), "duties": duties,
        "start": run.start.name, "start_sha256": run.start.sha256, "letters_kept": list(run.start.kept),
        "letters_mapped": [{"letter": m.letter, "rows": list(m.rows), "said": m.said} for m in run.start.mapped],
        "minutes": round(run.material.minutes, 2), "clips": len(run.material.train), "dev_clips": len(run.material.dev),
        "left_out": dict(run.material.left_out), "steps": run.step, "seconds": round(run.seconds),
        "processor_seconds": round(run.worked), "asked": run.asked,
        "parameters": sum(p.numel() for p in run.network.parameters()), **environment(),
    }  # fmt: skip


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log."""
    return [json.loads(line) for line in read_bytes(folder / LOG).decode("utf-8").splitlines()] if (folder / LOG).exists() else []


def _log_dev(run: Training) -> dict[str, float]:
    dev = run.judged()
    with (run.folder / LOG).open("a", encoding="utf-8") as log:
        log.write(json.dumps({"step": run.step, "dev": {name: round(value, 5) for name, value in dev.items()}}) + "\n")
    return dev


def _sample(plan: Plan, run: Training, step: int) -> None:
    """A sentence as the voice says it by now; whoever agreed to the learning alone is not spoken with."""
    text = plan.sentence or (run.material.dev or run.material.train)[0].text
    folder = plan.out / SAMPLES
    folder.mkdir(exist_ok=True)
    settings = say.Settings(letters="leave-out", seed=plan.settings.seed)
    try:
        spoken = say.say(
            text, language=plan.language, voice=str(plan.out / VOICE), out=folder / f"step_{step:06}.flac", settings=settings,
            context=plan.context, force=True,
        )  # fmt: skip
    except ConsentRefused as refused:
        print(f"  no sample: {refused.code}, the voice may be trained and not spoken with")
        return
    print(f"  {spoken.output}: {spoken.duration_ms / 1000:.1f} s")


def changed(settings: Settings, given: Iterable[str]) -> Settings:
    """Settings with `name=value`, the value as Python writes it."""
    known = {f.name for f in dataclasses.fields(Settings)} | {f.name for f in dataclasses.fields(Judges)}
    values: dict[str, Any] = {}
    for one in given:
        name, _, value = one.partition("=")
        if name not in known or name == "judges":
            sys.exit(f"--set {one}: no such setting; there are {', '.join(sorted(known - {'judges'}))}")
        try:
            values[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            sys.exit(f"--set {one}: a value as Python writes it is needed, such as 2e-4 or (2, 3, 5)")
    sizes = {name: value for name, value in values.items() if name in {f.name for f in dataclasses.fields(Judges)}}
    rest = {name: value for name, value in values.items() if name not in sizes}
    return replace(settings, judges=replace(settings.judges, **sizes), **rest)


def show(out: Path, *, smoke: bool) -> None:
    """Two tiny voices from eSpeak NG's speech: Swahili from nothing, Kichwa from that; then the page."""
    shown_voices: Mapping[str, voice_page.Shown] = voice_page.SMOKE if smoke else voice_page.SHOWN
    for name, one in shown_voices.items():
        recordings = out / f"{name}_speech"
        if not (recordings / answers.CARD).exists():  # it is written last
            voice_page.speak(recordings, one)
        start = str(out / one.start / VOICE) if one.start else ""
        settings = replace(TINY, **one.settings)
        print(f"== {name}", flush=True)
        train(
            Plan(
                recordings=recordings,
                language=one.language,
                out=out / name,
                start=start,
                steps=one.steps,
                settings=settings,
                sentence=one.sentence,
            )
        )
    page, images = voice_page.page(out, shown_voices)
    if smoke:
        print(page)
        return
    voice_page.write(page, images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, nargs="?", help="a manifest, or a folder with recordings and texts")
    parser.add_argument("--language")
    parser.add_argument("--out", type=Path, default=Path("run_voice"))
    parser.add_argument("--start", default="", help="the folder of a VITS checkpoint, or OWNER/NAME on this machine")
    parser.add_argument("--from-nothing", action="store_true", help="random numbers in the tiny sizes of this recipe")
    parser.add_argument("--card", type=Path, help="the consent card of the recordings, where it lies elsewhere")
    parser.add_argument("--start-card", type=Path, help="that of the voice it starts from")
    parser.add_argument("--speaker", default="", help="by the code in the manifest, where there are several")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int, default=2000, help="in all; a run that stopped goes on up to them")
    parser.add_argument("--hours", type=float, default=math.inf, help="of learning, after which it ends before its last step")
    parser.add_argument("--sentence", default="", help="spoken at each checkpoint")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="one of the settings, such as rate=1e-4")
    parser.add_argument("--purpose", default="research", choices=consent.PURPOSES)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--show", action="store_true", help="tiny voices from eSpeak NG's speech, and docs/voice_training.md")
    parser.add_argument("--smoke", action="store_true", help="as --show with a few steps; no page is written")
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        if options.show or options.smoke:
            show(options.out, smoke=options.smoke)
            return
        if not options.recordings or not options.language or bool(options.start) == options.from_nothing:
            parser.error("recordings, --language and one of --start and --from-nothing are needed")
        base = TINY if options.from_nothing else Settings()
        train(
            Plan(
                recordings=options.recordings,
                language=options.language,
                out=options.out,
                start=options.start,
                card=options.card,
                start_card=options.start_card,
                speaker=options.speaker,
                minutes=options.minutes,
                steps=options.steps,
                hours=options.hours,
                sentence=options.sentence,
                settings=changed(base, options.set),
                device=options.device,
                context=consent.Context(purpose=options.purpose),
            )  # fmt: skip
        )
    except SpeechError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
