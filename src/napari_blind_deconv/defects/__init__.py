"""What in an image is not data: bad pixels, saturation, padding, blank frames, missing values, a user's mask."""

from .bad_pixels import bad_pixels
from .filling import filled
from .found import Defects, find_defects, looked_for
from .padding import blank_frames, padded
from .plateau import cut_off_below, saturated

__all__ = [
    "Defects",
    "bad_pixels",
    "blank_frames",
    "cut_off_below",
    "filled",
    "find_defects",
    "looked_for",
    "padded",
    "saturated",
]
