"""What physics has to say about numbers and PSFs: each check gives sentences that a person understands, or none.

A warning is no refusal: what cannot be worked with is refused where it is used.
"""

import math
from collections.abc import Collection, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from napari_blind_deconv._types import whole
from napari_blind_deconv.metrics import describe_kernel
from napari_blind_deconv.metrics.peak import core

Modality = Literal["widefield", "confocal", "light-sheet"]

_COARSER = 1.05  # times the Nyquist interval: less is rounding
_NEARLY = 0.97  # of the index: no objective collects more
_SHEET_BAND = 1.14  # cycles per FWHM, where a Gaussian's spectrum has fallen to 1 %
_MOST_UM, _LEAST_UM = 20.0, 0.005  # what a light microscope's voxel may measure
_ANISOTROPY = 20.0
_UNEQUAL = 0.1
BORDER, GIVEN_BORDER = 0.05, 0.1  # of the light: a wide-field PSF never ends, and a given one is what it is
ONE_TAP = 0.9  # of the light
GIVEN_DELTA = "the given PSF is a single pixel, so deconvolution with it only removes noise; check its voxel size"
_PEDESTAL = 0.2  # of the light


def microscope_doubts(**numbers: Any) -> list[str]:
    """The sentences of `doubts_by_field`."""
    return [sentence for _, sentence in doubts_by_field(**numbers)]


def doubts_by_field(
    *,
    voxel_size_um: Sequence[float | None] | None,
    modality: Modality = "widefield",
    na: float | None = None,
    emission_um: float | None = None,
    excitation_um: float | None = None,
    immersion_index: float | None = None,
    sample_index: float | None = None,
    sheet_um: float | None = None,
    kernel_shape: Sequence[int] | None = None,
    assumed: Collection[str] = (),
) -> list[tuple[str, str]]:
    """Every check that the known numbers allow, by what it is about; ``None`` is a number that is not known.

    ``assumed`` names those that nobody gave.
    """
    told = [
        *(("emission_um", sentence) for sentence in wavelength_doubts("emission_um", emission_um)),
        *(("excitation_um", sentence) for sentence in wavelength_doubts("excitation_um", excitation_um)),
        *(
            ("na", sentence)
            for sentence in index_doubts(na, immersion_index, sample_index, assumed="sample_index" in assumed)
        ),
        *(("voxel_size_um", sentence) for sentence in voxel_doubts(voxel_size_um)),
    ]
    lengths = whole(voxel_size_um)
    if told or lengths is None or na is None or emission_um is None or immersion_index is None:
        return told
    coarse = nyquist_doubts(
        lengths,
        modality=modality,
        na=na,
        emission_um=emission_um,
        excitation_um=excitation_um,
        immersion_index=immersion_index,
        sheet_um=sheet_um,
    )
    told += [("voxel_size_um", sentence) for sentence in coarse]
    shape = tuple(kernel_shape or ())
    shape = shape * len(lengths) if len(shape) == 1 else shape
    if shape and len(shape) == len(lengths):
        cut = support_doubts(shape, lengths, na, emission_um, immersion_index)
        told += [("kernel_size", sentence) for sentence in cut]
    return told


def nyquist_um(
    *,
    modality: Modality = "widefield",
    na: float,
    emission_um: float,
    immersion_index: float,
    excitation_um: float | None = None,
    sheet_um: float | None = None,
) -> tuple[float, float]:
    """The coarsest voxel, axial and lateral, in µm, that loses nothing which the optics transmit.

    Wide field: λ / (2 n (1 - cos θ)) and λ / (4 NA), sin θ = NA / n. Confocal: half of that at the excitation's
    wavelength, as for a closed pinhole. Light sheet: wide field, and the axial band widened by that of the sheet.

    Examples
    --------
    >>> [round(length, 3) for length in nyquist_um(na=1.3, emission_um=0.52, immersion_index=1.515)]
    [0.353, 0.1]
    """
    cosine = math.sqrt(max(0.0, 1 - (na / immersion_index) ** 2))
    wavelength = (excitation_um or emission_um) if modality == "confocal" else emission_um
    axial, lateral = wavelength / (2 * immersion_index * (1 - cosine)), wavelength / (4 * na)
    if modality == "confocal":
        return axial / 2, lateral / 2
    if modality == "light-sheet" and sheet_um is not None:
        axial = 1 / (1 / axial + 2 * _SHEET_BAND / sheet_um)
    return axial, lateral


