"""What needs no real image: fields of figures alone, and the sample that ships, as a recipe of a second."""

from pathlib import Path

from napari_blind_deconv.image_priors import GaussianField, MovieField
from napari_blind_deconv.kernel_priors import Lenslets

from .recipe import Recipe
from .writing import write_testbed

SMALL = Recipe(
    kind="video",
    size=(32, 32),
    frames=8,
    field=MovieField(mean=0.5, contrast=0.12, correlation_px=4.0, lifetime_frames=4.0),
    kernel_priors=(Lenslets(count=3),),
    kernel_size=(9, 9),
    seed=1,
)


def default_field(kind: str, mean: float) -> GaussianField | MovieField:
    """The field of images, or of a ``video``, that nothing is fitted to: of figures alone."""
    if kind == "video":
        return MovieField(mean=mean)
    return GaussianField(mean=mean, contrast=0.15, correlation_px=16.0)


def example(path: str | Path) -> Path:
    """Draw a small video, 8 frames of 32 x 32 pixels under three lenslets, into a new folder; gives that folder.

    Raises
    ------
    InputError
        Where the path is taken.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from napari_blind_deconv import io
    >>> io.read(example(Path(mkdtemp()) / "small") / "0").axes
    'TYX'
    """
    write_testbed(SMALL, path)
    return Path(path)
