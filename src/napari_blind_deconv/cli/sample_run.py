"""A synthesised sample, restored through files, as a user would."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_blind_deconv import io
from napari_blind_deconv.batch import FileReport, plan, read_references, refuse_replacing, run_batch
from napari_blind_deconv.synthesis import Sample

from .display import follow
from .montage import Part


@dataclass(frozen=True)
class SampleRun:
    """What became of a sample, and the files it is in."""

    name: str
    outcome: FileReport
    files: dict[Part, Path]

    def read(self) -> dict[Part, io.Volume]:
        """All five files."""
        return {part: io.read(path) for part, path in self.files.items()}


def refuse_earlier(names: Iterable[str], output: Path, others: Sequence[str], *, overwrite: bool) -> None:
    """Refuse a folder that holds files of an earlier time, before the first sample is restored.

    Parameters
    ----------
    names
        Of the samples.
    output
        The folder.
    others
        Names of further files that will be written, such as a figure.
    overwrite
        Whether they may be replaced.

    Raises
    ------
    InputError
        Naming the first of them.
    """
    samples = [file for name in names for file in _made(name, output)]
    refuse_replacing([*samples, *(output / other for other in others)], (), overwrite=overwrite)
    for name in names:
        plan([_made(name, output)[0]], output, overwrite=overwrite)


def restore_sample(name: str, sample: Sample, output: Path) -> SampleRun:
    """Write a sample with its truth to files in ``output``, and restore it there; what is there is replaced."""
    observed, truth, true_psf = _made(name, output)
    spatial = "".join(axis for axis in sample.axes if axis in "ZYX")
    (job,) = plan([observed], output, keep=[truth, true_psf], overwrite=True)
    made: dict[str, Any] = {"role": f"sample {name!r}, synthesised"}
    io.write(observed, io.Volume(sample.observed, sample.axes, sample.voxel_size_um), made)
    io.write(truth, io.Volume(sample.truth, sample.axes, sample.voxel_size_um), made)
    io.write(true_psf, io.Volume(sample.kernel, spatial, sample.voxel_size_um), made)
    reports: list[FileReport] = []
    follow(run_batch([job], sample.settings, read_references(truth=truth, true_psf=true_psf)), reports, total=1)
    files: dict[Part, Path] = {
        "observed": observed,
        "restored": job.restored,
        "truth": truth,
        "true PSF": true_psf,
        "estimated PSF": job.psf,
    }
    return SampleRun(name, reports[0], files)


def _made(name: str, output: Path) -> tuple[Path, Path, Path]:
    """The image, the truth and the true PSF of a sample."""
    observed, truth, true_psf = (output / f"{name}{part}.ome.tif" for part in ("", "_truth", "_true_psf"))
    return observed, truth, true_psf
