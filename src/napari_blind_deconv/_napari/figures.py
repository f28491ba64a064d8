"""What the metrics dock shows: figures with their grades, and what can be said without a reference, in words."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._napari.findings import (
    capital,
    checks,
    family,
    parameters,
    ranking_in_words,
    rankings,
    reasons,
)
from napari_blind_deconv._napari.refusals import on_screen
from napari_blind_deconv._napari.words import CHECK_LABELS
from napari_blind_deconv._types import InputError
from napari_blind_deconv.metrics import METRICS, describe_kernel, grade, score_image, score_kernel

_NEEDED: Final = MappingProxyType(
    {"image": "choose a restored and a true image", "kernel": "choose a PSF and a true PSF"}
)
_MEANING: Final = MappingProxyType(
    {"ke": "0 is the same PSF", "ke_rel": "1 is no better than a guess", "mnc": "1 is the same shape"}
)
_WIDE_BORDER: Final = 0.05
_MISFIT: Final = 2.0
_ELSEWHERE: Final = frozenset({"border", "residual_size"})
_SHARES: Final = frozenset({"delta", "saturation", "prior_share"})


@dataclass(frozen=True)
class Figure:
    """One row: a name, a value as text, what it means, and the grade if there is one."""

    name: str
    value: str
    meaning: str = ""
    grade: str | None = None
    noise: tuple[Mapping[str, Any], ...] = ()
    """Noises whose curves are drawn below it, as the report has them."""


@dataclass(frozen=True)
class Inputs:
    """What is known: arrays, the PSF's voxel size, and the report of the run that made them."""

    restored: NDArray[Any] | None = None
    blurred: NDArray[Any] | None = None
    truth: NDArray[Any] | None = None
    kernel: NDArray[Any] | None = None
    true_kernel: NDArray[Any] | None = None
    voxel_size_um: tuple[float, ...] | None = None
    report: dict[str, Any] = field(default_factory=dict)


def figures(inputs: Inputs) -> list[Figure]:
    """All rows: first those with a reference, then those without."""
    return [
        *compared(inputs),
        *of_kernel(inputs),
        *of_fit(inputs.report),
        *of_run(inputs.report),
        *of_trust(inputs.report),
    ]


def doubts(inputs: Inputs) -> list[str]:
    """The run's own warnings."""
    return [on_screen(str(sentence)) for sentence in inputs.report.get("warnings", [])]


def compared(inputs: Inputs) -> Iterator[Figure]:
    """The registered metrics; a dash, and what is missing, where they cannot be had."""
    ours, said = _score(score_image, inputs.restored, inputs.truth, _NEEDED["image"])
    before, _ = _score(score_image, inputs.blurred, inputs.truth, "")
    kernels, said_of_kernel = _score(score_kernel, inputs.kernel, inputs.true_kernel, _NEEDED["kernel"])
    for name, metric in METRICS.items():
        found, problem = (ours, said) if metric.compares == "image" else (kernels, said_of_kernel)
        if name not in found or math.isnan(found[name]):
            yield Figure(metric.label, "–", problem or "the image is too small for it")
            continue
        improvement = f"blurred: {_short(before[name])}" if name in before else ""
        yield Figure(metric.label, _short(found[name]), _MEANING.get(name, improvement), grade(name, found[name]))


def _score(function: Any, ours: Any, theirs: Any, needed: str) -> tuple[dict[str, Any], str]:
    if ours is None or theirs is None:
        return {}, needed
    try:
        return function(ours, theirs), ""
    except InputError as error:
        return {}, str(error)


def of_kernel(inputs: Inputs) -> Iterator[Figure]:
    """What a PSF says of itself."""
    if inputs.kernel is None:
        return
    try:
        found = describe_kernel(inputs.kernel)
    except InputError as error:
        yield Figure("PSF", "–", str(error))
        return
    yield from _widths(found["fwhm_px"], inputs.voxel_size_um)
    # Rounding may leave the entropy of a single pixel just below zero.
    entropy = max(found["entropy_nats"], 0.0) + 0.0
    yield Figure("PSF entropy", f"{entropy:.2f} nats", f"as spread out as {math.exp(entropy):.0f} equal pixels")
    border = found["border_fraction"]
    verdict = "too much light: choose a larger PSF size" if border > _WIDE_BORDER else "the PSF size is large enough"
    yield Figure("PSF at its border", f"{border:.1%}", verdict)


