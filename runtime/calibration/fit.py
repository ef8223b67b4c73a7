"""Kernels' models from measured nodes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...costmodel.calibration.features import Features
from ...costmodel.calibration.kernel import Correction, KernelModel
from ...costmodel.calibration.machine import LEVELS

Floats = npt.NDArray[np.float64]

_CONSTANT = "node"  # the term that every node has once
_NINETY = 1.645  # standard deviations that hold nine of ten
_FEW = 15  # nodes of a kernel that don't make a model of their own
_FEWEST = 4  # nodes of a kind that a model can be made of
_HELD = 0.05  # the error of a node that weighs as much as a factor that is off by one
_CORRECTED = 30  # nodes that a correction needs
_WELL_S = 1e-5  # nodes that take longer than the profiler's microseconds matter
_SLOWEST_BYTE_S = 2e-9
_RESOLUTION_S = 5e-7  # shorter differences don't count as relative ones
_ROUNDS = 4
_SUBSET = 220  # of a kernel's nodes, that the widths of a correction are chosen by
_MOST_RESIDUAL = 1.5
# Residuals on nodes in models are wider than those of nodes that were left out of a fit.
_INFLATION = 1.35


class Sample(NamedTuple):
    """A measured node, the kernel kind of its cost, and the roofline's seconds in ``rough``."""

    features: Features
    kind: str
    seconds: float
    rough: float


def fit(samples: Sequence[Sample]) -> dict[str, KernelModel]:
    """Models by kernel, and by kind (``any KIND``) for kernels that were not measured.

    A kernel of few nodes takes its kind's coefficients, times one factor.
    """
    by_kind: defaultdict[str, list[Sample]] = defaultdict(list)
    by_kernel: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_kind[sample.kind].append(sample)
        by_kernel[sample.features.kernel].append(sample)
    pooled = {kind: _model(found) for kind, found in by_kind.items() if len(found) >= _FEWEST}
    models = {f"any {kind}": model for kind, model in pooled.items()}
    for kernel, found in by_kernel.items():
        if len(found) >= _FEW:
            models[kernel] = _model(found)
        elif found[0].kind in pooled:
            models[kernel] = _scaled(pooled[found[0].kind], found)
    return models


def _scaled(model: KernelModel, samples: Sequence[Sample]) -> KernelModel:
    """A kind's model for a kernel of few nodes: its constant and all else of it, each scaled.

    Both factors are held near 1, so that a node that takes next to nothing says little of large
    ones.
    """
    base = np.array([model.base(s.features.terms) for s in samples])
    constant = max(model.coefficients.get(_CONSTANT, 0.0), _RESOLUTION_S / 5)
    seconds = np.array([s.seconds for s in samples])
    weights = 1 / (seconds + _RESOLUTION_S)
    table = np.column_stack([np.maximum(base - constant, 0.0), np.full(len(samples), constant)])
    rest, first = non_negative(
        np.vstack([table * weights[:, None], np.diag([_HELD, _HELD])]),
        np.concatenate([seconds * weights, [_HELD, _HELD]]),
    )
    scaled = {name: value * rest for name, value in model.coefficients.items()}
    scaled[_CONSTANT] = constant * first
    found = replace(model, coefficients=scaled, measured=len(samples), correction=None)
    off = [math.log(s.seconds / found.base(s.features.terms)) for s in samples]
    before = (model.high - model.low) / (2 * _NINETY)
    half = _NINETY * math.sqrt((sum(o * o for o in off) + 2 * before**2) / (len(off) + 2))
    low, high = model.rough
    ratios = [s.seconds / s.rough for s in samples]
    return replace(found, low=-half, high=half, rough=(min(low, *ratios), max(high, *ratios)))


def _rough(samples: Sequence[Sample]) -> tuple[float, float]:
    """Smallest and largest measured time over the roofline's, of nodes that do some work."""
    longer = [s for s in samples if s.seconds > _WELL_S]
    ratios = [s.seconds / s.rough for s in (longer if len(longer) >= _FEWEST else samples)]
    return min(ratios), max(ratios)


