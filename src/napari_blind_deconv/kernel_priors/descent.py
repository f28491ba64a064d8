"""Minimisation of a smooth objective over a few tensors, a few steps at a time."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import scipy.optimize
import torch
from numpy.typing import NDArray
from torch import Tensor

_MEMORY = 20  # steps that a descent remembers
_WALL = 1e300


def descend(
    objective: Callable[..., Tensor], start: Sequence[Tensor], iterations: int, chunk: int = 8
) -> Iterator[tuple[float, list[Tensor]]]:
    """L-BFGS with a strong Wolfe line search; yields the best value and its arguments so far after every chunk.

    Ends early once a chunk gains less than 1e-3 of the objective's unit (nats), or where a value is not finite.

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
    arguments = [t.detach().clone().requires_grad_(True) for t in start]
    optimiser = torch.optim.LBFGS(arguments, max_iter=chunk, history_size=_MEMORY, line_search_fn="strong_wolfe")
    best = (float("inf"), [t.detach().clone() for t in start])

    def closure() -> Tensor:
        nonlocal best
        optimiser.zero_grad()
        value = objective(*arguments)
        value.backward()
        if float(value.detach()) < best[0]:
            best = (float(value.detach()), [t.detach().clone() for t in arguments])
        return value

    with torch.enable_grad():
        closure()
    yield best
    for _ in range(0, iterations, chunk):
        before = best[0]
        try:
            with torch.enable_grad():
                optimiser.step(closure)
        except (RuntimeError, IndexError):  # a step to infinity: torch refuses to add it, or has no bracket to end in
            return
        yield best
        if not before - best[0] > 1e-3:
            return


def minimum(objective: Callable[..., Tensor], start: Sequence[Tensor], iterations: int) -> list[Tensor]:
    """The best arguments that `descend` finds.

    Examples
    --------
    >>> [x] = minimum(lambda x: (x - 3).square().sum(), [torch.zeros(1)], 20)
    >>> bool((x - 3).abs() < 1e-3)
    True
    """
    best = [t.detach().clone() for t in start]
    for _, found in descend(objective, start, iterations):
        best = found
    return best


def lowest(objective: Callable[..., Tensor], start: Sequence[Tensor], iterations: int) -> float:
    """The lowest value of a smooth objective, by SciPy's L-BFGS-B.

    Where nothing but the value is wanted: it spares importing ``torch.optim``, which takes longer than the descent.

    Examples
    --------
    >>> lowest(lambda x: (x - 3).square().sum(), [torch.zeros(1)], 20) < 1e-6
    True
    """
    sizes = [t.numel() for t in start]
    flat = torch.cat([t.detach().flatten() for t in start])

    def arguments(values: NDArray[np.float64]) -> list[Tensor]:
        parts = torch.from_numpy(values).to(flat).split(sizes)
        return [p.reshape(t.shape) for p, t in zip(parts, start, strict=True)]

    def value_and_slope(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parts = [p.requires_grad_(True) for p in arguments(values.copy())]
        with torch.enable_grad():
            value = objective(*parts)
            slopes = torch.autograd.grad(value, parts)
        slope = torch.cat([s.flatten() for s in slopes]).cpu().double().numpy()
        # A step to infinity is a wall for the line search, and no slope to follow.
        if not (math.isfinite(float(value.detach())) and np.isfinite(slope).all()):
            return _WALL, np.zeros_like(slope)
        return float(value.detach()), slope

    options = {"maxiter": iterations, "maxcor": _MEMORY}
    found = scipy.optimize.minimize(
        value_and_slope, flat.cpu().double().numpy(), jac=True, method="L-BFGS-B", options=options
    )
    return float(found.fun)
