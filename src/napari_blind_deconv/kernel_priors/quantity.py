"""A physical quantity as people state it: a number, a range, or nothing; and as a fit sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import BeforeValidator

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError

if TYPE_CHECKING:
    from torch import Tensor

Quantity = float | tuple[float, float] | None
"""A number is fixed, (low, high) bounded, ``None`` free within physics."""


def checked(given: Any, low: float, high: float, unit: str = "", mistake: str = "") -> Quantity:
    """A `Quantity` that physics holds between ``low`` and ``high``; the others as of `Physical`."""
    if given is None:
        return None
    pair = isinstance(given, (list, tuple))
    values = list(given) if pair else [given]
    if any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in values) or (pair and len(values) != 2):
        # The subject is the field that validation names.
        raise InputError(
            subject="",
            value=f"{given}",
            allowed="must be a number, two numbers (the lower one first) or `null`",
            remedy="correct it, or leave it free",
        )
    for value in values:
        if not low <= value <= high:
            hint = mistake.format(thousandth=f"{value / 1000:g}")
            range_said = f"between {low:g} and {high:g}{' ' + unit if unit else ''}"
            raise InputError(subject="", value=f"{given}", allowed=f"must be {range_said}", remedy=hint)
    if not pair:
        return float(values[0])
    if not values[0] < values[1]:
        raise InputError(
            subject="",
            value=f"{given}",
            allowed="must be two numbers, the lower one first",
            remedy="give a single number to fix it",
        )
    return float(values[0]), float(values[1])


@dataclass(frozen=True)
class Physical:
    """What physics allows of a `Quantity`, as a function that refuses the rest.

    Attributes
    ----------
    low, high
        What is allowed, ends included.
    unit
        Said with the range.
    mistake
        The likely mistake and what to do; ``{thousandth}`` stands for a thousandth of the value.
    """

    low: float
    high: float
    unit: str = ""
    mistake: str = ""

    def __call__(self, given: Any) -> Quantity:
        """The quantity, as it is kept."""
        return checked(given, self.low, self.high, self.unit, self.mistake)


def physical(low: float, high: float, unit: str = "", mistake: str = "") -> BeforeValidator:
    """A validator of a `Quantity`; arguments as of `Physical`."""
    return BeforeValidator(Physical(low, high, unit, mistake))


def one_per_channel(low: float, high: float, unit: str = "", mistake: str = "") -> BeforeValidator:
    """A validator of quantities of several channels, or ``None``; arguments as in `physical`."""

    def check(given: Any) -> Any:
        if given is None:
            return None
        if not isinstance(given, (list, tuple)) or not given:
            raise InputError(
                subject="",
                value=f"{given}",
                allowed="must be a list of one entry per channel",
                remedy="write for example [0.46, 0.52, 0.61]",
            )
        return tuple(checked(value, low, high, unit, mistake) for value in given)

    return BeforeValidator(check)


@dataclass(frozen=True)
class Unknown:
    """One number that a fit may change.

    Attributes
    ----------
    name
        Whose value it is.
    low, high
        Bounds; infinite for a number that only its prior holds.
    centre, spread
        Mean and standard deviation of its Gaussian prior, cut at the bounds.
    unit
        Of its value.
    """

    name: str
    low: float
    high: float
    centre: float
    spread: float
    unit: str = ""

    def within(self, low: float, high: float) -> Unknown:
        """The same number between bounds of somebody who knows better: they are all that is assumed."""
        return replace(self, low=low, high=high, centre=(low + high) / 2, spread=high - low)

    @property
    def bounded(self) -> bool:
        """Whether there are bounds."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def value(self, coordinate: Tensor) -> Tensor:
        """The value at a coordinate that a descent moves without bounds, of order one."""
        if not self.bounded:
            return self.centre + self.spread * coordinate
        return self.low + (self.high - self.low) * torch.sigmoid(coordinate)

    def coordinate(self, value: float) -> float:
        """Inverse of `value`; what touches a bound is held just inside."""
        if not self.bounded:
            return (value - self.centre) / self.spread
        share = min(max((value - self.low) / (self.high - self.low), 1e-3), 1 - 1e-3)
        return math.log(share / (1 - share))

    def cost(self, value: Tensor) -> Tensor:
        """-log p in nats, up to a constant."""
        return 0.5 * ((value - self.centre) / self.spread) ** 2

    @property
    def start(self) -> float:
        """Where a descent may begin: near the prior's centre, but off the symmetric point of an aberration."""
        return self.centre + (0.1 * (self.high - self.low) if self.bounded else 0.5 * self.spread)

    @property
    def scale(self) -> float:
        """A step that changes a kernel visibly but not beyond recognition, in units of the value."""
        return min(self.spread, 0.1 * (self.high - self.low))

    def draw(self, generator: torch.Generator) -> float:
        """A value from the prior."""
        for _ in range(200):
            value = self.centre + self.spread * float(torch.randn((), generator=generator))
            if self.low <= value <= self.high:
                return value
        return self.centre
