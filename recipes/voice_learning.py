"""What a VITS network learns by: alignment of letters and frames, spectrograms, discriminators, and the losses of both sides.

transformers has the parts of the network and says how they speak; what they learn by it leaves out (`labels=` raises
NotImplementedError). The pass here goes the other way through the same parts: the posterior encoder hears the recording, the flow
takes what it heard to where the text encoder expects it, an alignment says which letter each frame belongs to, and the decoder makes
a stretch of the recording anew. Nothing here reads or writes files.

Sources: VITS, Kim et al. 2021 (arXiv 2106.06103), appendix A for the sizes and section 2 for the losses; the search for an alignment,
Glow-TTS, Kim et al. 2020 (arXiv 2005.11129), section 3.2; discriminators, HiFi-GAN, Kong et al. 2020 (arXiv 2010.05646), section 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from speech.models import guard

MEL_BANDS = 80
_FLOOR, _QUIET = 1e-6, 1e-5
"""Added to power before the root, which has no slope at zero; the least a mel band holds before the logarithm."""
SLOPE = 0.1


def align(log_likelihood: NDArray[Any]) -> NDArray[np.int64]:
    """The symbol that each frame belongs to, by the likeliest path that goes through all symbols in order and skips none.

    Parameters
    ----------
    log_likelihood : (frames, symbols), natural logarithm; at least as many frames as symbols

    Returns
    -------
    (frames,), from 0 to the last symbol, each frame the one before it or one more. Of two equally likely paths it is the one that
    goes to a symbol earlier.

    Source
    ------
    arXiv 2005.11129, section 3.2: the best score of frame j at symbol i is its own likelihood and the better of the best scores of
    frame j - 1 at i and at i - 1; the path is read back from the last frame at the last symbol.
    """
    frames, symbols = log_likelihood.shape
    if frames < symbols:
        raise ValueError(f"{symbols} symbols have no room in {frames} frames")
    best = np.full(symbols, -np.inf)
    best[0] = log_likelihood[0, 0]
    stepped = np.zeros((frames, symbols), np.bool_)
    """Whether the best path to a symbol at a frame came from the symbol before."""
    before = np.full(symbols, -np.inf)
    for frame in range(1, frames):
        before[1:] = best[:-1]
        np.greater(before, best, out=stepped[frame])
        best = np.maximum(before, best) + log_likelihood[frame]
    path = np.empty(frames, np.int64)
    symbol = symbols - 1
    for frame in range(frames - 1, -1, -1):
        path[frame] = symbol
        symbol -= stepped[frame, symbol]
    return path


def log_likelihoods(latents: Tensor, means: Tensor, log_deviations: Tensor) -> Tensor:
    """(batch, frames, symbols): of each frame's latents (batch, channels, frames) under each symbol's normal distribution
    (batch, channels, symbols)."""
    precision = torch.exp(-2 * log_deviations)
    constant = -0.5 * math.log(2 * math.pi) * latents.shape[1] - log_deviations.sum(1) - 0.5 * (means**2 * precision).sum(1)
    crossed = latents.transpose(1, 2) @ (means * precision) - 0.5 * (latents**2).transpose(1, 2) @ precision
    return crossed + constant[:, None, :]


class Spectra:
    """Spectrograms as the posterior encoder of a configuration reads them, and as the loss compares them."""

    def __init__(self, config: Any) -> None:
        guard.load()
        from transformers.audio_utils import mel_filter_bank

        self.size = 2 * (int(config.spectrogram_bins) - 1)
        self.hop = math.prod(config.upsample_rates)
        bank = mel_filter_bank(
            self.size // 2 + 1, MEL_BANDS, 0.0, config.sampling_rate / 2, config.sampling_rate, norm="slaney", mel_scale="slaney"
        )
        self.bank = torch.from_numpy(np.asarray(bank, np.float32))
        self.window = torch.hann_window(self.size)

    def linear(self, samples: Tensor) -> Tensor:
        """(batch, bins, frames): magnitudes of samples (batch, length), a frame a hop; the ends are mirrored."""
        around = (self.size - self.hop) // 2
        padded = functional.pad(samples[:, None], (around, around), mode="reflect")[:, 0]
        found = torch.stft(padded, self.size, self.hop, window=self.window.to(samples), center=False, return_complex=True)
        return torch.sqrt(found.real**2 + found.imag**2 + _FLOOR)

    def linear_by_clip(self, samples: Tensor, frames: Sequence[int]) -> Tensor:
        """As `linear`, each clip's end mirrored where it ends (after so many frames), and zeros behind it."""
        own = [self.linear(sound[None, : count * self.hop])[0].T for sound, count in zip(samples, frames, strict=True)]
        return nn.utils.rnn.pad_sequence(own, batch_first=True).transpose(1, 2)

    def log_mel(self, samples: Tensor) -> Tensor:
        """(batch, bands, frames), natural logarithm of mel bands of samples (batch, length)."""
        return torch.log(torch.clamp(self.bank.to(samples).T @ self.linear(samples), min=_QUIET))


