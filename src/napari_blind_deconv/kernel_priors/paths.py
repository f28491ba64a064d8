"""Trajectories: control points, their prior, and the kernel that a camera or stage moving along them leaves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor


# Directions tried per length, at most; a half circle needs about one per pixel of length, a half sphere their square.
_MOST_DIRECTIONS = 96


def kernel_of(points: Tensor, shape: Sequence[int], width: float) -> Tensor:
    """The kernel of a motion at constant speed along straight segments, integrated over the pixel.

    The trajectory is cut into steps of about half a pixel; each leaves a Gaussian, which separates over the axes, so
    that the kernel is one contraction over the steps.

    Parameters
    ----------
    points
        Control points in pixels from the centre tap, ``(..., points, ndim)``.
    shape
        Odd shape of the kernel, ``ndim`` axes. What leaves it is lost.
    width
        Standard deviation of the trace across the path, in pixels, > 0.

    Returns
    -------
    Tensor
        Unit sum, ``(..., *shape)``, differentiable in ``points``.

    Examples
    --------
    >>> kernel = kernel_of(torch.tensor([[0.0, -2.0], [0.0, 2.0]]), (7, 7), 0.45)
    >>> bool(kernel[3, 1:6].sum() > 0.7)
    True
    """
    places = at_constant_speed(points, 2 * max(shape))
    outer = torch.ones_like(places[..., :1])
    for axis, n in enumerate(shape):
        edges = torch.arange(n + 1, dtype=points.dtype, device=points.device) - n // 2 - 0.5
        trace = torch.erf((edges - places[..., axis, None]) / (width * math.sqrt(2))).diff(dim=-1)
        if axis == len(shape) - 1:
            outer = outer.transpose(-1, -2) @ trace
        else:
            outer = (outer[..., None] * trace[..., None, :]).flatten(-2)
    flat = outer.flatten(-2)
    return (flat / flat.sum(-1, keepdim=True).clamp(min=1e-12)).unflatten(-1, tuple(shape))


def at_constant_speed(points: Tensor, steps: int) -> Tensor:
    """``steps`` places along the path through ``points``, equally far apart, ``(..., steps, ndim)``."""
    lengths = segment_lengths(points)
    reached = torch.cat([torch.zeros_like(lengths[..., :1]), lengths.cumsum(-1)], -1)
    fractions = (torch.arange(steps, dtype=points.dtype, device=points.device) + 0.5) / steps
    travelled = fractions * reached[..., -1:]
    segment = torch.searchsorted(reached.detach(), travelled.detach()) - 1
    segment = segment.clamp(0, lengths.shape[-1] - 1)
    share = ((travelled - reached.gather(-1, segment)) / lengths.gather(-1, segment))[..., None]
    index = segment[..., None].expand(*segment.shape, points.shape[-1])
    return points.gather(-2, index) * (1 - share) + points.gather(-2, index + 1) * share


def segment_lengths(points: Tensor) -> Tensor:
    """Lengths between control points, ``(..., points - 1)``, smooth at zero."""
    return (points.diff(dim=-2).square().sum(-1) + 1e-6).sqrt()


def bending(points: Tensor, turn_rad: float) -> Tensor:
    """-log p of a path whose direction walks at random, in nats, one value per path.

    The direction changes at each inner control point by a normal step; over the whole path the changes add up to
    ``turn_rad`` (root mean square). Segments of unequal length cost alike.
    """
    segments = points.diff(dim=-2)
    mean = segment_lengths(points).mean(-1)[..., None, None]
    steps = max(points.shape[-2] - 2, 1)
    return 0.5 * (segments.diff(dim=-2) / mean).square().sum((-1, -2)) * steps / turn_rad**2


def lines(shape: Sequence[int], points: int, like: Tensor) -> Tensor:
    """Straight paths over lengths (ratio 1.22, from 3 px) and directions, centred, ``(lines, points, ndim)``."""
    longest = max(shape)
    count = max(2, math.ceil(math.log(longest / 3) / math.log(1.22)) + 1) if longest > 3 else 1
    found = []
    for length in torch.logspace(math.log10(min(3, longest)), math.log10(longest), count, dtype=torch.float64).tolist():
        directions = half_sphere(shape, length).to(like)
        fits = (directions.abs() * length <= torch.tensor(shape).to(like)).all(-1)
        along = torch.linspace(-0.5, 0.5, points, dtype=like.dtype, device=like.device)
        found.append(length * along[:, None] * directions[fits][:, None, :])
    return torch.cat(found)


def half_sphere(shape: Sequence[int], length: float) -> Tensor:
    """Unit directions, one of each opposite pair, a pixel apart at the end of ``length``; none along axes of 1."""
    free = [a for a, n in enumerate(shape) if n > 1]
    out = torch.zeros(1, len(shape))
    if len(free) == 2:
        count = min(_MOST_DIRECTIONS, max(6, math.ceil(1.2 * length)))
        angles = torch.arange(count) * (math.pi / count)
        out = torch.zeros(count, len(shape))
        out[:, free[0]], out[:, free[1]] = angles.sin(), angles.cos()
    elif len(free) > 2:
        count = min(_MOST_DIRECTIONS, max(12, math.ceil(length**2 / 4)))
        # Spherical Fibonacci lattice on the upper half (Gonzalez 2010, doi:10.1007/s11004-009-9257-x).
        height = (torch.arange(count) + 0.5) / count
        angles = torch.arange(count) * math.pi * (3 - math.sqrt(5))
        ring = (1 - height**2).sqrt()
        out = torch.zeros(count, len(shape))
        out[:, free[-3]], out[:, free[-2]], out[:, free[-1]] = height, ring * angles.sin(), ring * angles.cos()
    elif free:
        out[:, free[0]] = 1.0
    return out


def bends(line: Tensor, free: Sequence[int]) -> Tensor:
    """Arcs, S-shapes and W-shapes of a straight path, itself among them, ``(bends, points, ndim)``.

    One side is enough for the arc: the other is its 180° turn, which the evidence cannot tell apart.
    """
    chord = line[-1] - line[0]
    length = float(chord.norm())
    along = torch.linspace(0, 1, line.shape[0], dtype=line.dtype, device=line.device)
    waves = torch.stack([torch.cos(math.pi * n * along) for n in (2, 3, 4)])
    grid = list(itertools.product((0.0, 0.05, 0.12), (-0.08, 0.0, 0.08), (-0.05, 0.0, 0.05)))
    shapes = length * torch.tensor(grid, dtype=line.dtype, device=line.device) @ waves
    basis = torch.eye(line.shape[1], dtype=line.dtype, device=line.device)[list(free)]
    frame = torch.linalg.qr(torch.cat([chord[None] / max(length, 1e-6), basis]).T).Q[:, 1 : len(free)]
    sideways = [line + shapes[..., None] * normal for normal in frame.T]
    return torch.cat(sideways) if sideways else line[None]


def best_of_each_length(paths: Tensor, values: Tensor) -> list[int]:
    """Place of the best straight path of every length, best first.

    A short line can beat every straight line of a bent path's true length; bent, the long one wins.
    """
    lengths = (paths[:, -1] - paths[:, 0]).norm(dim=-1).round(decimals=2).tolist()
    best: dict[float, int] = {}
    for place in values.argsort().tolist():
        best.setdefault(lengths[place], place)
    return list(best.values())
