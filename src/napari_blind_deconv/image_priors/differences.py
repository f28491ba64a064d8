"""Difference filters along the axes, weighted by the pixel's size."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor


def forward_differences(spacing: tuple[float, ...]) -> list[Tensor]:
    """First differences ``x[i+1] - x[i]`` per axis, divided by the axis' relative spacing.

    A z-step of three pixel sizes may change three times as much as an x-step before it is as steep.
    """
    return [_along(axis, torch.tensor([1.0, -1.0, 0.0]), spacing) / spacing[axis] for axis in range(len(spacing))]


def second_differences(spacing: tuple[float, ...]) -> list[Tensor]:
    """Second differences: one per axis, and per pair of axes a mixed one that counts twice (√2), as in ‖∇²x‖²."""
    pure = [_along(a, torch.tensor([1.0, -2.0, 1.0]), spacing) / spacing[a] ** 2 for a in range(len(spacing))]
    mixed = []
    for a, b in itertools.combinations(range(len(spacing)), 2):
        outer = torch.zeros([3 if axis in (a, b) else 1 for axis in range(len(spacing))])
        corner = torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
        outer += corner.reshape(outer.shape)
        mixed.append(math.sqrt(2) * outer / (spacing[a] * spacing[b]))
    return pure + mixed


def _along(axis: int, taps: Tensor, spacing: tuple[float, ...]) -> Tensor:
    return taps.reshape([-1 if a == axis else 1 for a in range(len(spacing))])
