"""Many files, one after the other: plan and check first, then restore each; one that fails does not stop the rest."""

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, Progress, Result
from napari_blind_deconv.failures import in_words
from napari_blind_deconv.pipeline import deconvolve_steps
from napari_blind_deconv.pipeline.given import Maps
from napari_blind_deconv.settings import Settings

from .outputs import Growing, appear, kept, needed_bytes
from .plan import Job, find_inputs, plan, refuse_replacing

__all__ = [
    "BATCH_REPORT",
    "Event",
    "FileReport",
    "FileStarted",
    "Job",
    "References",
    "find_inputs",
    "plan",
    "read_references",
    "refuse_replacing",
    "run_batch",
]

BATCH_REPORT = "batch.json"

# What a single file may die of. Anything else is a fault of the program, and should stop it.
_FAILURES = (InputError, ArithmeticError, MemoryError, OSError, RuntimeError, ValueError)


@dataclass(frozen=True)
class References:
    """What all inputs share: a known PSF, truths to compare with, pixels to use or leave out, where to find the PSF."""

    psf: io.Volume | None = None
    truth: io.Volume | None = None
    true_psf: io.Volume | None = None
    mask: io.Volume | None = None
    leave_out: io.Volume | None = None
    region: io.Volume | tuple[slice, ...] | None = None

    @property
    def used(self) -> NDArray[Any] | None:
        """Not zero where a pixel is to be used; ``None``: all are."""
        if self.leave_out is not None:
            return self.leave_out.data == 0
        return None if self.mask is None else self.mask.data

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
class FileStarted:
    """A file's turn has come; ``index`` counts from 1."""

    path: Path
    index: int
    total: int


@dataclass(frozen=True)
class FileReport:
    """A file is done or has failed; with the refusal where its input, rather than an accident, is the reason."""

    path: Path
    status: Literal["done", "failed"]
    message: str = ""
    outputs: tuple[Path, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)
    refusal: InputError | None = None

    @property
    def refused(self) -> bool:
        """Whether its input is the reason."""
        return self.refusal is not None


Event = FileStarted | Progress | FileReport


def read_references(
    *,
    psf: Path | None = None,
    truth: Path | None = None,
    true_psf: Path | None = None,
    mask: Path | None = None,
    leave_out: Path | None = None,
    region: Path | tuple[slice, ...] | None = None,
) -> References:
    """Read the files that all inputs share; errors as in `napari_blind_deconv.io.read`."""

    def read(path: Path | None) -> io.Volume | None:
        return None if path is None else io.read(path)

    where = read(region) if isinstance(region, Path) else region
    return References(read(psf), read(truth), read(true_psf), read(mask), read(leave_out), where)


def run_batch(
    jobs: Sequence[Job],
    settings: Settings,
    references: References | None = None,
    *,
    axes: str | None = None,
    voxel_size_um: Sequence[float] | None = None,
    max_memory_gb: float | None = None,
) -> Iterator[Event]:
    """Restore file after file; may be closed between any two events, and then leaves nothing half-written.

    Parameters
    ----------
    jobs
        From `plan`.
    settings, references
        Shared by all files.
    axes, voxel_size_um
        Instead of what the files say.
    max_memory_gb
        What this process may hold: a file that needs more is worked on in blocks, and refused where no blocks fit.
        By default a large share of what is free.

    Yields
    ------
    FileStarted, Progress, FileReport
        The start of a file, every step, and its end.

    Raises
    ------
    InputError
        If the output folder cannot be written to. What is wrong with a single file is in its `FileReport`.
    """
    references = references or References()
    for folder in {job.restored.parent for job in jobs}:
        io.check_folder(folder)
    for index, job in enumerate(jobs, start=1):
        yield FileStarted(job.path, index, len(jobs))
        try:
            report = yield from _restore(job, settings, references, _Said(axes, voxel_size_um, max_memory_gb))
        except _FAILURES as error:
            text = str(error) if isinstance(error, InputError) else in_words(error)
            yield FileReport(job.path, "failed", text, refusal=error if isinstance(error, InputError) else None)
        else:
            outputs = tuple(job.restored.parent / name for name in report["outputs"])
            yield FileReport(job.path, "done", "", outputs, report)


