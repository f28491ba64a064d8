"""What a solver is given and what it yields."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from napari_blind_deconv.forward import DataTerm, Frame, Noise
from napari_blind_deconv.image_priors import Fitting, Splittable
from napari_blind_deconv.kernel_priors import Known, Microscope, Parameter, Updatable
from napari_blind_deconv.restoration import ByPrior, Restores, Task

Stage = Literal["estimating the kernel", "restoring"]


@runtime_checkable
class Choosy(Protocol):
    """A solver that cannot work with every prior, and says so before anything is computed."""

    def refuse(self, kernel_prior: object, image_prior: object) -> None:
        """Raise an `InputError` that says what to choose instead, unless it can work with these."""
        ...


@dataclass(frozen=True)
class Problem:
    """One observation of one kernel, ready for a solver.

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
    restorer
        How the image is restored, once there is a kernel.
    counts, non_negative, dark
        As of `restoration.Task`.
    trusted
        Whether the kernel is to be trusted like one that was given; ``None``: where its prior is of that kind.
    model_error
        What no single kernel explains, on the scale of ``observed``.
    kernel_prior, kernel_weight
        p(k), and how many times it counts.
    image_prior
        p(x).
    iterations
        Steps of the restoration, or ``None`` for the solver's own number.
    generator
        The only source of randomness.
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
    restorer: Restores = field(default_factory=ByPrior)
    counts: bool = False
    non_negative: bool = False
    dark: float | None = None
    trusted: bool | None = None

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

    @property
    def is_trusted(self) -> bool:
        """Whether the kernel is known, or held by optics."""
        return isinstance(self.kernel_prior, Known | Microscope) if self.trusted is None else self.trusted

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
            trusted=self.is_trusted,
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
class Estimate:
    """What is known after a step; tensors are never modified once yielded.

    Attributes
    ----------
    stage
        What is being done.
    step, total
        Steps done and steps in all.
    kernel
        The kernel so far, or ``None``.
    image
        The restored image so far, shape of ``Problem.observed``, or ``None``.
    message
        A detail for people.
    parameters
        Figures that a fit of few parameters found, by name.
    choice
        Why this rung, where it was to be chosen.
    maps
        What else is known of every pixel, by name, each of the shape and on the scale of ``Problem.observed``: the
        last estimate of a solver that samples has ``uncertainty``, the posterior standard deviation of the image.
    """

    stage: Stage
    step: int
    total: int
    kernel: Tensor | None
    image: Tensor | None = None
    message: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    choice: Choice | None = None
    maps: Mapping[str, Tensor] = field(default_factory=dict)
