"""What a run found out, in words: reasons to doubt it, fitted figures with their errors, why this family of PSFs."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from napari_blind_deconv._napari.refusals import on_screen
from napari_blind_deconv._napari.words import ZERNIKE, field_name
from napari_blind_deconv.doubts import in_lines

_SIGNIFICANT = 2.0
SHARP = "sharp"
"""Kind of a candidate that is no blur at all."""


def parameters(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of every fitted figure; of several channels one after the other.

    Examples
    --------
    >>> fitted = {"na": {"value": 1.3127, "error": 0.0213, "unit": ""}}
    >>> list(parameters({"kernel": {"parameters": fitted}}))
    [('NA', '1.313 ± 0.021')]
    """
    kernels = report.get("kernel", {})
    several = kernels if isinstance(kernels, list) else [kernels]
    names = report.get("psf_of") or [f"channel {number}" for number in range(1, len(several) + 1)]
    for whose, kernel in zip(names, several, strict=True):
        prefix = f"{whose[:1].upper()}{whose[1:]}: " if len(several) > 1 else ""
        fitted = kernel.get("parameters", {})
        quiet = [name for name in fitted if name in ZERNIKE and _is_nothing(fitted[name])]
        for name, found in fitted.items():
            if name not in quiet:
                yield prefix + field_name(name), with_error(found["value"], found.get("error"), found.get("unit", ""))
        if quiet:
            kinds = ", ".join(dict.fromkeys(ZERNIKE[name] for name in quiet))
            yield prefix + ("Other aberrations" if len(quiet) < 8 else "Aberrations"), f"none beyond errors ({kinds})"


def _is_nothing(found: Mapping[str, Any]) -> bool:
    """Whether an aberration is not told from none."""
    error = found.get("error")
    return error is not None and abs(found["value"]) <= _SIGNIFICANT * error


def with_error(value: float, error: float | None, unit: str = "") -> str:
    """A figure with its error, to two digits of the error.

    Examples
    --------
    >>> with_error(0.51873, 0.0068, "µm"), with_error(12.3456, None, "px"), with_error(3.0, 140.0, "µm")
    ('0.5187 ± 0.0068 µm', '12.3 px', '3 ± 140 µm')
    """
    unit = f" {unit}" if unit else ""
    if error is None or not math.isfinite(error) or error <= 0:
        return f"{value:.3g}{unit}" + (" (the image does not tell)" if error == math.inf else "")
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}{unit}"


def doubts(report: Mapping[str, Any]) -> list[str]:
    """What raises doubt, and the checks that were passed: the same lines in the widget and in the metrics."""
    return in_lines(report, on_screen)


def reasons(report: Mapping[str, Any]) -> list[str]:
    """Why this family of PSFs, one sentence per channel; none where nobody had to choose."""
    found = report.get("choice", [])
    sentences = [found] if isinstance(found, str) else [f"channel {i}: {s}" for i, s in enumerate(found, start=1)]
    return [capital(sentence) for sentence in sentences]


def rankings(report: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """Per channel the families that were compared, the chosen one first."""
    found = report.get("ranking", [])
    return [found] if found and isinstance(found[0], Mapping) else list(found)


def chosen(report: Mapping[str, Any]) -> str:
    """The family that was chosen, if it had to be; of several channels with different ones, all."""
    return ", ".join(dict.fromkeys(str(ranking[0]["kind"]) for ranking in rankings(report) if ranking))


def ranking_in_words(ranking: list[Mapping[str, Any]]) -> str:
    """Every family with its evidence over no blur, less what its figures cost."""
    return "; ".join(
        f"{family(rank['kind'])} {rank['gain_nats'] - rank['penalty_nats']:+.0f}" for rank in ranking
    ).replace("-", "−")


def family(kind: str) -> str:
    """A kind as sentences have it."""
    return "no blur" if kind == SHARP else kind


def capital(sentence: str) -> str:
    """A sentence that begins a line."""
    return sentence[:1].upper() + sentence[1:]