def nyquist_doubts(
    voxel_size_um: Sequence[float],
    *,
    modality: Modality = "widefield",
    na: float,
    emission_um: float,
    immersion_index: float,
    excitation_um: float | None = None,
    sheet_um: float | None = None,
) -> list[str]:
    """Voxels, (z, y, x) or (y, x), that are too coarse for the optics."""
    if not 0 < na < immersion_index:
        return []
    axial, lateral = nyquist_um(
        modality=modality,
        na=na,
        emission_um=emission_um,
        immersion_index=immersion_index,
        excitation_um=excitation_um,
        sheet_um=sheet_um,
    )
    told = []
    across = max(voxel_size_um[-2:])
    if across > _COARSER * lateral:
        told.append(
            f"pixels of {across:.3g} µm are too coarse for {modality} at NA {na:g}, which resolves detail that needs "
            f"{lateral:.3g} µm (Nyquist): that detail is lost or false; use a higher magnification or no binning"
        )
    if len(voxel_size_um) == 3 and voxel_size_um[0] > _COARSER * axial:
        told.append(
            f"planes {voxel_size_um[0]:.3g} µm apart are too few for {modality} at NA {na:g}, which needs "
            f"{axial:.3g} µm (Nyquist): detail along z is lost or false; record planes closer together"
        )
    return told


def index_doubts(
    na: float | None, immersion_index: float | None, sample_index: float | None = None, *, assumed: bool = False
) -> list[str]:
    """A numerical aperture that its immersion or the sample can hardly have.

    ``assumed`` says that nobody gave the sample's index, so that it may as well be that which is wrong.
    """
    if na is None:
        return []
    if immersion_index is not None and na >= immersion_index:
        return [
            f"NA {na:g} must be below the index of the immersion, {immersion_index:g}; is the "
            "immersion oil (1.515), glycerol (1.47), water (1.33) or air (1)?"
        ]
    if immersion_index is not None and na > _NEARLY * immersion_index:
        return [
            f"NA {na:g} is within 3 % of the index of the immersion, {immersion_index:g}, closer than real objectives; "
            "check both numbers"
        ]
    if sample_index is not None and na > sample_index:
        if assumed:
            return [
                f"NA {na:g} exceeds the index of the sample, {sample_index:g}, which is assumed because none is given: "
                "away from the cover glass the outermost rays are lost, and the objective works like one with NA "
                f"{sample_index:g}; give `kernel_prior.sample_index` if the sample lies in glycerol (1.47) or the like"
            ]
        return [
            f"NA {na:g} exceeds the index of the sample, {sample_index:g}: away from the cover glass the outermost "
            f"rays are lost, and the objective works like one with NA {sample_index:g}"
        ]
    return []


def wavelength_doubts(name: str, wavelength_um: float | None) -> list[str]:
    """A wavelength that is no light, most likely in nanometres."""
    if wavelength_um is None or 0.2 <= wavelength_um <= 2:
        return []
    if 200 <= wavelength_um <= 2000:
        return [f"{name} is {wavelength_um:g} µm, which looks like nanometres; give {wavelength_um / 1000:g}"]
    return [f"{name} is {wavelength_um:g} µm, which is outside the range of light microscopes (0.2 to 2 µm); check it"]


