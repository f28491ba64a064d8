"""From options to settings: defaults, then a file, then named options, then --set."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch.settings_file import recorded_settings
from napari_blind_deconv.presets import scheme
from napari_blind_deconv.settings import FAMILIES, Settings, default_of, override, settings_from_dict, settings_to_dict


def settings_of(file: Path | None, named: Mapping[str, Any], assignments: Sequence[str], psf: Path | None) -> Settings:
    """The settings that a command line asks for.

    A PSF given without a word on the kernel prior means that the PSF is known.

    Raises
    ------
    InputError
        Naming the setting, its value and what is allowed.
    """
    recorded = recorded_settings(file) if file else {}
    values = settings_to_dict(settings_from_dict(recorded))
    spoken_for = "kernel_prior" in {*recorded, *named} or any(a.startswith("kernel_prior") for a in assignments)
    if psf is not None and not spoken_for:
        values["kernel_prior"] = default_of("kernel_prior", "known")
    named = _with_scheme(_with_diffusion(named))
    for name, value in named.items():
        if name in FAMILIES:
            # The file's fields of the same kind stay.
            values[name] = values[name] if values[name]["kind"] == value else default_of(name, value)
        elif name != "image_prior_strength":
            values[name] = value
    if "image_prior_strength" in named:
        values = override(values, f"image_prior.strength={named['image_prior_strength']}")
    for assignment in assignments:
        values = override(values, assignment)
    prior = values["kernel_prior"]
    if psf is not None and isinstance(prior, dict) and prior.get("kind") == "known":
        # Recorded, so that the report alone is enough to run again.
        values["kernel_prior"] = {**prior, "psf": str(psf)}
    return settings_from_dict(values)


def _with_scheme(named: Mapping[str, Any]) -> dict[str, Any]:
    """``--solver`` spelt out: its estimator and its restorer, unless one of them is named as well."""
    rest = {name: value for name, value in named.items() if name != "solver"}
    if "solver" not in named:
        return rest
    found = scheme(named["solver"])
    return {"estimator": found.estimator, "restorer": found.restorer, **rest}


def _with_diffusion(named: Mapping[str, Any]) -> dict[str, Any]:
    """``--diffusion-strength`` spelt out: the image prior it belongs to, and that prior's strength."""
    rest = {name: value for name, value in named.items() if name != "diffusion_strength"}
    if "diffusion_strength" not in named:
        return rest
    other = rest.get("image_prior", "diffusion")
    if other != "diffusion":
        raise InputError(
            f"--diffusion-strength needs --image-prior diffusion, but {other!r} was asked for; leave one of them out"
        )
    if "image_prior_strength" in rest:
        raise InputError("--diffusion-strength and --image-prior-strength set the same number; leave one of them out")
    return {**rest, "image_prior": "diffusion", "image_prior_strength": named["diffusion_strength"]}


def numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    """Positive numbers separated by commas.

    Raises
    ------
    InputError
        Naming the option and the text.
    """
    if text is None:
        return None
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(math.isfinite(value) and value > 0 for value in found):
        raise InputError(f"{option} {text!r} must be positive numbers in µm separated by commas, such as 0.3,0.1,0.1")
    return found


def whole_numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    """Whole numbers separated by commas.

    Raises
    ------
    InputError
        Naming the option and the text.
    """
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{option} {text!r} must be one odd whole number, or one per axis separated by commas, such as 15,31,31"
        ) from error


def shard_of(text: str | None) -> tuple[int, int] | None:
    """Which of how many parts.

    Raises
    ------
    InputError
        For anything else than two whole numbers.

    Examples
    --------
    >>> shard_of("2/8")
    (2, 8)
    """
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}/\d{1,9}", text):
        raise InputError(f"--shard {text!r} must be a part and the number of parts, such as 2/8")
    number, parts = (int(part) for part in text.split("/"))
    return number, parts


def ranges_or_file(option: str, text: str | None) -> Path | tuple[slice, ...] | None:
    """Ranges of pixels separated by commas, or else the name of a file.

    Raises
    ------
    InputError
        Naming the option and a range whose end does not lie behind its start.

    Examples
    --------
    >>> ranges_or_file("--region", "10:60,:80")
    (slice(10, 60, None), slice(None, 80, None))
    """
    if text is None:
        return None
    if not re.fullmatch(r"\s*\d*:\d*\s*(,\s*\d*:\d*\s*)*", text):
        return Path(text)
    found = []
    for part in text.split(","):
        start, stop = (int(number) if number.strip() else None for number in part.split(":"))
        if stop is not None and stop <= (start or 0):
            raise InputError(
                f"{option} {text!r} must be ranges first:last+1 per axis separated by commas, such as 10:200,50:300"
            )
        found.append(slice(start, stop))
    return tuple(found)
