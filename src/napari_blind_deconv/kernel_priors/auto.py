"""The rung is not known either: the ladder itself is the prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SkipValidation

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.kernel_priors.defocus import Defocus
from napari_blind_deconv.kernel_priors.gaussian import Gaussian
from napari_blind_deconv.kernel_priors.lenslets import Lenslets
from napari_blind_deconv.kernel_priors.microscope import Microscope
from napari_blind_deconv.kernel_priors.motion import Motion
from napari_blind_deconv.kernel_priors.quantity import Quantity, physical
from napari_blind_deconv.kernel_priors.simplex import minimise_on_simplex
from napari_blind_deconv.kernel_priors.uniform import Uniform
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor


@component
class Auto:
    """All families are tried, and the evidence chooses, with a penalty on complexity.

    A blur must be better than no blur, also in most parts of the image; otherwise the image is called sharp. The
    microscope is tried if its aperture and wavelength and the voxel size are given.
    """

    kind: Literal["auto"] = "auto"
    na: Annotated[Quantity, physical(0.05, 1.7, mistake="it is engraved on the objective")] = None
    """Numerical aperture, if there is a microscope."""
    emission_um: Annotated[Quantity, physical(0.2, 2.0, "µm", "given in nm? write {thousandth}")] = None
    """Wavelength of the detected light in vacuum, in µm, if there is a microscope."""
    immersion_index: Annotated[Quantity, physical(1.0, 2.0, mistake="air is 1, water 1.33, oil 1.515")] = 1.515
    """Refractive index of the immersion."""
    sample_index: Annotated[Quantity, physical(1.0, 2.0, mistake="air is 1, water 1.33, oil 1.515")] = 1.33
    """Refractive index of the sample."""
    voxel_size_um: Annotated[SkipValidation[Any], Field(exclude=True)] = field(default=None, repr=False, compare=False)
    """Bound at run time by `in_voxels`; never part of the settings' JSON."""

    def __post_init__(self) -> None:
        """Refuse what the microscope would refuse."""
        self._microscopes()

    def in_voxels(self, voxel_size_um: Sequence[float] | None) -> Auto:
        """The same for a voxel size; it may be unknown where no microscope is given."""
        if voxel_size_um is None and self._microscopes():
            raise InputError(
                subject="kernel_prior=auto",
                value="is given `kernel_prior.na` and `kernel_prior.emission_um` of a microscope",
                allowed="which needs the voxel size",
                remedy="give it in µm, (z, y, x), with `voxel_size_um`, or leave them out",
            )
        return replace(self, voxel_size_um=None if voxel_size_um is None else tuple(map(float, voxel_size_um)))

    def rungs(self, ndim: int) -> Sequence[Any]:
        """The parametric rungs that are tried, up the ladder; what none explains in a plane is left to a free form.

        Stacks are not moved while they are seen, and teach a free form too little (decision 0013).
        """
        voxels = self.voxel_size_um
        microscopes = [m.in_voxels(voxels) for m in self._microscopes()] if voxels is not None else []
        return [*microscopes, Gaussian(), Defocus(), *([Motion(), Lenslets()] if ndim < 3 else [])]

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A draw from a rung that is drawn first."""
        rungs = [*self.rungs(len(shape)), Uniform()]
        kernel: Tensor = rungs[int(torch.randint(len(rungs), (1,), generator=generator))].sample(shape, generator)
        return kernel

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """The freest rung's update: a mixture is as wide as its widest member, and the choice is made by evidence."""
        return minimise_on_simplex(statistics, kernel)

    def _microscopes(self) -> list[Microscope]:
        """The one that is described, if any."""
        if self.na is None or self.emission_um is None:
            return []
        return [
            Microscope(
                na=self.na,
                emission_um=self.emission_um,
                immersion_index=self.immersion_index,
                sample_index=self.sample_index,
            )
        ]