def voxel_doubts(voxel_size_um: Sequence[float | None] | None) -> list[str]:
    """Voxels that are no light microscope's: a wrong unit, a missing spacing; lengths that are unknown say nothing."""
    known = [length for length in voxel_size_um or () if length is not None]
    if not known:
        return []
    size = " x ".join(f"{length:g}" for length in known)
    for length in known:
        if not _LEAST_UM <= length <= _MOST_UM:
            meant = f"in nanometres it would be {length / 1000:g} µm" if length > _MOST_UM else "metres or millimetres?"
            return [f"voxels of {size} µm are not plausible for a light microscope; check the unit: {meant}"]
    told = []
    *_, down, across = (None, None, *(voxel_size_um or ()))
    if max(known) > _ANISOTROPY * min(known):
        told.append(
            f"voxels of {size} µm are {max(known) / min(known):.0f} times longer than wide; one of "
            "the lengths may be missing or in another unit; check them"
        )
    elif across is not None and down is not None and abs(across / down - 1) > _UNEQUAL:
        told.append(f"voxels of {size} µm are not square in the plane, as camera pixels are; check y and x")
    return told


def support_doubts(
    kernel_shape: Sequence[int],
    voxel_size_um: Sequence[float],
    na: float,
    emission_um: float,
    immersion_index: float,
) -> list[str]:
    """A support, in taps, that is smaller than the focus: between the first minima, 1.22 λ / NA across, 2 λ / (n
    (1 - cos θ)) along z.
    """
    if not 0 < na < immersion_index:
        return []
    along = 2 * emission_um / (immersion_index * (1 - math.sqrt(1 - (na / immersion_index) ** 2)))
    expected = [along, 1.22 * emission_um / na, 1.22 * emission_um / na][-len(kernel_shape) :]
    needed = [2 * math.ceil(length / 2 / h) + 1 for length, h in zip(expected, voxel_size_um, strict=True)]
    if all(n >= m for n, m in zip(kernel_shape, needed, strict=True)):
        return []
    wanted = [max(n, m) for n, m in zip(kernel_shape, needed, strict=True)]
    return [
        f"a PSF of {_sizes(kernel_shape)} pixels is smaller than the focus of NA {na:g} at {emission_um:g} µm ("
        f"{' x '.join(f'{length:.2g}' for length in expected)} µm); choose a `kernel_size` of {_sizes(wanted)} or more"
    ]


def psf_doubts(psf: ArrayLike) -> list[str]:
    """A given PSF that is off its centre, stands on a background, is cut by its support or is finer than a voxel."""
    taps = np.maximum(np.asarray(psf, float), 0)
    total = float(taps.sum())
    if not total > 0:
        return []
    told = []
    floor = float(np.quantile(taps, 0.1))
    peak = core(taps).position - np.array(taps.shape) // 2
    light = np.array(describe_kernel(np.maximum(taps - floor, 0))["centroid_px"]) if floor < taps.max() else peak
    # Both, because a path peaks anywhere, and spherical aberration moves the light away from the peak.
    if (np.minimum(np.abs(peak), np.abs(light))[np.sign(peak) == np.sign(light)] > 1).any():
        places = ", ".join(f"{step:+.1f}" for step in peak)
        told.append(
            f"the given PSF peaks ({places}) pixels away from its centre: the restored image is shifted in the "
            "opposite direction; centre the PSF if that matters"
        )
    pedestal = floor * taps.size / total
    if taps.size > 100 and pedestal > _PEDESTAL:
        told.append(
            f"{pedestal:.0%} of the light of the given PSF is a constant background; subtract the offset of the "
            "camera from the PSF"
        )
    elif (border := describe_kernel(taps)["border_fraction"]) > GIVEN_BORDER:
        told.append(given_cut(border))
    if taps.size > 1 and taps.max() > ONE_TAP * total:
        told.append(GIVEN_DELTA)
    return told


def given_cut(border: float) -> str:
    """What a given PSF with this share of its light on its border is told."""
    return f"{border:.0%} of the light of the given PSF lies on its border: the PSF is cut off; give a larger one"


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(str(n) for n in shape)
