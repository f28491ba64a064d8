"""The residual: what a restored and blurred image misses of the observation, and whether that is nothing but noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy

from napari_blind_deconv._torch import torch
from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.fourier import hann, irfftn, multiplicity, radius, rfftn, trailing
from napari_blind_deconv.trust.check import Check, judged
from napari_blind_deconv.trust.smoothing import gaussian_taps, smoothed

if TYPE_CHECKING:
    from torch import Tensor

_SIZE = 2.0  # times what noise and model error explain
# Frequencies from here up (cycles per sample; Nyquist is 0.5) tell the noise: a blurred image has nothing left there.
_NOISE_FROM = 1 / 3
_BANDS = 8
# How often white noise would raise the doubt, over all bands or windows together.
_FALSE_ALARMS = 1e-3
# Times the noise that a right PSF leaves at most in a band: a prior that keeps edges misses them by a little
# (decision 0016).
_TOLERATED, _TOLERATED_LOCALLY = 2.0, 2.0
# Periodogram ordinates within a Hann window's main lobe are correlated: 1 + 2 (4/9 + 1/36) of them carry one.
_ORDINATES_PER_INDEPENDENT = 1.944
# Local misfit: the residual's waves of more than about six samples, in windows of this standard deviation, in samples.
_SMOOTHING, _WINDOW = 1.0, 8.0
_COMPRESSED = "not judged: the errors of lossy compression are not white, even if the PSF is right"
# Share of such a window that must be data: in the middle of a mask there is only what leaks in from its rim.
_DATA = 0.5


def seen(shape: Sequence[int], kernel_shape: Sequence[int]) -> tuple[slice, ...]:
    """Where a kernel does not look beyond the frame; the whole frame where that is nowhere."""
    inner = tuple(slice(k // 2, n - k // 2) for n, k in zip(shape, kernel_shape, strict=True))
    samples = math.prod(max(s.stop - s.start, 0) for s in inner)
    return inner if samples > 1 else tuple(slice(0, n) for n in shape)


def standardised_residual(data: DataTerm, image: Tensor) -> Tensor:
    """``(y - k * x) / σ``, NaN where there are no data or the kernel looks beyond the frame, at what nobody knows.

    Parameters
    ----------
    data
        y, its kernel and its noise.
    image
        x, shape ``(batch, *space)``.

    Examples
    --------
    >>> image = torch.rand(1, 16, 16)
    >>> data = DataTerm.of(image, torch.ones(1, 1), 0.1)
    >>> float(standardised_residual(data, image).abs().max()) < 1e-4
    True
    """
    frame = data.frame
    missed = (data.observed - data.blur(frame.extend(image))) / data.sigma
    inside = trailing(seen(frame.shape, data.blur.kernel.shape))
    out = torch.full_like(missed, torch.nan)
    out[inside] = missed[inside]
    return out if data.weights is None else torch.where(data.weights > 0, out, torch.nan)


def residual_checks(
    residual: Tensor, kernel_shape: Sequence[int], data: DataTerm | None = None, *, compressed: bool = False
) -> list[Check]:
    """Size, whiteness and local whiteness of a standardised residual where the kernel does not look beyond the frame.

    Parameters
    ----------
    residual
        From `standardised_residual`, shape ``(batch, *space)``.
    kernel_shape
        The kernel's shape.
    data
        Where its noise is not white, the residual is whitened by what undoes that.
    compressed
        Whether the observation went through a lossy compression, whose errors are not white: no judgement then.
    """
    ndim = len(kernel_shape)
    kept = seen(residual.shape[-ndim:], kernel_shape)
    # Where there are no data nothing is missed.
    missed = residual.nan_to_num(0.0)
    known = residual[~residual.isnan()]
    missed = missed if data is None else whitened(missed, data)
    inside = missed[trailing(kept)]
    whole, local = (
        whiteness(inside, ndim),
        local_whiteness(inside, [s.start for s in kept], ~residual.isnan()[trailing(kept)]),
    )
    if compressed:
        whole, local = (judged_compressed(check) for check in (whole, local))
    return [size(float(known.std()) if known.numel() > 1 else 0.0), whole, local]


def size(value: float) -> Check:
    """The residual's standard deviation against what noise and model error explain."""
    return judged(
        "residual_size",
        value,
        _SIZE,
        doubt=f"the restored image, blurred again, differs from the recording by {value:.1f} times what noise and "
        "model error explain: the PSF or the noise level is wrong, or the blur differs across the image",
        fine="the restored image, blurred again, matches the recording as well as the noise allows",
    )


def whiteness(inside: Tensor, ndim: int) -> Check:
    """The residual's power in radial bands of frequency, in units of its power from a third of a cycle per sample up.

    Where PSF and image are right, the residual is the noise less what of it went into the image, so no band stands
    above the noise. In white noise the ratio of two means of exponentials follows an F distribution of twice as many
    degrees of freedom; a band's limit is the tolerated ratio times that distribution's quantile, the false alarms
    shared by the bands (Bonferroni). The band nearest to its limit, or furthest above it, speaks.
    """
    return whiteness_of(periodogram_of(inside, ndim), inside.shape[-ndim:], len(inside))


