"""What every layer shares: components, the records that travel between layers, and the one exception for bad input."""

import difflib
import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform

import numpy as np
import pydantic
from numpy.typing import NDArray

Class = TypeVar("Class")
Value = TypeVar("Value")
Step = TypeVar("Step")

VoxelSize = tuple[float | None, ...]
"""Lengths in µm, one per spatial axis in the order z, y, x; ``None`` along an axis of which none is known."""

MOST_INTENSE = 1e30
"""Intensity beyond which sums of squares leave double precision, and results single precision."""


_MARKED = re.compile(r"`([^`]+)`")
# What a face has other names for; a file, "file a=1.tif", is none.
_SETTING = re.compile(r"[A-Za-z_][\w.]*(=[\w-]+)?")


class InputError(ValueError):
    """Input or usage that cannot be worked with: what is wrong, its value, what is allowed and what to do.

    A face of the program words it with its own names for the settings (`worded`); as a string it has those of Python.

    Parameters
    ----------
    sentence
        All of it in one, where no face has other words for it; the fields are empty then.
    subject
        What is wrong: a setting by its path (``kernel_size``, ``kernel_prior=known``), or a thing (``PSF``,
        ``file a.tif``).
    value
        What it is, in words that follow the subject.
    allowed
        What it must be, in words that follow the value: "must be …" or "is …" at once, any other after a comma.
    remedy
        What to do. Settings stand in it by their paths, between backticks.

    Examples
    --------
    >>> error = InputError(
    ...     subject="kernel_size", value="(9,)", allowed="must be at most 5", remedy="choose a smaller `kernel_size`"
    ... )
    >>> str(error)
    'kernel_size (9,) must be at most 5; choose a smaller kernel_size'
    >>> error.worded(lambda path: "PSF size" if path == "kernel_size" else path)
    'PSF size (9,) must be at most 5; choose a smaller PSF size'
    """

    def __init__(
        self, sentence: str = "", *, subject: str = "", value: str = "", allowed: str = "", remedy: str = ""
    ) -> None:
        self.sentence, self.subject, self.value, self.allowed, self.remedy = sentence, subject, value, allowed, remedy
        super().__init__(self.worded(_in_python))

    def __reduce__(self) -> tuple[Any, ...]:
        """Fields are by keyword only, which copying and processes must know."""
        return _rebuilt, (self.sentence, self.subject, self.value, self.allowed, self.remedy)

    def worded(self, name: Callable[[str], str]) -> str:
        """The sentence, with what a face calls the subject and each setting; ``name`` is given their paths."""
        if self.sentence:
            return self.sentence
        between = " " if self.allowed.startswith(("must ", "is ")) or not self.value else ", "
        subject = name(self.subject) if _SETTING.fullmatch(self.subject) else self.subject
        wrong = " ".join(part for part in (subject, self.value) if part)
        wrong = between.join(part for part in (wrong, self.allowed) if part)
        text = "; ".join(part for part in (wrong, self.remedy) if part)
        return worded(text, name)

    def about(self, subject: str) -> "InputError":
        """The same of another subject, such as a file by its name."""
        return InputError(subject=subject, value=self.value, allowed=self.allowed, remedy=self.remedy)


def worded(sentence: str, name: Callable[[str], str]) -> str:
    """A sentence with what a face calls the settings that stand in it by their paths, between backticks.

    Examples
    --------
    >>> worded("try a larger `kernel_size`", {"kernel_size": "PSF size"}.get)
    'try a larger PSF size'
    """
    return _MARKED.sub(lambda path: name(path[1]), sentence)


def _rebuilt(sentence: str, subject: str, value: str, allowed: str, remedy: str) -> InputError:
    return InputError(sentence, subject=subject, value=value, allowed=allowed, remedy=remedy)


def _in_python(path: str) -> str:
    """``kernel_prior=known`` reads ``kernel_prior 'known'``; other paths are names in Python already."""
    setting, chosen, kind = path.partition("=")
    return f"{setting} {kind!r}" if chosen else path


def whole(voxel_size_um: Sequence[float | None] | None) -> tuple[float, ...] | None:
    """A voxel size that is known along every axis; ``None`` where one is missing, for what needs all of them.

    Examples
    --------
    >>> whole((0.3, 0.1, 0.1)), whole((None, 0.1, 0.1))
    ((0.3, 0.1, 0.1), None)
    """
    lengths = [length for length in voxel_size_um or () if length is not None]
    return tuple(lengths) if lengths and len(lengths) == len(voxel_size_um or ()) else None


