"""``blind-deconv psf measure``."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, whole
from napari_blind_deconv.batch import refuse_replacing
from napari_blind_deconv.batch.plan import REPORT as RUN_REPORT
from napari_blind_deconv.beads import MeasuredPsf, measure_psf
from napari_blind_deconv.doubts import reasons
from napari_blind_deconv.metrics import psf_figures
from napari_blind_deconv.report import checksum, versions

from .names import in_options
from .psf_compare import widths
from .shown import shown

PSF, REPORT = "_psf.ome.tif", "_psf_report.json"


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    beads: Path
    output: Path
    kernel_size: tuple[int, ...] | None = None
    voxel_size_um: tuple[float, ...] | None = None
    channel: int | None = None
    saturation: float | None = None
    bead_diameter_um: float | None = None
    overwrite: bool = False


def execute(request: Request, *, as_json: bool) -> None:
    """Measure, write the PSF and its report, and say what was found.

    Raises
    ------
    InputError
        Before anything is written.
    """
    stem = io.stem(request.beads)
    targets = request.output / f"{stem}{PSF}", request.output / f"{stem}{REPORT}"
    refuse_replacing(targets, [request.beads], overwrite=request.overwrite)
    # A PSF of this name belongs to a run where that has left its report.
    refuse_replacing([request.output / f"{stem}{RUN_REPORT}"], [], overwrite=False)
    for name in ("saturation", "bead_diameter_um"):
        value = getattr(request, name)
        if value is not None and not 0 < value < float("inf"):
            raise InputError(f"--{name.replace('_', '-')} {value:g} must be a positive number")
    volume = io.read(request.beads)
    io.check_folder(request.output)
    data, axes = _one_channel(volume, request.channel)
    size = request.voxel_size_um or volume.voxel_size_um
    measured = measure_psf(
        data,
        kernel_size=request.kernel_size,
        voxel_size_um=whole(size),
        saturation=request.saturation,
        bead_diameter_um=request.bead_diameter_um,
    )
    report = {
        "input": {"path": str(request.beads), "shape": list(data.shape), "axes": axes, "sha256": checksum(data)},
        "versions": dict(versions()),
        **measured.to_dict(),
    }
    report["warnings"] = [*volume.doubts, *report["warnings"]]
    psf, record = io.Volume(measured.kernel, axes, size), {"role": "PSF measured from beads", "measured": report}
    text = io.to_json(report)
    with io.atomic(*targets, needed_bytes=4 * measured.kernel.size + 3 * len(text)) as (at_psf, at_report):
        io.put(at_psf, io.as_floats(psf), record, "ome-tiff")
        at_report.write_text(text, encoding="utf-8")
    if as_json:
        sys.stdout.write(io.to_json(report | {"outputs": [str(path) for path in targets]}) + "\n")
    else:
        _tell(request.beads, measured, report, targets)


def _one_channel(volume: io.Volume, channel: int | None) -> tuple[Any, str]:
    """The spatial axes of a file, in the order z, y, x."""
    data, axes = volume.data, volume.axes
    for letter in [a for a in axes if a not in "CZYX" or data.shape[axes.index(a)] == 1]:
        if data.shape[axes.index(letter)] != 1:
            raise InputError(
                f"{volume.path} has axes {volume.axes} {volume.data.shape}; beads are one image or stack: save a frame"
            )
        if letter not in "YX":
            data, axes = data.squeeze(axes.index(letter)), axes.replace(letter, "")
    count = data.shape[axes.index("C")] if "C" in axes else 1
    if channel is None and count > 1:
        raise InputError(f"{volume.path} has {count} channels, each with a PSF of its own; choose one with --channel N")
    if channel is not None and not 1 <= channel <= count:
        raise InputError(f"--channel {channel} is not there; {volume.path} has 1 to {count}")
    if "C" in axes:
        data, axes = data.take((channel or 1) - 1, axes.index("C")), axes.replace("C", "")
    order = [axes.index(letter) for letter in "ZYX" if letter in axes]
    return data.transpose(order), "".join(axes[i] for i in order)


def _tell(beads: Path, measured: MeasuredPsf, report: dict[str, Any], targets: tuple[Path, Path]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    figures = psf_figures(measured.kernel, measured.voxel_size_um)
    left_out = ", ".join(f"{count} {reason}" for reason, count in report["rejected"].items())
    lines = [
        f"{beads.name}: {report['used']} of {report['found']} beads used" + (f" ({left_out})" if left_out else ""),
        *[f"  wrote    {path}" for path in targets],
        f"  PSF      {' x '.join(map(str, figures.size))} px, FWHM {widths(figures)}",
    ]
    if report["fwhm_sd"]:
        lines.append(
            f"  spread   {' x '.join(f'{sd:.3f}' for sd in report['fwhm_sd'])} {figures.unit} (sd of the beads)"
        )
    for line in [*lines, *[f"  warning  {in_options(sentence)}" for sentence in reasons(report)]]:
        console.print(shown(line), markup=False)