def _model(samples: Sequence[Sample]) -> KernelModel:
    names = sorted({name for s in samples for name in s.features.terms})
    table = np.array([[s.features.terms.get(n, 0.0) for n in names] for s in samples])
    seconds = np.array([s.seconds for s in samples])
    values = _coefficients(table, seconds, np.array([_dearest(name) for name in names]))
    coefficients = {n: float(v) for n, v in zip(names, values, strict=True) if v > 0}
    base = np.maximum(table @ values, 2e-8)
    residual = np.clip(np.log(seconds / base), -_MOST_RESIDUAL, _MOST_RESIDUAL)
    axes = sorted({name for s in samples for name in s.features.coordinates})
    where = np.array([[s.features.coordinates.get(a, 0.0) for a in axes] for s in samples])
    ranges = {a: (float(c.min()), float(c.max())) for a, c in zip(axes, where.T, strict=True)}
    correction = None
    if len(samples) >= _CORRECTED:
        correction, left = _correction(axes, where, residual)
        if np.median(np.abs(left)) < np.median(np.abs(residual)):
            residual = left
        else:
            correction = None
    low, high = _INFLATION * np.percentile(_of_longer(residual, seconds), [5, 95])
    return KernelModel(
        *(coefficients, min(0.0, float(low)), max(0.0, float(high)), ranges, len(samples)),
        rough=_rough(samples),
        correction=correction,
    )


def _of_longer(residual: Floats, seconds: Floats) -> Floats:
    """Residuals of nodes that are long enough to be measured well, if there are some."""
    longer = seconds > _WELL_S
    return residual[longer] if longer.sum() >= _FEW else residual


def _dearest(term: str) -> float:
    """The most that a unit of a term can cost: a byte comes at 0.5 GB/s at the slowest."""
    return _SLOWEST_BYTE_S if term.endswith(LEVELS) else np.inf


def _coefficients(table: Floats, seconds: Floats, most: Floats) -> Floats:
    """Non-negative least squares on relative error; nodes that fit badly count less.

    A term that is small in all of them could take any price: none is above ``most``.
    """
    scale = np.maximum(table.max(axis=0), 1e-300)
    scaled = table / scale
    weights = 1 / (seconds + _RESOLUTION_S)
    found = np.zeros(table.shape[1])
    for _ in range(_ROUNDS):
        found = _limited(scaled * weights[:, None], seconds * weights, most * scale)
        off = np.abs(np.log(np.maximum(scaled @ found, 1e-9) / seconds))
        usual = max(0.05, 2 * float(np.median(off)))
        robust = np.sqrt(np.minimum(1.0, usual / np.maximum(off, 1e-9)))
        weights = robust / (seconds + _RESOLUTION_S)
    values: Floats = found / scale
    return values


def _limited(table: Floats, wanted: Floats, most: Floats) -> Floats:
    """The same with none above ``most``: what would be is held there, and the rest fitted anew."""
    held = np.zeros(len(most), bool)
    while True:
        found = np.zeros(len(most))
        found[held] = most[held]
        rest = wanted - table[:, held] @ most[held]
        found[~held] = non_negative(table[:, ~held], rest)
        above = found > most
        if not above.any():
            return found
        held |= above


def non_negative(table: Floats, wanted: Floats) -> Floats:
    """The x >= 0 that makes table @ x nearest to what is wanted, in squares.

    C. L. Lawson, R. J. Hanson: "Solving Least Squares Problems" (1974), chapter 23, on the normal
    equations.
    """
    squares, target = table.T @ table, table.T @ wanted
    size = len(target)
    found, free = np.zeros(size), np.zeros(size, bool)
    for _ in range(3 * size + 30):
        gain = target - squares @ found
        if free.all() or gain[~free].max() <= 1e-10 * np.abs(target).max():
            break
        held = np.flatnonzero(~free)
        free[held[np.argmax(gain[held])]] = True
        found = _bounded(squares, target, found, free)
    return found


