"""Vectors of a recording into speakers: how many there are, and who speaks in each frame with what probability.

Pure functions on NumPy arrays; nothing here knows of sound. First short stretches of one speaker each are joined by average
linkage up to a distance (Day and Edelsbrunner 1984); then a hidden Markov model over frames, whose states are the speakers'
mean vectors, draws the borders anew and says how sure it is (as in Landini et al. 2022, with cosines for likelihoods).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_FINEST = 4
"""Clusters for each speaker wanted, up to which a cut is tried where their number is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """Tuned on composed conversations of open speakers who train nothing (`recipes/score_diarise.py --tune`)."""

    distances: tuple[float, ...] = (0.55, 0.6, 0.65, 0.7)
    """Cosine distances up to which stretches may be one speaker's; that which divides best is taken."""
    least_blocks: float = 6.0
    """Blocks that a speaker has at least, of all the recording's speech; fewer go to the nearest."""
    sharpness: float = 20.0
    """What a cosine counts for, as log likelihood."""
    stay: float = 0.98
    """Probability that the next frame is of the same speaker."""
    rounds: int = 3
    at_once: int = 1200
    """Stretches joined at once; more are joined in parts, and then the parts: memory and time stay in bounds."""


def clusters(vectors: Floats, settings: ClusterSettings, *, least: int = 1, most: int | None = None) -> NDArray[np.intp]:
    """The speaker of each stretch, from 0: (stretches,). `vectors` are (stretches, dimension), of unit length."""
    if len(vectors) <= 1:
        return np.zeros(len(vectors), np.intp)
    if len(vectors) > settings.at_once:
        return _in_parts(vectors, settings, least=least, most=most)
    return _cut(vectors, np.ones(len(vectors)), settings, least=least, most=most)