def finished(steps: Generator[Any, None, Value]) -> Value:
    """What a generator returns, without its steps.

    Examples
    --------
    >>> def three():
    ...     yield "counting"
    ...     return 3
    >>> finished(three())
    3
    """
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Value = end.value
            return found


def translated(steps: Generator[Any, None, Value], words: Callable[[Any], Step]) -> Generator[Step, None, Value]:
    """A generator with what it yields put another way, and what it returns as it is."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            found: Value = end.value
            return found
        yield words(step)


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
    figures
        Measures the step when it is called, in the time of a few Fourier transforms: ``misfit``, what the restored
        image, blurred again, misses, over what noise and model error explain; ``evidence_nats``, the kernel's
        log-evidence over no blur. Nothing where the step has neither.
    expected
        Where a run has been planned: its stages in their order, each with the seconds that it will take; those of a
        channel come once for every channel.
    channel
        Whose image and kernel these are, counted from 0, where there are several channels.
    """

    stage: str
    step: int
    total: int
    image: NDArray[np.float32] | None = None
    kernel: NDArray[np.float32] | None = None
    message: str = ""
    figures: Callable[[], Mapping[str, float]] = field(default=dict, compare=False, repr=False)
    expected: tuple[tuple[str, float], ...] = ()
    channel: int | None = None


@dataclass(frozen=True)
class PsfField:
    """PSFs on a coarse grid over a field, where they change over it.

    Attributes
    ----------
    kernels
        One PSF per node, ``(nodes, *kernel)``, float32, the last axis of the grid fastest.
    places_px
        Where they are, ``(nodes, axes)``, (z, y, x) in pixels; 0 is the centre of the first pixel.
    grid
        Nodes along each axis.
    parameters
        The figures of every node, by name.
    """

    kernels: NDArray[np.float32]
    places_px: NDArray[np.float64]
    grid: tuple[int, ...]
    parameters: Sequence[Mapping[str, float]]

    @property
    def described(self) -> list[dict[str, Any]]:
        """Place and figures of every node, JSON-able."""
        pairs = zip(self.places_px, self.parameters, strict=True)
        return [{"place_px": place.tolist(), "parameters": dict(figures)} for place, figures in pairs]

    @property
    def mosaic(self) -> NDArray[np.float32]:
        """All PSFs side by side, each where it is in the field, as one array of the field's axes.

        Examples
        --------
        >>> one = np.full((2, 3, 3), 1 / 9, np.float32)
        >>> PsfField(one, np.array([[4.5, 0.0], [4.5, 9.0]]), (1, 2), [{}, {}]).mosaic.shape
        (3, 6)
        """
        ndim, shape = len(self.grid), self.kernels.shape[1:]
        order = [axis for pair in zip(range(ndim), range(ndim, 2 * ndim), strict=True) for axis in pair]
        whole = self.kernels.reshape(*self.grid, *shape).transpose(order)
        return whole.reshape([n * k for n, k in zip(self.grid, shape, strict=True)])


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes
    ----------
    image
        The restored image, float32, the input's shape and intensity scale; where one was given to take it, that.
    kernel
        The estimated (or given) PSF, float32, unit sum, odd size, convolution orientation, centre tap in the middle;
        its axes are the spatial ones, preceded by the channel axis where channels have a PSF each.
    report
        Settings, versions, noise, kernel diagnostics, checks of trust, warnings and metrics; JSON-able.
    maps
        Where not to trust the image: arrays of its shape, float32, by name. ``residual``: recording minus
        restored and blurred image, in standard deviations, NaN where the PSF reaches beyond the frame; ``prior_share``:
        how much of the detail around a pixel comes from the prior, 0 (data) to 1 (prior), with restorers that use one;
        ``uncertainty``: posterior standard deviation in units of the image, with restorers that
        sample. If sinks were given for them: these.
    psf_fields
        Where the PSF changes over the field: PSFs on a coarse grid, one entry per channel; ``kernel`` is the centre's.
        Empty where there is one PSF for all of the field.
    """

    image: Any
    kernel: NDArray[np.float32]
    report: dict[str, Any]
    maps: Mapping[str, Any] = field(default_factory=dict)
    psf_fields: Sequence[PsfField] = ()
