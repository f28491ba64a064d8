"""One file of a batch, from its name to its results: plain data in, so that any process may do it."""

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, Progress, Result, finished
from napari_blind_deconv.pipeline import deconvolve_steps
from napari_blind_deconv.pipeline.given import Maps
from napari_blind_deconv.report import checksum
from napari_blind_deconv.settings import Settings, settings_from_dict
from napari_blind_deconv.spread import Spreads, in_turn

from .cropping import part_of, region_of
from .events import FileReport
from .fingerprints import fingerprint
from .guard import Failure, guarded
from .journal import working
from .outputs import Growing, appear, kept, needed_bytes
from .plan import Job
from .references import ReferenceFiles, References


class Opened(NamedTuple):
    """What is restored of a file, its header, and what all files share as far as it belongs to that."""

    source: io.Source
    header: io.Header
    references: References


@dataclass(frozen=True)
class Said:
    """What the user said instead of the files."""

    axes: str | None = None
    voxel_size_um: Sequence[float] | None = None
    max_memory_gb: float | None = None
    crop: str | None = None

    def opened(self, path: Path, image: int | None, references: References) -> Opened:
        """A file, or the part of it that was asked for, with its header and what belongs to it of the references."""
        source = io.open(path, image)
        header = self.instead_of(source.header)
        if self.crop is None:
            return Opened(source, header, references)
        region = region_of(self.crop, header.axes, header.shape)
        return Opened(*part_of(source, header, region), references.within(region, header.shape))

    def instead_of(self, found: io.Header) -> io.Header:
        """The header with these axes and voxels; an axis that was called otherwise keeps the length that it had."""
        axes = self.axes.upper() if self.axes else found.axes
        if self.voxel_size_um:
            return replace(found, axes=axes, voxel_size_um=tuple(self.voxel_size_um))
        read = dict(zip((a for a in "ZYX" if a in found.axes), found.voxel_size_um or (), strict=False))
        lengths = dict(zip(axes, (read.get(letter) for letter in found.axes), strict=False))
        return replace(found, axes=axes, voxel_size_um=tuple(lengths[a] for a in "ZYX" if a in lengths))


