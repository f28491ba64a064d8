"""The PSF of a microscope of which some numbers are known: optics instead of pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SkipValidation

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.kernel_priors.descent import minimum
from napari_blind_deconv.kernel_priors.fit import Fit, Parameter
from napari_blind_deconv.kernel_priors.microscope_numbers import (
    FIRST_MODE,
    FREE,
    LAST_MODE,
    below,
    least,
    mode,
    modes,
    most,
    unknown_of,
)
from napari_blind_deconv.kernel_priors.pupil_figures import Figures, pupil_figures
from napari_blind_deconv.kernel_priors.pupil_fit import PupilFit
from napari_blind_deconv.kernel_priors.quantity import Quantity, Unknown, one_per_channel, physical
from napari_blind_deconv.kernel_priors.upright import upright
from napari_blind_deconv.optics import Modality, Optics, Sampling, psf
from napari_blind_deconv.statistics import KernelStatistics

if TYPE_CHECKING:
    from torch import Tensor

_NANOMETRES = "given in nm? write {thousandth}"
_INDEX = physical(1.0, 2.0, mistake="air is 1, water 1.33, glycerol 1.47, oil 1.515")
_WAVELENGTH = physical(0.2, 2.0, "µm", _NANOMETRES)
_WAVELENGTHS = one_per_channel(0.2, 2.0, "µm", _NANOMETRES)

_PLURALS = {"emission_um": "emissions_um", "excitation_um": "excitations_um"}
_CONFOCAL_ONLY, _SHEET_ONLY = {"excitation_um", "pinhole_airy"}, {"sheet_um"}
_UPDATE_ITERATIONS = 40
# Distance from its 180° turn, relative to its norm, below which a PSF is as good as even.
_LOPSIDED = 0.1


def _no_voxels() -> InputError:
    return InputError(
        subject="kernel_prior=microscope",
        value="needs the voxel size, which is not known for the image",
        remedy="give it in µm, (z, y, x), with `voxel_size_um`",
    )


@component
class Microscope:
    """A scalar pupil model whose numbers are fixed, held between two bounds, or free (``null``).

    Free numbers are fitted by evidence, each with an error bar. It needs the voxel size.
    """

    kind: Literal["microscope"] = "microscope"
    modality: Modality = "widefield"
    """Type of microscope: widefield, confocal or light-sheet."""
    na: Annotated[Quantity, physical(0.05, 1.7, mistake="it is engraved on the objective")] = None
    """Numerical aperture, below the index of the immersion."""
    emission_um: Annotated[Quantity, _WAVELENGTH] = None
    """Wavelength of the detected light in vacuum, in µm."""
    emissions_um: Annotated[tuple[Quantity, ...] | None, _WAVELENGTHS] = None
    """Emission of each channel in place of `emission_um`, in µm, as [0.46, 0.52, 0.61]; null: the same for all."""
    excitation_um: Annotated[Quantity, _WAVELENGTH] = None
    """Wavelength of the laser in vacuum, in µm; confocal only."""
    excitations_um: Annotated[tuple[Quantity, ...] | None, _WAVELENGTHS] = None
    """Laser of each channel in place of `excitation_um`, in µm; null: the same for all. Confocal only."""
    pinhole_airy: Annotated[Quantity, physical(0.05, 20.0, "Airy disks")] = 1.0
    """Diameter of the pinhole in Airy disks; confocal only."""
    sheet_um: Annotated[Quantity, physical(0.2, 50.0, "µm", _NANOMETRES)] = 3.0
    """Thickness of the light sheet, full width at half maximum, in µm; light-sheet only."""
    immersion_index: Annotated[Quantity, _INDEX] = 1.515
    """Refractive index of the immersion: air 1, water 1.33, oil 1.515."""
    sample_index: Annotated[Quantity, _INDEX] = 1.33
    """Refractive index of the sample."""
    depth_um: Annotated[
        Quantity, physical(0.0, 500.0, "µm", "depth is measured from the cover glass into the sample")
    ] = None
    """Depth below the cover glass, in µm; it has an effect only if the two indices differ."""
    zernike_rad: Annotated[tuple[Quantity, ...] | None, BeforeValidator(modes)] = None
    """Aberrations from Noll's mode 4 on, in radians rms, as [0.3, 0, 0.1]; [] for none, null for modes 4 to 11 free."""
    voxel_size_um: Annotated[SkipValidation[Any], Field(exclude=True)] = field(default=None, repr=False, compare=False)
    """Bound at run time by `in_voxels`; never part of the settings' JSON."""

    def __post_init__(self) -> None:
        """Refuse an aperture that no light can fill."""
        aperture, index = least(self.na), most(self.immersion_index)
        if aperture is not None and index is not None and aperture >= index:
            raise InputError(
                subject="kernel_prior.na",
                value=f"{aperture:g}",
                allowed=f"must be below `kernel_prior.immersion_index` {index:g}: light cannot be steeper than 90°",
                remedy="check the immersion: air 1, water 1.33, glycerol 1.47, oil 1.515",
            )

    def in_voxels(self, voxel_size_um: Sequence[float] | None) -> Microscope:
        """The same microscope with the camera's voxels, (z, y, x) or (y, x) in µm."""
        if voxel_size_um is None:
            raise _no_voxels()
        return replace(self, voxel_size_um=tuple(float(v) for v in voxel_size_um))

    def of_channel(self, index: int, count: int) -> Microscope:
        """The same microscope as one of ``count`` channels sees it, counted from 0.

        Raises
        ------
        InputError
            Where wavelengths are given of another number of channels.
        """
        own: dict[str, Any] = {}
        for name, several in (("emission_um", self.emissions_um), ("excitation_um", self.excitations_um)):
            if several is None:
                continue
            if len(several) != count:
                channels = "1 channel" if count == 1 else f"{count} channels"
                raise InputError(
                    subject=f"kernel_prior.{_PLURALS[name]}",
                    value=f"of {len(several)} channel{'s' * (len(several) > 1)}",
                    allowed=f"but the image has {channels}",
                    remedy=f"give one per channel, or `kernel_prior.{name}` for all of them",
                )
            own |= {name: several[index], _PLURALS[name]: None}
        return replace(self, **own) if own else self

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """The PSF of numbers drawn from the prior."""
        drawn = {u.name: torch.tensor(u.draw(generator)) for u in self.unknowns(len(shape))}
        if "na" in drawn:
            drawn["na"] = drawn["na"].clamp(max=0.98 * float(self.numbers(drawn)["immersion_index"]))
        return self.kernel(drawn, self.sampling(shape), shape).float()

    def fit(self, evidence: Evidence, shape: tuple[int, ...], weight: float = 1.0) -> Iterator[Fit]:
        """Find the free numbers by the evidence alone.

        Parameters
        ----------
        evidence
            The observation.
        shape
            Odd shape of the kernel, one axis per spatial axis.
        weight
            How many times the prior's cost counts.

        Yields
        ------
        Fit
            The best PSF so far; the last one is the answer, with every free number and its error.
        """
        sampling = self.sampling(shape, torch.float32).to(evidence.periodogram.device)
        if not self.unknowns(len(shape)):
            yield Fit(self.kernel({}, sampling, shape).to(evidence.periodogram))
            return
        smooth = replace(sampling, snap_um=0.0)  # moving along z, a PSF keeps its evidence

        def kernel_of(values: dict[str, Tensor]) -> Tensor:
            return self.kernel(values, smooth, shape).to(evidence.periodogram)

        for fit in PupilFit(evidence, self.unknowns(len(shape)), kernel_of, weight).steps():
            if not fit.parameters:
                yield fit
                continue
            found = {name: torch.tensor(parameter.value) for name, parameter in fit.parameters.items()}
            kernel = self.kernel(found, sampling, shape).to(evidence.periodogram)
            turned = _lopsided(kernel) and upright(evidence, kernel) is not kernel
            yield _turned(kernel, fit.parameters) if turned else Fit(kernel, fit.parameters)

    def figures(self, fit: Fit, shape: tuple[int, ...]) -> Figures:
        """The free numbers at a fit: depth and aberrations may vary."""
        return pupil_figures(self, fit, shape)

    def update(self, statistics: KernelStatistics, kernel: Tensor, weight: float) -> Tensor:
        """The numbers' M-step on kernel statistics, from those that come nearest to ``kernel``.

        The statistics are in nats; ``weight`` multiplies the prior's cost.
        """
        shape = tuple(kernel.shape)
        sampling, unknowns = self.sampling(shape, torch.float32).to(kernel.device), self.unknowns(len(shape))

        def of(coordinates: Tensor) -> Tensor:
            values = {u.name: u.value(c) for u, c in zip(unknowns, coordinates, strict=True)}
            return self.kernel(values, sampling, shape)

        def cost(coordinates: Tensor) -> Tensor:
            return torch.stack([u.cost(u.value(c)) for u, c in zip(unknowns, coordinates, strict=True)]).sum()

        def distance(coordinates: Tensor) -> Tensor:
            return 1e3 * (of(coordinates) - kernel).square().sum() / kernel.square().sum() + 1e-2 * cost(coordinates)

        def energy(coordinates: Tensor) -> Tensor:
            return statistics.energy(of(coordinates), kernel) + weight * cost(coordinates)

        if not unknowns:
            return self.kernel({}, sampling, shape)
        start = torch.tensor([u.coordinate(u.start) for u in unknowns]).to(kernel)
        [near] = minimum(distance, [start], _UPDATE_ITERATIONS)
        [found] = minimum(energy, [near], _UPDATE_ITERATIONS)
        return of(found).detach()

    def unknowns(self, ndim: int) -> list[Unknown]:
        """What is to be fitted: the fields that are not fixed and that matter here."""
        idle = set() if self.modality == "confocal" else set(_CONFOCAL_ONLY)
        idle |= set() if self.modality == "light-sheet" and ndim == 3 else _SHEET_ONLY
        if isinstance(self.sample_index, float) and self.sample_index == self.immersion_index:
            idle |= {"depth_um"}
        found = [unknown_of(free.name, getattr(self, free.name), free) for free in FREE if free.name not in idle]
        index = most(self.immersion_index) or FREE[5].high
        found = [below(u, 0.99 * index) if u and u.name == "na" else u for u in found]
        return [u for u in [*found, *self._aberrations(ndim)] if u is not None]

    def _aberrations(self, ndim: int) -> list[Unknown | None]:
        """Unknown Zernike coefficients; in a stack, a free defocus would only be a shift along z."""
        if self.zernike_rad is None:
            first = FIRST_MODE + (ndim == 3)
            return [mode(j) for j in range(first, LAST_MODE + 1)]
        return [unknown_of(f"zernike_{j}", v, mode(j)) for j, v in enumerate(self.zernike_rad, start=FIRST_MODE)]

    def numbers(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Every field's number: the given value of an unknown, the field itself where it is fixed, else its default."""
        found = {}
        for free in FREE:
            own = getattr(self, free.name)
            fallback = torch.tensor(own if isinstance(own, float) else free.centre)
            found[free.name] = values.get(free.name, fallback)
        return found

    def optics(self, values: dict[str, Tensor], device: torch.device | None = None) -> Optics:
        """The microscope in which the unknowns have these values."""
        fixed = self.zernike_rad or ()
        coefficients = []
        for j in self._noll_indices():
            own = fixed[j - FIRST_MODE] if j - FIRST_MODE < len(fixed) else None
            coefficients.append(values.get(f"zernike_{j}", torch.tensor(own if isinstance(own, float) else 0.0)))
        zernike = torch.stack([c.float().to(device) for c in coefficients] or [torch.zeros(0)]).flatten()
        there = {"zernike_rad": zernike, **self.numbers(values)}
        return Optics(modality=self.modality, **{name: number.to(device) for name, number in there.items()})

    def sampling(self, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> Sampling:
        """The voxels of a support, resolved for the highest aperture and shortest wave that the fields allow."""
        if self.voxel_size_um is None:
            raise _no_voxels()
        voxels = self.voxel_size_um[-len(shape) :]
        if len(voxels) != len(shape):
            raise InputError(
                subject="voxel_size_um",
                value=f"{self.voxel_size_um} has too few axes",
                allowed=f"but the PSF has shape {shape}",
                remedy="give one length per axis",
            )
        unknown = {u.name: u for u in self.unknowns(len(shape))}
        numbers = {name: float(v) for name, v in self.numbers({}).items()}
        high = {name: unknown[name].high if name in unknown else v for name, v in numbers.items()}
        low = {name: unknown[name].low if name in unknown else v for name, v in numbers.items()}
        waves = [low["emission_um"]] + ([low["excitation_um"]] if self.modality == "confocal" else [])
        return Sampling.of(
            shape,
            voxels,
            na=high["na"],
            wavelength_um=min(waves),
            index=max(low["immersion_index"], high["na"]),
            noll_indices=self._noll_indices(),
            depth_um=high["depth_um"] if high["sample_index"] != high["immersion_index"] else 0.0,
            dtype=dtype,
        )

    def kernel(self, values: dict[str, Tensor], sampling: Sampling, shape: tuple[int, ...]) -> Tensor:
        """The PSF in which the unknowns have these values, where the sampling lies."""
        return psf(self.optics(values, sampling.z.device), sampling, shape=shape)

    def _noll_indices(self) -> tuple[int, ...]:
        last = LAST_MODE if self.zernike_rad is None else FIRST_MODE + len(self.zernike_rad) - 1
        return tuple(range(FIRST_MODE, last + 1))


def _lopsided(kernel: Tensor) -> bool:
    """Whether a kernel differs from its 180° turn enough for an image to tell."""
    turned = kernel.flip(tuple(range(kernel.ndim)))
    return float((kernel - turned).norm()) > _LOPSIDED * float(kernel.norm())


def _turned(kernel: Tensor, parameters: Mapping[str, Parameter]) -> Fit:
    """The turned kernel: every aberration of the other sign, and depth counted against the stack's direction."""
    turned = {n: p._replace(value=-p.value) if n.startswith("zernike_") else p for n, p in parameters.items()}
    return Fit(kernel.flip(tuple(range(kernel.ndim))), turned)
