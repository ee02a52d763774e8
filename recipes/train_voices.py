"""Train the voice network: who is heard in each 40 ms, and how many, from conversations composed of open speech as it goes.

Data: `voice_data.TRAIN` (18 Arabic speakers, Amharic and Yoruba readers, Wyandot), each at five sizes of body, which count as
voices of their own; the Kichwa and Breton casts without labels, one clip a conversation; eSpeak NG's variants.
Licences: CC BY 4.0, MIT, CC0. Nobody who tunes or reports is heard.
Command: python recipes/train_voices.py --data ../shared/speech --out RUN [--minutes 60]    resumes where RUN holds a checkpoint
         python recipes/train_voices.py --out RUN --start FILE [--steps 800]                goes on from weights
         python recipes/train_voices.py --out RUN --start FILE --export                     into the package
Time: about a second a step of 96 s of sound on one core. `--smoke` ends within a minute.
Expected: see docs/diarise_scores.md. The weights that ship came about in three runs: 4,000 steps at a rate of 1e-3 with the count
weighted once (the first 250 with twice as many conversations a step), 3,000 more without far, whispering and singing voices, then
800 from those weights (`--start`) as the settings stand, the rate falling from step 480 on.
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import voice_data
from mini_data import MANIFESTS
from safetensors.torch import save
from torch.nn import functional

from speech.audio import RATE
from speech.files import write_bytes, write_text
from speech.models.cards import table_toml
from speech.models.precision import has_bf16
from speech.models.training.augment import sung, whispered
from speech.models.training.conversations import Conversation, ConversationSettings, Voice, compose, far
from speech.models.voices import FRAME, VoiceShape, build
from speech.models.weights import content_sha256, entries, tensors_of

MINI = Path(__file__).resolve().parent.parent / "speech" / "models" / "mini"

SIZES = (0.84, 0.92, 1.0, 1.09, 1.19)
"""Speeds that make another body of a voice: pitch, formants and pace move together."""
CONVERSATIONS = 8
LENGTH_S = 12.0
STEPS = 7000
RATE_MOST, RATE_AGAIN = 7e-4, 2e-4
"""Highest rate of a training, and of one that goes on from weights (`--start`)."""
LEVEL = 0.06
"""Root mean square that the network hears at, as `models.activity` levels a recording."""
SYNTHETIC = 0.25
"""Share of conversations that are eSpeak NG's."""
CAST = 0.4
"""Chance that one of a conversation's voices is of an unlabelled cast."""
AFAR = 0.4
"""Share of conversations that a microphone on a table hears."""
ODD = 0.2
"""Chance that one of a conversation's voices whispers or sings. Its class is none: who whispers need not sound as who speaks."""
MARGIN, SCALE = 0.15, 20.0


@dataclass(slots=True)
class Pool:
    """Voices by class, and the casts."""

    classes: list[Voice]
    real: list[int]
    synthetic: list[int]
    cast: list[voice_data.ClipVoice]


def pool_of(root: Path, cache: Path, *, smoke: bool) -> Pool:
    labelled = voice_data.read_voices(root, voice_data.TRAIN, trains=True)
    cast = voice_data.read_voices(root, voice_data.UNLABELLED, trains=True)
    texts = voice_data.texts_of(root)
    made = voice_data.synthetic_voices(cache, texts, seconds=4 if smoke else 60)
    classes = [voice_data.resized(v, s) for v in labelled for s in SIZES]
    real = list(range(len(classes)))
    classes += [v.voice() for v in made]
    return Pool(classes, real, list(range(len(real), len(classes))), cast)


def cast_voice(cast: list[voice_data.ClipVoice], rng: np.random.Generator) -> Voice:
    """One clip of a cast, at any size, as a voice without a class."""
    collection = cast[int(rng.integers(len(cast)))]
    clip = collection.clips[int(rng.integers(len(collection.clips)))]
    one = voice_data.ClipVoice("cast", [clip])
    return voice_data.resized(one, float(rng.uniform(0.84, 1.19)))


def odd_voice(voice: Voice, rng: np.random.Generator) -> Voice:
    """The same mouth, whispering or singing."""
    change = whispered if rng.random() < 0.5 else sung

    def draw(draws: np.random.Generator, wished: int) -> np.ndarray:
        return np.asarray(change(voice.draw(draws, wished), draws)[:wished], np.float32)

    return Voice(name="odd", draw=draw)


