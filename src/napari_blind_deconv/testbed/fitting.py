"""The field whose spectrum is that of real images or movies, and a record of what it was fitted to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, whole
from napari_blind_deconv.image_priors import FreeField, GaussianField, MovieField
from napari_blind_deconv.report import checksum

from .frames import FrameSource, local_files, movies, open_local, planes, sha256, values_of
from .listing import licence_of

# What is looked at: images, frames of a movie, and pixels along an axis of planes and of volumes.
_MOST_IMAGES, _MOST_MOVIES, _MOST_FRAMES = 64, 4, 128
_MOST_PIXELS = {("image", 2): 512, ("image", 3): 96, ("video", 2): 192, ("video", 3): 48}
_LEAST_PIXELS, _LEAST_FRAMES = 16, 8
# Shares of the pixels below 0 and above 1 of the scale.
_DARK, _BRIGHT = 0.001, 0.999

Spectrum = Literal["free", "radial", "bent"]


@dataclass(frozen=True)
class Fit:
    """A field, and where it comes from.

    Attributes
    ----------
    field
        p(x), with the mean of what it was fitted to, on a scale of about 0 to 1.
    described
        Files with checksums, what of them was used, offset and scale, licence; JSON-able.
    voxel_size_um, time_interval_s
        Of the first file, where it tells.
    """

    field: GaussianField | FreeField | MovieField
    described: dict[str, Any]
    voxel_size_um: tuple[float, ...] | None
    time_interval_s: float | None


@dataclass(frozen=True)
class _Pixels:
    """Real images or movies of one size, on their scale, ``(number, *shape)``."""

    values: NDArray[np.float32]
    files: list[Path]
    first: io.Source
    ndim: int


def fitted_images(
    path: Path,
    ndim: int = 2,
    spectrum: Spectrum = "free",
    *,
    spacing: Sequence[float] | None = None,
    axes: str | None = None,
    licence: str = "",
) -> Fit:
    """The field that suits images: of a free spectrum, of one free by its radius, or of three figures.

    Parameters
    ----------
    path
        A file, or a folder of files. At most 64 images are looked at, and of each the middle 512 x 512 pixels (96 per
        axis of a volume), all cropped to the smallest.
    ndim
        2 for planes (every z, time and channel is an image of its own), 3 for volumes.
    spectrum
        ``free`` (any direction), ``radial`` or ``bent`` (a power law with a bend).
    spacing
        Pixel size per axis, else that of the first file.
    axes
        Letters of the files' axes, where their own are not right.
    licence
        Of the images, as it is to be recorded; that of the list where they are on it.

    Raises
    ------
    InputError
        For files that cannot be read, and images that are too small or even.
    """
    pixels = _images(path, ndim, axes)
    steps = tuple(spacing or whole(pixels.first.voxel_size_um) or (1.0,) * ndim)
    scaled, described = _scaled(pixels, _counted(len(pixels.values), "image"), licence)
    values = torch.from_numpy(scaled)
    field: GaussianField | FreeField
    if spectrum == "free":
        field = FreeField.fitted(values, steps)
    else:
        field = GaussianField.fitted(values, steps) if spectrum == "radial" else GaussianField.bent(values, steps)
    return _fit(replace(field, mean=round(float(scaled.mean()), 6)), described, pixels)


def fitted_movies(
    path: Path,
    ndim: int = 2,
    spectrum: Spectrum = "free",
    *,
    spacing: Sequence[float] | None = None,
    axes: str | None = None,
    licence: str = "",
) -> Fit:
    """The space-time field that suits movies: free in bands of space and time, or of five figures.

    Parameters
    ----------
    path
        A file with a time axis, a folder of such files, or a folder of frames. At most 4 movies are looked at, of each
        the first 128 frames and the middle 192 x 192 pixels (48 per axis of a volume).
    ndim, spacing, axes, licence
        As of `fitted_images`.
    spectrum
        ``free`` or ``bent``.

    Raises
    ------
    InputError
        As of `fitted_images`, and for fewer than eight frames.
    """
    if spectrum == "radial":
        raise InputError(
            subject="spectrum", value="'radial'", allowed="is for images; movies have free or bent", remedy="choose one"
        )
    pixels = _movies(path, ndim, axes)
    steps = (1.0, *(spacing or whole(pixels.first.voxel_size_um) or (1.0,) * ndim))
    count, frames = pixels.values.shape[:2]
    scaled, described = _scaled(pixels, f"{_counted(count, 'movie')} of {frames} frames", licence)
    values = torch.from_numpy(scaled)
    field = MovieField.fitted(values, steps) if spectrum == "free" else MovieField.bent(values, steps)
    return _fit(replace(field, mean=round(float(scaled.mean()), 6)), described, pixels)


def _images(path: Path, ndim: int, letters: str | None) -> _Pixels:
    axes = "ZYX"[-ndim:]
    files: list[Path] = []
    found: list[NDArray[np.float32]] = []
    first: io.Source | None = None
    most = [_MOST_PIXELS["image", ndim]] * ndim
    for file in local_files(path):
        source = open_local(file, letters)
        first = first or source
        files.append(file)
        found += [values_of(plane, axes, most) for plane in islice(planes(source, axes), _MOST_IMAGES - len(found))]
        if len(found) == _MOST_IMAGES:
            break
    return _Pixels(_cropped(found, path), files, first or open_local(path, letters), ndim)


def _movies(path: Path, ndim: int, letters: str | None) -> _Pixels:
    axes = "ZYX"[-ndim:]
    found: list[NDArray[np.float32]] = []
    most = [_MOST_FRAMES, *[_MOST_PIXELS["video", ndim]] * ndim]
    files = local_files(path)
    sources: Iterator[io.Source] = (open_local(file, letters) for file in files)
    first = next(sources)
    if "T" not in first.axes and len(files) > 1:
        files = files[:_MOST_FRAMES]
        first = FrameSource(files)
        sources = iter(())
    used = 0
    for source in (first, *sources):
        used += 1
        found += [values_of(m, "T" + axes, most) for m in islice(movies(source, axes), _MOST_MOVIES - len(found))]
        if len(found) == _MOST_MOVIES:
            break
    values = _cropped(found, path)
    if values.shape[1] < _LEAST_FRAMES:
        raise InputError(
            subject=str(path),
            value=f"has movies of {values.shape[1]} frames",
            allowed=f"must have at least {_LEAST_FRAMES} for a spectrum of time",
            remedy="give longer ones",
        )
    return _Pixels(values, files if isinstance(first, FrameSource) else files[:used], first, ndim)


def _cropped(images: Sequence[NDArray[np.float32]], path: Path) -> NDArray[np.float32]:
    """The middle of all, as large as the smallest; of time the beginning."""
    shape = np.min([image.shape for image in images], axis=0)
    space = shape[-2:]
    if min(space) < _LEAST_PIXELS:
        raise InputError(
            subject=str(path),
            value=f"has images of {' x '.join(map(str, space))} pixels",
            allowed=f"must have at least {_LEAST_PIXELS} along y and x",
            remedy="leave small ones out",
        )
    kept = []
    for image in images:
        starts = [(n - m) // 2 for n, m in zip(image.shape, shape, strict=True)]
        kept.append(image[tuple(slice(s, s + m) for s, m in zip(starts, shape, strict=True))])
    return np.stack(kept)


def _scaled(pixels: _Pixels, what: str, licence: str) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Intensities on a scale of about 0 to 1, and the record."""
    low, high = (float(v) for v in np.quantile(pixels.values, (_DARK, _BRIGHT)))
    if not high > low:
        raise InputError(
            subject=str(pixels.files[0]), value="is even", allowed="and has no spectrum", remedy="give another one"
        )
    space = " x ".join(map(str, pixels.values.shape[-pixels.ndim :]))
    sums = {file: sha256(file) for file in pixels.files}
    known = licence_of([found for found in sums.values() if found])
    return (pixels.values - np.float32(low)) / np.float32(high - low), {
        "files": [{"name": file.name, "sha256": found} for file, found in sums.items()],
        "used": f"{what}, {space} pixels from the middle",
        "pixels_sha256": checksum(pixels.values),
        "offset": low,
        "scale": high - low,
        "licence": licence or known,
    }


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _fit(field: Any, described: dict[str, Any], pixels: _Pixels) -> Fit:
    interval = pixels.first.description.get("time_interval_s")
    return Fit(field, described, whole(pixels.first.voxel_size_um), interval)
