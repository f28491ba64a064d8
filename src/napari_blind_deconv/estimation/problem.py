"""What an estimator is given and what it yields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from napari_blind_deconv._torch import torch
from napari_blind_deconv.evidence import Evidence, Frames, exact
from napari_blind_deconv.evidence.known_scene import under
from napari_blind_deconv.evidence.pieces import KNOWN
from napari_blind_deconv.forward import DataTerm, Frame, Noise
from napari_blind_deconv.image_priors import Fitting, GaussianField, Splittable
from napari_blind_deconv.kernel_priors import Airy, Defocus, Fit, Gaussian, Known, Microscope, Updatable
from napari_blind_deconv.restoration import Order, Task

if TYPE_CHECKING:
    from torch import Tensor

# Highest frequency that is looked at, in cycles per sample; where S is known, whether it is: the last ones tell the
# noise.
_HIGHEST = {False: 0.4, True: 0.5}
# Kernels that are given, or have so few figures that no noise is drawn into them.
_FEW_FIGURES = (Known, Microscope, Gaussian, Airy, Defocus)


@dataclass(frozen=True)
class Problem:
    """One observation of one kernel, ready to be solved.

    Attributes
    ----------
    observed
        y without its background, on a scale of about 0 to 1, shape ``(batch, *space)``: frames, planes and colours
        that share one kernel form the batch.
    sample
        The part of y from which the kernel is estimated; ``observed`` itself where that is small.
    kernel_shape
        The support, odd.
    largest_kernel
        The support that may be needed, where it is to be found; ``None`` where ``kernel_shape`` is what was asked for.
    spacing
        The pixel's size per axis, relative to the smallest.
    noise
        The noise, on the scale of ``observed``.
    weights, sample_weights
        0 where a pixel of ``observed``, or of ``sample``, is no data; ``None``: all are.
    counts, non_negative, dark
        As of `restoration.Task`.
    model_error
        What no single kernel explains, on the scale of ``observed``.
    kernel_prior, kernel_weight
        p(k), and how many times it counts.
    image_prior
        p(x).
    iterations
        Steps of the restoration, or ``None`` for the restorer's own number.
    generator
        The only source of randomness.
    frames
        All frames of the sample's place, where the sample has a few of them only.
    order
        As of `restoration.Task`, of ``observed``.
    """

    observed: Tensor
    sample: Tensor
    kernel_shape: tuple[int, ...]
    spacing: tuple[float, ...]
    noise: Noise
    model_error: float
    kernel_prior: Updatable
    kernel_weight: float
    image_prior: Splittable | Fitting
    iterations: int | None
    generator: torch.Generator
    largest_kernel: tuple[int, ...] | None = None
    weights: Tensor | None = None
    sample_weights: Tensor | None = None
    counts: bool = False
    non_negative: bool = False
    dark: float | None = None
    frames: Frames | None = None
    order: Order | None = None

    def evidence(self, kernel_shape: tuple[int, ...] | None = None) -> Evidence:
        """What kernels are judged by, of all frames; arguments as of `Evidence.of`.

        Where p(x) is a Gaussian field of a given spectrum, the image is that; else its spectrum is to be found out.
        """
        field = self.image_prior if isinstance(self.image_prior, GaussianField) else None
        known = field is not None and field.spectrum is not None
        # Millions of ordinates add up to more nats than single precision tells apart.
        frames = None if self.frames is None else self.frames.exact()
        sample = self.sample if frames is None else exact(self.sample)
        found = Evidence.of(
            sample,
            self.noise,
            spacing=self.spacing,
            kernel_shape=kernel_shape,
            frames=frames,
            parted=KNOWN if known else None,
            highest=_HIGHEST[known],
        )
        if field is None or not known:
            return found
        return under(found, field.power(found.window, self.spacing, sample))

    @property
    def ndim(self) -> int:
        """Number of the kernel's axes."""
        return len(self.kernel_shape)

    @property
    def noise_sigma(self) -> float:
        """Standard deviation of the noise."""
        return self.noise.sigma

    @property
    def misfit_sigma(self) -> float:
        """σ of what a restored and blurred image may miss: noise and model error together."""
        return math.hypot(self.noise_sigma, self.model_error)

    def data(self, kernel: Tensor) -> DataTerm:
        """What a scene blurred by a kernel may miss of the whole observation."""
        return DataTerm.of(self.observed, kernel, self.noise, model_error=self.model_error, weights=self.weights)

    def task(self, kernel: Tensor) -> Task:
        """The restoration of the whole observation with a kernel."""
        return Task(
            data=self.data(kernel),
            noise=self.noise,
            image_prior=self.image_prior,
            spacing=self.spacing,
            iterations=self.iterations,
            generator=self.generator,
            counts=self.counts,
            non_negative=self.non_negative,
            dark=self.dark,
            order=self.order,
            trusted=isinstance(self.kernel_prior, _FEW_FIGURES),
        )

    def sample_data(self, kernel: Tensor) -> DataTerm:
        """The same for the part that the kernel is estimated from."""
        return DataTerm.of(self.sample, kernel, self.noise, model_error=self.model_error, weights=self.sample_weights)

    @property
    def frame(self) -> Frame:
        """The frame of the whole observation."""
        return self.frame_for(self.kernel_shape)

    def frame_for(self, kernel_shape: Sequence[int]) -> Frame:
        """The frame of the whole observation for a kernel of another support."""
        return Frame.around(self.observed.shape[-self.ndim :], tuple(kernel_shape))


class Ranked(NamedTuple):
    """A family of kernels among those that were compared.

    Attributes
    ----------
    kind
        The rung; "sharp" is no blur at all.
    gain_nats
        Evidence over no blur.
    penalty_nats
        What the family's figures cost.
    blurs
        Whether its kernel is a blur that the image shows everywhere.
    """

    kind: str
    gain_nats: float
    penalty_nats: float
    blurs: bool


@dataclass(frozen=True)
class Choice:
    """A rung that was chosen: the sentence that says why, and all that were compared, the chosen one first."""

    reason: str
    ranking: tuple[Ranked, ...]


@dataclass(frozen=True)
class Found:
    """What is known of the kernel after a step; tensors are never modified once yielded.

    Attributes
    ----------
    fit
        The kernel so far, and the figures that describe it.
    total
        Steps of the estimation in all, as far as that is known.
    choice
        Why this rung, where it was to be chosen.
    """

    fit: Fit
    total: int
    choice: Choice | None = None
