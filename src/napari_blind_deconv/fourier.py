"""Convolution of n-D images by small kernels through the real Fourier transform; the convention is stated here once.

Transforms act on the *last* ``ndim`` axes; whatever stands before them (planes, frames, filters) is a batch. They are
unnormalised forwards and divided by the number of samples backwards. A kernel of odd shape has its centre tap in the
middle, ``shape // 2``; on a canvas that tap lies at the origin, so convolving by a delta changes nothing.

Transforms of CPU tensors that carry no gradient go through SciPy's pocketfft, everything else through ``torch.fft``
(decision 0006: SciPy is twice as fast on volumes and level on images).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING

import scipy

from napari_blind_deconv._torch import torch

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]

# Below this many samples a second thread costs more than it saves (measured, decision 0006).
_THREADED_FROM = 1 << 19


def _through_scipy(values: Tensor) -> bool:
    return values.device.type == "cpu" and not (values.requires_grad and torch.is_grad_enabled())


def _workers(values: Tensor) -> int:
    return torch.get_num_threads() if values.numel() >= _THREADED_FROM else 1


def rfftn(values: Tensor, ndim: int) -> Tensor:
    """Real Fourier transform over the last ``ndim`` axes."""
    axes = tuple(range(-ndim, 0))
    if _through_scipy(values):
        return torch.from_numpy(scipy.fft.rfftn(values.detach().numpy(), axes=axes, workers=_workers(values)))
    return torch.fft.rfftn(values, dim=axes)


def irfftn(spectrum: Tensor, shape: Sequence[int]) -> Tensor:
    """Inverse of `rfftn` for real values of trailing shape ``shape``."""
    axes = tuple(range(-len(shape), 0))
    if _through_scipy(spectrum):
        values = scipy.fft.irfftn(spectrum.detach().numpy(), tuple(shape), axes=axes, workers=_workers(spectrum))
        return torch.from_numpy(values)
    return torch.fft.irfftn(spectrum, s=tuple(shape), dim=axes)


def trailing(slices: Iterable[slice]) -> tuple[slice | EllipsisType, ...]:
    """An index of the last axes, whatever stands before them."""
    return (..., *slices)


def fast_shape(shape: Sequence[int]) -> Shape:
    """The smallest shape not below ``shape`` whose transforms are fast.

    Examples
    --------
    >>> fast_shape((37, 31))
    (40, 32)
    """
    return tuple(_fast_length(int(n)) for n in shape)


@functools.cache
def _fast_length(length: int) -> int:
    """The smallest number not below ``length`` that 2, 3 and 5 divide: as ``scipy.fft.next_fast_len`` for real values.

    Plans ask for it before anything is computed, and SciPy's transforms take a tenth of a second to import.
    """
    best = 1 << max(length - 1, 0).bit_length()
    fives = 1
    while fives < best:
        odd = fives
        while odd < best:
            best = min(best, odd << max(-(-length // odd) - 1, 0).bit_length())
            odd *= 3
        fives *= 5
    return best


def embed(kernel: Tensor, shape: Sequence[int]) -> Tensor:
    """Place a kernel on a canvas of zeros with its centre tap at the origin.

    Raises
    ------
    ValueError
        Where the kernel is larger than the canvas.
    """
    if any(k > n for k, n in zip(kernel.shape, shape, strict=True)):
        raise ValueError(f"kernel of shape {tuple(kernel.shape)} does not fit on a canvas of shape {tuple(shape)}")
    canvas = kernel.new_zeros(tuple(shape))
    canvas[tuple(slice(0, n) for n in kernel.shape)] = kernel
    return torch.roll(canvas, [-(n // 2) for n in kernel.shape], tuple(range(kernel.ndim)))


def extract(canvas: Tensor, shape: Sequence[int]) -> Tensor:
    """The taps around the origin of a canvas, as a kernel of odd ``shape``: the adjoint and left inverse of `embed`."""
    axes = tuple(range(-len(shape), 0))
    rolled = torch.roll(canvas, [n // 2 for n in shape], axes)
    return rolled[trailing(slice(0, n) for n in shape)]


def transfer(kernel: Tensor, shape: Sequence[int]) -> Tensor:
    """Transfer function of a kernel on a canvas of ``shape``."""
    return rfftn(embed(kernel, shape), kernel.ndim)


def stencil(values: Tensor, kernel: Tensor, onto: Tensor | None = None) -> Tensor:
    """Periodic convolution by a kernel of a few taps, tap by tap: faster than a transform for differences.

    What is given as ``onto`` is added to, in place.

    Examples
    --------
    >>> stencil(torch.tensor([0.0, 0.0, 1.0, 0.0]), torch.tensor([1.0, -1.0, 0.0]))
    tensor([ 0.,  1., -1.,  0.])
    """
    out = torch.zeros_like(values) if onto is None else onto
    for place in kernel.nonzero().tolist():
        shift = [p - n // 2 for p, n in zip(place, kernel.shape, strict=True)]
        _add_rolled(out, values, shift, float(kernel[tuple(place)]))
    return out


def _add_rolled(out: Tensor, values: Tensor, shift: Sequence[int], factor: float) -> None:
    """``out += factor * roll(values, shift)`` over the last axes, in place and without a rolled copy."""
    parts = []
    for n, s in zip(values.shape[-len(shift) :], shift, strict=True):
        s %= n
        moved = [(slice(s, n), slice(0, n - s)), (slice(0, s), slice(n - s, n))]
        parts.append(moved if s else moved[:1])
    for pieces in itertools.product(*parts):
        into, of = zip(*pieces, strict=True)
        out[trailing(into)].add_(values[trailing(of)], alpha=factor)


def frequencies(shape: Sequence[int], spacing: Sequence[float], like: Tensor) -> list[Tensor]:
    """Frequencies along each axis of an `rfftn` spectrum, in cycles per unit of ``spacing``, broadcastable."""
    axes = []
    for axis, (n, d) in enumerate(zip(shape, spacing, strict=True)):
        last = axis == len(shape) - 1
        values = torch.fft.rfftfreq(n, d, dtype=like.dtype) if last else torch.fft.fftfreq(n, d, dtype=like.dtype)
        axes.append(values.to(like.device).reshape([-1 if a == axis else 1 for a in range(len(shape))]))
    return axes


def radius(shape: Sequence[int], spacing: Sequence[float], like: Tensor) -> Tensor:
    """Length of the frequencies of an `rfftn` spectrum, in cycles per unit of ``spacing``; ``(*half canvas)``."""
    squares = [f.square() for f in frequencies(shape, spacing, like)]
    return torch.stack(torch.broadcast_tensors(*squares)).sum(0).sqrt()


def multiplicity(shape: Sequence[int], like: Tensor) -> Tensor:
    """How many frequencies of the full transform each one of an `rfftn` spectrum stands for; ``(*half canvas)``.

    Examples
    --------
    >>> multiplicity((2, 4), torch.ones(()))
    tensor([[1., 2., 1.],
            [1., 2., 1.]])
    """
    counts = like.new_full((*shape[:-1], shape[-1] // 2 + 1), 2.0)
    counts[..., 0] = 1
    if shape[-1] % 2 == 0:
        counts[..., -1] = 1
    return counts


def hann(shape: Sequence[int], like: Tensor) -> Tensor:
    """Periodic Hann window of a shape; an axis of two samples or fewer has none."""
    window = torch.ones((), dtype=like.dtype, device=like.device)
    for n in shape:
        side = torch.hann_window(n, periodic=True, dtype=like.dtype, device=like.device)
        window = window[..., None] * (side if n > 2 else torch.ones_like(side))
    return window


def periodogram(values: Tensor, ndim: int) -> Tensor:
    """Hann-windowed periodogram over the last axes, unit mean for unit white noise, mean over the leading axes."""
    window = hann(values.shape[-ndim:], values)
    power = window**2
    mean = (values * power).sum(tuple(range(-ndim, 0)), keepdim=True) / power.sum()
    spectrum = rfftn((values - mean) * window, ndim)
    return ((spectrum.real**2 + spectrum.imag**2) / power.sum()).reshape(-1, *spectrum.shape[-ndim:]).mean(0)


def between_nodes(radius: Tensor, lowest: float, highest: float, bands: int) -> tuple[Tensor, Tensor]:
    """Lower node and fraction of the way to the upper one, flat, for frequencies clamped to the nodes' range."""
    place = (radius.flatten().clamp(min=lowest, max=highest) / lowest).log() * (
        (bands - 1) / math.log(highest / lowest)
    )
    band = place.floor().clamp(max=bands - 2)
    return band.long(), place - band


def shifted(kernel: Tensor, shift: Sequence[int]) -> Tensor:
    """A kernel moved by whole pixels; what leaves the support is lost, what enters is zero."""
    out = torch.zeros_like(kernel)
    source = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, kernel.shape, strict=True))
    target = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(shift, kernel.shape, strict=True))
    out[target] = kernel[source]
    return out


def centroid(kernel: Tensor) -> list[float]:
    """Centre of mass relative to the centre tap, in pixels."""
    total = float(kernel.sum())
    centre = []
    for axis, n in enumerate(kernel.shape):
        profile = kernel.sum([a for a in range(kernel.ndim) if a != axis]) if kernel.ndim > 1 else kernel
        position = torch.arange(n, dtype=kernel.dtype, device=kernel.device) - n // 2
        centre.append(float((profile * position).sum()) / total)
    return centre


def centred(kernel: Tensor) -> Tensor:
    """A kernel moved by whole pixels so that its centre of mass lies nearest to the centre tap, unit sum."""
    moved = shifted(kernel, [-round(c) for c in centroid(kernel)])
    return moved / moved.sum()