def conversation(pool: Pool, seed: int) -> tuple[Conversation, dict[str, int]]:
    """A conversation, and the classes of those of its voices that have one."""
    rng = np.random.default_rng(seed)
    group = pool.synthetic if rng.random() < SYNTHETIC else pool.real
    picked = rng.choice(group, int(rng.integers(1, 5)), replace=False)
    voices = [pool.classes[n] for n in picked]
    if rng.random() < ODD:
        voices[-1] = odd_voice(voices[-1], rng)
    if rng.random() < CAST:
        voices.append(cast_voice(pool.cast, rng))
    settings = ConversationSettings(
        speakers=(len(voices), len(voices)), length_s=LENGTH_S, turn_s=(0.5, 5.0), noise_db=(8.0, 35.0), again=0.25
    )
    if rng.random() < AFAR:
        settings = far(settings)
    return compose(voices, settings, rng), {pool.classes[n].name: int(n) for n in picked}


def batch(pool: Pool, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Samples (clips, samples); speakers in the conversation by frame, one bit each (clips, frames, 6); classes (clips, 6), -1 none."""
    frames = int(LENGTH_S * RATE) // FRAME
    samples = np.zeros((CONVERSATIONS, int(LENGTH_S * RATE)), np.float32)
    active = np.zeros((CONVERSATIONS, frames, 6), np.bool_)
    classes = np.full((CONVERSATIONS, 6), -1)
    for n in range(CONVERSATIONS):
        made, class_by_name = conversation(pool, step * CONVERSATIONS + n)
        samples[n] = made.samples
        names = sorted({turn.speaker for turn in made.turns})
        for k, name in enumerate(names):
            classes[n, k] = class_by_name.get(name, -1)
            for turn in made.turns:
                if turn.speaker == name:
                    active[n, round(turn.span.start_ms / 40) : round(turn.span.end_ms / 40), k] = True
    return torch.from_numpy(samples), torch.from_numpy(active), torch.from_numpy(classes)


def losses(
    vectors: torch.Tensor, counts: torch.Tensor, active: torch.Tensor, classes: torch.Tensor, centres: torch.Tensor, log_scale: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """How many speak (cross entropy), who of the conversation (each frame against the means), who of all (margin softmax)."""
    number = active.sum(-1).clamp(max=2)
    count = functional.cross_entropy(counts.flatten(0, 1), number.flatten())
    single = active & (number == 1)[..., None]
    size = single.sum(1)  # (clips, 6)
    means = torch.einsum("cfk,cfd->ckd", single.float(), vectors)
    there = size >= 5
    clip, frame, who = torch.nonzero(single & there[:, None], as_tuple=True)
    own = vectors[clip, frame]
    # A frame is not compared with a mean it is part of.
    others = means[clip].clone()
    others[torch.arange(len(clip)), who] -= own
    likeness = torch.einsum("nd,nkd->nk", own, functional.normalize(others, dim=-1)) * log_scale.exp()
    likeness = likeness.masked_fill(~there[clip], -1e4)
    within = functional.cross_entropy(likeness, who)
    pick = torch.randperm(len(clip))[:2000]
    target = classes[clip[pick], who[pick]]
    known = target >= 0
    cosine = own[pick][known] @ functional.normalize(centres, dim=-1).T
    target = target[known]
    marked = cosine - MARGIN * functional.one_hot(target, len(centres))
    of_all = functional.cross_entropy(SCALE * marked, target) if len(target) else within * 0
    speaker, k = torch.nonzero(there & (classes >= 0), as_tuple=True)
    pooled = functional.normalize(means[speaker, k], dim=-1) @ functional.normalize(centres, dim=-1).T
    aim = classes[speaker, k]
    of_all = of_all + functional.cross_entropy(SCALE * (pooled - MARGIN * functional.one_hot(aim, len(centres))), aim)
    return count, within, of_all


def begun_from(path: Path, network: torch.nn.Module, centres: torch.nn.Parameter, pool: Pool) -> None:
    """Weights of an earlier training into `network`, and into `centres` where each class lies for them: these are not kept with weights."""
    network.load_state_dict({name: tensor.float() for name, tensor in tensors_of(path).items()}, strict=False)
    network.eval()
    rng = np.random.default_rng(0)
    with torch.inference_mode():
        for n, voice in enumerate(pool.classes):
            drawn = np.resize(voice.draw(rng, 6 * RATE), 6 * RATE).astype(np.float32)
            drawn *= np.float32(LEVEL / (np.sqrt(np.mean(np.square(drawn))) + 1e-6))
            vectors, _ = network(torch.from_numpy(drawn)[None])
            centres[n] = functional.normalize(vectors[0].mean(0), dim=-1) * centres.shape[1] ** 0.5


def weights_of(mean: dict[str, torch.Tensor]) -> bytes:
    """The running mean as a file of weights in fp16."""
    tensors = {
        name.removeprefix("module."): tensor.to(torch.float16).contiguous()
        for name, tensor in mean.items()
        if name != "n_averaged" and not name.endswith("num_batches_tracked")
    }
    return bytes(save(tensors))


def export(checkpoint: Path, folder: Path, start: Path | None) -> None:
    """`voices.safetensors` in fp16 and its card, from a checkpoint; what the weights it began from had heard counts, too."""
    held = torch.load(checkpoint, weights_only=True)
    before = tomllib.loads(start.with_suffix(".toml").read_text(encoding="utf-8"))["trained"] if start else {}
    path = folder / "voices.safetensors"
    write_bytes(path, weights_of(held["mean"]))
    places = [*voice_data.TRAIN, *voice_data.UNLABELLED]
    cards = [tomllib.loads((MANIFESTS / f"{Path(place).name}.card.toml").read_text(encoding="utf-8")) for place in places]
    trained = {
        "collections": [card["id"] for card in cards],
        "licence": sorted({card["licence"]["id"] for card in cards}),
        "attribution": [card["licence"].get("attribution", "") for card in cards],
        "consent": [row["id"] for card in cards for row in card["consent"]],
        "steps": before.get("steps", 0) + held["step"],
        "audio_heard_hours": round(before.get("audio_heard_hours", 0.0) + held["step"] * CONVERSATIONS * LENGTH_S / 3600, 1),
        "synthetic": "eSpeak NG variants; conversations are composed of clips",
        "holds": "no person's voice: what tells voices apart, not which they are",
    }
    write_text(folder / "voices.toml", table_toml("speech-voices/1", content_sha256([(path, entries(path))]), trained))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--start", type=Path, metavar="FILE", help="begin from these weights, at a lower rate; their card lies beside them")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", action="store_true", help="the running mean of the checkpoint into the package")
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    if given.export:
        export(given.out / "checkpoint.pt", MINI, given.start)
        return
    steps = 3 if given.smoke else given.steps
    torch.set_num_threads(given.threads)
    torch.manual_seed(31)
    given.out.mkdir(parents=True, exist_ok=True)
    pool = pool_of(given.data, given.out.parent, smoke=given.smoke)
    network = build(VoiceShape())
    centres = torch.nn.Parameter(torch.randn(len(pool.classes), VoiceShape().dimension))
    log_scale = torch.nn.Parameter(torch.tensor(2.3))
    begin, checkpoint = 0, given.out / "checkpoint.pt"
    if given.start and not checkpoint.exists():
        begun_from(given.start, network, centres, pool)
    moving = [*network.parameters(), centres, log_scale]
    rate, warm = (RATE_AGAIN, 100) if given.start else (RATE_MOST, 300)
    groups: list[dict[str, Any]] = [{"params": list(network.parameters())}, {"params": [centres, log_scale], "lr": RATE_MOST}]
    optimiser = torch.optim.AdamW(groups, lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda n: min(1.0, (n + 1) / warm) * min(1.0, max(0.01, (steps - n) / (0.4 * steps)))
    )
    averaging = torch.optim.swa_utils.get_ema_multi_avg_fn(0.99 if given.start else 0.998)  # type: ignore[no-untyped-call]  # torch's own gap
    mean = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)
    if checkpoint.exists():
        held = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(held["network"])
        mean.load_state_dict(held["mean"])
        optimiser.load_state_dict(held["optimiser"])
        schedule.load_state_dict(held["schedule"])
        with torch.no_grad():
            centres.copy_(held["centres"])
            log_scale.copy_(held["log_scale"])
        begin = held["step"]
    started, sums = time.monotonic(), np.zeros(3)
    bf16 = has_bf16()
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(batch, pool, begin)
        for step in range(begin, steps):
            samples, active, classes = coming.result()
            coming = ahead.submit(batch, pool, step + 1)
            network.train()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                vectors, counts = network(samples)
            parts = losses(vectors.float(), counts.float(), active, classes, centres, log_scale)
            total = 2 * parts[0] + parts[1] + 0.5 * parts[2]
            optimiser.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]  # torch's own gap
            torch.nn.utils.clip_grad_norm_(moving, 5.0)
            optimiser.step()
            schedule.step()
            mean.update_parameters(network)
            sums += [float(p.detach()) for p in parts]
            if (step + 1) % 50 == 0 or given.smoke:
                line: dict[str, Any] = {
                    "step": step + 1,
                    "losses": (sums / 50).round(3).tolist(),
                    "seconds": round(time.monotonic() - started),
                    "processor_seconds": round(time.process_time()),
                }
                print(json.dumps(line), flush=True)
                sums[:] = 0
            late = time.monotonic() - started > 60 * given.minutes
            if (step + 1) % (50 if given.start else 250) == 0 or step + 1 == steps or late:
                torch.save(
                    {"network": network.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(),
                     "schedule": schedule.state_dict(), "centres": centres.detach(), "log_scale": log_scale.detach(), "step": step + 1},
                    checkpoint.with_suffix(".part"),
                )  # fmt: skip
                checkpoint.with_suffix(".part").replace(checkpoint)
                write_bytes(given.out / f"voices_{step + 1:05}.safetensors", weights_of(mean.state_dict()))
                if late:
                    break


if __name__ == "__main__":
    main()