def _widths(fwhm_px: list[float], voxel_size_um: tuple[float, ...] | None) -> Iterator[Figure]:
    name = f"PSF width ({', '.join('zyx'[-len(fwhm_px) :])})"
    pixels = ", ".join(_short(width) for width in fwhm_px)
    if voxel_size_um is None or len(voxel_size_um) != len(fwhm_px):
        yield Figure(name, f"{pixels} px", "full width at half maximum; no voxel size is known")
        return
    lengths = [width * size for width, size in zip(fwhm_px, voxel_size_um, strict=True)]
    yield Figure(
        name, f"{', '.join(_short(length) for length in lengths)} µm", f"full width at half maximum; {pixels} px"
    )


def of_fit(report: dict[str, Any]) -> Iterator[Figure]:
    """What was fitted, with its error, and why this family of PSFs was chosen."""
    for ranking, reason in zip(rankings(report), reasons(report), strict=True):
        compared_with = ranking_in_words(ranking)
        yield Figure("PSF family", family(ranking[0]["kind"]), f"{reason}. Evidence in nats: {compared_with}")
    for name, value in parameters(report):
        yield Figure(name, value, "fitted" + (", with one standard deviation" if "±" in value else ""))


def of_run(report: dict[str, Any]) -> Iterator[Figure]:
    """What the run measured: noise and what was left out, channel by channel; the misfit of the first."""
    if report.get("noise_sigma") is None:
        return
    yield from _of_noise(report)
    residual, expected = _first(report.get("residual_sigma")), _first(report.get("misfit_sigma"))
    if residual is not None and expected is not None:
        ratio = residual / expected if expected > 0 else math.inf
        verdict = "the result does not explain the image" if ratio > _MISFIT else "the result explains the image"
        yield Figure("Misfit / expected", _short(ratio), f"up to about 1 is right: {verdict}")


def _of_noise(report: dict[str, Any]) -> Iterator[Figure]:
    sigmas, noises, left_out = (_each(report.get(name)) for name in ("noise_sigma", "noise", "left_out"))
    for number, sigma in enumerate(sigmas):
        of_channel = f", channel {number + 1}" if len(sigmas) > 1 else ""
        said = noises[number]["words"] if noises else "in the image's intensity unit"
        # One picture for all channels, below the last of them.
        drawn = tuple(noises) if number == len(sigmas) - 1 else ()
        yield Figure(f"Noise (sigma){of_channel}", _short(float(sigma)), capital(said), noise=drawn)
    for number, found in enumerate(left_out):
        if found["words"]:
            of_channel = f", channel {number + 1}" if len(left_out) > 1 else ""
            yield Figure(f"Left out{of_channel}", f"{100 * found['share']:.2g} %", capital(found["words"]))


def of_trust(report: dict[str, Any]) -> Iterator[Figure]:
    """Every check of trust with its limit, doubts first; what has a row of its own is left out."""
    for channel, check in checks(report):
        if check["check"] not in _ELSEWHERE:
            name = CHECK_LABELS.get(check["check"], check["check"]) + (f", {channel}" if channel else "")
            asked = "at least" if check["check"] == "no_blur" else "at most"
            # The sentences of the doubts stand below all rows.
            said = "in doubt, see below" if check["verdict"] == "doubt" else on_screen(check["sentence"])
            meaning = f"{asked} {_figure(check, 'limit')}: {said}"
            yield Figure(name, _figure(check, "value"), meaning)


def _figure(check: dict[str, Any] | Any, which: str) -> str:
    """A check's value or limit with its unit."""
    value = float(check[which])
    if check["check"] in _SHARES:
        return f"{value:.3g}" if value == 0 else f"{100 * value:.3g} %"
    return f"{value:.3g}" + (" nats" if check["check"] == "no_blur" else "")


def without_colours(image: NDArray[Any]) -> NDArray[Any]:
    """Colours are compared by their mean; opacity is left out."""
    return np.asarray(image[..., :3].mean(axis=-1), dtype=np.float32)


def as_text(rows: list[Figure]) -> str:
    """The table for a spreadsheet, columns separated by tabs."""
    return "\n".join("\t".join([row.name, row.value, row.grade or "", row.meaning]) for row in rows)


def _each(value: Any) -> list[Any]:
    """One entry per channel; none where the report, an old one perhaps, does not say."""
    return [] if value is None else value if isinstance(value, list) else [value]


def _first(value: Any) -> float | None:
    if isinstance(value, list):
        return float(value[0]) if value else None
    return None if value is None else float(value)


def _short(value: float) -> str:
    return f"{value:.2f}" if 1 <= abs(value) < 1000 else f"{value:.3g}"