def _in_parts(vectors: Floats, settings: ClusterSettings, *, least: int, most: int | None) -> NDArray[np.intp]:
    """Parts of the recording first, with a smaller distance; then the speakers of all parts, weighted by what they hold."""
    from dataclasses import replace

    parts = -(-len(vectors) // settings.at_once)
    near = replace(settings, distances=(0.8 * min(settings.distances),), least_blocks=1.0)
    means: list[Floats] = []
    weights: list[int] = []
    labels = np.zeros(len(vectors), np.intp)
    for part in np.array_split(np.arange(len(vectors)), parts):
        found = _cut(vectors[part], np.ones(len(part)), near, least=1, most=None)
        for speaker in range(found.max() + 1):
            members = part[found == speaker]
            labels[members] = len(means)
            means.append(unit(vectors[members].sum(axis=0)))
            weights.append(len(members))
    joined = _cut(np.stack(means), np.asarray(weights, np.float64), settings, least=least, most=most)
    return joined[labels]


def _cut(vectors: Floats, weights: NDArray[np.float64], settings: ClusterSettings, *, least: int, most: int | None) -> NDArray[np.intp]:
    """Average linkage cut at several distances, small ones given to the nearest; of those with several speakers, the best divided.

    How far two voices lie apart depends on whose they are and on the room, so that no one distance serves all recordings.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    if len(vectors) == 1:
        return np.zeros(1, np.intp)
    apart = pdist(vectors.astype(np.float64), "cosine").clip(min=0)
    tree = linkage(apart, "average")
    if least == most:
        return _number(tree, apart, vectors, weights, least, settings)
    cuts = [_large(vectors, weights, fcluster(tree, d, "distance") - 1, settings.least_blocks) for d in settings.distances]
    cuts = [np.unique(cut, return_inverse=True)[1] for cut in cuts]
    within = [cut for cut in cuts if cut.max() + 1 >= least and (most is None or cut.max() + 1 <= most)]
    if not within:
        few = all(cut.max() + 1 < least for cut in cuts)
        return _number(tree, apart, vectors, weights, least if few else int(most or least), settings)
    several = [cut for cut in within if cut.max() > 0]
    return _best_divided(apart, several) if several else within[0]


def _best_divided(apart: NDArray[np.float64], cuts: Sequence[NDArray[np.intp]]) -> NDArray[np.intp]:
    """The cut whose speakers lie furthest apart, by its silhouette; `apart` are distances as `pdist` gives them."""
    from scipy.spatial.distance import squareform

    distances = squareform(apart)
    return max(cuts, key=lambda cut: _silhouette(distances, cut))


def _silhouette(distances: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    """How much nearer stretches lie to their own speaker's than to the next speaker's, on average: -1 to 1 (Rousseeuw 1987)."""
    sizes = np.bincount(labels)
    means = np.stack([distances[:, labels == k].sum(axis=1) for k in range(len(sizes))], axis=1)
    every = np.arange(len(labels))
    own = means[every, labels] / np.maximum(1, sizes[labels] - 1)
    means = means / sizes
    means[every, labels] = np.inf
    next_one = means.min(axis=1)
    found = (next_one - own) / np.maximum(np.maximum(own, next_one), 1e-9)
    return float(np.where(sizes[labels] == 1, 0.0, found).mean())


def _number(
    tree: Floats, apart: NDArray[np.float64], vectors: Floats, weights: NDArray[np.float64], wanted: int, settings: ClusterSettings
) -> NDArray[np.intp]:
    """`wanted` speakers of some size: of the cuts that have them, the largest of each, and of these divisions the best.

    The coarsest such cut is often not it: what is nobody's voice (two at once, a laugh) makes a cluster of its own before
    two people part. On tuning conversations confusion fell from 7.3 to 6.1 % with the number told (by hand).
    """
    from scipy.cluster.hierarchy import fcluster

    wanted = min(wanted, len(vectors))
    if wanted == 1:
        return np.zeros(len(vectors), np.intp)
    cuts = []
    for pieces in range(wanted, min(len(vectors), _FINEST * wanted) + 1):
        cut = fcluster(tree, pieces, "maxclust") - 1
        sizes = np.bincount(cut, weights)
        if (sizes >= settings.least_blocks).sum() >= wanted:
            cuts.append(np.unique(_to_nearest(vectors, cut, np.argsort(-sizes)[:wanted]), return_inverse=True)[1])
    if not cuts:
        return np.unique(fcluster(tree, wanted, "maxclust"), return_inverse=True)[1]
    return _best_divided(apart, cuts)


def _large(vectors: Floats, weights: NDArray[np.float64], labels: NDArray[np.intp], least: float) -> NDArray[np.intp]:
    sizes = np.bincount(labels, weights)
    kept = np.flatnonzero(sizes >= least)
    if not len(kept):
        kept = np.array([int(np.argmax(sizes))])
    return _to_nearest(vectors, labels, kept)


def _to_nearest(vectors: Floats, labels: NDArray[np.intp], kept: NDArray[np.intp]) -> NDArray[np.intp]:
    """Labels with those not kept given, vector by vector, to the kept speaker whose mean is nearest."""
    means = np.stack([unit(vectors[labels == k].sum(axis=0)) for k in kept])
    given = labels.copy()
    lost = ~np.isin(labels, kept)
    given[lost] = kept[np.argmax(vectors[lost] @ means.T, axis=1)]
    return given


def posteriors(
    pieces: Sequence[slice], vectors_of: Callable[[slice], Floats], weights: Floats, means: Floats, settings: ClusterSettings
) -> tuple[Floats, Floats]:
    """Probability of each speaker in each frame of speech, and the speakers' means drawn anew.

    `pieces` divide the frames, in order: each is a chain of its own, and held alone. `vectors_of` gives a piece's unit vectors,
    (frames, dimension); `weights` (frames,) say how far a frame is of one speaker alone; `means` (speakers, dimension).
    Returns (frames, speakers) and (speakers, dimension).
    """
    found = np.full((len(weights), len(means)), 1 / max(1, len(means)), np.float32)
    for _ in range(settings.rounds):
        sums = np.zeros(means.shape, np.float64)
        for piece in pieces:
            vectors, weight = vectors_of(piece), weights[piece, None]
            found[piece] = _forward_backward(settings.sharpness * weight * (vectors @ means.T), settings.stay)
            sums += (found[piece] * weight).T @ vectors
        there = (found * weights[:, None]).sum(axis=0) > 1
        drawn = sums / (np.linalg.norm(sums, axis=1, keepdims=True) + 1e-9)
        means = np.where(there[:, None], drawn, means).astype(np.float32)
    return found, means


def _forward_backward(likelihood: Floats, stay: float) -> Floats:
    """Posteriors of a chain whose states are alike: (frames, speakers), from log likelihoods of that shape."""
    frames, speakers = likelihood.shape
    if speakers == 1:
        return np.ones((frames, 1), np.float32)
    emitted = np.exp(likelihood - likelihood.max(axis=1, keepdims=True)).astype(np.float64)
    change = (1 - stay) / (speakers - 1)
    keep = stay - change

    def pass_over(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        reached = np.empty_like(rows)
        state = np.full(speakers, 1 / speakers)
        for n, row in enumerate(rows):
            state = (keep * state + change) * row
            state /= state.sum()
            reached[n] = state
        return reached

    forward = pass_over(emitted)
    backward = pass_over(emitted[::-1])[::-1]
    after = np.vstack([keep * backward[1:] + change, np.ones((1, speakers))])
    both = forward * after
    return np.asarray(both / both.sum(axis=1, keepdims=True), np.float32)


def unit(vector: Floats) -> Floats:
    """The vector at length 1; zeros stay zeros."""
    return np.asarray(vector / (np.linalg.norm(vector) + 1e-9), np.float32)
