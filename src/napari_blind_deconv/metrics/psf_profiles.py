"""A PSF as curves and pictures: profiles, sections, and its optical transfer function."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from .kernel import _unit
from .peak import core
from .psf import LATERAL, spacing_of

Array = NDArray[np.float64]
_ANGLES = 72
_FINER = 4  # times the support, so that the transfer function is drawn smoothly


@dataclass(frozen=True)
class PsfProfiles:
    """What a plot of a PSF shows; lengths in ``unit``, frequencies in cycles per ``unit``.

    Attributes
    ----------
    unit
        "µm", or "px" where no voxel size is known.
    radius, radial
        Mean over the circle of that radius about the peak, in the plane through the brightest tap (in 1-D over both
        sides), 1 in the middle.
    axial_position, axial
        The line along z through the peak, 1 at the peak; None in fewer than 3 dimensions.
    sections
        Planes through the brightest tap, 1 at their maximum: "yx", and in 3-D also "zx" and "zy"; the name gives the
        axes of rows and columns. Empty in 1-D.
    spacing
        Length of a tap along "z", "y" and "x", as far as they exist.
    frequency, mtf
        Modulation transfer function of the plane in focus, the mean over directions: the modulus of the transform of
        the plane through the brightest tap; 1 at frequency 0, up to the Nyquist frequency. (That of the sum along z
        would not know a focused wide-field PSF from an aberrated one.)
    axial_frequency, axial_mtf
        The modulus of the transform of the line ``axial``: the transfer function summed over lateral frequencies. (On
        the axis itself a wide-field transfer function vanishes, the missing cone.) None in fewer than 3 dimensions.
    """

    unit: Literal["µm", "px"]
    radius: Array
    radial: Array
    axial_position: Array | None
    axial: Array | None
    sections: dict[str, Array]
    spacing: dict[str, float]
    frequency: Array
    mtf: Array
    axial_frequency: Array | None
    axial_mtf: Array | None


def psf_profiles(psf: ArrayLike, voxel_size_um: Sequence[float] | None = None) -> PsfProfiles:
    """The curves and sections of a PSF.

    Parameters
    ----------
    psf
        Of one to three axes, (z, y, x); the sum is free.
    voxel_size_um
        Positive lengths, one per axis; None: lengths are in pixels.

    Examples
    --------
    >>> x = np.arange(-10, 11)
    >>> profiles = psf_profiles(np.exp(-(x[:, None] ** 2 + x**2) / 8), (0.1, 0.1))
    >>> bool(profiles.mtf[0] == 1), float(profiles.frequency[-1])
    (True, 5.0)
    """
    taps = _unit(psf)
    spacing = spacing_of(taps, voxel_size_um)
    axes = "zyx"[-taps.ndim :]
    top = core(taps)
    count = min(LATERAL, taps.ndim)
    focus = taps[np.unravel_index(int(taps.argmax()), taps.shape)[: taps.ndim - count]]
    radius, radial = _radial(focus, spacing[-count:])
    frequency, mtf = _transfer(focus, spacing[-count:])
    axial_position, axial, axial_frequency, axial_mtf = _axial(taps, top.position, spacing)
    return PsfProfiles(
        unit="px" if voxel_size_um is None else "µm",
        radius=radius,
        radial=radial / radial[0],
        axial_position=axial_position,
        axial=axial,
        sections=_sections(taps, axes),
        spacing=dict(zip(axes, spacing.tolist(), strict=True)),
        frequency=frequency,
        mtf=mtf,
        axial_frequency=axial_frequency,
        axial_mtf=axial_mtf,
    )


def _radial(plane: Array, spacing: Array) -> tuple[Array, Array]:
    """Mean over circles about the peak, a quarter of a tap apart, as far as the support goes on all sides."""
    top = core(plane)
    reach = min(min(p, n - 1 - p) * h for p, n, h in zip(top.position, plane.shape, spacing, strict=True))
    step = spacing.min() / 4
    radius = np.arange(max(1, int(reach / step) + 1)) * step
    offsets = _circles(radius, np.zeros(plane.ndim), spacing)
    # Between the taps the Gaussian of the core is exact; what it leaves over is small, and smooth enough for a spline.
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in plane.shape], indexing="ij"))
    middle = top.position.reshape(-1, *[1] * plane.ndim)
    rest = scipy.ndimage.map_coordinates(plane - top.gaussian(grid - middle), offsets + middle[..., :1], order=3)
    return radius, (top.gaussian(offsets) + rest).mean(0)


def _circles(radius: Array, centre: Array, spacing: Array) -> Array:
    """Places of circles about a centre, of a line's two sides in 1-D, in taps; shape ``(ndim, angles, radii)``."""
    angles = np.arange(_ANGLES) * 2 * np.pi / _ANGLES if spacing.size == LATERAL else np.array([0.0, np.pi])
    directions = np.stack([np.sin(angles), np.cos(angles)][-spacing.size :])
    steps = directions[..., None] * radius / spacing[:, None, None]
    return np.asarray(centre[:, None, None] + steps, np.float64)


def _axial(
    taps: Array, position: Array, spacing: Array
) -> tuple[Array, Array, Array, Array] | tuple[None, None, None, None]:
    if taps.ndim <= LATERAL:
        return None, None, None, None
    places = np.repeat(position[:, None], taps.shape[0], 1)
    places[0] = np.arange(taps.shape[0])
    line = np.maximum(scipy.ndimage.map_coordinates(taps, places, order=5, mode="constant"), 0)
    length = _FINER * line.size
    transfer = np.abs(np.fft.rfft(line, length))
    where = (np.arange(taps.shape[0]) - position[0]) * spacing[0]
    return where, line / line.max(), np.fft.rfftfreq(length, spacing[0]), transfer / transfer[0]


def _transfer(plane: Array, spacing: Array) -> tuple[Array, Array]:
    """Frequencies up to the lower Nyquist frequency, and the mean modulus over directions."""
    shape = [_FINER * n + 1 for n in plane.shape]
    modulus = np.fft.fftshift(np.abs(np.fft.fftn(plane, shape, axes=range(plane.ndim))))
    steps = np.array([1 / (n * h) for n, h in zip(shape, spacing, strict=True)])
    nyquist = float((0.5 / spacing).min())
    frequency = np.linspace(0, nyquist, max(2, int(np.ceil(nyquist / steps.min())) + 1))
    places = _circles(frequency, np.array([n // 2 for n in shape], float), steps)
    # The transform is periodic, and a circle may touch the edge between the last frequency and the first.
    values = scipy.ndimage.map_coordinates(modulus, places, order=1, mode="grid-wrap")
    return frequency, values.mean(0) / modulus.max()


def _sections(taps: Array, axes: str) -> dict[str, Array]:
    top = np.unravel_index(int(taps.argmax()), taps.shape)
    found = {}
    for name in ("yx", "zx", "zy"):
        if set(name) <= set(axes):
            index = tuple(slice(None) if axis in name else at for axis, at in zip(axes, top, strict=True))
            found[name] = taps[index] / taps.max()
    return found
