"""What the metrics dock shows: figures with their grades, and what can be said without a reference, in words."""

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._napari import findings
from napari_blind_deconv._napari.findings import (
    capital,
    family,
    parameters,
    ranking_in_words,
    rankings,
    reasons,
)
from napari_blind_deconv._napari.refusals import on_screen
from napari_blind_deconv._types import InputError
from napari_blind_deconv.doubts import CHECK_NAMES, HEADING, checks
from napari_blind_deconv.metrics import METRICS, describe_kernel, grade, score_image, score_kernel
from napari_blind_deconv.physical_checks import psf_doubts

_MEANING: Final = MappingProxyType(
    {"ke": "0 is the same PSF", "ke_rel": "1 is no better than a guess", "mnc": "1 is the same shape"}
)
# What begins so is a formula to a spreadsheet, unless it is a number.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?( \S+)?")
_SHARES: Final = frozenset({"border", "delta", "saturation", "prior_share"})
_PSF, _REFERENCES, _FITTED, _NOISE, _CHECKS = "PSF", "Against the references", "What was fitted", "Noise", "Checks"


@dataclass(frozen=True)
class Figure:
    """One row: a name, a value as text, what it means, the grade if there is one, and the heading it stands under."""

    name: str
    value: str
    meaning: str = ""
    grade: str | None = None
    section: str = ""


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
    """All rows: how wide the PSF is, how near it comes to a reference, and what the run found."""
    return [
        *of_kernel(inputs),
        *compared(inputs),
        *of_fit(inputs.report),
        *of_noise(inputs.report),
        *of_trust(inputs.report),
    ]


def doubts(inputs: Inputs) -> list[str]:
    """What raises doubt, line by line: of the run, or of a PSF that comes from elsewhere."""
    if inputs.report or inputs.kernel is None:
        return findings.doubts(inputs.report)
    try:
        describe_kernel(inputs.kernel)
    except InputError:
        # Its row says what is wrong.
        return []
    return findings.doubts({"warnings": psf_doubts(inputs.kernel)})


def compared(inputs: Inputs) -> Iterator[Figure]:
    """The registered metrics of what has a reference; a dash, and why, where they cannot be had."""
    ours, said = _score(score_image, inputs.restored, inputs.truth)
    before, _ = _score(score_image, inputs.blurred, inputs.truth)
    kernels, said_of_kernel = _score(score_kernel, inputs.kernel, inputs.true_kernel)
    for name, metric in METRICS.items():
        found, problem = (ours, said) if metric.compares == "image" else (kernels, said_of_kernel)
        if found is None:
            continue
        if name not in found or math.isnan(found[name]):
            yield Figure(metric.label, "–", problem or "the image is too small for it", section=_REFERENCES)
            continue
        improvement = f"blurred: {_short(before[name])}" if before and name in before else ""
        meaning = _MEANING.get(name, improvement)
        yield Figure(metric.label, _short(found[name]), meaning, grade(name, found[name]), _REFERENCES)


def _score(function: Any, ours: Any, theirs: Any) -> tuple[dict[str, Any] | None, str]:
    """Figures, or none and why; nothing at all where one of both is missing."""
    if ours is None or theirs is None:
        return None, ""
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
        yield Figure("PSF", "–", str(error), section=_PSF)
        return
    yield from _widths(found["fwhm_px"], inputs.voxel_size_um)
    # Rounding may leave the entropy of a single pixel just below zero.
    entropy = max(found["entropy_nats"], 0.0) + 0.0
    meaning = f"as spread out as {math.exp(entropy):.0f} equal pixels"
    yield Figure("PSF entropy", f"{entropy:.2f} nats", meaning, section=_PSF)
    if not inputs.report.get("trust"):
        # Else it is among the checks.
        yield Figure(CHECK_NAMES["border"], f"{found['border_fraction']:.1%}", "share of its light", section=_PSF)