@dataclass(frozen=True)
class _Said:
    """What the user said instead of the files."""

    axes: str | None
    voxel_size_um: Sequence[float] | None
    max_memory_gb: float | None

    def instead_of(self, found: io.Header) -> io.Header:
        """The header with these axes and voxels; an axis that was called otherwise keeps the length that it had."""
        axes = self.axes.upper() if self.axes else found.axes
        if self.voxel_size_um:
            return replace(found, axes=axes, voxel_size_um=tuple(self.voxel_size_um))
        read = dict(zip((a for a in "ZYX" if a in found.axes), found.voxel_size_um or (), strict=False))
        lengths = dict(zip(axes, (read.get(letter) for letter in found.axes), strict=False))
        return replace(found, axes=axes, voxel_size_um=tuple(lengths[a] for a in "ZYX" if a in lengths))


def _restore(
    job: Job, settings: Settings, references: References, said: _Said
) -> Generator[Progress, None, dict[str, Any]]:
    source = io.open(job.path)
    header = said.instead_of(source.header)
    floats = replace(header, dtype=np.dtype(np.float32))
    # How the image is shown says nothing of its maps.
    described = {key: value for key, value in header.description.items() if key != "channels"}
    with io.growing(job.restored.parent, needed_bytes(job, math.prod(header.shape))) as path:
        images = {"image": Growing(path(), floats, "restored image", job.form)}

        def grown(name: str) -> Growing:
            return images.setdefault(
                name, Growing(path(), replace(floats, description=described), name.replace("_", " "), job.form)
            )

        steps = _restored(source, header, settings, references, said, images["image"], grown if job.maps else False)
        try:
            result = yield from steps
        except InputError as error:
            if not error.subject.startswith("image of "):
                raise
            raise error.about(f"{job.path}{error.subject.removeprefix('image')}") from error
        report = _completed(result, header, job, references)
        yield from appear(job, header, result, images, report)
    return report


def _restored(
    source: io.Source,
    header: io.Header,
    settings: Settings,
    references: References,
    said: _Said,
    out: Growing,
    maps: Maps,
) -> Generator[Progress, None, Result]:
    psf, truth, true_psf = references.psf, references.truth, references.true_psf
    try:
        return (
            yield from deconvolve_steps(
                source,
                settings,
                axes=header.axes,
                voxel_size_um=header.voxel_size_um,
                psf=None if psf is None else psf.data,
                psf_voxel_size_um=None if psf is None else psf.voxel_size_um,
                truth=None if truth is None else truth.data,
                true_psf=None if true_psf is None else true_psf.data,
                mask=references.used,
                region=references.region.data if isinstance(references.region, io.Volume) else references.region,
                max_memory_gb=said.max_memory_gb,
                maps=maps,
                out=out,
            )
        )
    except InputError as error:
        if error.subject == "mask" and references.leave_out is not None:
            raise error.about("leave_out") from error
        if psf is None or error.subject != "PSF":
            raise
        raise error.about(f"PSF {psf.path}") from error


def _completed(result: Result, header: io.Header, job: Job, references: References) -> dict[str, Any]:
    """The pipeline's report with what only the files know."""
    report = result.report
    source = report["input"] | {"file": job.path.name, "format": header.description.get("format")}
    warnings = list(header.description.get("warnings", []))
    warnings += [sentence for found in references.volumes.values() for sentence in found.doubts]
    warnings += report["warnings"]
    outputs = [path.name for path in job.written(kept(job, result))]
    return report | {"input": source, "references": references.files, "warnings": warnings, "outputs": outputs}
