"""A kernel that is a single tap, or cut by its support."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv.metrics import describe_kernel
from napari_blind_deconv.physical_checks import BORDER, GIVEN_BORDER, GIVEN_DELTA, ONE_TAP, given_cut
from napari_blind_deconv.trust.check import Check, judged

if TYPE_CHECKING:
    from torch import Tensor


def kernel_checks(kernel: Tensor, *, given: bool, largest: Sequence[int] | None = None) -> list[Check]:
    """Share of the light in the brightest tap, and on the border of the support.

    Parameters
    ----------
    kernel
        k, unit sum. A support of one tap is an answer, not a collapse.
    given
        Whether it was given rather than estimated: what is given is what it is, and may reach further out.
    largest
        The largest support that the image has room for, where nobody asked for one.
    """
    taps = kernel.detach().cpu().numpy()
    peak = float(taps.max() / taps.sum()) if taps.size > 1 else 0.0
    border = float(describe_kernel(taps)["border_fraction"]) if taps.size > 1 else 0.0
    collapsed = "the PSF collapsed to a single pixel: the image looks sharp already, or the image prior is too strong"
    cut = f"{border:.0%} of the light of the PSF lies on its border; try a larger `kernel_size`"
    if largest is not None:
        size = " x ".join(str(n) for n in taps.shape)
        full = all(n >= most for n, most in zip(taps.shape, largest, strict=True) if n > 1)
        remedy = "more planes, or a larger image, show more of it" if full else "a larger `kernel_size` may hold it"
        cut = f"{border:.0%} of the light of the PSF lies on the border of {size} pixels, an automatic size; {remedy}"
    return [
        judged(
            "delta",
            peak,
            ONE_TAP,
            doubt=GIVEN_DELTA if given else collapsed,
            fine="the PSF is more than a single pixel"
            if taps.size > 1
            else "the image was judged to be sharp, and no blur was removed",
        ),
        judged(
            "border",
            border,
            GIVEN_BORDER if given else BORDER,
            doubt=given_cut(border) if given else cut,
            fine="the PSF fits into its support",
        ),
    ]