def _widths(fwhm_px: list[float], voxel_size_um: tuple[float, ...] | None) -> Iterator[Figure]:
    name = f"PSF width ({', '.join('zyx'[-len(fwhm_px) :])})"
    pixels = ", ".join(_short(width) for width in fwhm_px)
    if voxel_size_um is None or len(voxel_size_um) != len(fwhm_px):
        meaning = "full width at half maximum; no voxel size is known"
        yield Figure(name, f"{pixels} px", meaning, section=_PSF)
        return
    lengths = [width * size for width, size in zip(fwhm_px, voxel_size_um, strict=True)]
    value = f"{', '.join(_short(length) for length in lengths)} µm"
    yield Figure(name, value, f"full width at half maximum; {pixels} px", section=_PSF)


def of_fit(report: dict[str, Any]) -> Iterator[Figure]:
    """What was fitted, with its error, and why this family of PSFs was chosen."""
    for ranking, reason in zip(rankings(report), reasons(report), strict=True):
        compared_with = ranking_in_words(ranking)
        meaning = f"{reason}. Evidence in nats: {compared_with}"
        yield Figure("PSF family", family(ranking[0]["kind"]), meaning, section=_FITTED)
    for name, value in parameters(report):
        yield Figure(name, value, "with one standard deviation" if "±" in value else "", section=_FITTED)


def of_noise(report: dict[str, Any]) -> Iterator[Figure]:
    """The noise, and what was left out, channel by channel."""
    if report.get("noise_sigma") is None:
        return
    sigmas, noises, left_out = (_each(report.get(name)) for name in ("noise_sigma", "noise", "left_out"))
    for number, sigma in enumerate(sigmas):
        of_channel = f", channel {number + 1}" if len(sigmas) > 1 else ""
        said = noises[number]["words"] if noises else "in the image's intensity unit"
        yield Figure(f"Noise (sigma){of_channel}", _short(float(sigma)), capital(said), section=_NOISE)
    for number, found in enumerate(left_out):
        if found["words"]:
            of_channel = f", channel {number + 1}" if len(left_out) > 1 else ""
            share = f"{100 * found['share']:.2g} %"
            yield Figure(f"Left out{of_channel}", share, capital(found["words"]), section=_NOISE)


def of_trust(report: dict[str, Any]) -> Iterator[Figure]:
    """Every check of trust with its limit, doubts first; their sentences stand on top of everything."""
    for channel, check in checks(report):
        name = CHECK_NAMES.get(check["check"], check["check"]) + (f", {channel}" if channel else "")
        asked = "at least" if check["check"] == "no_blur" else "at most"
        said = "see the warning above" if check["verdict"] == "doubt" else on_screen(check["sentence"])
        meaning = f"{asked} {_figure(check, 'limit')}: {said}"
        yield Figure(name, _figure(check, "value"), meaning, section=_CHECKS)


def _figure(check: Mapping[str, Any], which: str) -> str:
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


def as_csv(rows: list[Figure], doubts: Sequence[str] = ()) -> str:
    """The table as a file for spreadsheets, with what raises doubt in rows of their own.

    Examples
    --------
    >>> print(as_csv([Figure("PSNR (dB)", "31.2", "blurred: 25.1", "good")]), end="")
    section,name,value,grade,meaning
    ,PSNR (dB),31.2,good,blurred: 25.1
    """
    held = StringIO()
    table = csv.writer(held, lineterminator="\n")
    table.writerow(["section", "name", "value", "grade", "meaning"])
    told = [line.removeprefix("• ") for line in doubts if line.startswith("• ")]
    table.writerows([HEADING, "", "", "", _plain(sentence)] for sentence in told)
    table.writerows([*map(_plain, (row.section, row.name, row.value, row.grade or "", row.meaning))] for row in rows)
    return held.getvalue()


def _plain(text: str) -> str:
    """Text that a spreadsheet does not take for a formula; numbers stay numbers."""
    return f"'{text}" if text[:1] in _FORMULA and not _NUMBER.fullmatch(text) else text


def _each(value: Any) -> list[Any]:
    """One entry per channel; none where the report, an old one perhaps, does not say."""
    return [] if value is None else value if isinstance(value, list) else [value]


def _short(value: float) -> str:
    return f"{value:.2f}" if 1 <= abs(value) < 1000 else f"{value:.3g}"
