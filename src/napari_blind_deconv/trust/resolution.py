"""How fine a detail half of the light shows of what the other half shows, before the restoration and after it.

An observation y is split into y + e and y - e, e with the variance and the spectrum of its noise: two images of the
same light, as noisy as if each had half of it, whose errors are uncorrelated (data fission, Leiner et al. 2023,
arXiv:2112.11079; for whole photons it is their binomial thinning, and a correlation of second order sees no
difference). *Before* is the Fourier ring correlation of the two. *After* is that of one, restored and blurred again,
with the other as it came: whatever the restoration adds that was not in the light is as unknown to the untouched half
as any noise. Two restored halves would agree on it, since the same PSF and the same steps made both.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import VoxelSize, whole
from napari_blind_deconv.crops import informative_window
from napari_blind_deconv.fourier import irfftn, rfftn
from napari_blind_deconv.metrics import FourierCorrelation, fourier_correlation
from napari_blind_deconv.metrics.fourier_correlation import THRESHOLD
from napari_blind_deconv.restoration import RichardsonLucyRestorer
from napari_blind_deconv.restoration.gaussian_conditional import white
from napari_blind_deconv.restoration.task import Task

if TYPE_CHECKING:
    from torch import Tensor

# Side of the part that is looked at, by the number of axes, in pixels; it is one frame.
_SIDE = {1: 2048, 2: 192, 3: 48}
_LEAST = 16  # pixels along an axis, for a curve
_PLANE = 2
# From this share of the pixels' highest frequency on an image is asked for its noise; standard errors that tell.
_FINE, _ERRORS = 2 / 3, 3.0
# One way to restore, whatever the image is restored with, so that files can be compared: its usual strength.
_RESTORER = RichardsonLucyRestorer(steps_taken=16, accelerated=True)


@dataclass(frozen=True)
class HalfLight:
    """The two curves, over the same rings: in planes of a stack, laterally.

    Attributes
    ----------
    before
        One half of the light with the other.
    after
        One half, restored and blurred again, with the other; the mean of both ways round.
    side
        Of the part that was looked at, in pixels.
    noise_share
        Variance of the noise in it over what was read from the whole image, where that is too much; else 1.
    """

    before: FourierCorrelation
    after: FourierCorrelation
    side: tuple[int, ...]
    noise_share: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """As reports have it."""
        curves = self.before.to_dict()
        (old, why), (new, why_after) = self.before.resolution(), self.after.resolution()
        return {
            "unit": curves["unit"],
            "threshold": THRESHOLD,
            "resolution_before": old,
            "limited_before": why,
            "resolution_after": new,
            "limited_after": why_after,
            "words": words(old, why, new, curves["unit"]),
            "part": list(self.side),
            "noise_share": self.noise_share,
            "frequency": curves["frequency"],
            "error": curves["error"],
            "before": curves["correlation"],
            "after": self.after.to_dict()["correlation"],
        }


def words(before: float | None, why: Literal["light", "pixels", "nothing"], after: float | None, unit: str) -> str:
    """What the two resolutions mean.

    Examples
    --------
    >>> words(0.31, "light", 0.28, "µm")
    'half of the light shows detail of 0.31 µm, restored 0.28 µm'
    """
    if before is None or why == "nothing":
        return "the two halves of the light show nothing in common: there is too little light"
    finest = "as fine as two pixels" if why == "pixels" else f"of {before:.3g} {unit}"
    restored = "none" if after is None else f"{after:.3g} {unit}"
    return f"half of the light shows detail {finest}, restored {restored}"


def halves(task: Task, share: float = 1.0) -> tuple[Tensor, Tensor]:
    """Halves of the light, y + e and y - e, e with the spectrum and this share of the variance of the noise."""
    data, noise = task.data, task.noise
    generator = torch.Generator().manual_seed(task.generator.initial_seed())
    drawn = white(data.observed, generator)
    if not noise.is_white:
        frame = data.frame
        canvas = white(frame.place(data.observed), generator)
        drawn = frame.crop(irfftn(noise.on(frame.canvas).to(canvas).sqrt() * rfftn(canvas, frame.ndim), frame.canvas))
    light = data.blur(data.frame.extend(data.observed))
    added = (share * noise.variance(light)).sqrt() * drawn
    return data.observed + added, data.observed - added


def half_light(task: Task, voxel_size_um: VoxelSize | None = None) -> Generator[str, None, HalfLight | None]:
    """Both curves of a part of the observation that shows much, a yield after every step.

    Parameters
    ----------
    task
        The restoration, with the PSF that was found.
    voxel_size_um
        Lengths of the observation's voxels, one per spatial axis; curves are per pixel where one is not known.

    Returns
    -------
    HalfLight or None
        None where the image is too small for rings, or nothing is known of its noise.
    """
    data, kernel = task.data, task.data.blur.kernel
    if min(data.frame.shape[-_PLANE:]) < _LEAST or not task.noise.sigma > 0 or task.noise.compressed:
        return None
    window = informative_window(
        data.observed, tuple(kernel.shape), data.weights, side=_SIDE.get(kernel.ndim), frames=1, kernels=1
    )
    weights = None if data.weights is None else window.of(data.weights)
    part = task.of(window.of(data.observed), weights, window.box)
    axes = min(_PLANE, kernel.ndim)
    if min(part.data.frame.shape[-axes:]) < _LEAST:
        return None
    lengths = whole(voxel_size_um)
    spacing = None if lengths is None else tuple(lengths[-axes:])
    pair = halves(part)
    yield "splitting the light"
    share = _share(_curve(*pair, spacing, axes))
    if share < 1:
        pair = halves(part, share)
        yield "splitting the light"
    curves = []
    for half, other in (pair, pair[::-1]):
        predicted = yield from _predicted(part, half)
        curves.append(_curve(predicted, other, spacing, axes))
    return HalfLight(_curve(*pair, spacing, axes), curves[0].mean(curves[1]), tuple(part.data.frame.shape), share)


def _share(curve: FourierCorrelation) -> float:
    """How much of the noise as read there is: light can only make halves agree, so where they disagree it is less.

    With the noise's variance v and a variance v_e that was added and taken away, halves that show no light correlate by
    (v - v_e) / (v + v_e).
    """
    high = curve.frequency >= _FINE * curve.finest
    if not high.any():
        return 1.0
    floor, error = float(curve.correlation[high].mean()), float(curve.error[high].mean() / high.sum() ** 0.5)
    return (1 + floor) / (1 - floor) if floor < -_ERRORS * error else 1.0


def _predicted(part: Task, half: Tensor) -> Generator[str, None, Tensor]:
    """What a half, restored, lets expect of the observation."""
    noise, rest = part.noise, part.model_error
    noisier = noise.of_level(noise.sigma * 2**0.5)
    data = replace(part.data, observed=half, sigma=(noisier.sigma**2 + rest**2) ** 0.5)
    scene = half
    for restored in _RESTORER.restore(replace(part, data=data, noise=noisier, iterations=None)):
        scene = restored.scene
        yield "restoring half of the light"
    return data.blur(scene)


def _curve(one: Tensor, other: Tensor, spacing: tuple[float, ...] | None, axes: int) -> FourierCorrelation:
    first, second = (values.detach().cpu().numpy() for values in (one, other))
    return fourier_correlation(first, second, spacing, ndim=axes)