def whiteness_of(power: Tensor, shape: Sequence[int], parts: int) -> Check:
    """As `whiteness`, from the mean periodogram of several parts of one shape."""
    ndim = len(shape)
    waves, counted = radius(shape, (1.0,) * ndim, power), multiplicity(shape, power)
    high = waves >= _NOISE_FROM
    noise, per = float((power * counted)[high].sum() / counted[high].sum()), 2 * _ORDINATES_PER_INDEPENDENT**ndim
    worst = (0.0, _TOLERATED, 0.0)
    for band in range(_BANDS):
        low, top = (_NOISE_FROM * b / _BANDS for b in (band, band + 1))
        chosen = (waves > low) & (waves <= top)
        ordinates = float(counted[chosen].sum())
        if not ordinates or not noise > 0:
            continue
        ratio = float((power * counted)[chosen].sum()) / ordinates / noise
        freedom = [max(2.0, 2 * parts * n / per) for n in (ordinates, float(counted[high].sum()))]
        limit = _TOLERATED * float(scipy.special.fdtri(*freedom, 1 - _FALSE_ALARMS / _BANDS))
        worst = max(worst, (ratio, limit, (low + top) / 2), key=lambda found: found[0] / found[1])
    ratio, limit, frequency = worst
    return judged(
        "residual_whiteness",
        ratio,
        limit,
        doubt=f"the residual is not white: waves of about {1 / max(frequency, 1e-3):.0f} pixels are {ratio:.1f} "
        "times as strong as noise; the PSF is wrong or the prior too strong: look for the specimen in the residual, "
        "and try another kind of PSF or a lower strength",
        fine="the residual is white, like noise",
    )


def local_whiteness(
    inside: Tensor, start: Sequence[int], known: Tensor, of: tuple[int, int, int] | None = None
) -> Check:
    """The largest local power of the residual's slow waves, in units of what white noise of the same local power has.

    With G a Gaussian of one sample and W one of eight, ``W ((G r)²) / (W (r²) Σ G²)``, 1 in white noise whatever its
    local strength, as of photon counts. The limit is the tolerated ratio times the quantile of a mean of as many
    squares as a window holds independent ones, the false alarms shared by the windows. ``start`` is the residual's
    first pixel in the frame; only windows that are ``known`` for the most part are looked at. Where this is a part of a
    larger residual, ``of`` holds the number of its first frame, that of all frames, and of all samples.
    """
    ndim = len(start)
    space = inside.shape[-ndim:]
    kept = math.prod(float(gaussian_taps(n, _SMOOTHING, inside).square().sum()) for n in space)
    centred = inside - inside.mean()
    slow = smoothed(smoothed(centred, ndim, _SMOOTHING).square(), ndim, _WINDOW)
    power = smoothed(centred.square(), ndim, _WINDOW)
    floor = 1e-3 * float(power.mean()) + torch.finfo(power.dtype).tiny
    ratio = slow / (power.clamp(min=floor) * kept)
    if not bool(known.all()):
        ratio = torch.where(smoothed(known.to(inside), ndim, _WINDOW) >= _DATA, ratio, 0.0)
    place = [int(i) for i in np.unravel_index(int(ratio.argmax()), ratio.shape)]
    window = math.prod(min(n, 2 * math.sqrt(math.pi) * _WINDOW) for n in space)
    freedom = max(1.0, window * kept)
    earlier, frames, samples = of or (0, len(inside), inside.numel())
    windows = max(1.0, samples / window)
    limit = _TOLERATED_LOCALLY * float(scipy.special.chdtri(freedom, _FALSE_ALARMS / windows)) / freedom
    value = float(ratio[tuple(place)])
    where = ", ".join(str(first + i) for first, i in zip(start, place[-ndim:], strict=True))
    frame = f" of frame {place[0] + 1 + earlier}" if frames > 1 else ""
    return judged(
        "residual_local",
        value,
        limit,
        doubt=f"the residual shows structure around pixel ({where}){frame}, {value:.1f} times that of noise: the PSF "
        "differs there, or light was lost; restore that part by itself",
        fine="the residual looks like noise in every part of the image",
    )


def periodogram_of(inside: Tensor, ndim: int) -> Tensor:
    """Hann-windowed periodogram, mean over the batch."""
    shape = inside.shape[-ndim:]
    spectrum = rfftn((inside - inside.mean()) * hann(shape, inside), ndim)
    return (spectrum.abs() ** 2).reshape(-1, *spectrum.shape[-ndim:]).mean(0)


def whitened(missed: Tensor, data: DataTerm) -> Tensor:
    """A residual through what undoes the colour of its noise; itself where that is white."""
    if data.colour is None:
        return missed
    frame = data.frame
    return frame.crop(irfftn(data.colour.sqrt() * rfftn(frame.place(missed), frame.ndim), frame.canvas))


def judged_compressed(check: Check) -> Check:
    """A check that does not judge, as the image was compressed."""
    return check._replace(verdict="ok", sentence=_COMPRESSED)
