"""The blur as a linear operator: H takes a scene on its canvas to what the frame sees of it.

Everything that restores or judges an image goes through one `Blur`, so that border, adjoint and sensitivity are stated
once. A scene is a tensor ``(..., *canvas)``, an observation one of ``(..., *frame.shape)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from napari_blind_deconv.forward.blur import Frame
from napari_blind_deconv.fourier import irfftn, rfftn, transfer

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Blur:
    """H x = crop(k * x), with a kernel that is frozen.

    Attributes
    ----------
    kernel
        k, odd shape, one axis per axis of the frame.
    frame
        Where the frame lies on the scene's canvas.

    Examples
    --------
    >>> import torch
    >>> frame = Frame.around((16, 15), (3, 5))
    >>> blur = Blur(torch.full((3, 5), 1 / 15), frame)
    >>> scene, residual = torch.rand(*frame.canvas), torch.rand(16, 15)
    >>> bool(torch.isclose((blur(scene) * residual).sum(), (scene * blur.adjoint(residual)).sum(), rtol=1e-4))
    True
    """

    kernel: Tensor
    frame: Frame

    @cached_property
    def transfer(self) -> Tensor:
        """K, the kernel's transfer function on the half canvas."""
        return transfer(self.kernel, self.frame.canvas)

    @cached_property
    def adjoint_transfer(self) -> Tensor:
        """K*, written out: to conjugate it in every product takes longer than the product."""
        return self.transfer.conj().resolve_conj()

    @cached_property
    def power(self) -> Tensor:
        """|K|², real."""
        return self.transfer.real.square() + self.transfer.imag.square()

    def __call__(self, scene: Tensor) -> Tensor:
        """H x: what the frame sees, without noise."""
        return self.frame.crop(self.everywhere(scene))

    def everywhere(self, scene: Tensor) -> Tensor:
        """K * x on the whole canvas, which is periodic."""
        return irfftn(rfftn(scene, self.frame.ndim).mul_(self.transfer), self.frame.canvas)

    def of_spectrum(self, spectrum: Tensor) -> Tensor:
        """K * x on the whole canvas, from the transform of x."""
        return irfftn(self.transfer * spectrum, self.frame.canvas)

    def adjoint(self, residual: Tensor) -> Tensor:
        """Hᵀ r: frame → canvas."""
        return irfftn(self.adjoint_spectrum(residual), self.frame.canvas)

    def adjoint_spectrum(self, residual: Tensor) -> Tensor:
        """The transform of Hᵀ r, on the half canvas."""
        return self.adjoint_of_canvas(self.frame.place(residual))

    def adjoint_of_canvas(self, canvas: Tensor) -> Tensor:
        """As `adjoint_spectrum`, of what already lies on a canvas, with zeros around the frame."""
        return rfftn(canvas, self.frame.ndim).mul_(self.adjoint_transfer)

    def sensitivity(self, weights: Tensor | None = None) -> Tensor:
        """Hᵀ W 1: how much of each scene pixel's light the frame sees where it is looked at.

        Parameters
        ----------
        weights
            W, one weight per observed pixel; ``None``: one everywhere.
        """
        ones = self.kernel.new_ones(self.frame.shape) if weights is None else weights
        return self.adjoint(ones)
