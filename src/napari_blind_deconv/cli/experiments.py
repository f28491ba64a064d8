"""``blind-deconv experiments``: the three experiments of a talk, run anew, beside the figures that it reports."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.table import Table

from napari_blind_deconv import io
from napari_blind_deconv.experiments import EXPERIMENTS, Experiment
from napari_blind_deconv.metrics import METRICS, grade, score

from . import DONE, SOME_FAILED
from .console import wide_console
from .display import graded
from .montage import Part, Row, draw
from .sample_run import SampleRun, refuse_earlier, restore_sample
from .shown import shown

COLUMNS: Mapping[Part, str] = MappingProxyType(
    {
        "truth": "real image",
        "observed": "measured image",
        "restored": "reconstructed image",
        "true PSF": "real PSF",
        "estimated PSF": "reconstructed PSF",
    }
)
_SHORT = {"psnr": "dB", "ssim": "SSIM", "ke": "KE"}


def execute(output: Path, *, overwrite: bool, as_json: bool) -> int:
    """Run every experiment into ``output``, print a table and draw ``experiments.png``; gives the exit code.

    Raises
    ------
    InputError
        Where files of an earlier time are there, unless they may be replaced.
    """
    refuse_earlier(EXPERIMENTS, output, ["experiments.png", "experiments.json"], overwrite=overwrite)
    io.check_folder(output)
    entries: list[dict[str, Any]] = []
    rows: list[Row] = []
    for name, experiment in EXPERIMENTS.items():
        run = restore_sample(name, experiment.sample(), output)
        entries.append(_entry(run, experiment))
        if run.outcome.status == "done":
            rows.append(_row(run, experiment, entries[-1]))
    if rows:
        draw(output / "experiments.png", rows, COLUMNS)
    found = {
        "experiments": entries,
        "all_beaten": all(entry["status"] == "done" and all(entry["beaten"].values()) for entry in entries),
    }
    io.write_json(output / "experiments.json", found)
    if as_json:
        sys.stdout.write(io.to_json(found) + "\n")
    else:
        _tell(entries, output, wide_console())
    failed = [f"{entry['name']}: {entry['message']}" for entry in entries if entry["status"] == "failed"]
    if failed:
        sys.stderr.write(f"blind-deconv: {shown(' '.join('; '.join(failed).split()))}\n")
    return SOME_FAILED if failed else DONE


def _entry(run: SampleRun, experiment: Experiment) -> dict[str, Any]:
    """An experiment's figures beside those of the talk, as JSON values."""
    entry = {"name": run.name, "title": experiment.title, "status": run.outcome.status, "message": run.outcome.message}
    if run.outcome.status == "failed":
        return entry
    report, parts = run.outcome.report, run.read()
    ours = report["metrics"]
    return entry | {
        "kernel_prior": report["settings"]["kernel_prior"]["kind"],
        "image_prior": report["settings"]["image_prior"]["kind"],
        "seconds": report["seconds"],
        "measured": score(*(parts[part].data for part in ("observed", "truth"))),
        "ours": ours,
        "slides": {**experiment.reported, "grades": _grades(experiment.reported)},
        "beaten": {metric: _better(metric, ours[metric], value) for metric, value in experiment.reported.items()},
        "files": {part: path.name for part, path in run.files.items()},
    }


def _better(metric: str, ours: float, theirs: float) -> bool:
    return ours > theirs if METRICS[metric].better == "higher" else ours < theirs


def _grades(figures: Mapping[str, float]) -> dict[str, str]:
    words = {metric: grade(metric, value) for metric, value in figures.items()}
    return {metric: word for metric, word in words.items() if word}


def _row(run: SampleRun, experiment: Experiment, entry: dict[str, Any]) -> Row:
    """The experiment in the figure."""
    ours, before = entry["ours"], entry["measured"]
    captions: dict[Part, str] = {
        "observed": f"{before['psnr']:.1f} dB, SSIM {before['ssim']:.3f}",
        "restored": f"{ours['psnr']:.1f} dB, SSIM {ours['ssim']:.3f}",
        "estimated PSF": f"KE {ours['ke']:.3f}",
    }
    return Row(experiment.title, run.read(), captions)


def _tell(entries: list[dict[str, Any]], output: Path, console: Console) -> None:
    """The table: one line a figure, that of the talk beside ours."""
    table = Table("experiment", "PSF prior", "seconds", "figure", "measured", "ours", "slides", "beaten", box=None)
    for entry in entries:
        if entry["status"] == "failed":
            table.add_row(entry["title"], "failed")
            continue
        before, ours, theirs = (graded(entry[who]) for who in ("measured", "ours", "slides"))
        first = (entry["title"], entry["kernel_prior"], f"{entry['seconds']:.1f}")
        for metric, beaten in entry["beaten"].items():
            figures = (METRICS[metric].label, before.get(metric, ""), ours[metric], theirs[metric])
            table.add_row(*first, *figures, "yes" if beaten else "no")
            first = ("", "", "")
    console.print(table)
    console.print(shown(f"figure {output / 'experiments.png'}; images, PSFs and reports beside it"), markup=False)
