"""What every layer shares: components, the records that travel between layers, and the one exception for bad input."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform

import numpy as np
import pydantic
from numpy.typing import NDArray

Class = TypeVar("Class")


class InputError(ValueError):
    """Input or usage that cannot be worked with; the message says name, value, what is allowed and what to do."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def component(cls: type[Class]) -> type[Class]:
    """Turn a class into a component: a frozen, validated declaration that is algorithm, JSON and form at once.

    Unknown fields, wrong types, values out of bounds and non-finite numbers are refused on construction
    (``pydantic.ValidationError``, a ``ValueError``).
    """
    config = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
    return pydantic.dataclasses.dataclass(frozen=True, kw_only=True, config=config)(cls)  # type: ignore[return-value]


def nearest(name: str, allowed: Iterable[str]) -> str:
    """A sentence that names the nearest allowed name, or all of them.

    Examples
    --------
    >>> nearest("unifrm", ["uniform", "gaussian"])
    "did you mean 'uniform'? Allowed: gaussian, uniform"
    """
    names = sorted(allowed)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}{'Allowed' if hint else 'allowed'}: {', '.join(names)}"


@dataclass(frozen=True)
class Progress:
    """One step of a run, as it is shown to people.

    Attributes
    ----------
    stage
        What is being done, in words.
    step, total
        Steps done and steps in all, over the whole run; the total may be revised.
    image
        Preview of the restored image, float32, in the input's intensity scale; ``None`` where there is none yet.
    kernel
        The kernel so far, float32, unit sum, or ``None``.
    message
        A detail for the status line.
    """

    stage: str
    step: int
    total: int
    image: NDArray[np.float32] | None = None
    kernel: NDArray[np.float32] | None = None
    message: str = ""


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes
    ----------
    image
        The restored image, float32, the input's shape and intensity scale.
    kernel
        The estimated (or given) PSF, float32, unit sum, odd size, convolution orientation, centre tap in the middle;
        its axes are the spatial ones, preceded by the channel axis where channels have a PSF each.
    report
        Settings, versions, noise, kernel diagnostics, checks of trust, warnings and metrics; JSON-able.
    maps
        Where not to trust the image: arrays of its shape, float32, by name. ``residual``: what the restored and blurred
        image misses of the observation, in standard deviations, NaN where the PSF looks beyond the frame;
        ``prior_share``: how much of the detail around a pixel is the prior's, 0 (data) to 1 (prior), with solvers that
        use an image prior; ``uncertainty``: posterior standard deviation in the image's intensity unit, with solvers
        that sample.
    """

    image: NDArray[np.float32]
    kernel: NDArray[np.float32]
    report: dict[str, Any]
    maps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
