"""The PSF of a microscope from its pupil function, by scalar diffraction.

    U(x, y, z) = ∫ A(ρ) exp i [ W(ρ) + k z √(n² - NA² ρ²) + k NA (ρ_x x + ρ_y y) ] d²ρ,      PSF = |U|²,           (1)

over the unit disk, k = 2π / λ, n the immersion's index and A = (1 - NA² ρ² / n²)^(-1/4), the aplanatic factor in these
coordinates (Gu 2000, "Advanced Optical Imaging Theory", ch. 6). The aberration W is Gibson & Lanni's (1991,
doi:10.1364/JOSAA.8.001601) for a source at depth d in a sample of index n_s,

    k d [ √(n_s² - NA² ρ²) - n / n_s √(n² - NA² ρ²) ],                                                             (2)

refocused, plus Zernike modes. Each height z is a position of the stage. In a confocal microscope the PSF is the
product of the excitation's and the emission's, the latter convolved with the pinhole; under a light sheet, detection
times the sheet's profile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import fast_shape
from napari_blind_deconv.optics.sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor

Modality = Literal["widefield", "confocal", "light-sheet"]

# Nodes over the pinhole's diameter, of a Gauss-Chebyshev rule, beyond one for every two radians across it.
_PINHOLE_NODES = 12
_LEAST = 1e-6


def _scalar(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


@dataclass(frozen=True)
class Optics:
    """A microscope as its PSF sees it; every number a scalar tensor that may carry a gradient.

    Attributes
    ----------
    modality
        What illuminates and what detects.
    na
        Numerical aperture, below the immersion's index.
    emission_um, excitation_um
        Wavelengths in vacuum; the excitation's matters in a confocal microscope only.
    pinhole_airy
        Diameter of the pinhole in units of the emission's Airy disk, 1.22 λ / NA.
    sheet_um
        Full width at half maximum of the light sheet along z.
    immersion_index, sample_index, depth_um
        Refractive indices, and depth of the source below the cover glass.
    zernike_rad
        Coefficients of the modes that a `Sampling` was made with, in radians (rms) at the emission's wavelength.
    """

    modality: Modality = "widefield"
    na: Tensor = field(default_factory=lambda: _scalar(1.0))
    emission_um: Tensor = field(default_factory=lambda: _scalar(0.52))
    excitation_um: Tensor = field(default_factory=lambda: _scalar(0.488))
    pinhole_airy: Tensor = field(default_factory=lambda: _scalar(1.0))
    sheet_um: Tensor = field(default_factory=lambda: _scalar(3.0))
    immersion_index: Tensor = field(default_factory=lambda: _scalar(1.515))
    sample_index: Tensor = field(default_factory=lambda: _scalar(1.515))
    depth_um: Tensor = field(default_factory=lambda: _scalar(0.0))
    zernike_rad: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))


def psf(optics: Optics, sampling: Sampling, *, shape: Sequence[int] | None = None) -> Tensor:
    """The PSF integrated over pixels: unit sum, non-negative, differentiable in all of the optics' numbers.

    Best focus (where the aberration is least in the mean square) lies in the middle plane, or in a stack within half a
    plane of it: planes keep whole distances from Gibson and Lanni's nominal focus (`Sampling.snap_um`).

    Parameters
    ----------
    optics
        The microscope.
    sampling
        Voxels, and a pupil fine enough for the optics.
    shape
        Shape of the result where it has fewer than three axes, ``(y, x)`` or ``(x,)``.

    Returns
    -------
    Tensor
        ``(z, y, x)``, or ``shape``; the centre tap in the middle.
    """
    emission = _intensity(optics, optics.emission_um, sampling)
    if optics.modality == "confocal":
        excitation = _intensity(optics, optics.excitation_um, sampling)
        emission = _through_pinhole(emission, optics, sampling) * excitation
    elif optics.modality == "light-sheet":
        sheet = torch.exp(-4 * math.log(2) * (sampling.z / optics.sheet_um) ** 2)
        emission = emission * sheet[:, None, None]
    vertical, horizontal = sampling.box
    values = (vertical @ emission @ horizontal.T).clamp(min=0)
    values = values / values.sum()
    return values if shape is None else values.reshape(tuple(shape))


def ideal_psf(optics: Optics, shape: Sequence[int], voxel_size_um: Sequence[float]) -> Tensor:
    """The same microscope without any aberration, in focus: what Strehl ratios are measured against.

    Examples
    --------
    >>> ideal = ideal_psf(Optics(), (9, 15, 15), (0.3, 0.1, 0.1))
    >>> bool(ideal.argmax() == ideal.numel() // 2)
    True
    """
    perfect = replace(
        optics, sample_index=optics.immersion_index, depth_um=_scalar(0.0), zernike_rad=optics.zernike_rad[:0]
    )
    shortest = float(optics.emission_um)
    if optics.modality == "confocal":
        shortest = min(shortest, float(optics.excitation_um))
    sampling = Sampling.of(
        shape, voxel_size_um, na=float(optics.na), wavelength_um=shortest, index=float(optics.immersion_index)
    )
    return psf(perfect, sampling, shape=shape)


def _intensity(optics: Optics, wavelength: Tensor, sampling: Sampling) -> Tensor:
    """|U|² of equation (1) on the fine grid, ``(z, fine y, fine x)``, arbitrary scale."""
    pupil = sampling.pupil
    wave = 2 * math.pi / wavelength
    transverse = optics.na**2 * (pupil.x**2 + pupil.y**2)
    axial = (optics.immersion_index**2 - transverse).clamp(min=_LEAST).sqrt()
    path, decay = _mismatch(optics, transverse, axial)
    focus = _focus(path, axial, sampling)
    # Aberrations of the wave front are lengths: a shorter wave sees more radians.
    zernike = torch.tensordot(optics.zernike_rad.to(pupil.modes), pupil.modes[: len(optics.zernike_rad)], 1)
    phase = wave * (path + focus * axial) + zernike * (optics.emission_um / wavelength)
    amplitude = pupil.weights * (optics.immersion_index / axial).sqrt() * torch.exp(-wave * decay)
    field_in_pupil = torch.polar(amplitude, phase)
    planes = wave * axial[:, None, :] * sampling.z[:, None]
    through = field_in_pupil[:, None, :] * torch.polar(torch.ones_like(planes), planes)
    across, down = (wave * optics.na * place for place in (sampling.fine[1], sampling.fine[0]))
    columns = pupil.x[:, :, None] * across
    rows = down[:, None] * pupil.y[:, 0]
    partial = torch.bmm(through, torch.polar(torch.ones_like(columns), columns))
    values = torch.polar(torch.ones_like(rows), rows) @ partial.flatten(1)
    values = values.unflatten(1, partial.shape[1:]).movedim(0, 1)
    return values.real**2 + values.imag**2


def _mismatch(optics: Optics, transverse: Tensor, axial: Tensor) -> tuple[Tensor, Tensor]:
    """Path of equation (2) over the pupil, and the decay of light beyond the critical angle, both in µm."""
    inside = optics.sample_index**2 - transverse
    path = inside.clamp(min=_LEAST).sqrt() - optics.immersion_index / optics.sample_index * axial
    decay = (-inside).clamp(min=_LEAST).sqrt() - math.sqrt(_LEAST)
    return optics.depth_um * path, optics.depth_um * decay


def _focus(path: Tensor, axial: Tensor, sampling: Sampling) -> Tensor:
    """The stage's move, in µm, that leaves the least aberration, up to the sampling's snap."""
    weights = sampling.pupil.weights
    height = axial - (weights * axial).sum()
    move = -(weights * height * path).sum() / (weights * height**2).sum()
    if not sampling.snap_um:
        return move
    return (move.detach() / sampling.snap_um).round() * sampling.snap_um


def _through_pinhole(intensity: Tensor, optics: Optics, sampling: Sampling) -> Tensor:
    """Intensity convolved with the pinhole's image in the sample, by its transfer function 2 J₁(q) / q."""
    radius = optics.pinhole_airy * 0.61 * optics.emission_um / optics.na
    steps = [place[1] - place[0] for place in sampling.fine]
    shape = intensity.shape[-2:]
    # A pinhole wider than the window and back sees all of it from everywhere.
    reach = [min(math.ceil(float(radius.detach()) / float(step)), n) for step, n in zip(steps, shape, strict=True)]
    canvas = fast_shape([n + 2 * r + 1 for n, r in zip(shape, reach, strict=True)])
    down = torch.fft.fftfreq(canvas[0]).to(intensity) / steps[0]
    across = torch.fft.rfftfreq(canvas[1]).to(intensity) / steps[1]
    angle = 2 * math.pi * radius * (down[:, None] ** 2 + across**2).clamp(min=1e-12).sqrt()
    nodes = _PINHOLE_NODES + math.ceil(float(angle.detach().max()) / 2)
    node = math.pi * torch.arange(1, nodes + 1).to(intensity) / (nodes + 1)
    share = 2 / (nodes + 1) * torch.sin(node) ** 2
    disk = (share * torch.cos(angle[..., None] * torch.cos(node))).sum(-1)
    spectrum = torch.fft.rfft2(intensity, s=canvas) * disk
    return torch.fft.irfft2(spectrum, s=canvas)[..., : shape[0], : shape[1]].clamp(min=0)
