"""Kernel statistics: everything a kernel can learn from an image and its observation, in two small arrays.

With the image x fixed, the data term is quadratic in the kernel,

    1/2 Σ_j ‖ k * D_j x - D_j y ‖²  =  1/2 kᵀA k - bᵀk + const,

A the autocorrelation of the filtered image D_j x at the lags that a kernel's support can see, b its cross-correlation
with the filtered observation, cropped to the support. Statistics add up: over frames, channels, crops, and samples of
x, whose covariance then enters A (EM instead of MAP; Levin et al. 2011, doi:10.1109/CVPR.2011.5995308).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from napari_blind_deconv.fourier import extract, irfftn, rfftn, transfer

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class KernelStatistics:
    """The quadratic ½ kᵀA k - bᵀk.

    Attributes
    ----------
    autocorrelation
        A at the lags ``-(n-1) … n-1`` of each axis of the support, shape ``2n - 1``.
    correlation
        b on the support, shape ``n``.
    """

    autocorrelation: Tensor
    correlation: Tensor

    def __add__(self, other: KernelStatistics) -> KernelStatistics:
        return KernelStatistics(self.autocorrelation + other.autocorrelation, self.correlation + other.correlation)

    def scaled(self, factor: float) -> KernelStatistics:
        """The statistics times a factor: a frame's weight, one over the noise variance."""
        return KernelStatistics(self.autocorrelation * factor, self.correlation * factor)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the kernel's support."""
        return tuple(self.correlation.shape)

    @cached_property
    def spectrum(self) -> Tensor:
        """Eigenvalues of the circulant matrix that A is a corner of; real, as A is symmetric."""
        return transfer(self.autocorrelation, self.autocorrelation.shape).real

    def apply(self, kernel: Tensor) -> Tensor:
        """``A k``: a Toeplitz product, on a grid of twice the kernel's size."""
        grid = self.autocorrelation.shape
        canvas = kernel.new_zeros(grid)
        canvas[tuple(slice(0, n) for n in kernel.shape)] = kernel
        product = irfftn(self.spectrum * rfftn(canvas, kernel.ndim), grid)
        return product[tuple(slice(0, n) for n in kernel.shape)]

    def gradient(self, kernel: Tensor) -> Tensor:
        """``A k - b``."""
        return self.apply(kernel) - self.correlation

    def energy(self, kernel: Tensor, above: Tensor | None = None) -> Tensor:
        """``½ kᵀA k - bᵀk``, a scalar, differentiable in the kernel; less that of another kernel where one is given.

        Differences of nats are small beside the energies, which single precision rounds.
        """
        if above is None:
            return (0.5 * kernel * self.apply(kernel) - self.correlation * kernel).sum()
        step = kernel - above
        return (step * (0.5 * self.apply(step) + self.gradient(above))).sum()


def kernel_statistics(image: Tensor, observed: Tensor, shape: Sequence[int]) -> KernelStatistics:
    """Statistics of a kernel of odd ``shape`` from filtered images on one canvas.

    Parameters
    ----------
    image, observed
        The filtered scene ``D_j x`` and observation ``D_j y``, shape ``(..., *canvas)``: all leading axes (filters,
        frames, planes) are summed. The canvas is periodic; give it a rim where that is not so.
    shape
        Shape of the support, odd, at most half the canvas.

    Examples
    --------
    >>> x = torch.randn(2, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> s = kernel_statistics(x, x, (5, 5))
    >>> bool(torch.isclose(s.correlation[2, 2], (x**2).sum(), rtol=1e-4))
    True
    """
    ndim = len(shape)
    canvas = image.shape[-ndim:]
    image_spectrum = rfftn(image.reshape(-1, *canvas), ndim)
    observed_spectrum = rfftn(observed.reshape(-1, *canvas), ndim)
    power = (image_spectrum.abs() ** 2).sum(0)
    cross = (image_spectrum.conj() * observed_spectrum).sum(0)
    lags = [2 * n - 1 for n in shape]
    return KernelStatistics(extract(irfftn(power + 0j, canvas), lags), extract(irfftn(cross, canvas), shape))
