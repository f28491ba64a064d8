"""Evidence p(y | k) in closed form: the image is marginalised, never estimated.

Under a stationary Gaussian image of power spectrum S, blurred by k and seen through a window W in noise of
spectrum N,

    -log p(y | k)  =  ½ Σ_f [ P(f) / V(f) + log V(f) ],      V = (|K|² S) ⊛ |W|² + N,                            (1)

P the windowed periodogram of y and V its expectation (Whittle 1953; Levin et al. 2009, doi:10.1109/CVPR.2009.5206815,
on why k must be judged with the image marginalised). The window stands in the model, because what leaks through it
would otherwise fill the nulls of K. S is isotropic and otherwise free, and profiled out for every kernel.

It sees |K| only: a kernel and its 180° turn tie, and only an image prior that is not Gaussian can choose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence.bands import between_bands, transformed, waves_of
from napari_blind_deconv.evidence.directions import grains_of
from napari_blind_deconv.evidence.frames import Frames
from napari_blind_deconv.evidence.noise_floor import length_of, shapes_of_doubt
from napari_blind_deconv.evidence.pieces import lowest_waves, window_for
from napari_blind_deconv.evidence.profiled import Nodes, profiled
from napari_blind_deconv.evidence.seen import seen
from napari_blind_deconv.evidence.smearing import ORDINATES_PER_INDEPENDENT, smeared
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.fourier import between_nodes

if TYPE_CHECKING:
    from torch import Tensor

# How far log N may go.
_FURTHEST = 10.0
# The slowest waves that fit 1.5 times into the frame are the window's own mean, not texture.
_LOWEST_WAVES = 1.5


@dataclass(frozen=True)
class Evidence:
    """Everything about an observation that a kernel is judged by; variances are in units of the noise variance.

    Attributes
    ----------
    observed
        The observation, ``(..., *spatial)``; leading axes are frames that share kernel and spectrum.
    given
        The noise.
    window
        Sides of the windows that it is seen through.
    noise_sigma
        Standard deviation of the noise, in the observation's units.
    spacing
        Sample distances of the spatial axes; only their ratios matter.
    axes
        The frequencies kept along each spatial axis, in cycles per sample, contiguous; the last axis from 0.
    periodogram
        P at the kept frequencies, mean over windows and frames.
    floor
        N at the kept frequencies as the window sees it, its level read once more at the highest frequencies.
    colours
        Smooth functions of frequency by which log N may differ from that, each times its deviation; or none.
    weights
        Share of each kept frequency in the evidence, summing to one.
    band, fraction
        Place of each kept frequency between the nodes of the spectrum: linear interpolation in log frequency.
    bands
        Number of nodes.
    lowest, highest
        Frequencies of the first and last node, in cycles per finest sample distance.
    independent
        Number of independent complex ordinates among the kept: what turns nats per frequency into nats.
    frames
        All frames, where ``observed`` shows a few of them only.
    scene
        S at the kept frequencies but for its level, where it is known; ``None``: it is not.
    read_again
        What the second reading of the noise's level multiplied it by.
    """

    observed: Tensor
    given: Noise
    window: tuple[int, ...]
    noise_sigma: float
    spacing: tuple[float, ...]
    axes: tuple[Tensor, ...]
    periodogram: Tensor
    floor: Tensor
    colours: Tensor
    weights: Tensor
    band: Tensor
    fraction: Tensor
    bands: int
    lowest: float
    highest: float
    independent: float
    frames: Frames | None = None
    scene: Tensor | None = None
    read_again: float = 1.0

    @classmethod
    def of(
        cls,
        observed: Tensor,
        noise: float | Noise,
        *,
        spacing: Sequence[float] | None = None,
        kernel_shape: Sequence[int] | None = None,
        frames: Frames | None = None,
        parted: int | None = None,
        bands: int = 20,
        highest: float = 0.4,
    ) -> Evidence:
        """Reduce an observation to what kernels are judged by.

        Parameters
        ----------
        observed
            ``(..., *spatial)``; as many spatial axes as ``spacing`` has entries, all of them where it is ``None``.
        noise
            The noise, or the standard deviation of white noise; for photon counts the root of their mean. Floored at
            1e-4 of the observation's own standard deviation.
        spacing
            Sample distances along the spatial axes, any unit.
        kernel_shape
            Support of the kernels that are to be judged: windows a few times as wide will do; ``None``: one over all.
        frames
            All frames, of which ``observed`` shows a few; ``None``: these are all.
        parted
            Shortest side of windows that images, too, are seen through (`pieces.PARTED`, `pieces.KNOWN` where S is
            known); ``None``: one over all.
        bands, highest
            Nodes of S, log-spaced; highest frequency kept along each axis, cycles per sample: beyond 0.4 is only noise.

        Examples
        --------
        >>> scene = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
        >>> delta, pair = torch.zeros(3, 3), torch.zeros(3, 3)
        >>> delta[1, 1], pair[1, :2] = 1.0, 0.5
        >>> evidence = Evidence.of((scene + scene.roll(1, 1)) / 2, 0.05)
        >>> bool(evidence(pair) < evidence(delta))
        True
        """
        spacing = tuple(float(d) for d in (spacing or (1.0,) * observed.ndim))
        ndim = len(spacing)
        values = observed.to(torch.promote_types(observed.dtype, torch.float32))
        noise = noise if isinstance(noise, Noise) else Noise.white(float(noise))
        sigma = max(noise.sigma, 1e-4 * float(values.std(correction=0)), torch.finfo(values.dtype).tiny ** 0.25)
        space = values.shape[-ndim:]
        shape = tuple(space) if kernel_shape is None else window_for(space, kernel_shape, parted=parted)
        places = lowest_waves(shape, highest, values)
        axes = tuple(p.to(values.dtype) / n for p, n in zip(places, shape, strict=True))
        look = seen(frames or Frames.of(values.reshape(-1, *space)), shape, noise, sigma)
        ordinates, colour, share = look.at([place % n for place, n in zip(places, shape, strict=True)])
        unit = min(spacing)
        radius = length_of([f * unit / d for f, d in zip(axes, spacing, strict=True)])
        lowest = _LOWEST_WAVES * unit / max(n * d for n, d in zip(shape, spacing, strict=True))
        weights = (radius > lowest).to(values.dtype)
        weights[..., 0] *= 0.5  # each wave of this column appears with its conjugate
        weights *= share
        independent = float(weights.sum()) * look.told_by(space, shape, apart=frames is not None)
        top = max(float(radius.max()), lowest * 2)
        band, fraction = between_nodes(radius, lowest, top, bands)
        weights = weights / weights.sum().clamp(min=1)
        given = values, noise, shape, sigma, spacing, axes
        return cls(
            *given,
            ordinates,
            look.noise * colour * noise.at(axes),
            shapes_of_doubt(axes, noise.doubt),
            weights,
            band,
            fraction,
            bands,
            lowest,
            top,
            independent / ORDINATES_PER_INDEPENDENT**ndim,
            frames,
            read_again=look.noise / look.variance,
        )

    def in_one_window(self) -> Evidence:
        """The same through one window over everything: what is far apart in a kernel shows in fine fringes."""
        if self.window == tuple(self.observed.shape[-self.ndim :]):
            return self
        return Evidence.of(self.observed, self.given, spacing=self.spacing, frames=self.frames, bands=self.bands)

    @property
    def ndim(self) -> int:
        """Number of spatial axes."""
        return len(self.axes)

    def __call__(self, kernel: Tensor, *, updates: int = 15) -> Tensor:
        """Equation (1) in nats per frequency (twice, as P / V + log V), lower is better, S profiled out.

        Parameters
        ----------
        kernel
            Odd shape, ``(..., *kernel_shape)``; leading axes are candidates. Differentiable: at its optimum S adds
            nothing to the gradient.
        updates
            Updates of S.

        Returns
        -------
        Tensor
            One value per candidate, a scalar for one kernel.
        """
        power = self.power(kernel)
        return self.nats(power * self.at_frequencies(self.profile(power.detach(), updates=updates)))

    def power(self, kernel: Tensor) -> Tensor:
        """|K|² at the kept frequencies, ``(..., *kept)``, by one small transform per axis."""
        values = transformed(kernel, self.waves(kernel))
        return values.real.square() + values.imag.square()

    def model(self, kernel: Tensor, spectrum: Tensor, coefficients: Tensor, features: Tensor, offset: Tensor) -> Tensor:
        """|K|² S and what else shapes the image's spectrum, ``(..., *kept)``.

        Parameters
        ----------
        kernel
            As in a call.
        spectrum
            S at its nodes, ``(bands,)``.
        coefficients, features, offset
            What is not radial, as the logarithm ``coefficients · features + offset``; ``(n, *kept)`` features.
        """
        from napari_blind_deconv.evidence.modelled import Modelled  # its class is one of PyTorch's

        found: Tensor = Modelled.apply(  # type: ignore[no-untyped-call]
            kernel, spectrum, coefficients, features, offset, self.band, self.fraction, *self.waves(kernel)
        )
        return found

    def expected(self, model: Tensor, colour: Tensor | None = None) -> Tensor:
        """V of equation (1), ``(..., *kept)``.

        Parameters
        ----------
        model, colour
            As of `model`, and how many standard deviations log N departs along each of ``colours``; ``None``: none.
        """
        return smeared(model, self.ndim) + self.noise(colour)

    def noise(self, colour: Tensor | None = None) -> Tensor:
        """N at the kept frequencies, in units of the noise variance."""
        if colour is None or not len(colour):
            return self.floor
        return self.floor * torch.tensordot(colour, self.colours, 1).clamp(-_FURTHEST, _FURTHEST).exp()

    def nats(self, model: Tensor, colour: Tensor | None = None) -> Tensor:
        """P / V + log V, mean over the kept frequencies, for the spectrum of a blurred image as of `model`."""
        noise = self.noise(colour)
        from napari_blind_deconv.evidence.whittle import Whittle  # its class is one of PyTorch's

        values: Tensor = Whittle.apply(model, noise, self.periodogram, self.weights)  # type: ignore[no-untyped-call]
        return values + 2 * math.log(self.noise_sigma)

    def profile(self, power: Tensor, *, updates: int = 15) -> Tensor:
        """The spectrum S under which a kernel explains the observation best, ``(..., bands)``: see `profiled`."""
        shape = self.periodogram, self.floor, self.weights
        return profiled(power, shape, Nodes(self.band, self.fraction, self.bands), updates)

    def spectrum_at(self, spectrum: Tensor, axes: Sequence[Tensor]) -> Tensor:
        """S at any grid of frequencies, one vector per axis in cycles per sample; constant beyond its nodes."""
        unit = min(self.spacing)
        radius = length_of([f * unit / d for f, d in zip(axes, self.spacing, strict=True)])
        band, fraction = between_nodes(radius, self.lowest, self.highest, self.bands)
        return between_bands(spectrum, band, fraction).reshape(radius.shape)

    @cached_property
    def grains(self) -> Tensor:
        """As of `directions.grains_of`, at the kept frequencies in physical space."""
        return grains_of([f / d for f, d in zip(self.axes, self.spacing, strict=True)])

    def at_frequencies(self, spectrum: Tensor) -> Tensor:
        """S at every kept frequency."""
        return between_bands(spectrum, self.band, self.fraction).unflatten(-1, self.weights.shape)

    def waves(self, kernel: Tensor) -> list[Tensor]:
        """Transforms of a kernel's samples to the kept frequencies of each axis, ``(taps, kept)``; kept once made."""
        shape = tuple(kernel.shape[-self.ndim :])
        key = shape, kernel.dtype
        if key not in self._made:
            self._made[key] = [waves_of(n, places, kernel.dtype) for n, places in zip(shape, self.axes, strict=True)]
        return self._made[key]

    @cached_property
    def _made(self) -> dict[tuple[tuple[int, ...], torch.dtype], list[Tensor]]:
        return {}
