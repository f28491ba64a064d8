"""Where a PSF is wanted: voxels, how finely light is sampled inside them, and how much pupil that takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from napari_blind_deconv._torch import torch
from napari_blind_deconv.optics.pupil import Pupil

if TYPE_CHECKING:
    from torch import Tensor

# Fine samples beyond the support whose light still counts in the outermost pixels.
_MARGIN = 4
# Rows of the pupil beyond what the phases across it ask for.
_SPARE_ROWS, _MOST_ROWS = 10, 160


@dataclass(frozen=True)
class Sampling:
    """Planes and pixels of a PSF, and the pupil that resolves it there.

    Attributes
    ----------
    z
        Heights of the planes in µm, the middle one at 0.
    fine
        Places along (y, x) at which intensity is computed, in µm: no coarser than its Nyquist distance.
    box
        Matrices that integrate fine samples over pixels, along (y, x), ``(pixels, fine)``: exact for band-limited
        intensity, up to what lies beyond the margin.
    pupil
        Quadrature over the pupil.
    snap_um
        Best focus lies nearest to the middle plane, at a multiple of this from Gibson and Lanni's nominal focus; 0 puts
        it exactly there. The distance of the planes, except while a fit needs a PSF without jumps.
    """

    z: Tensor
    fine: tuple[Tensor, Tensor]
    box: tuple[Tensor, Tensor]
    pupil: Pupil
    snap_um: float = 0.0

    @classmethod
    def of(
        cls,
        shape: Sequence[int],
        voxel_size_um: Sequence[float],
        *,
        na: float,
        wavelength_um: float,
        index: float,
        noll_indices: Sequence[int] = (),
        depth_um: float = 0.0,
        dtype: torch.dtype | None = None,
    ) -> Sampling:
        """A sampling for optics no wider than these.

        Parameters
        ----------
        shape
            Odd, (z, y, x); fewer axes for a plane or a line in focus.
        voxel_size_um
            One length per axis of ``shape``.
        na, wavelength_um
            The largest aperture and the shortest wavelength to be computed.
        index
            The smallest refractive index of the immersion.
        noll_indices
            Zernike modes to prepare.
        depth_um
            The largest depth below the cover glass, under a mismatch of the indices.
        dtype
            Of the PSFs; double precision by default.
        """
        dtype = dtype or torch.float64
        missing = 3 - len(shape)
        planes, *pixels = (1,) * missing + tuple(shape)
        height, *widths = (0.0,) * missing + tuple(float(v) for v in voxel_size_um)
        finest = wavelength_um / (4 * na)
        parts = [max(d / finest, 1.0) for d in widths]
        places = [_fine(n, d, p) for n, d, p in zip(pixels, widths, parts, strict=True)]
        z = height * (torch.arange(planes, dtype=torch.float64) - planes // 2)
        wave = 2 * math.pi / wavelength_um
        across = wave * na * max(float(p.abs().max()) for p in places)
        steep = na**2 / math.sqrt(max(index**2 - na**2, 0.05))
        along = wave * steep * (float(z.abs().max()) + 0.1 * depth_um)
        rows = min(math.ceil(across / 2 + along / 4) + _SPARE_ROWS, _MOST_ROWS)
        box = [_box(n, p) if d else torch.ones(1, 1) for n, d, p in zip(pixels, widths, parts, strict=True)]
        snap = height if planes > 1 else 0.0
        fine, boxes = tuple(p.to(dtype) for p in places), tuple(b.to(dtype) for b in box)
        return cls(z.to(dtype), (fine[0], fine[1]), (boxes[0], boxes[1]), Pupil.of(rows, noll_indices, dtype), snap)

    def to(self, device: torch.device) -> Sampling:
        """The same sampling on a device."""
        fine = self.fine[0].to(device), self.fine[1].to(device)
        box = self.box[0].to(device), self.box[1].to(device)
        return Sampling(self.z.to(device), fine, box, self.pupil.to(device), self.snap_um)


def _reach(pixels: int, parts: float) -> int:
    return math.ceil(pixels * parts / 2) + _MARGIN


def _fine(pixels: int, width: float, parts: float) -> Tensor:
    """Places of the fine samples, ``parts`` to a pixel, symmetric about 0; one sample where there is no axis."""
    if not width:
        return torch.zeros(1, dtype=torch.float64)
    reach = _reach(pixels, parts)
    return width / parts * torch.arange(-reach, reach + 1, dtype=torch.float64)


def _box(pixels: int, parts: float) -> Tensor:
    """Mean over a pixel of the band-limited function through fine samples: differences of sine integrals."""
    reach = _reach(pixels, parts)
    centre = parts * (np.arange(pixels) - pixels // 2)
    away = centre[:, None] - np.arange(-reach, reach + 1)
    upper, lower = (scipy.special.sici(np.pi * (away + side * parts / 2))[0] for side in (1, -1))
    return torch.from_numpy((upper - lower) / (np.pi * parts))
