"""``blind-deconv demo``: the main job on the embedded samples, through files, as a user would."""

from pathlib import Path

from rich.table import Table

from napari_blind_deconv import io
from napari_blind_deconv.metrics import METRICS, score_image
from napari_blind_deconv.synthesis import SAMPLES

from . import DONE, SOME_FAILED
from .console import wide_console
from .display import graded
from .montage import Row, draw
from .sample_run import refuse_earlier, restore_sample
from .shown import shown


def execute(output: Path, *, overwrite: bool) -> int:
    """Restore every sample into ``output``, print a table and draw ``demo.png``; gives the exit code.

    Raises
    ------
    InputError
        Where files of an earlier demo are there, unless they may be replaced.
    """
    figure = output / "demo.png"
    refuse_earlier(SAMPLES, output, [figure.name], overwrite=overwrite)
    io.check_folder(output)
    table = Table(
        "sample", "PSF prior", "seconds", "PSNR before", *[metric.label for metric in METRICS.values()], box=None
    )
    rows, failures = [], []
    for name, made in SAMPLES.items():
        run = restore_sample(name, made(), output)
        report = run.outcome.report
        if run.outcome.status == "failed":
            failures.append(f"{name}: {run.outcome.message}")
            continue
        parts, figures = run.read(), graded(report["metrics"])
        before = f"{score_image(parts['observed'].data, parts['truth'].data)['psnr']:.4g}"
        kind = report["settings"]["kernel_prior"]["kind"]
        table.add_row(name, kind, f"{report['seconds']:.1f}", before, *[figures.get(m, "") for m in METRICS])
        rows.append(Row(name, parts))
    console = wide_console()
    console.print(table)
    for failure in failures:
        console.print(shown(f"failed: {failure}"), markup=False)
    if rows:
        draw(figure, rows)
        console.print(shown(f"figure {figure}; images, PSFs and reports beside it"), markup=False)
    return SOME_FAILED if failures else DONE
