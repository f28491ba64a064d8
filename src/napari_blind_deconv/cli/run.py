"""``blind-deconv run``."""

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch import (
    BATCH_REPORT,
    Batch,
    Engine,
    FileReport,
    Prepared,
    ReferenceFiles,
    Said,
    Workers,
    cluster,
    entry_of,
    needed,
    prepared,
    run,
)
from napari_blind_deconv.settings import Settings

from . import DONE, REFUSED, SOME_FAILED
from .display import follow, summarise
from .forecast import tell_forecast
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
    crop: str | None = None
    maps: bool = False
    overwrite: bool = False
    form: str = "ome-tiff"
    psf_from: str = "each"
    fail_fast: bool = False
    retry: bool = False
    dry_run: bool = False
    workers: int | None = None
    scheduler: str | None = None
    scheduler_file: Path | None = None
    dashboard: bool = False
    shard: tuple[int, int] | None = None


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
        raise InputError("--mask and --leave-out are opposites; give one of them")
    workers = _workers(request, settings)
    found = prepared(_batch(request, settings))
    if request.dry_run:
        return tell_forecast(found, as_json=as_json)
    if not found.works:
        _say(_nothing(request))
        return DONE
    reports: list[FileReport] = []
    try:
        with _engine(workers, found) as engine, closing(run(found, engine, _message)) as events:
            follow(events, reports, len(found.works))
    except InputError as error:
        if not any(report.status == "done" and not report.skipped for report in reports):
            raise
        # The disk is full, or the folder has gone, in the middle of the work.
        _say(shown(" ".join(refusal_in_options(error).split())))
        return SOME_FAILED
    return _ended(found, reports, as_json=as_json)


def _workers(request: Request, settings: Settings) -> Workers | None:
    """Who works, where this process is not to do it."""
    given = (request.workers, request.scheduler, request.scheduler_file)
    if all(one is None for one in given) and not request.dashboard:
        return None
    return Workers(*given, request.dashboard, settings.device, request.max_memory_gb)


@contextmanager
def _engine(workers: Workers | None, found: Prepared) -> Iterator[Engine | None]:
    if workers is None:
        yield None
        return
    with cluster(needed(workers, found.works), lambda address: _say(f"dashboard at {address}")) as engine:
        yield engine


def _say(line: str) -> None:
    sys.stderr.write(f"blind-deconv: {line}\n")
    sys.stderr.flush()


def _nothing(request: Request) -> str:
    if request.retry:
        return "no file failed last time; there is nothing to try again"
    return "there are fewer images than shards; there is nothing to do in this one"


def _ended(found: Prepared, reports: list[FileReport], *, as_json: bool) -> int:
    # Several workers end files in any order.
    places = {label: place for place, label in enumerate(found.labels)}
    reports = sorted(reports, key=lambda report: places[report.label])
    code = _exit_code(reports)
    if code == DONE or any(report.status == "done" for report in reports):
        _tell(reports, as_json=as_json)
    if code != DONE:
        _say(shown(_failures(reports, found)))
    return code


def _batch(request: Request, settings: Settings) -> Batch:
    references = ReferenceFiles(
        psf=request.psf or _recorded_psf(settings),
        truth=request.truth,
        true_psf=request.true_psf,
        mask=request.mask,
        leave_out=request.leave_out,
        region=request.region,
    )
    return Batch(
        names=request.inputs,
        output=request.output,
        settings=settings,
        references=references,
        said=Said(request.axes, request.voxel_size_um, request.max_memory_gb, request.crop),
        maps=request.maps,
        form=request.form,
        overwrite=request.overwrite,
        psf_from=request.psf_from,
        fail_fast=request.fail_fast,
        retry=request.retry,
        shard=request.shard,
        keep=() if request.settings is None else (request.settings,),
    )


def _recorded_psf(settings: Settings) -> Path | None:
    """The PSF's file where the settings name one."""
    name = getattr(settings.kernel_prior, "psf", None)
    return Path(name) if name else None


def _exit_code(reports: list[FileReport]) -> int:
    failed = [report for report in reports if report.status == "failed"]
    if not failed:
        return DONE
    return REFUSED if len(failed) == len(reports) and all(report.refused for report in failed) else SOME_FAILED


def _tell(reports: list[FileReport], *, as_json: bool) -> None:
    if as_json:
        files = [entry_of(report, _message) | {"report": report.report} for report in reports]
        sys.stdout.write(io.to_json({"files": files}) + "\n")
    else:
        summarise(reports)


def _failures(reports: list[FileReport], found: Prepared) -> str:
    """One line on what went wrong."""
    output, untried = found.batch.output, len(found.works) - len(reports)
    stopped = f"; {untried} {'was' if untried == 1 else 'were'} not tried" if untried else ""
    failed = [report for report in reports if report.status == "failed"]
    sentences = list(dict.fromkeys(_with_name(report) for report in failed))
    if len(failed) == len(reports):
        others = len(failed) - 1
        more = f" (and {others} more {'file' if others == 1 else 'files'} failed)" if others else ""
        return " ".join(sentences[0].split()) + more + stopped
    rest = "the rest are done" if not untried else f"{len(reports) - len(failed)} are done"
    return f"{len(failed)} of {len(found.works)} files failed, {rest}{stopped}; {output / BATCH_REPORT} says why"


def _message(report: FileReport) -> str:
    return report.message if report.refusal is None else refusal_in_options(report.refusal)


def _with_name(report: FileReport) -> str:
    message = _message(report)
    known = str(report.path) in message or message.startswith("output folder")
    return message if known else f"{report.label}: {message}"
