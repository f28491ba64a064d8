"""``blind-deconv run``."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch import (
    BATCH_REPORT,
    FileReport,
    find_inputs,
    plan,
    read_references,
    refuse_replacing,
    run_batch,
)
from napari_blind_deconv.settings import Settings

from . import DONE, REFUSED, SOME_FAILED
from .display import follow, summarise
from .names import refusal_in_options
from .settings import settings_of
from .shown import shown


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line; ``named`` holds the options that are settings."""

    inputs: tuple[str, ...]
    output: Path
    named: Mapping[str, Any]
    assignments: tuple[str, ...] = ()
    settings: Path | None = None
    psf: Path | None = None
    truth: Path | None = None
    true_psf: Path | None = None
    mask: Path | None = None
    leave_out: Path | None = None
    region: Path | tuple[slice, ...] | None = None
    axes: str | None = None
    voxel_size_um: tuple[float, ...] | None = None
    max_memory_gb: float | None = None
    maps: bool = False
    overwrite: bool = False
    form: str = "ome-tiff"


def execute(request: Request, *, as_json: bool) -> int:
    """Restore every input; gives the exit code.

    Raises
    ------
    InputError
        Before anything is computed or written, for whatever concerns all files.
    """
    settings = settings_of(request.settings, request.named, request.assignments, request.psf)
    limit = request.max_memory_gb
    if limit is not None and not (math.isfinite(limit) and limit > 0):
        raise InputError(f"--max-memory-gb {limit:g} must be a positive number")
    if request.mask is not None and request.leave_out is not None:
        raise InputError("--mask and --leave-out say the same in opposite ways; give one of them")
    shared: dict[str, Any] = {
        "psf": request.psf or _recorded_psf(settings),
        "truth": request.truth,
        "true_psf": request.true_psf,
        "mask": request.mask,
        "leave_out": request.leave_out,
        "region": request.region,
    }
    keep = [path for path in (request.settings, *shared.values()) if isinstance(path, Path)] + _networks(settings)
    inputs = find_inputs(request.inputs)
    jobs = plan(inputs, request.output, keep, maps=request.maps, overwrite=request.overwrite, form=request.form)
    if len(jobs) > 1:
        refuse_replacing([request.output / BATCH_REPORT], (*inputs, *keep), overwrite=request.overwrite)
    events = run_batch(
        jobs,
        settings,
        read_references(**shared),
        axes=request.axes,
        voxel_size_um=request.voxel_size_um,
        max_memory_gb=limit,
    )
    reports: list[FileReport] = []
    try:
        follow(events, reports, len(jobs))
    finally:
        # Also after an interruption: what is done is listed.
        if len(jobs) > 1 and any(report.status == "done" for report in reports):
            io.write_json(request.output / BATCH_REPORT, {"files": [_entry(r) for r in reports], "inputs": len(jobs)})
    code = _exit_code(reports)
    if code == DONE or any(report.status == "done" for report in reports):
        _tell(reports, as_json=as_json)
    if code != DONE:
        sys.stderr.write(f"blind-deconv: {shown(_failures(reports, request.output))}\n")
    return code


def _recorded_psf(settings: Settings) -> Path | None:
    """The PSF's file where the settings name one."""
    name = getattr(settings.kernel_prior, "psf", None)
    return Path(name) if name else None


def _networks(settings: Settings) -> list[Path]:
    """Files of networks that the settings name, with their model cards."""
    named = [getattr(prior, "weights", None) for prior in (settings.kernel_prior, settings.image_prior)]
    files = [Path(name) for name in named if name]
    return files + [file.parent / f"{file.stem}.json" for file in files]


def _exit_code(reports: list[FileReport]) -> int:
    failed = [report for report in reports if report.status == "failed"]
    if not failed:
        return DONE
    return REFUSED if len(failed) == len(reports) and all(report.refused for report in failed) else SOME_FAILED


def _tell(reports: list[FileReport], *, as_json: bool) -> None:
    if as_json:
        files = [_entry(report) | {"report": report.report} for report in reports]
        sys.stdout.write(io.to_json({"files": files}) + "\n")
    else:
        summarise(reports)


def _entry(report: FileReport) -> dict[str, Any]:
    outputs = [str(path) for path in report.outputs]
    return {"input": str(report.path), "status": report.status, "message": _message(report), "outputs": outputs}


def _failures(reports: list[FileReport], output: Path) -> str:
    """One line on what went wrong."""
    failed = [report for report in reports if report.status == "failed"]
    sentences = list(dict.fromkeys(_with_name(report) for report in failed))
    if len(failed) == len(reports):
        others = len(failed) - 1
        more = f" (and {others} more {'file' if others == 1 else 'files'} failed)" if others else ""
        return " ".join(sentences[0].split()) + more
    return f"{len(failed)} of {len(reports)} files failed, the rest are done; {output / BATCH_REPORT} says why"


def _message(report: FileReport) -> str:
    return report.message if report.refusal is None else refusal_in_options(report.refusal)


def _with_name(report: FileReport) -> str:
    message = _message(report)
    known = str(report.path) in message or message.startswith("output folder")
    return message if known else f"{report.path}: {message}"
