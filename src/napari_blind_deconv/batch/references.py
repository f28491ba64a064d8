"""What all inputs of a batch share, by the names of files, and read."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_blind_deconv import io

from .cropping import mask_within

Slices = tuple[slice, ...]


@dataclass(frozen=True)
class References:
    """What all inputs share: a known PSF, truths to compare with, pixels to use or leave out, where to find the PSF."""

    psf: io.Volume | None = None
    truth: io.Volume | None = None
    true_psf: io.Volume | None = None
    mask: io.Volume | None = None
    leave_out: io.Volume | None = None
    region: io.Volume | Slices | None = None

    @property
    def used(self) -> NDArray[Any] | None:
        """Not zero where a pixel is to be used; ``None``: all are."""
        if self.leave_out is not None:
            return self.leave_out.data == 0
        return None if self.mask is None else self.mask.data

    def within(self, region: Slices, whole: Sequence[int]) -> "References":
        """The same for a part of the images of shape ``whole``: what has their shape, or their last axes, is cut."""
        cut = {
            name: replace(found, data=mask_within(found.data, region, whole))
            for name, found in self.volumes.items()
            if name not in ("psf", "true_psf")
        }
        return replace(self, **cut)

    @property
    def files(self) -> dict[str, str]:
        """What came from a file: the file's name."""
        return {name: found.path.name for name, found in self.volumes.items() if found.path is not None}

    @property
    def volumes(self) -> dict[str, io.Volume]:
        """What is an image, by name."""
        given = {name: getattr(self, name) for name in ("psf", "truth", "true_psf", "mask", "leave_out", "region")}
        return {name: found for name, found in given.items() if isinstance(found, io.Volume)}


@dataclass(frozen=True)
class ReferenceFiles:
    """The same by the names of their files, which travel to other processes."""

    psf: Path | None = None
    truth: Path | None = None
    true_psf: Path | None = None
    mask: Path | None = None
    leave_out: Path | None = None
    region: Path | Slices | None = None

    @property
    def paths(self) -> dict[str, Path]:
        """What is a file, by name."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: path for name, path in given.items() if isinstance(path, Path)}

    def read(self) -> References:
        """Read them; those read last are kept, as long as their files do not change."""
        stamps = tuple((name, path, _stamp(path)) for name, path in self.paths.items())
        region = None if isinstance(self.region, Path) or self.region is None else _pairs(self.region)
        return _read(stamps, region)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        found: dict[str, Any] = {name: str(path) for name, path in self.paths.items()}
        if self.region is not None and not isinstance(self.region, Path):
            found["region"] = [list(pair) for pair in _pairs(self.region)]
        return found

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ReferenceFiles":
        """From what `to_dict` gives.

        Examples
        --------
        >>> files = ReferenceFiles(psf=Path("k.tif"), region=(slice(2, 9), slice(None)))
        >>> ReferenceFiles.from_dict(files.to_dict()) == files
        True
        """
        found: dict[str, Any] = {}
        for name, value in values.items():
            found[name] = Path(value) if isinstance(value, str) else tuple(slice(start, stop) for start, stop in value)
        return cls(**found)


def read_references(
    *,
    psf: Path | None = None,
    truth: Path | None = None,
    true_psf: Path | None = None,
    mask: Path | None = None,
    leave_out: Path | None = None,
    region: Path | Slices | None = None,
) -> References:
    """Read the files that all inputs share; errors as in `napari_blind_deconv.io.read`."""
    return ReferenceFiles(psf, truth, true_psf, mask, leave_out, region).read()


def _pairs(region: Slices) -> tuple[tuple[int | None, int | None], ...]:
    return tuple((part.start, part.stop) for part in region)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        # Reading it says what is wrong.
        return 0, 0
    return found.st_size, found.st_mtime_ns


@functools.lru_cache(maxsize=2)
def _read(
    stamps: tuple[tuple[str, Path, tuple[int, int]], ...], region: tuple[tuple[int | None, int | None], ...] | None
) -> References:
    given: dict[str, Any] = {name: io.read(path) for name, path, _ in stamps}
    if region is not None:
        given["region"] = tuple(slice(start, stop) for start, stop in region)
    return References(**given)
