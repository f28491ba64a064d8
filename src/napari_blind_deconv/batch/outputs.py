"""The files of one run: image and maps grow in hidden files while they are computed, and all appear together."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv import io
from napari_blind_deconv._types import Progress, Result
from napari_blind_deconv.pipeline.sources import Region

from .plan import FIELD, Job

# What of a report is recorded in every file.
_RECORDED = ("settings", "versions", "device", "seed", "noise_sigma", "input", "warnings")


class Growing:
    """An image that is made when its first pixels come; disks that are full are said to be that.

    Parameters
    ----------
    path
        Where it grows.
    header
        Of what is written.
    role
        What is recorded of it.
    form
        Its format.
    """

    def __init__(self, path: Path, header: io.Header, role: str, form: str) -> None:
        self._path, self._header, self._role, self._form = path, header, role, form
        self._sink: io.Sink | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """As of `pipeline.sources.Sink`."""
        return self._header.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """As of `pipeline.sources.Sink`."""
        return self._header.dtype

    @property
    def grain(self) -> tuple[int, ...]:
        """As of `io.Sink`."""
        return self._opened().grain

    def write(self, region: Region, values: Any) -> None:
        """As of `pipeline.sources.Sink`."""
        with io.worded(self._path.parent):
            self._opened().write(region, values)

    def read(self, region: Region) -> Any:
        """As of `pipeline.sources.Sink`."""
        return self._opened().read(region)

    def completed(self, record: Mapping[str, Any]) -> Generator[Progress, None, Path]:
        """What can only be written once all pixels are there, a yield after every part; gives where the image lies."""
        sink = self._opened()
        sink.record(record)
        steps = sink.complete()
        while True:
            with io.worded(self._path.parent):
                done = next(steps, self)
            if done is self:
                return self._path
            yield Progress("writing", 0, 0, message=self._role)

    def _opened(self) -> io.Sink:
        if self._sink is None:
            with io.worded(self._path.parent):
                self._sink = io.create(self._path, self._header, {"role": self._role}, self._form)
        return self._sink


def needed_bytes(job: Job, size: int) -> int:
    """What the images of a job will take on the disk, as far as is known before: coarser levels are a third."""
    return 4 * (1 + bool(job.maps)) * size * 4 // 3 + 8192


def appear(
    job: Job,
    header: io.Header,
    result: Result,
    growing: Mapping[str, Growing],
    report: Mapping[str, Any],
    mark: str = "",
) -> Generator[Progress, None, None]:
    """All files or none; ``mark`` as of `io.atomic`."""
    axes, voxels = report["input"]["axes"], report["input"]["voxel_size_um"]
    channel = "C" if "C" in axes else ""
    space = "".join(letter for letter in "ZYX" if letter in axes)
    # Planes share one PSF, which has no z.
    psf_axes = report.get("psf_axes") or channel + space[len(space) + len(channel) - result.kernel.ndim :]
    psf = io.Volume(result.kernel, psf_axes, voxels, header.description)
    record = {key: report[key] for key in _RECORDED}
    text = io.to_json(report)
    maps, fields = [name for name in job.maps if name in result.maps], _stacked(result)
    described = {key: value for key, value in header.description.items() if key != "channels"}
    grown = []
    for name in ("image", *maps):
        grown.append((yield from growing[name].completed(record)))  # noqa: PERF401 - a comprehension cannot yield
    needed = 4 * result.kernel.size + sum(4 * stack.size for stack in fields) + 3 * len(text) + 8192
    written = kept(job, result)
    writing = io.atomic(*job.written(written), needed_bytes=needed, outdated=job.outdated(written), mark=mark)
    with writing as (at_restored, at_psf, *at_rest, at_report):
        at_fields, at_maps = at_rest[: len(fields)], at_rest[len(fields) :]
        for stack, at_field in zip(fields, at_fields, strict=True):
            psfs = io.Volume(stack, "T" + psf_axes, voxels, described)
            role = {"role": "point spread functions over the field", **record}
            io.put(at_field, io.as_floats(psfs), role, "ome-tiff")
        for there, target in zip(grown, (at_restored, *at_maps), strict=True):
            there.replace(target)
        io.put(at_psf, io.as_floats(psf), {"role": "point spread function", **record}, "ome-tiff")
        at_report.write_text(text, encoding="utf-8")


def kept(job: Job, result: Result) -> list[str]:
    """The maps that there are, and PSFs over the field where the PSF changes."""
    return [*(name for name in job.maps if name in result.maps), *([FIELD] if result.psf_fields else [])]


def _stacked(result: Result) -> list[NDArray[np.float32]]:
    """PSFs over the field, ``(nodes, *kernel)`` or ``(nodes, channels, *kernel)``; nothing where there is one PSF."""
    if not result.psf_fields:
        return []
    stacks = [field.kernels for field in result.psf_fields]
    return [stacks[0] if result.kernel.ndim < stacks[0].ndim else np.stack(stacks, 1)]
