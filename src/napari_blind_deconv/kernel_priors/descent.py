"""Minimisation of a smooth objective over a few tensors, a few steps at a time."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor


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
    optimiser = torch.optim.LBFGS(arguments, max_iter=chunk, history_size=20, line_search_fn="strong_wolfe")
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
        except RuntimeError:  # a step to infinity: torch refuses to add it
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
