"""Minimisation of a smooth objective over a few tensors, a few steps at a time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor

Vector = NDArray[np.float64]

_MEMORY = 20  # steps that a descent remembers
_WALL = 1e300
# A descent ends once this many steps together gain less than this, in the objective's unit (nats).
_PATIENCE, _GAIN = 3, 3e-3
# Evaluations of a line search at most, and what it asks for: a decrease, and a slope that has flattened.
_TRIALS = 12
_DECREASE, _FLATTER = 1e-4, 0.9


def descend(
    objective: Callable[..., Tensor], start: Sequence[Tensor], iterations: int, chunk: int = 8
) -> Iterator[tuple[float, list[Tensor]]]:
    """L-BFGS with a weak Wolfe line search; yields the best value and its arguments so far after every chunk.

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
        length = _step(seen, at, direction)
        if not length:
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


def _step(seen: _Seen, at: Vector, direction: Vector) -> float:
    """How far to go: bisection between too short and too long (Lewis & Overton 2013, doi:10.1007/s10107-012-0514-2).

    It needs no second derivative, so kinks do not upset it. 0 where there is no way down.
    """
    value, slope = seen(at)
    fall = float(slope @ direction)
    short, long, length = 0.0, math.inf, 1.0
    for _ in range(_TRIALS):
        reached, turned = seen(at + length * direction)
        if not reached <= value + _DECREASE * length * fall:
            # The parabola through both values and the slope says where, within reason.
            lowest = -0.5 * fall * length**2 / max(reached - value - fall * length, 1e-300)
            long = length
            guess = lowest if short == 0 else 0.5 * (short + long)
            length = min(max(guess, short + 0.1 * (long - short)), short + 0.6 * (long - short))
        elif float(turned @ direction) < _FLATTER * fall:
            short = length
            length = 2 * short if math.isinf(long) else 0.5 * (short + long)
        else:
            return length
    return short


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
