"""A testbed as a PyTorch data set: sharp images, kernels and observations to train and to measure with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError

from .card import CARD, FORMAT, VERSION
from .recipe import Recipe, recipe_from_dict
from .samples import SAMPLES, read_samples


class Item(NamedTuple):
    """One sample, float32; of a testbed of kernels only the kernel, and the others empty.

    Attributes
    ----------
    sharp, observed
        ``(*shape)``, or ``(frames, *size)`` of a movie.
    kernel
        ``(*kernel_size)``, or ``(frames, *kernel_size)`` where it drifts.
    """

    sharp: Tensor
    kernel: Tensor
    observed: Tensor


class Testbed(Dataset[Item]):
    """A testbed that was written, read sample by sample.

    Parameters
    ----------
    path
        Its folder.
    frames
        Of movies: frames per item. A movie gives as many items as it has whole parts of this length; without it, one.

    Raises
    ------
    InputError
        For a folder that holds no testbed, or one of another version.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from napari_blind_deconv.testbed import example
    >>> bed = Testbed(example(Path(mkdtemp()) / "small"), frames=4)
    >>> loader = torch.utils.data.DataLoader(bed, batch_size=2)
    >>> len(bed), next(iter(loader)).observed.shape
    (2, torch.Size([2, 4, 32, 32]))
    """

    __test__ = False  # no test of pytest's

    def __init__(self, path: str | Path, frames: int | None = None) -> None:
        self.path = Path(path)
        self.card = _card(self.path)
        self.recipe: Recipe = recipe_from_dict(self.card["recipe"])
        long = self.recipe.frames
        if frames is not None and (long is None or not 1 <= frames <= long):
            raise InputError(
                subject="frames",
                value=f"{frames}",
                allowed=f"must be 1 to {long}, the length of the movies" if long else "is for movies only",
                remedy="choose another number" if long else "leave `frames` out",
            )
        self._frames = frames
        self._parts = long // frames if frames and long else 1

    @property
    def samples(self) -> list[dict[str, Any]]:
        """What is recorded of every sample: seeds, kernel prior, statistics, the least error that there can be."""
        return read_samples(self.path / SAMPLES)

    def __len__(self) -> int:
        return self.recipe.samples * self._parts

    def __getitem__(self, index: int) -> Item:
        if not -len(self) <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        sample, part = divmod(index % len(self), self._parts)
        folder = self.path / str(sample)
        if self.recipe.kind == "kernel":
            return Item(torch.empty(0), _read(folder), torch.empty(0))
        only = None if self._frames is None else slice(part * self._frames, (part + 1) * self._frames)
        drifts = self.recipe.kernel_drift_frames is not None
        return Item(
            _read(folder / "sharp", only), _read(folder / "kernel", only if drifts else None), _read(folder, only)
        )


def _read(path: Path, frames: slice | None = None) -> Tensor:
    source = io.open(path)
    region: Sequence[slice] | None = None
    if frames is not None:
        region = [frames, *[slice(None)] * (len(source.shape) - 1)]
    return torch.from_numpy(source.read(region))


def _card(path: Path) -> dict[str, Any]:
    io.refuse_address(path)
    if not (path / CARD).is_file():
        raise InputError(
            subject=str(path),
            value=f"holds no {CARD}",
            allowed="so it is not a testbed",
            remedy="give the folder that `blind-deconv synthesize` has made",
        )
    try:
        card = io.read_json(path / CARD)
    except InputError as error:
        raise error.about("card") from error
    if card.get("format") != FORMAT or card.get("version") != VERSION or not isinstance(card.get("recipe"), dict):
        raise InputError(
            subject=str(path / CARD),
            value=f"is of format {card.get('format')!r}, version {card.get('version')!r}",
            allowed=f"must be {FORMAT!r}, version {VERSION}",
            remedy="use the program that has written it, or draw it anew",
        )
    return card
