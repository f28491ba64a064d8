"""Error bars: the covariance of a posterior near its maximum, from the curvature of -log p there."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Curvature is measured over this many standard deviations to either side: rounding and kinks average out.
_REACH = 0.5
_FIRST_STEP, _LONGEST = 1e-2, 1.0
# Curvature, in nats per squared unit, below which a direction counts as undetermined.
_FLAT = 1e-6


def laplace(objective: Callable[..., Tensor], arguments: Sequence[Tensor]) -> Tensor:
    """Inverse of the Hessian of -log p, all arguments flattened in order, shape ``(n, n)``.

    Central differences of the gradient, each over a step that fits the curvature along it, so that objectives which
    are only once differentiable, or in single precision, will do. A block of it is the covariance with all other
    arguments marginalised (MacKay 2003, chapter 27).

    Parameters
    ----------
    objective
        -log p in nats, up to a constant; maps tensors like ``arguments`` to a scalar.
    arguments
        Where it is smallest.

    Examples
    --------
    >>> laplace(lambda x: (x**2 / 8).sum(), [torch.zeros(1)]).round(decimals=3)
    tensor([[4.]])
    """
    at = torch.cat([a.detach().flatten() for a in arguments])
    hessian = _hessian(objective, arguments, at, torch.full_like(at, _FIRST_STEP))
    steps = _REACH / hessian.diagonal().clamp(min=1e-2).sqrt()
    hessian = _hessian(objective, arguments, at, steps.clamp(max=_LONGEST))
    values, vectors = torch.linalg.eigh(hessian.double())
    return ((vectors / values.clamp(min=_FLAT)) @ vectors.T).to(at)


def _hessian(objective: Callable[..., Tensor], arguments: Sequence[Tensor], at: Tensor, steps: Tensor) -> Tensor:
    """Central differences of the gradient, symmetrised."""
    rows = []
    for i, step in enumerate(steps):
        move = torch.zeros_like(at)
        move[i] = step
        ahead, behind = (_gradient(objective, arguments, at + sign * move) for sign in (1, -1))
        rows.append((ahead - behind) / (2 * step))
    hessian = torch.stack(rows)
    return (hessian + hessian.T) / 2


def _gradient(objective: Callable[..., Tensor], arguments: Sequence[Tensor], at: Tensor) -> Tensor:
    flat = at.detach().clone().requires_grad_(True)
    parts = flat.split([a.numel() for a in arguments])
    with torch.enable_grad():
        value = objective(*(p.reshape(a.shape) for p, a in zip(parts, arguments, strict=True)))
    return torch.autograd.grad(value, flat)[0]
