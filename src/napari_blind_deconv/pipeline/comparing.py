"""A result beside a truth that is known."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError
from napari_blind_deconv.metrics import score
from napari_blind_deconv.pipeline.given import whole_of
from napari_blind_deconv.pipeline.sources import Sink


def refuse_other_truth(truth: Any, shape: tuple[int, ...]) -> None:
    """Refuse a truth that an image of ``shape`` cannot be compared with."""
    if truth is not None and np.shape(truth) != shape:
        raise InputError(
            subject="truth",
            value=f"has shape {np.shape(truth)}",
            allowed=f"but must have the image's, {shape}",
            remedy="crop or pad it to that",
        )


def compared(restored: Sink, truth: Any, kernel: NDArray[np.float32], true_psf: Any, axes: str) -> dict[str, Any]:
    """The metrics of a result; a figure that does not exist, as SSIM on few planes, is None: JSON knows no NaN."""
    figures = score(None if truth is None else whole_of(restored), truth, kernel, true_psf, axes=axes)
    return {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in figures.items()}
