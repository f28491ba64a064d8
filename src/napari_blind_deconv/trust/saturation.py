"""Pixels at the top of their range: their light is lost, and a linear blur does not explain them."""

from napari_blind_deconv.trust.check import Check, judged

_LIMIT = 1e-4  # of the pixels


def saturation_check(share: float) -> Check:
    """The share of saturated pixels."""
    return judged(
        "saturation",
        share,
        _LIMIT,
        doubt=f"{share:.2%} of the pixels are saturated; their light is lost, and rings can appear around them; reduce "
        "the exposure",
        fine="hardly any pixel is saturated" if share else "no pixel is saturated",
    )