# Discriminators.


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """How large the discriminators are: a period or a scale is one. VITS has five periods, one scale and channels up to 1024."""

    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    scales: int = 1
    channels: tuple[int, ...] = (32, 128, 512, 1024)


Features = list[Tensor]
"""What each layer of a discriminator makes of a sound; the last is its judgement."""


class PeriodDiscriminator(nn.Module):
    """Looks at every `period`-th sample: sound folded into rows of that length, columns judged by convolutions that see one each."""

    def __init__(self, period: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.period = period
        sizes = [1, *channels]
        layers = [nn.Conv2d(a, b, (5, 1), (3, 1), padding=(2, 0)) for a, b in zip(sizes, sizes[1:], strict=False)]
        layers += [nn.Conv2d(sizes[-1], sizes[-1], (5, 1), padding=(2, 0)), nn.Conv2d(sizes[-1], 1, (3, 1), padding=(1, 0))]
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)

    def forward(self, samples: Tensor) -> Features:
        """Of samples (batch, 1, length)."""
        short = -samples.shape[-1] % self.period
        folded = functional.pad(samples, (0, short), mode="reflect")
        return _through(self.layers, folded.reshape(*folded.shape[:2], -1, self.period))


class ScaleDiscriminator(nn.Module):
    """Looks at the sound as it is, or averaged over `2 ** scale` samples."""

    def __init__(self, scale: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.scale = scale
        sizes = [max(1, channels[0] // 2), *channels]
        layers: list[nn.Module] = [nn.Conv1d(1, sizes[0], 15, padding=7)]
        layers += [nn.Conv1d(a, b, 41, 4, padding=20, groups=math.gcd(max(1, a // 4), b)) for a, b in zip(sizes, sizes[1:], strict=False)]
        layers += [nn.Conv1d(sizes[-1], sizes[-1], 5, padding=2), nn.Conv1d(sizes[-1], 1, 3, padding=1)]
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)

    def forward(self, samples: Tensor) -> Features:
        """Of samples (batch, 1, length)."""
        for _ in range(self.scale):
            samples = functional.avg_pool1d(samples, 4, 2, padding=2)
        return _through(self.layers, samples)


def _through(layers: nn.ModuleList, found: Tensor) -> Features:
    features: Features = []
    for layer in layers[:-1]:
        found = functional.leaky_relu(layer(found), SLOPE)
        features.append(found)
    return [*features, layers[-1](found)]


class Discriminators(nn.Module):
    """All of them: each gives its own judgement."""

    def __init__(self, sizes: Judges) -> None:
        super().__init__()
        self.all = nn.ModuleList([PeriodDiscriminator(period, sizes.channels) for period in sizes.periods])
        self.all.extend(ScaleDiscriminator(scale, sizes.channels) for scale in range(sizes.scales))

    def forward(self, samples: Tensor) -> list[Features]:
        """Of samples (batch, length)."""
        return [judge(samples[:, None]) for judge in self.all]


# Losses, of a batch or by clip; least squares for the adversarial ones (section 2.3 of the paper on VITS).


def mel_by_clip(due: Tensor, made: Tensor) -> Tensor:
    """(batch,): mean distance of two log mel spectrograms of one shape."""
    return (made - due).abs().mean((1, 2))


def discriminator_loss(real: Sequence[Features], made: Sequence[Features]) -> Tensor:
    """What the discriminators lose: a recording is to be judged 1, what was made 0."""
    return torch.stack([((1 - r[-1]) ** 2).mean() + (m[-1] ** 2).mean() for r, m in zip(real, made, strict=True)]).sum()


def adversarial_loss(made: Sequence[Features]) -> Tensor:
    """What the voice loses where it is told from a recording."""
    return torch.stack([((1 - m[-1]) ** 2).mean() for m in made]).sum()


def feature_loss(real: Sequence[Features], made: Sequence[Features]) -> Tensor:
    """How far the discriminators' layers are apart between recording and what was made of it."""
    pairs = [(a.detach(), b) for r, m in zip(real, made, strict=True) for a, b in zip(r[:-1], m[:-1], strict=True)]
    return torch.stack([functional.l1_loss(b, a) for a, b in pairs]).sum()


def kl_by_clip(latents: Tensor, log_deviations: Tensor, means_due: Tensor, log_deviations_due: Tensor, mask: Tensor) -> Tensor:
    """(batch,): divergence of what was heard from what the text leads to expect, summed over channels and frames, in nats.

    One draw stands for the expectation of the prior's log density; the entropy of the posterior is exact up to the constant that
    both have. All are (batch, channels, frames), the mask (batch, 1, frames).
    """
    apart = log_deviations_due - log_deviations - 0.5 + 0.5 * (latents - means_due) ** 2 * torch.exp(-2 * log_deviations_due)
    return (apart * mask).sum((1, 2))


# The pass.


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Clips side by side, filled up with zeros."""

    names: tuple[str, ...]
    symbols: Tensor
    """(batch, symbols), numbers of the vocabulary."""
    symbol_mask: Tensor
    """(batch, symbols), 1 where there is one."""
    samples: Tensor
    """(batch, length), a multiple of the hop."""
    frames: Tensor
    """(batch,), frames of each clip."""
    starts: Tensor
    """(batch,), the frame from which the decoder's stretch is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a pass gives: the stretch as recorded and as made, (batch, samples), and each clip's parts of the losses, (batch,)."""

    recorded: Tensor
    made: Tensor
    mel: Tensor
    kl: Tensor
    """Summed over a clip's frames and channels; `total` divides by all frames."""
    duration: Tensor
    """Negative log likelihood of a clip's durations, summed over its symbols."""
    frames: Tensor
    symbols: Tensor

    def total(self) -> dict[str, Tensor]:
        """The losses of the batch: mel by value, divergence by frame, durations by symbol, as in the paper."""
        return {"mel": self.mel.mean(), "kl": self.kl.sum() / self.frames, "duration": self.duration.sum() / self.symbols}

    def not_finite(self) -> list[int]:
        """Clips of which a part of the loss is not a number, or without bound."""
        ok = torch.isfinite(self.mel) & torch.isfinite(self.kl) & torch.isfinite(self.duration)
        return [n for n, good in enumerate(ok.tolist()) if not good]


def hear(model: Any, spectra: Spectra, batch: Batch, segment_frames: int) -> Heard:
    """One pass of training through the parts of a `VitsModel` of one speaker.

    Raises
    ------
    ValueError
        A clip has more symbols than frames.
    """
    symbol_mask = batch.symbol_mask[:, None, :].to(batch.samples.dtype)
    expected = model.text_encoder(
        input_ids=batch.symbols, padding_mask=symbol_mask.transpose(1, 2), attention_mask=batch.symbol_mask, return_dict=True
    )
    read = expected.last_hidden_state.transpose(1, 2)
    means, log_deviations = expected.prior_means.transpose(1, 2), expected.prior_log_variances.transpose(1, 2)

    linear = spectra.linear_by_clip(batch.samples, batch.frames.tolist())
    frame_mask = (torch.arange(linear.shape[2], device=linear.device)[None, :] < batch.frames[:, None])[:, None, :].to(linear.dtype)
    latents, _, heard_log_deviations = model.posterior_encoder(linear, frame_mask)
    moved = model.flow(latents, frame_mask)

    with torch.no_grad():
        likely = log_likelihoods(moved, means, log_deviations).double().cpu().numpy()
    symbol_of, durations = _aligned(likely, batch.frames.tolist(), batch.symbol_mask.sum(1).tolist())
    symbol_of, durations = symbol_of.to(latents.device), durations.to(latents)
    chosen = symbol_of[:, None, :].expand(-1, means.shape[1], -1)
    kl = kl_by_clip(moved, heard_log_deviations, means.gather(2, chosen), log_deviations.gather(2, chosen), frame_mask)

    stretch = (batch.starts[:, None] + torch.arange(segment_frames, device=latents.device)[None, :])[:, None, :]
    made = model.decoder(latents.gather(2, stretch.expand(-1, latents.shape[1], -1)))[:, 0]
    first = batch.starts[:, None] * spectra.hop + torch.arange(segment_frames * spectra.hop, device=latents.device)[None, :]
    recorded = batch.samples.gather(1, first)
    mel = mel_by_clip(spectra.log_mel(recorded), spectra.log_mel(made))
    return Heard(
        recorded=recorded, made=made, mel=mel, kl=kl, duration=_duration_by_clip(model, read, symbol_mask, durations[:, None, :]),
        frames=frame_mask.sum(), symbols=symbol_mask.sum(),
    )  # fmt: skip


def _aligned(likely: NDArray[Any], frames: Sequence[int], symbols: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Of each clip: the symbol of each frame (batch, frames), and how many frames each symbol has (batch, symbols)."""
    symbol_of = np.zeros(likely.shape[:2], np.int64)
    durations = np.zeros((likely.shape[0], likely.shape[2]), np.float32)
    for n, (length, count) in enumerate(zip(frames, symbols, strict=True)):
        path = align(likely[n, :length, :count])
        symbol_of[n, :length] = path
        durations[n, :count] = np.bincount(path, minlength=count)
    return torch.from_numpy(symbol_of), torch.from_numpy(durations)


def _duration_by_clip(model: Any, read: Tensor, mask: Tensor, durations: Tensor) -> Tensor:
    """(batch,): the predictor's own negative log likelihood; of a predictor that gives one value, the squared distance of logarithms."""
    if model.config.use_stochastic_duration_prediction:
        return torch.as_tensor(model.duration_predictor(read, mask, durations=durations))
    expected: Tensor = model.duration_predictor(read, mask)
    return (((expected - torch.log(durations + _FLOOR)) * mask) ** 2).sum((1, 2))
