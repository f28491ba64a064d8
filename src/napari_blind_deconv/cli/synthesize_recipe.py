"""From the options of ``blind-deconv synthesize`` to a recipe."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pydantic
from pydantic import TypeAdapter

from napari_blind_deconv import testbed
from napari_blind_deconv._types import InputError, nearest
from napari_blind_deconv.settings import (
    KERNEL_PRIORS,
    Settings,
    default_of,
    override,
    refusal,
    settings_from_dict,
    settings_to_dict,
    unknown,
)
from napari_blind_deconv.testbed import Fit, Recipe
from napari_blind_deconv.testbed.fitting import Spectrum

from .settings import numbers, whole_numbers

_KERNEL, _IMAGE = "kernel_prior.", "image_prior."
_MEAN = 0.5


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    kind: Literal["image", "kernel", "video"]
    output: Path
    fit: Path | None = None
    spectrum: str | None = None
    axes: str | None = None
    licence: str = ""
    frames: int | None = None
    size: str | None = None
    kernel_priors: tuple[str, ...] = ()
    kernel_size: str | None = None
    kernel_drift: int | None = None
    against: str | None = None
    assignments: tuple[str, ...] = ()
    noise: str = "0.01"
    boundary: str = "frame"
    voxel_size_um: str | None = None
    time_interval_s: float | None = None
    count: int = 1
    seed: int = 0
    figure: Path | None = None
    overwrite: bool = False


def recipe_of(request: Request, fit: Fit | None) -> Recipe:
    """The recipe that a command line asks for; `InputError` names what is wrong."""
    size = _size(request.size)
    ndim = len(size)
    priors = _priors(request)
    kernel = whole_numbers("--kernel-size", request.kernel_size) or (31,)
    given = numbers("--voxel-size-um", request.voxel_size_um)
    if request.kind == "kernel":
        size = (256,) * max(len(kernel), len(given or ()), 2)
        ndim = len(size)
    values: dict[str, Any] = {
        "kind": request.kind,
        "size": size,
        "frames": request.frames,
        "field": None if request.kind == "kernel" else _field(request, fit),
        "kernel_priors": priors,
        "kernel_size": kernel * ndim if len(kernel) == 1 else kernel,
        "kernel_drift_frames": request.kernel_drift,
        "noise": testbed.noise_of(request.noise),
        "boundary": request.boundary,
        "count": request.count,
        "seed": request.seed,
        "voxel_size_um": given or (fit.voxel_size_um if fit else None),
        "time_interval_s": request.time_interval_s or (fit.time_interval_s if fit else None),
    }
    return testbed.recipe_from_dict(values)


def _size(text: str | None) -> tuple[int, ...]:
    if text is None:
        return (256, 256)
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) not in {2, 3} or min(found) < 1:
        raise InputError(f"--size {text!r} must be two or three whole numbers separated by commas, such as 256,256")
    return found


def fitted(request: Request) -> Fit | None:
    """The field that ``--fit`` asks for, if it does; `InputError` where that is wrong."""
    if request.fit is None:
        for name in ("spectrum", "axes", "licence"):
            if getattr(request, name):
                raise InputError(f"--{name} is only for fitted files; give --fit, or leave it out")
        return None
    spectrum = request.spectrum or "free"
    if spectrum not in get_args(Spectrum):
        raise InputError(f"--spectrum {spectrum!r} is unknown; {nearest(spectrum, get_args(Spectrum))}")
    how = testbed.fitted_images if request.kind == "image" else testbed.fitted_movies
    return how(
        request.fit,
        len(_size(request.size)),
        spectrum,  # type: ignore[arg-type]
        spacing=numbers("--voxel-size-um", request.voxel_size_um),
        axes=request.axes,
        licence=request.licence,
    )


def _priors(request: Request) -> list[Any]:
    """The kernel priors with the fields that were assigned, one for each value of ``--against``."""
    names = request.kernel_priors or ("gaussian",)
    assigned = [a for a in request.assignments if a.startswith(_KERNEL)]
    found = [_assigned(default_of("kernel_prior", name), assigned, names) for name in names]
    if request.against is not None:
        field, equals, listed = request.against.partition("=")
        if not equals or not field or not listed:
            raise InputError(f"--against {request.against!r} must be a field and its values, such as count=1,3,10")
        found = [
            _assigned(values, [f"{_KERNEL}{field}={value}"], names) for values in found for value in listed.split(",")
        ]
    return [settings_from_dict({"kernel_prior": values}).kernel_prior for values in found]


def _assigned(prior: Mapping[str, Any], assignments: Sequence[str], names: Sequence[str]) -> Any:
    """A kernel prior with fields that it, or another of those named, has."""
    values = {**settings_to_dict(Settings()), "kernel_prior": dict(prior)}
    for assignment in assignments:
        field = assignment.partition("=")[0].removeprefix(_KERNEL).strip()
        kind = str(prior["kind"])
        others = [name for name in names if name != kind and field in default_of("kernel_prior", name)]
        if field not in prior and others:
            continue
        values = override(values, assignment)
    return values["kernel_prior"]


def _field(request: Request, fit: Fit | None) -> Any:
    """The scene's field with the fields that were assigned."""
    base = fit.field if fit is not None else testbed.default_field(request.kind, _MEAN)
    adapter: TypeAdapter[Any] = TypeAdapter(type(base))
    values = dict(adapter.dump_python(base, mode="json"))
    for assignment in request.assignments:
        path, equals, text = assignment.partition("=")
        if path.startswith(_KERNEL) and equals:
            continue
        name = path.strip().removeprefix(_IMAGE)
        known = [field for field in values if field != "kind"]
        if not path.startswith(_IMAGE) or not equals or name not in known:
            allowed = [*(_IMAGE + field for field in known), *(_KERNEL + f for f in _kernel_fields(request))]
            raise unknown("setting", path.strip(), nearest(path.strip(), allowed))
        values[name] = _value(text)
    try:
        return adapter.validate_python(values)
    except pydantic.ValidationError as error:
        raise refusal(error).about(f"image_prior.{refusal(error).subject}") from error


def _kernel_fields(request: Request) -> set[str]:
    kinds = [kind for kind in request.kernel_priors or ("gaussian",) if kind in KERNEL_PRIORS]
    return {field for kind in kinds for field in default_of("kernel_prior", kind) if field != "kind"}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text.strip()
