"""``blind-deconv metrics``."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.metrics import METRICS, describe_kernel, score

from .display import graded


def execute(files: Mapping[str, Path | None], options: Mapping[str, Any], *, as_json: bool) -> None:
    """Score what was given and say so.

    Raises
    ------
    InputError
        Where a pair is incomplete or cannot be compared.
    """
    _check(files, options)
    found = {name: io.read(path) for name, path in files.items() if path is not None}
    data = {name: volume.data for name, volume in found.items()}
    axes = found["image"].axes if "image" in found else found["psf"].axes
    if "image" in found and found["image"].data.shape != found["truth"].data.shape:
        data |= {"image": data["image"].squeeze(), "truth": data["truth"].squeeze()}
        axes = "".join(a for a, n in zip(axes, found["image"].data.shape, strict=True) if n > 1)
    figures = score(data.get("image"), data.get("truth"), data.get("psf"), data.get("true_psf"), axes=axes, **options)
    if "psf" in found:
        channels = list(data["psf"]) if found["psf"].axes.startswith("C") else [data["psf"]]
        described = [describe_kernel(kernel) for kernel in channels]
        figures["kernel"] = described if len(described) > 1 else described[0]
    sys.stdout.write((io.to_json(figures) if as_json else _words(figures)) + "\n")


def _check(files: Mapping[str, Path | None], options: Mapping[str, Any]) -> None:
    if (files["image"] is None) != (files["truth"] is None):
        raise InputError("--image and --truth go together: give both, or neither")
    if files["true_psf"] is not None and files["psf"] is None:
        raise InputError("--true-psf needs --psf to be compared with; give both")
    if files["image"] is None and files["psf"] is None:
        raise InputError("nothing to score; give --image and --truth, or --psf and --true-psf, or all four")
    if options["intensity"] not in {"absolute", "affine"}:
        raise InputError(f"--intensity {options['intensity']!r} is unknown; allowed are absolute and affine")
    for name in ("max_shift", "border"):
        if options[name] < 0:
            raise InputError(f"--{name.replace('_', '-')} {options[name]} must be 0 or more")
    if options["data_range"] is not None and not 0 < options["data_range"] < float("inf"):
        raise InputError(f"--data-range {options['data_range']:g} must be a positive number")


def _words(figures: dict[str, Any]) -> str:
    told = [f"{METRICS[name].label:<10} {text}" for name, text in graded(figures).items()]
    if "shift_px" in figures:
        told += [f"{'shift':<10} {figures['shift_px']} px", f"{'range':<10} {figures['data_range']:g}"]
    for kernel in figures.get("kernel", []) if isinstance(figures.get("kernel"), list) else [figures.get("kernel")]:
        if kernel:
            widths = ", ".join(f"{width:.2f}" for width in kernel["fwhm_px"])
            told += [f"{'FWHM':<10} {widths} px", f"{'entropy':<10} {kernel['entropy_nats']:.3f} nats"]
            told += [f"{'on border':<10} {kernel['border_fraction']:.2%}"]
    return "\n".join(told)
