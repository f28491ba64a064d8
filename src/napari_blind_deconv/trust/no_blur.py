"""Whether the image shows the blur at all: the kernel against none, before the judge that ranks families of kernels."""

from collections.abc import Sequence

from torch import Tensor

from napari_blind_deconv.forward import Noise
from napari_blind_deconv.kernel_priors.judgement import Judge, fine_structure_nats
from napari_blind_deconv.trust.check import Check, judged

# Of the descent on the image's spectrum: within a tenth of the gain at 48, at a third of the time (decision 0016).
_ITERATIONS = 16
# Fine structure lends its nats to images of this many samples; to a part of one, as many fewer (decision 0013).
_WHOLE = 256**2
# e³ : 1, strong evidence in the sense of Kass & Raftery 1995, doi:10.1080/01621459.1995.10476572.
_STRONG = 3.0
_NAME = "no_blur"


def no_blur_check(observed: Tensor, kernel: Tensor, noise: float | Noise, spacing: Sequence[float]) -> Check:
    """Evidence of a kernel over no blur, in nats, against what a sharp image's fine structure may lend it.

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
        return judged(_NAME, 0.0, 0.0, doubt="", fine="no blur was found, and none removed", holds=True)
    gain = Judge.of(observed, noise, spacing=spacing, iterations=_ITERATIONS).gain(kernel.to(observed))
    needed = max(_STRONG, fine_structure_nats(kernel) * min(1.0, observed.numel() / _WHOLE))
    return judged(
        _NAME,
        gain,
        needed,
        doubt=f"this PSF explains the image no better than no blur at all ({gain:+.0f} nats of evidence, more than "
        f"{needed:.0f} wanted): the image may be sharp already, the PSF another one, or the noise level wrong; let all "
        "families be tried (kernel_prior auto)",
        fine=f"this PSF explains the image {gain:.0f} nats better than no blur",
        holds=gain > needed,
    )
