"""All that decides a testbed: what is drawn, how it is blurred and seen, how often, and from which seed."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
from annotated_types import Ge, Gt, Le, Len
from pydantic import Discriminator, TypeAdapter

from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.forward import Frame
from napari_blind_deconv.image_priors import FreeField, GaussianField, MovieField
from napari_blind_deconv.kernel_priors import Gaussian, KernelPrior, Known, Microscope
from napari_blind_deconv.settings import refusal

from .noise import EvenNoise, Noise

Field = Annotated[GaussianField | FreeField | MovieField, Discriminator("kind")]
_Length = Annotated[int, Ge(1), Le(10**6)]


@component
class Recipe:
    """A testbed before it is drawn; the same recipe gives the same bytes.

    Examples
    --------
    >>> recipe = Recipe(kind="video", size=(64, 64), frames=10, field=MovieField(mean=0.5), seed=3)
    >>> recipe_from_dict(recipe_to_dict(recipe)) == recipe
    True
    """

    kind: Literal["image", "kernel", "video"]
    """What one sample is: an image or volume, a kernel by itself, or a movie."""
    size: Annotated[tuple[_Length, ...], Len(2, 3)] = (256, 256)
    """Of an image or a frame in pixels, (y, x) or (z, y, x)."""
    frames: Annotated[int, Ge(1), Le(10**9)] | None = None
    """Number of frames of a video."""
    field: Field | None = None
    """p(x), with a mean; kernels by themselves have none."""
    kernel_priors: Annotated[tuple[KernelPrior, ...], Len(1, 100)] = (Gaussian(),)
    """p(k), used in turn; ``count`` samples of each."""
    kernel_size: Annotated[tuple[_Length, ...], Len(2, 3)] = (31, 31)
    """Support of the kernels in pixels, odd."""
    kernel_drift_frames: Annotated[int, Ge(1), Le(10**9)] | None = None
    """Frames from one drawn kernel to the next; between them it is their mixture. None: one for all frames."""
    noise: Noise = EvenNoise()
    """Noise of the camera."""
    boundary: Literal["frame", "periodic"] = "frame"
    """Whether the scene continues beyond the frame, as in front of a camera, or wraps around."""
    count: Annotated[int, Ge(1), Le(10**7)] = 1
    """Number of samples, of each kernel prior."""
    seed: Annotated[int, Ge(0), Le(2**63 - 1)] = 0
    """Seed of all random numbers."""
    voxel_size_um: Annotated[tuple[Annotated[float, Gt(0), Le(1e6)], ...], Len(2, 3)] | None = None
    """(z, y, x) or (y, x) in µm, if lengths matter."""
    time_interval_s: Annotated[float, Gt(0), Le(1e9)] | None = None
    """From frame to frame, if known; only recorded."""

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        for name in ("kernel_size", "voxel_size_um"):
            given = getattr(self, name)
            if given is not None and len(given) != len(self.size):
                raise InputError(
                    subject=name,
                    value=f"{given}",
                    allowed=f"must have one entry per axis of `size` {self.size}",
                    remedy="give as many",
                )
        if any(n % 2 == 0 for n in self.kernel_size):
            raise InputError(
                subject="kernel_size",
                value=f"{self.kernel_size}",
                allowed="must be odd, so that there is a centre pixel",
                remedy=f"try {tuple(n + 1 - n % 2 for n in self.kernel_size)}",
            )
        if any(isinstance(prior, Known) for prior in self.kernel_priors):
            raise InputError(
                subject="kernel_prior=known",
                value="is one kernel",
                allowed="which cannot be drawn",
                remedy="choose another `kernel_prior`",
            )
        if self.voxel_size_um is None and any(isinstance(prior, Microscope) for prior in self.kernel_priors):
            raise InputError(
                subject="kernel_prior=microscope",
                value="needs the voxel size",
                remedy="give it in µm, (z, y, x), with `voxel_size_um`",
            )
        self._check_kind()

    def _check_kind(self) -> None:
        if (self.frames is None) == (self.kind == "video"):
            raise InputError(
                subject="frames",
                value=f"{self.frames}",
                allowed="must be a number for a video, and left out for anything else",
                remedy="draw a video, or leave `frames` out",
            )
        if self.kind == "kernel":
            return
        field = self.field
        if field is None or field.mean is None or (self.kind == "video") != isinstance(field, MovieField):
            raise InputError(
                subject="field",
                value="is missing" if field is None else f"{field.kind!r} of mean {field.mean}",
                allowed=f"must be given for kind {self.kind!r}, with a mean, and change in videos only",
                remedy="choose another, or give it a mean",
            )
        if self.boundary == "periodic" and any(k > n for k, n in zip(self.kernel_size, self.size, strict=True)):
            raise InputError(
                subject="kernel_size",
                value=f"{self.kernel_size}",
                allowed=f"must not be larger than a periodic image, {self.size}",
                remedy="choose a smaller `kernel_size`",
            )

    @property
    def samples(self) -> int:
        """How many there are in all."""
        return self.count * len(self.kernel_priors)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Pixel size per spatial axis, for the field."""
        return self.voxel_size_um or (1.0,) * len(self.size)

    @property
    def axes(self) -> str:
        """One letter per axis of a sample."""
        return ("T" if self.kind == "video" else "") + "ZYX"[-len(self.size) :]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a sample."""
        lead = (self.frames,) if self.frames is not None else ()
        return (*lead, *(self.kernel_size if self.kind == "kernel" else self.size))

    @property
    def frame(self) -> Frame:
        """Where an image lies on the canvas that scenes are drawn on, and that p(x) is periodic on."""
        if self.boundary == "periodic":
            return Frame(self.size, self.size, (0,) * len(self.size))
        return Frame.around(self.size, self.kernel_size)

    @property
    def bytes(self) -> int:
        """What the samples take, without compression."""
        kernel = math.prod(self.kernel_size) * (self.frames or 1 if self.kernel_drift_frames else 1)
        each = kernel if self.kind == "kernel" else 2 * math.prod(self.shape) + kernel
        return 4 * each * self.samples


ADAPTER: TypeAdapter[Recipe] = TypeAdapter(Recipe)


def recipe_to_dict(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain JSON values."""
    return dict(ADAPTER.dump_python(recipe, mode="json"))


def recipe_from_dict(values: Mapping[str, Any]) -> Recipe:
    """A recipe from JSON values.

    Raises
    ------
    InputError
        Naming what is wrong with it.
    """
    try:
        return ADAPTER.validate_python(dict(values))
    except pydantic.ValidationError as error:
        raise refusal(error) from error
