"""Evidence p(y | k) in closed form: the image is marginalised, never estimated.

Under a stationary Gaussian image of power spectrum S, blurred by k and seen through a window W in noise of
spectrum N,

    -log p(y | k)  =  ½ Σ_f [ P(f) / V(f) + log V(f) ],      V = (|K|² S) ⊛ |W|² + N,                            (1)

P the windowed periodogram of y and V its expectation (Whittle 1953; Levin et al. 2009, doi:10.1109/CVPR.2009.5206815,
on why k must be judged with the image marginalised). The window stands in the model, because what leaks through it
would otherwise fill the nulls of K. S is isotropic and otherwise free, and profiled out for every kernel.

It sees |K| only: a kernel and its 180° turn tie, and only an image prior that is not Gaussian can choose.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from napari_blind_deconv.evidence.noise_floor import length_of, level_in_window, shapes_of_doubt
from napari_blind_deconv.evidence.pieces import pieces, window_for
from napari_blind_deconv.evidence.whittle import Whittle, smeared
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.fourier import between_nodes, hann, periodogram

# Periodogram ordinates within a Hann window's main lobe are correlated: 1 + 2 (4/9 + 1/36) of them carry one.
_ORDINATES_PER_INDEPENDENT = 1.944
# How far log N may go.
_FURTHEST = 10.0
# The slowest waves that fit 1.5 times into the frame are the window's own mean, not texture.
_LOWEST_WAVES = 1.5
# Signal spectra stay above this share of the noise variance, so that their logarithms exist.
_FLOOR = 1e-7


@dataclass(frozen=True)
class Evidence:
    """Everything about an observation that a kernel is judged by; variances are in units of the noise variance.

    Attributes
    ----------
    observed
        The observation, ``(..., *spatial)``; leading axes are frames that share kernel and spectrum.
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
        Smooth functions of frequency by which log N may differ from that, each times its standard deviation,
        ``(functions, *kept)``; none where the noise is white.
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
    """

    observed: Tensor
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

    @classmethod
    def of(
        cls,
        observed: Tensor,
        noise: float | Noise,
        *,
        spacing: Sequence[float] | None = None,
        kernel_shape: Sequence[int] | None = None,
        bands: int = 20,
        highest: float = 0.4,
    ) -> "Evidence":
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
            Support of the kernels that are to be judged, which windows a few times as wide will do for; ``None``: one
            window over everything.
        bands
            Nodes of the radial spectrum S, log-spaced.
        highest
            Highest frequency kept along each axis, cycles per sample, up to 0.5; beyond 0.4 a blurred image has only
            noise, and half of the work.

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
        shape = tuple(space) if kernel_shape is None else window_for(space, kernel_shape)
        kept = [min(math.ceil(highest * n), (n - 1) // 2) for n in shape]
        places = [torch.arange(-m if a < ndim - 1 else 0, m + 1, device=values.device) for a, m in enumerate(kept)]
        axes = tuple(p.to(values.dtype) / n for p, n in zip(places, shape, strict=True))
        shown = [periodogram(piece / sigma, ndim) for piece in pieces(values, shape)]
        ordinates, frames = torch.stack(shown).mean(0), values.numel() // math.prod(space)
        seen = sum(noise.seen_through(piece, hann(shape, values)) for piece in pieces(values, shape)) / len(shown)
        seen *= level_in_window(ordinates, seen * noise.on(shape).to(ordinates), shape, frames * len(shown))
        for axis, (place, n) in enumerate(zip(places, shape, strict=True)):
            ordinates = ordinates.index_select(axis, place % n)
        unit = min(spacing)
        radius = length_of([f * unit / d for f, d in zip(axes, spacing, strict=True)])
        lowest = _LOWEST_WAVES * unit / max(n * d for n, d in zip(shape, spacing, strict=True))
        weights = (radius > lowest).to(values.dtype)
        weights[..., 0] *= 0.5  # each wave of this column appears with its conjugate
        # Windows that overlap are no more observations than fit side by side.
        apart = values.numel() / math.prod(shape)
        independent = float(weights.sum()) * apart / _ORDINATES_PER_INDEPENDENT**ndim
        top = max(float(radius.max()), lowest * 2)
        band, fraction = between_nodes(radius, lowest, top, bands)
        weights = weights / weights.sum().clamp(min=1)
        return cls(
            values,
            shape,
            sigma,
            spacing,
            axes,
            ordinates,
            (seen * noise.at(axes)).expand(ordinates.shape),
            shapes_of_doubt(axes, noise.doubt),
            weights,
            band,
            fraction,
            bands,
            lowest,
            top,
            independent,
        )

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
        return self.nats(power, self.profile(power.detach(), updates=updates))

    def power(self, kernel: Tensor) -> Tensor:
        """|K|² at the kept frequencies, ``(..., *kept)``, by one small transform per axis."""
        values = kernel.to(torch.complex128 if kernel.dtype == torch.float64 else torch.complex64)
        for axis, waves in zip(range(-1, -self.ndim - 1, -1), reversed(self.axes), strict=True):
            values = (values.movedim(axis, -1) @ self._wave(axis, kernel.shape[axis], waves, values)).movedim(-1, axis)
        return values.real.square() + values.imag.square()

    def expected(self, power: Tensor, spectrum: Tensor, colour: Tensor | None = None) -> Tensor:
        """V of equation (1), ``(..., *kept)``.

        Parameters
        ----------
        power
            |K|² and what else shapes the image's spectrum, ``(..., *kept)``.
        spectrum
            S at its nodes, ``(..., bands)``.
        colour
            How many standard deviations log N departs along each of ``colours``; ``None``: not at all.
        """
        return smeared(power * self.at_frequencies(spectrum), self.ndim) + self.noise(colour)

    def noise(self, colour: Tensor | None = None) -> Tensor:
        """N at the kept frequencies, in units of the noise variance."""
        if colour is None or not len(colour):
            return self.floor
        return self.floor * torch.tensordot(colour, self.colours, 1).clamp(-_FURTHEST, _FURTHEST).exp()

    def nats(self, power: Tensor, spectrum: Tensor, colour: Tensor | None = None) -> Tensor:
        """P / V + log V, mean over the kept frequencies, for a given S."""
        model = power * self.at_frequencies(spectrum)
        values: Tensor = Whittle.apply(model, self.noise(colour), self.periodogram, self.weights)
        return values + 2 * math.log(self.noise_sigma)

    def profile(self, power: Tensor, *, start: Tensor | None = None, updates: int = 15) -> Tensor:
        """The spectrum S under which a kernel explains the observation best, ``(..., bands)``.

        Multiplicative updates, none of which makes the evidence worse (Févotte & Idier 2011,
        doi:10.1162/NECO_a_00168).
        """
        with torch.no_grad():
            if start is None:
                signal = (self.periodogram - self.floor).clamp(min=0) * self.weights
                start = self._to_bands(signal * power) / self._to_bands(power**2 * self.weights).clamp(min=1e-20)
            spectrum, weighed = start.clamp(min=_FLOOR), self.periodogram * self.weights
            for _ in range(updates):
                expected = self.expected(power, spectrum)
                pull = self._to_bands(smeared(weighed / expected**2, self.ndim) * power)
                push = self._to_bands(smeared(self.weights / expected, self.ndim) * power)
                spectrum = (spectrum * (pull / push.clamp(min=1e-30)).sqrt()).clamp(min=_FLOOR, max=1e12)
        return spectrum

    def spectrum_at(self, spectrum: Tensor, axes: Sequence[Tensor]) -> Tensor:
        """S at any grid of frequencies, one vector per axis in cycles per sample; constant beyond its nodes."""
        unit = min(self.spacing)
        radius = length_of([f * unit / d for f, d in zip(axes, self.spacing, strict=True)])
        band, fraction = between_nodes(radius, self.lowest, self.highest, self.bands)
        return (spectrum[band] * (1 - fraction) + spectrum[band + 1] * fraction).reshape(radius.shape)

    def texture(self, grain: Tensor) -> Tensor:
        """Factor ``exp(nᵀ G n)`` of S along the direction n of each kept frequency: fur, fibres, filaments.

        It is the same at all frequencies, unlike a kernel's nulls and roll-off. ``grain`` is the lower triangle of G,
        ``ndim (ndim + 1) / 2`` entries; multiply `power` by it.
        """
        return torch.tensordot(grain, self.grains, 1).exp()

    @cached_property
    def grains(self) -> Tensor:
        """What the logarithm of `texture` is linear in, ``(ndim (ndim + 1) / 2, *kept)``."""
        rows, columns = torch.tril_indices(self.ndim, self.ndim).tolist()
        parts = self.directions.unbind(-1)
        return torch.stack([parts[r] * parts[c] for r, c in zip(rows, columns, strict=True)])

    @cached_property
    def directions(self) -> Tensor:
        """Unit vectors of the kept frequencies in physical space, ``(*kept, ndim)``."""
        physical = [f / d for f, d in zip(self.axes, self.spacing, strict=True)]
        grid = torch.stack(torch.meshgrid(*physical, indexing="ij"), -1)
        return grid / grid.norm(dim=-1, keepdim=True).clamp(min=1e-12)

    def at_frequencies(self, spectrum: Tensor) -> Tensor:
        """S between its nodes, at every kept frequency."""
        low = spectrum.index_select(-1, self.band)
        rise = (spectrum[..., 1:] - spectrum[..., :-1]).index_select(-1, self.band)
        return (low + rise * self.fraction).unflatten(-1, self.weights.shape)

    def _to_bands(self, values: Tensor) -> Tensor:
        flat = values.flatten(-self.ndim)
        upper = flat * self.fraction
        out = flat.new_zeros((*flat.shape[:-1], self.bands))
        return out.index_add(-1, self.band, flat - upper).index_add(-1, self.band + 1, upper)

    def _wave(self, axis: int, taps: int, waves: Tensor, like: Tensor) -> Tensor:
        """Transform of ``taps`` samples to the kept frequencies of an axis, ``(taps, kept)``; kept once made."""
        key = axis, taps, like.dtype
        if key not in self._waves:
            phase = -2 * math.pi * (torch.arange(taps, device=waves.device) - taps // 2)[:, None] * waves
            self._waves[key] = torch.polar(torch.ones_like(phase), phase).to(like)
        return self._waves[key]

    @cached_property
    def _waves(self) -> dict[tuple[int, int, torch.dtype], Tensor]:
        return {}
