"""Settings → one command line that does the same from a terminal."""

import json
import shlex
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any, Final

from napari_blind_deconv._napari.cropping import DrawnPart
from napari_blind_deconv._napari.drawn import Drawn, Outlined
from napari_blind_deconv._napari.job import Job
from napari_blind_deconv._napari.layers import Source
from napari_blind_deconv._types import whole
from napari_blind_deconv.observation import Arrangement
from napari_blind_deconv.settings import Settings, default_of, settings_to_dict

_OPTIONS: Final = MappingProxyType(
    {
        "kernel_weight": "--kernel-weight",
        "iterations": "--iterations",
        "noise_sigma": "--noise-sigma",
        "device": "--device",
        "seed": "--seed",
    }
)
_FAMILIES: Final = MappingProxyType(
    {
        "kernel_prior": "--kernel-prior",
        "image_prior": "--image-prior",
        "estimator": "--estimator",
        "restorer": "--restorer",
        "likelihood": "--likelihood",
        "variation": "--variation",
    }
)


def command_line(
    settings: Settings,
    *,
    image: str = "IMAGE.tif",
    psf: str | None = None,
    axes: str | None = None,
    voxel_size_um: Sequence[float | None] | None = None,
    output: str = "restored",
    crop: str | None = None,
    leave_out: str | None = None,
    region: str | None = None,
    max_memory_gb: float | None = None,
) -> str:
    """The ``blind-deconv run`` line for a file, with every setting that is not the default.

    Parameters
    ----------
    settings
        What the widget shows.
    image, psf
        Files of the image and of a known PSF.
    axes
        One letter per axis, as they are understood here; ``None`` leaves them to the file.
    voxel_size_um
        Lengths in µm per spatial axis; ``None``, as a whole or among them, leaves them to the file.
    output
        Folder of the results.
    crop
        The part of the image that is restored, by the letters of its axes; ``None``: all of it.
    leave_out, region
        What marks pixels to leave out, and the part that the PSF is estimated in: files, or ranges of pixels.
    max_memory_gb
        What the run may hold; ``None``: a share of what is free.

    Examples
    --------
    >>> command_line(Settings(kernel_size=(9, 9), seed=3), image="cells.tif")
    'blind-deconv run cells.tif --output restored --kernel-prior uniform --kernel-size 9,9 --seed 3'
    """
    words = ["blind-deconv", "run", image, "--output", output, *settings_words(settings)]
    if psf is not None:
        words += ["--psf", psf]
    if axes is not None:
        words += ["--axes", axes]
    lengths = whole(voxel_size_um)
    if lengths is not None:
        words += ["--voxel-size-um", ",".join(f"{length:.6g}" for length in lengths)]
    if crop is not None:
        words += ["--crop", crop]
    if leave_out is not None:
        words += ["--leave-out", leave_out]
    if region is not None:
        words += ["--region", region]
    if max_memory_gb is not None:
        words += ["--max-memory-gb", f"{max_memory_gb:g}"]
    return shlex.join(words)


def command_of(job: Job) -> str:
    """The line for what Run would do; layers that are no files stand in it as files of their name."""
    image = job.source.path or f"{job.source.layer or job.source.name}.tif"
    psf = None if job.psf is None else job.psf.path or f"{job.psf.name}.tif"
    leading = job.source.axes.removesuffix("S").removesuffix("YX")
    return command_line(
        job.settings,
        image=image,
        psf=psf,
        axes=job.source.axes if leading else None,
        crop=_crop(job.source),
        voxel_size_um=job.source.voxel_size_um,
        leave_out=None if job.leave_out is None else _file_of(job.leave_out),
        region=None if job.region is None else _ranges(job.region, job.source) or _file_of(job.region),
        max_memory_gb=job.max_memory_gb,
    )


def _crop(source: Source) -> str | None:
    """The part of the layer that is restored; its whole axes may stand in it, too."""
    from napari_blind_deconv.batch.cropping import text_of  # with it come the steps of all runs

    return None if source.cut is None else text_of(source.cut, source.axes, source.whole_shape)


def _file_of(drawn: Drawn) -> str:
    return drawn.path or f"{drawn.name}.tif"


def _ranges(drawn: Drawn, source: Source) -> str:
    """Ranges of pixels, where a shape is a box of every plane; else nothing."""
    box = drawn.box() if isinstance(drawn, Outlined | DrawnPart) else None
    if box is None:
        return ""
    depth = len(Arrangement(source.axes, source.planes).space) - len(box)
    return ",".join([*[":"] * depth, *(f"{part.start}:{part.stop}" for part in box)])


def settings_words(settings: Settings) -> Iterator[str]:
    """Options for every setting that is not the default."""
    values, defaults = settings_to_dict(settings), settings_to_dict(Settings())
    yield from ("--kernel-prior", values["kernel_prior"]["kind"])
    for name, value in values.items():
        if name in _FAMILIES:
            yield from _component_words(name, value, defaults[name])
        elif value == defaults[name]:
            continue
        elif name == "kernel_size":
            yield from ("--kernel-size", ",".join(str(size) for size in value))
        elif name in _OPTIONS:
            yield from (_OPTIONS[name], str(value))
        else:
            yield from ("--set", f"{name}={json.dumps(value)}")


def _component_words(name: str, value: dict[str, Any], default: dict[str, Any]) -> Iterator[str]:
    kind = value["kind"]
    # The kernel prior's kind comes first in the line, the default's, too.
    if kind != default["kind"] and name != "kernel_prior":
        yield from (_FAMILIES[name], kind)
    usual = default_of(name, kind)
    for field, setting in value.items():
        if setting != usual[field] and field != "psf":
            yield from ("--set", f"{name}.{field}={json.dumps(setting, separators=(',', ':'))}")
    if value.get("psf"):
        yield from ("--psf", value["psf"])