def _bounded(squares: Floats, target: Floats, found: Floats, free: npt.NDArray[np.bool_]) -> Floats:
    """The least squares of the free ones; those that would be negative are held at 0."""
    while free.any():
        index = np.flatnonzero(free)
        solved = np.zeros(len(target))
        solved[index] = np.linalg.lstsq(squares[np.ix_(index, index)], target[index], rcond=1e-12)[
            0
        ]
        if solved[index].min() > 0:
            return solved
        below = index[solved[index] <= 0]
        step = float(np.min(found[below] / (found[below] - solved[below] + 1e-300)))
        found = found + step * (solved - found)
        free &= found > 1e-15 * max(1e-300, float(found.max()))
        found[~free] = 0.0
    return np.zeros(len(target))


def _correction(axes: Sequence[str], where: Floats, residual: Floats) -> tuple[Correction, Floats]:
    """A smooth function of the coordinates through the residuals, and what it leaves.

    What it leaves of a node is what it would without that node.
    """
    live = where.std(axis=0) > 1e-9
    names = tuple(a for a, alive in zip(axes, live, strict=True) if alive)
    points = where[:, live]
    centre, spread = points.mean(axis=0), points.std(axis=0)
    points = (points - centre) / spread
    widths, noise = _widths(points, residual)
    points = points / widths
    inverse = np.linalg.inv(_nearness(points) + noise * np.eye(len(points)))
    weights = inverse @ residual
    correction = Correction(names, centre, spread * widths, points, weights)
    return correction, weights / np.diag(inverse)


def _nearness(points: Floats) -> Floats:
    squares = (points**2).sum(axis=1)
    apart = squares[:, None] + squares[None] - 2 * points @ points.T
    nearness: Floats = np.exp(-0.5 * np.maximum(apart, 0.0))
    return nearness


def _widths(points: Floats, residual: Floats) -> tuple[Floats, float]:
    """How far each coordinate reaches, and the noise, by the largest likelihood."""
    if len(points) > _SUBSET:
        chosen = np.random.default_rng(0).choice(len(points), _SUBSET, replace=False)
        points, residual = points[chosen], residual[chosen]
    widths, noise = np.full(points.shape[1], 3.0), 0.1
    best = _unlikely(points / widths, residual, noise)
    for _ in range(2):
        for factor in (0.5, 2.0):
            value = _unlikely(points / (widths * factor), residual, noise)
            if value < best:
                best, widths = value, widths * factor
        for factor in (0.3, 3.0):
            value = _unlikely(points / widths, residual, noise * factor)
            if value < best:
                best, noise = value, noise * factor
        for at in range(len(widths)):
            for factor in (0.5, 2.0, 4.0):
                trial = widths.copy()
                trial[at] *= factor
                value = _unlikely(points / trial, residual, noise)
                if value < best - 1e-3:
                    best, widths = value, trial
    return widths, noise


def _unlikely(points: Floats, residual: Floats, noise: float) -> float:
    """The negative logarithm of the likelihood, the amplitude at its best."""
    try:
        lower = np.linalg.cholesky(_nearness(points) + noise * np.eye(len(points)))
    except np.linalg.LinAlgError:
        return np.inf
    half = np.linalg.solve(lower, residual)
    amplitude = half @ half / len(residual)
    return float(0.5 * len(residual) * np.log(amplitude + 1e-12) + np.log(np.diag(lower)).sum())


def predicted(models: Mapping[str, KernelModel], sample: Sample) -> float | None:
    """Seconds that the models have for a sample; None where there is none of its kind."""
    model = models.get(sample.features.kernel) or models.get(f"any {sample.kind}")
    if model is None:
        return None
    features = sample.features
    return model.estimate(features.terms, features.coordinates, sample.rough).seconds
