"""Whether the image shows the blur at all: the kernel against none, before the judge that ranks families of kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv.forward import Noise
from napari_blind_deconv.kernel_priors.judgement import Judge
from napari_blind_deconv.trust.check import Check, judged

if TYPE_CHECKING:
    from torch import Tensor

# Of the descent on the image's spectrum: within a tenth of the gain at 48, at a third of the time (decision 0016).
_ITERATIONS = 16
# Nats against a PSF from which on the image contradicts it. A right one may lose a few: nobody can see what optics hide
# below the noise, and a bent spectrum explains the rest nearly as well (decision 0022).
_CONTRADICTED = -10.0
# e³ : 1, strong evidence in the sense of Kass & Raftery 1995, doi:10.1080/01621459.1995.10476572.
_STRONG = 3.0
_NAME = "no_blur"


def no_blur_check(observed: Tensor, kernel: Tensor, noise: float | Noise, spacing: Sequence[float]) -> Check:
    """Evidence of a kernel over no blur, in nats: doubt where the image speaks against the kernel.

    Parameters
    ----------
    observed
        A part of y that shows much, shape ``(batch, *space)``.
    kernel
        k, odd shape, unit sum; one tap stands for no blur, and is taken for an answer.
    noise
        The noise, or σ of white noise, on the scale of ``observed``.
    spacing
        The pixel's size per axis, relative to the smallest.
    """
    if kernel.numel() == 1:
        return judged(_NAME, 0.0, 0.0, doubt="", fine="no blur was found, so none was removed", holds=True)
    gain = Judge.of(observed, noise, spacing=spacing, iterations=_ITERATIONS).gain(kernel.to(observed))
    supported = f"this PSF explains the image {gain:.0f} nats better than no blur"
    undecided = f"the image alone cannot distinguish this PSF from no blur ({gain:+.1f} nats): check it by other means"
    return judged(
        _NAME,
        gain,
        _CONTRADICTED,
        doubt=f"this PSF explains the image worse than no blur at all ({gain:+.0f} nats of evidence): the image may be "
        "sharp already, or the PSF or the noise level is wrong; try `kernel_prior=auto`",
        fine=supported if gain > _STRONG else undecided,
        holds=gain > _CONTRADICTED,
    )
