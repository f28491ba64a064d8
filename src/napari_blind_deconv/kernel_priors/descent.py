"""Minimisation of a smooth objective over a few tensors, a few steps at a time."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import line_search
from torch import Tensor

Vector = NDArray[np.float64]

_MEMORY = 20  # steps that a descent remembers
_WALL = 1e300
# A descent ends once this many steps together gain less than this, in the objective's unit (nats).
_PATIENCE, _GAIN = 3, 3e-3
# Evaluations of a line search at most.
_TRIALS = 12


def descend(
    objective: Callable[..., Tensor], start: Sequence[Tensor], iterations: int, chunk: int = 8
) -> Iterator[tuple[float, list[Tensor]]]:
    """L-BFGS with a strong Wolfe line search; yields the best value and its arguments so far after every chunk.

    Ends early once three steps gain less than 3e-3 of the objective's unit (nats), or where the line search fails. A
    value that is not finite is a wall.

    Parameters
    ----------
    objective
        Maps tensors like ``start`` to a scalar.
    start
        Where to begin; not modified.
    iterations
        Iterations at most.
    chunk
        Iterations between yields.
    """
    seen = _Seen(objective, start)
    at = _flat(start)
    value, slope = seen(at)
    yield seen.best
    memory: deque[tuple[Vector, Vector]] = deque(maxlen=_MEMORY)
    values = [value]
    for step in range(1, iterations + 1):
        direction = _direction(slope, memory)
        length, *_ = line_search(seen.value, seen.slope, at, direction, slope, value, maxiter=_TRIALS)
        if length is None:
            break
        moved = at + length * direction
        value, turned = seen(moved)
        if (turned - slope) @ (moved - at) > 0:
            memory.append((moved - at, turned - slope))
        at, slope = moved, turned
        values.append(value)
        if len(values) > _PATIENCE and values[-1 - _PATIENCE] - value < _GAIN:
            break
        if step % chunk == 0:
            yield seen.best
    yield seen.best


def minimum(objective: Callable[..., Tensor], start: Sequence[Tensor], iterations: int) -> list[Tensor]:
    """The best arguments that `descend` finds.

    Examples
    --------
    >>> [x] = minimum(lambda x: (x - 3).square().sum(), [torch.zeros(1)], 20)
    >>> bool((x - 3).abs() < 1e-3)
    True
    """
    *_, (_, found) = descend(objective, start, iterations)
    return found


def lowest(objective: Callable[..., Tensor], start: Sequence[Tensor], iterations: int) -> float:
    """The lowest value that `descend` finds.

    Examples
    --------
    >>> lowest(lambda x: (x - 3).square().sum(), [torch.zeros(1)], 20) < 1e-6
    True
    """
    *_, (value, _) = descend(objective, start, iterations)
    return value


class _Seen:
    """Value and slope of an objective at a flat vector, evaluated once where asked twice, and the best so far."""

    def __init__(self, objective: Callable[..., Tensor], like: Sequence[Tensor]) -> None:
        self._objective, self._like = objective, like
        self._at: Vector | None = None
        self._last: tuple[float, Vector] = (_WALL, np.zeros(0))
        self.best: tuple[float, list[Tensor]] = (math.inf, [t.detach().clone() for t in like])

    def value(self, at: Vector) -> float:
        return self(at)[0]

    def slope(self, at: Vector) -> Vector:
        return self(at)[1]

    def __call__(self, at: Vector) -> tuple[float, Vector]:
        if self._at is None or not np.array_equal(at, self._at):
            self._at, self._last = at.copy(), self._evaluated(at)
        return self._last

    def _evaluated(self, at: Vector) -> tuple[float, Vector]:
        pieces = torch.from_numpy(at.copy()).split([t.numel() for t in self._like])
        parts = [p.to(t).reshape(t.shape).requires_grad_(True) for p, t in zip(pieces, self._like, strict=True)]
        with torch.enable_grad():
            found = self._objective(*parts)
            slopes = torch.autograd.grad(found, parts)
        value, slope = float(found.detach()), _flat(slopes)
        # A step to infinity is a wall for the line search, and no slope to follow.
        if not (math.isfinite(value) and np.isfinite(slope).all()):
            return _WALL, np.zeros_like(slope)
        if value < self.best[0]:
            self.best = (value, [p.detach() for p in parts])
        return value, slope


def _direction(slope: Vector, memory: Sequence[tuple[Vector, Vector]]) -> Vector:
    """Minus the slope times the inverse curvature that the remembered steps show (Nocedal & Wright, algorithm 7.4)."""
    if not memory:
        return -slope * min(1.0, 1 / max(float(np.abs(slope).sum()), 1e-12))
    out, factors = -slope, []
    for moved, turned in reversed(memory):
        factors.append((moved @ out) / (moved @ turned))
        out = out - factors[-1] * turned
    moved, turned = memory[-1]
    out = out * ((moved @ turned) / (turned @ turned))
    for (moved, turned), factor in zip(memory, reversed(factors), strict=True):
        out = out + moved * (factor - (turned @ out) / (moved @ turned))
    return out


def _flat(parts: Sequence[Tensor]) -> Vector:
    return torch.cat([p.detach().flatten().cpu().double() for p in parts]).numpy()