@dataclass(frozen=True)
class FileWork:
    """One file, and all that decides what becomes of it: data that can be sent to another process.

    Attributes
    ----------
    job
        The file and where its results go.
    settings
        As JSON values.
    references
        Names of the files that all share.
    said
        What was said instead of the files, and how much memory may be held.
    mark
        What the names of its temporaries begin with; ``""``: nobody could tell them from others'.
    recorded
        What is put into the report beside what the run finds (`states.recorded`).
    """

    job: Job
    settings: Mapping[str, Any]
    references: ReferenceFiles = field(default_factory=ReferenceFiles)
    said: Said = field(default_factory=Said)
    mark: str = ""
    recorded: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able.

        Examples
        --------
        >>> from napari_blind_deconv.settings import Settings, settings_to_dict
        >>> work = FileWork(Job.of(Path("a.tif"), Path("out")), settings_to_dict(Settings()))
        >>> FileWork.from_dict(work.to_dict()) == work
        True
        """
        return {
            "job": self.job.to_dict(),
            "settings": dict(self.settings),
            "references": self.references.to_dict(),
            "said": asdict(self.said),
            "mark": self.mark,
            "recorded": dict(self.recorded),
        }

    def within(self, max_memory_gb: float | None) -> "FileWork":
        """The same with so much memory, where nothing else was said."""
        if self.said.max_memory_gb is not None:
            return self
        return replace(self, said=replace(self.said, max_memory_gb=max_memory_gb))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "FileWork":
        """From what `to_dict` gives."""
        return cls(
            Job.from_dict(values["job"]),
            dict(values["settings"]),
            ReferenceFiles.from_dict(values["references"]),
            Said(**values["said"]),
            values["mark"],
            dict(values["recorded"]),
        )


def restore_file(work: FileWork) -> FileReport:
    """Restore one file, whatever it raises: what a worker of any kind calls."""
    return finished(restore_steps(work))


def restore_steps(work: FileWork, spread: Spreads = in_turn) -> Generator[Progress, None, FileReport]:
    """The same step by step; may be closed between any two, and then leaves nothing half-written.

    ``spread`` is who works on blocks, where it is worked on in blocks.
    """

    def steps() -> Generator[Progress, None, dict[str, Any]]:
        settings, references = settings_from_dict(work.settings), work.references.read()
        others: dict[str, Any] = {"recorded": work.recorded, "spread": spread}
        if not work.mark:
            return (yield from restoring(work.job, settings, references, work.said, **others))
        work.job.restored.parent.mkdir(parents=True, exist_ok=True)
        with working(work.job.restored.parent, work.mark):
            return (yield from restoring(work.job, settings, references, work.said, mark=work.mark, **others))

    return (yield from reported(work.job, steps()))


def reported(job: Job, steps: Generator[Progress, None, dict[str, Any]]) -> Generator[Progress, None, FileReport]:
    """The steps of one file, and its report, whatever they raise."""
    found = yield from guarded(steps)
    if isinstance(found, Failure):
        return FileReport(job.path, "failed", found.message, refusal=found.refusal, image=job.image)
    outputs = tuple(job.restored.parent / name for name in found["outputs"])
    return FileReport(job.path, "done", "", outputs, found, image=job.image)


def restoring(
    job: Job,
    settings: Settings,
    references: References,
    said: Said,
    *,
    mark: str = "",
    recorded: Mapping[str, Any] | None = None,
    spread: Spreads = in_turn,
) -> Generator[Progress, None, dict[str, Any]]:
    """Restore one file with references that have been read; gives its report, raises what it dies of."""
    source, header, references = said.opened(job.path, job.image, references)
    before = fingerprint(job.path) if recorded else None
    floats = replace(header, dtype=np.dtype(np.float32))
    # How the image is shown says nothing of its maps.
    described = {key: value for key, value in header.description.items() if key != "channels"}
    with io.growing(job.restored.parent, needed_bytes(job, math.prod(header.shape)), mark) as path:
        images = {"image": Growing(path(), floats, "restored image", job.form)}

        def grown(name: str) -> Growing:
            return images.setdefault(
                name, Growing(path(), replace(floats, description=described), name.replace("_", " "), job.form)
            )

        steps = _restored(
            source, header, settings, references, said, images["image"], grown if job.maps else False, spread
        )
        try:
            result = yield from steps
        except InputError as error:
            if not error.subject.startswith("image of "):
                raise
            raise error.about(f"{job.path}{error.subject.removeprefix('image')}") from error
        report = _completed(result, header, job, references)
        if recorded:
            _refuse_changed(job.path, before)
            report |= {**recorded, "source": before}
        yield from appear(job, header, result, images, report, mark)
    return report


def _refuse_changed(path: Path, before: Mapping[str, Any] | None) -> None:
    """Refuse to call a file done that was written to meanwhile, as by a microscope that is still recording."""
    if fingerprint(path, before) != before:
        raise InputError(
            subject=f"file {path}",
            value="changed while it was being restored",
            remedy="wait until it is complete, and run again",
        )


def _restored(
    source: io.Source,
    header: io.Header,
    settings: Settings,
    references: References,
    said: Said,
    out: Growing,
    maps: Maps,
    spread: Spreads,
) -> Generator[Progress, None, Result]:
    psf, truth, true_psf = references.psf, references.truth, references.true_psf
    try:
        return (
            yield from deconvolve_steps(
                source,
                settings,
                axes=header.axes,
                voxel_size_um=header.voxel_size_um,
                psf=None if psf is None else psf.channels_first,
                psf_voxel_size_um=None if psf is None else psf.voxel_size_um,
                truth=None if truth is None else truth.data,
                true_psf=None if true_psf is None else true_psf.data,
                mask=references.used,
                region=references.region.data if isinstance(references.region, io.Volume) else references.region,
                max_memory_gb=said.max_memory_gb,
                maps=maps,
                out=out,
                spread=spread,
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
    if job.image is not None:
        source["image"] = job.image
    warnings = list(header.description.get("warnings", []))
    warnings += [sentence for found in references.volumes.values() for sentence in found.doubts]
    warnings += report["warnings"]
    return report | {
        "input": source,
        "references": references.files,
        "psf": {"sha256": checksum(result.kernel)},
        "warnings": warnings,
        "outputs": [path.name for path in job.written(kept(job, result))],
    }
