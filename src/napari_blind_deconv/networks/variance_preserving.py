"""A network of a variance-preserving diffusion as a denoiser.

Such a network was trained on z_t = √a_t z + √(1 - a_t) n, a_t falling with the step t (Ho et al. 2020,
arXiv:2006.11239). Divided by √a_t, that is z with noise of the level σ_t = √((1 - a_t) / a_t).
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, Len, Lt
from numpy.typing import NDArray
from torch import Tensor

from napari_blind_deconv._types import InputError, component

Beta = Annotated[float, Gt(0), Lt(1)]
# The network of a step: (z_t ``(batch, channel, y, x)``, t ``(batch,)``, not rounded) → its answer, of z_t's shape.
Predict = Callable[[Tensor, Tensor], Tensor]

# Samples that go through a network at once; a single plane is never divided.
_AT_ONCE = 1 << 18
# σ may leave the schedule by what rounding does.
_ROUNDING = 1e-6


@component
class Schedule:
    """The noise of every step, in the words and with the defaults of a `diffusers` scheduler's configuration.

    Examples
    --------
    >>> [round(sigma, 4) for sigma in Schedule().sigma_range]
    [0.01, 157.4073]
    >>> round(Schedule().step(1.0), 1)
    258.1
    """

    num_train_timesteps: Annotated[int, Ge(2), Le(1_000_000)] = 1000
    beta_start: Beta = 1e-4
    beta_end: Beta = 0.02
    beta_schedule: Literal["linear", "scaled_linear", "squaredcos_cap_v2"] = "linear"
    trained_betas: Annotated[tuple[Beta, ...], Len(2, 1_000_000)] | None = None
    """In place of those that the fields above give."""
    prediction_type: Literal["epsilon", "v_prediction", "sample"] = "epsilon"
    """What the network answers: the noise n, √a n - √(1 - a) z, or z."""
    rescale_betas_zero_snr: Literal[False] = False
    """A last step without any image has no finite σ."""

    @property
    def betas(self) -> NDArray[np.float64]:
        """1 - a_t / a_{t-1}."""
        steps = self.num_train_timesteps
        if self.trained_betas is not None:
            return np.array(self.trained_betas)
        if self.beta_schedule == "linear":
            return np.linspace(self.beta_start, self.beta_end, steps)
        if self.beta_schedule == "scaled_linear":
            return np.linspace(self.beta_start**0.5, self.beta_end**0.5, steps) ** 2
        # Nichol & Dhariwal 2021 (arXiv:2102.09672, eq. 17).
        kept = np.cos((np.arange(steps + 1) / steps + 0.008) / 1.008 * math.pi / 2) ** 2
        return np.minimum(1 - kept[1:] / kept[:-1], 0.999)

    @cached_property
    def sigmas(self) -> NDArray[np.float64]:
        """σ_t, rising."""
        kept = np.cumprod(1 - self.betas)
        return np.sqrt((1 - kept) / kept)

    @property
    def sigma_range(self) -> tuple[float, float]:
        """Noise levels of the first and the last step."""
        return float(self.sigmas[0]), float(self.sigmas[-1])

    def step(self, sigma: float) -> float:
        """The step t with σ_t = ``sigma``, between two steps by the logarithm.

        Raises
        ------
        InputError
            Where no step has so much or so little noise.
        """
        low, high = self.sigma_range
        if not low * (1 - _ROUNDING) <= sigma <= high * (1 + _ROUNDING):
            raise InputError(
                subject="sigma",
                value=f"{sigma:.4g} is no noise level of the network's",
                allowed=f"allowed: {low:.4g} to {high:.4g}",
                remedy="choose one of these",
            )
        return float(np.interp(math.log(sigma), np.log(self.sigmas), np.arange(len(self.sigmas))))


class VariancePreserving:
    """E[x | x + σ n] of grey planes, by a network that knows images of values -1 to 1 in one or more channels.

    With z = 2 x - 1, whose noise has the level 2 σ, the clean image is, for s = σ of the network,

        ẑ = z - s ε(z / √(1 + s²), t(s))                                                      (1)

    for a network that answers with the noise. In a network of C channels, the grey image is repeated and the answers
    are averaged. Noise that is the same in all channels has C times the variance along their mean that independent
    noise has, which is what the network expects; so it is told

        s = 2 √C σ.                                                                           (2)

    That is exact wherever brightness and colour are independent: the posterior mean of the brightness then depends on
    the brightness alone.

    Parameters
    ----------
    predict
        The network.
    schedule
        Its noise levels, and what it answers.
    channels
        C.
    multiple
        Sides of planes are filled up to multiples of this, by their border values.
    """

    def __init__(self, predict: Predict, schedule: Schedule, channels: int = 1, multiple: int = 1) -> None:
        self.predict, self.schedule = predict, schedule
        self.channels, self.multiple = channels, multiple
        self._scale = 2 * math.sqrt(channels)

    @property
    def sigma_range(self) -> tuple[float, float]:
        """Noise levels that the network knows, for images of values 0 to 1."""
        low, high = self.schedule.sigma_range
        return low / self._scale, high / self._scale

    def __call__(self, noisy: Tensor, sigma: float) -> Tensor:
        """The mean of the clean values given the noisy ones.

        Parameters
        ----------
        noisy
            Shape ``(..., y, x)``, any size; clean values are 0 to 1. Every plane is seen whole.
        sigma
            Standard deviation of the noise, within `sigma_range`.

        Raises
        ------
        InputError
            Where ``sigma`` is beyond it.
        """
        *_, rows, columns = noisy.shape
        planes = 2 * noisy.reshape(-1, 1, rows, columns) - 1
        beyond = (0, -columns % self.multiple, 0, -rows % self.multiple)
        if any(beyond):
            planes = torch.nn.functional.pad(planes, beyond, mode="replicate")
        several = max(1, _AT_ONCE // planes[0].numel())
        clean = torch.cat([self._clean(some, self._scale * sigma) for some in planes.split(several)])
        return (clean[:, :rows, :columns].reshape(noisy.shape) + 1) / 2

    def _clean(self, planes: Tensor, level: float) -> Tensor:
        """Equation (1), for planes ``(batch, 1, y, x)``; channels beyond C are a learned variance."""
        size = math.sqrt(1 + level**2)
        step = planes.new_full((len(planes),), self.schedule.step(level))
        seen = planes / size
        answer = self.predict(seen.expand(-1, self.channels, -1, -1), step)[:, : self.channels].mean(1)
        kind = self.schedule.prediction_type
        if kind == "sample":
            return answer
        return planes[:, 0] - level * answer if kind == "epsilon" else (seen[:, 0] - level * answer) / size
