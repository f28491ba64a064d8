"""``blind-deconv demo``: the main job on the embedded samples, through files, as a user would."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from napari_blind_deconv import io
from napari_blind_deconv.batch import FileReport, plan, read_references, run_batch
from napari_blind_deconv.metrics import METRICS, score_image
from napari_blind_deconv.synthesis import SAMPLES

from . import DONE, SOME_FAILED
from .display import follow, graded
from .montage import draw

_TABLE_WIDTH = 132  # letters; a narrower terminal, or a log, wraps lines rather than cells


def execute(output: Path) -> int:
    """Restore every sample into ``output``, print a table and draw ``demo.png``; gives the exit code."""
    io.check_folder(output)
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, _TABLE_WIDTH)
    table = Table(
        "sample", "PSF prior", "seconds", "PSNR before", *[metric.label for metric in METRICS.values()], box=None
    )
    rows, failures = [], []
    for name in SAMPLES:
        report, files = _restore(name, output)
        if report.status == "failed":
            failures.append(f"{name}: {report.message}")
            continue
        figures = graded(report.report["metrics"])
        kind = report.report["settings"]["kernel_prior"]["kind"]
        before = f"{score_image(io.read(files[0]).data, io.read(files[2]).data)['psnr']:.4g}"
        table.add_row(name, kind, f"{report.report['seconds']:.1f}", before, *[figures.get(m, "") for m in METRICS])
        rows.append((name, [io.read(path) for path in files]))
    console.print(table)
    for failure in failures:
        console.print(f"failed: {failure}", markup=False)
    if rows:
        figure = output / "demo.png"
        draw(figure, rows)
        console.print(f"figure {figure}; images, PSFs and reports beside it", markup=False)
    return SOME_FAILED if failures else DONE


def _restore(name: str, output: Path) -> tuple[FileReport, list[Path]]:
    """Write a sample to files, run on them, and name the files that the figure shows."""
    sample = SAMPLES[name]()
    observed, truth, true_psf = (output / f"{name}{part}.ome.tif" for part in ("", "_truth", "_true_psf"))
    spatial = "".join(axis for axis in sample.axes if axis in "ZYX")
    made: dict[str, Any] = {"role": f"sample {name!r}, synthesised"}
    io.write(observed, io.Volume(sample.observed, sample.axes, sample.voxel_size_um), made)
    io.write(truth, io.Volume(sample.truth, sample.axes, sample.voxel_size_um), made)
    io.write(true_psf, io.Volume(sample.kernel, spatial, sample.voxel_size_um), made)
    jobs = plan([observed], output, keep=[truth, true_psf])
    reports: list[FileReport] = []
    follow(run_batch(jobs, sample.settings, read_references(truth=truth, true_psf=true_psf)), reports, total=1)
    return reports[0], [observed, jobs[0].restored, truth, true_psf, jobs[0].psf]
