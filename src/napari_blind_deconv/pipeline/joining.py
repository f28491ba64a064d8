"""Results of the parts of an image, each with a PSF of its own, as one result."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import Result
from napari_blind_deconv.pipeline.outcome import stacked
from napari_blind_deconv.pipeline.parts import Part

# Of a report, what there is once per PSF.
_PER_PSF = (
    "noise_sigma",
    "noise",
    "defects",
    "left_out",
    "misfit_sigma",
    "residual_sigma",
    "flux_ratio",
    "frc",
    "kernel",
    "choice",
    "ranking",
    "trust",
    "region",
    "field",
)


def over_axes(
    parts: Sequence[Part], results: Sequence[Result], own: Sequence[int], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """The PSF at every index of the axes along which it differs."""
    kernels = stacked([result.kernel for result in results])
    if not own:
        return kernels[0]
    out = np.empty((*(shape[axis] for axis in own), *kernels.shape[1:]), np.float32)
    for part, kernel in zip(parts, kernels, strict=True):
        out[tuple(part.place[axis] for axis in own)] = kernel
    return out


def joined_report(parts: Sequence[Part], results: Sequence[Result]) -> dict[str, Any]:
    """One report: of what there is once per PSF a list, part by part and channel by channel."""
    reports = [result.report for result in results]
    report = dict(reports[0])
    if len(parts) == 1:
        return report
    channels = len(reports[0]["kernel"]) if isinstance(reports[0]["kernel"], list) else 1
    for name in (name for name in _PER_PSF if name in report):
        report[name] = [one for found in reports for one in (found[name] if channels > 1 else [found[name]])]
    report["psf_of"] = [
        part.label + (f", channel {channel + 1}" if channels > 1 else "")
        for part in parts
        for channel in range(channels)
    ]
    said = [f"{part.label}: {words}" for part, found in zip(parts, reports, strict=True) for words in found["warnings"]]
    report["warnings"] = list(dict.fromkeys(said))
    report["seconds"] = round(sum(found["seconds"] for found in reports), 3)
    report["peak_memory_mb"] = max(found["peak_memory_mb"] for found in reports)
    return report
