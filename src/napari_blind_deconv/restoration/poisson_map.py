"""Poisson MAP by a preconditioned quasi-Newton method: few blurs, positive, with or without a prior."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import irfftn, rfftn
from napari_blind_deconv.restoration.normal_equations import HalfDot
from napari_blind_deconv.restoration.photons import Photons

if TYPE_CHECKING:
    from torch import Tensor

Penalty = Callable[["Tensor"], tuple["Tensor", "Tensor"]]

# Share of the descent that the slope promises, of which a step must keep this part (Armijo).
_DESCENT = 1e-4
_TRIALS = 12


@dataclass(frozen=True)
class Step:
    """A scene and how it was reached.

    Attributes
    ----------
    scene
        x in photons on the canvas.
    cost
        Nats, one per item of the batch.
    forwards, adjoints
        Blurs spent so far.
    """

    scene: Tensor
    cost: Tensor
    forwards: int
    adjoints: int


def poisson_map(
    data: Photons, penalty: Penalty | None = None, memory: int = 3, floor: float = 1.0, start: Tensor | None = None
) -> Iterator[Step]:
    """Minimise cost(Hx) + penalty(x) over x = z², until no step lowers it beyond rounding.

    L-BFGS (Liu & Nocedal 1989, doi:10.1007/BF01589116) in z = √x, where Poisson noise has equal variance everywhere and
    EM's scaling by x is built in. Its first metric is (4 |K|² + 4 floor)⁻¹; without the floor it is the exact
    curvature of a flat scene. Three pairs of steps and gradients are as good as eight (decision 0034).
    """
    axes, canvas = data.axes, data.blur.frame.canvas
    curvature = 4 * (data.blur.power + floor)

    def dot(a: Tensor, b: Tensor) -> Tensor:
        pairs = zip(a.reshape(-1, math.prod(canvas)), b.reshape(-1, math.prod(canvas)), strict=True)
        return torch.stack([torch.dot(x, y) for x, y in pairs]).reshape(*a.shape[: -len(axes)], *(1,) * len(axes))

    def metric(v: Tensor) -> Tensor:
        return irfftn(rfftn(v, len(axes)).div_(curvature), canvas)

    in_spectra = HalfDot(canvas)

    def metric_norm(v: Tensor) -> Tensor:
        half = rfftn(v, len(axes))
        sums = v.new_tensor(in_spectra(half, half / curvature)) / math.prod(canvas)
        return sums.reshape(*v.shape[: -len(axes)], *(1,) * len(axes))

    def judge(root: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        scene = root.square()
        predicted = data.predict(scene)
        cost, slope = data.cost(predicted), None
        if penalty is not None:
            extra, slope = penalty(scene)
            cost = cost + extra
        return cost, predicted, slope

    def gradient(root: Tensor, predicted: Tensor, slope: Tensor | None) -> Tensor:
        whole = data.slope(predicted)
        if slope is not None:
            whole += slope
        return whole.mul_(root).mul_(2)

    root = (data.flat() if start is None else start).sqrt()
    cost, predicted, slope = judge(root)
    g = gradient(root, predicted, slope)
    forwards = adjoints = 1
    history: list[tuple[Tensor, Tensor, Tensor]] = []
    yield Step(root.square(), cost, forwards, adjoints)
    while True:
        direction = two_loops(g, history, dot, (metric, metric_norm)).neg_()
        downhill = dot(direction, g)
        if not bool((downhill < 0).all()):
            direction = torch.where(downhill < 0, direction, -g / 4)
            downhill = dot(direction, g)
        length = torch.ones_like(downhill)
        for _ in range(_TRIALS):
            trial = torch.addcmul(root, direction, length)
            new, predicted, slope = judge(trial)
            forwards += 1
            fine = (new <= cost + _DESCENT * length * downhill) | (downhill == 0)
            if bool(fine.all()):
                break
            # The minimum of the parabola through both costs and the slope, kept within a tenth and a half.
            rise = (new - cost - length * downhill).to(length.dtype)
            length = torch.where(fine, length, (-0.5 * downhill * length**2 / rise).clamp(0.1 * length, 0.5 * length))
        else:
            return
        fresh = gradient(trial, predicted, slope)
        adjoints += 1
        moved, turned = trial - root, fresh - g
        history = [*history, (moved, turned, dot(moved, turned))][-memory:]
        root, cost, g = trial, new, fresh
        yield Step(root.square(), cost, forwards, adjoints)


def two_loops(
    gradient: Tensor,
    history: list[tuple[Tensor, Tensor, Tensor]],
    dot: Callable[[Tensor, Tensor], Tensor],
    first: tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]],
) -> Tensor:
    """L-BFGS' product of inverse Hessian and gradient; pairs without positive curvature are passed over.

    ``first`` is the inverse Hessian that it starts from, M, as v → M v and as v → vᵀ M v.
    """
    metric, metric_norm = first
    q = gradient.clone()
    shares = []
    for moved, turned, curvature in reversed(history):
        share = torch.where(curvature > 0, dot(moved, q) / curvature, 0)
        q.addcmul_(turned, share, value=-1)
        shares.append(share)
    r = metric(q)
    if history:
        _, turned, curvature = history[-1]
        scale = curvature / metric_norm(turned).clamp(min=1e-30)
        r *= torch.where(curvature > 0, scale, 1)
    for (moved, turned, curvature), share in zip(history, reversed(shares), strict=True):
        back = torch.where(curvature > 0, dot(turned, r) / curvature, 0)
        r.addcmul_(moved, share - back)
    return r
