"""The figures of a pupil that may change over the field: depth, then depth and aberrations; the objective stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from napari_blind_deconv._torch import torch
from napari_blind_deconv.kernel_priors.figures import Figures
from napari_blind_deconv.kernel_priors.fit import Fit, Parameter
from napari_blind_deconv.kernel_priors.quantity import Unknown
from napari_blind_deconv.optics import Sampling

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Figures", "pupil_figures"]


class Pupil(Protocol):
    """A model of optics with free numbers."""

    def unknowns(self, ndim: int) -> list[Unknown]:
        """The free numbers."""
        ...

    def sampling(self, shape: tuple[int, ...], dtype: torch.dtype) -> Sampling:
        """The voxels of a support."""
        ...

    def kernel(self, values: dict[str, Tensor], sampling: Sampling, shape: tuple[int, ...]) -> Tensor:
        """The kernel in which the unknowns have these values."""
        ...


def pupil_figures(pupil: Pupil, fit: Fit, shape: tuple[int, ...]) -> Figures:
    """Coordinates of the free numbers at a fit.

    Parameters
    ----------
    pupil
        What was fitted.
    fit
        The fit; its kernel may have been turned by 180°, and its aberrations have the other sign then.
    shape
        Support of the kernel.
    """
    unknowns, sampling = pupil.unknowns(len(shape)), pupil.sampling(shape, torch.float32).to(fit.kernel.device)
    start = fit.kernel.new_tensor([u.coordinate(fit.parameters[u.name].value) for u in unknowns])

    def values(theta: Tensor) -> dict[str, Tensor]:
        return {u.name: u.value(c) for u, c in zip(unknowns, theta, strict=True)}

    def described(theta: Tensor) -> dict[str, Parameter]:
        return {u.name: Parameter(float(v), unit=u.unit) for u, v in zip(unknowns, values(theta).values(), strict=True)}

    def cost(theta: Tensor) -> Tensor:
        return torch.stack([u.cost(v) for u, v in zip(unknowns, values(theta).values(), strict=True)]).sum()

    axes = tuple(range(fit.kernel.ndim))
    sign = fit.kernel.new_tensor([-1.0 if u.name.startswith("zernike_") else 1.0 for u in unknowns])

    def upright(theta: Tensor) -> Tensor:
        return pupil.kernel(values(theta), sampling, shape).to(fit.kernel)

    def turned(theta: Tensor) -> Tensor:
        return upright(theta * sign).flip(axes)

    with torch.no_grad():
        misses = [float((of(start) - fit.kernel).norm()) for of in (upright, turned)]
    everything = torch.eye(len(unknowns)).to(start)
    depth = [i for i, u in enumerate(unknowns) if u.name == "depth_um"]
    both = depth + [i for i, u in enumerate(unknowns) if u.name.startswith("zernike_")]
    spans = [depth, both] if depth and len(both) > len(depth) else [both]
    directions = tuple(everything[span] for span in spans if span)
    return Figures(start, directions, upright if misses[0] <= misses[1] else turned, cost, described)
