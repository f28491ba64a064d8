"""Warnings about a result, worded once: for the widgets, the report of a batch and its page, and the terminal."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

HEADING: Final = "Warnings"
NONE_FOUND: Final = "No warnings"

CHECK_NAMES: Final = MappingProxyType(
    {
        "delta": "PSF's brightest pixel",
        "border": "PSF at its border",
        "residual_size": "Misfit / expected",
        "residual_whiteness": "Whiteness of the residual",
        "residual_local": "Local misfit",
        "no_blur": "Evidence over no blur",
        "saturation": "Saturated pixels",
        "prior_share": "Prior's share of detail",
        "uncertainty": "Factor of the uncertainty",
    }
)
"""Check of trust: what people read."""


def counted(count: int) -> str:
    """How many warnings there are, where there is room for two words.

    Examples
    --------
    >>> counted(0), counted(1), counted(2)
    ('no warnings', '1 warning', '2 warnings')
    """
    return f"{count or 'no'} {'warning' if count == 1 else 'warnings'}"


def reasons(report: Mapping[str, Any]) -> list[str]:
    """The sentences of a report, each once; none where the report, of another program perhaps, has no list of them.

    Examples
    --------
    >>> reasons({"warnings": ["the PSF is cut", "the PSF is cut"]})
    ['the PSF is cut']
    """
    found = report.get("warnings")
    return list(dict.fromkeys(map(str, found))) if isinstance(found, list | tuple) else []


def checks(report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Every check of trust with the channel it is of, empty of a single one; those that raise doubt first.

    Examples
    --------
    >>> trust = [{"check": "delta", "verdict": "ok"}, {"check": "border", "verdict": "doubt"}]
    >>> [check["check"] for _, check in checks({"trust": trust})]
    ['border', 'delta']
    """
    found = report.get("trust", [])
    channels = [found] if found and isinstance(found[0], Mapping) else list(found)
    several = len(channels) > 1
    listed = [(f"channel {i}" if several else "", c) for i, channel in enumerate(channels, start=1) for c in channel]
    return sorted(listed, key=lambda entry: entry[1]["verdict"] != "doubt")


def passed(report: Mapping[str, Any]) -> list[str]:
    """The checks that no channel doubts, by what people read; none where nothing was checked."""
    listed = checks(report)
    doubted = {check["check"] for _, check in listed if check["verdict"] == "doubt"}
    names = dict.fromkeys(check["check"] for _, check in listed if check["check"] not in doubted)
    return [CHECK_NAMES.get(name, name) for name in names]


def in_lines(report: Mapping[str, Any], worded: Callable[[str], str] = str) -> list[str]:
    """The warnings with their heading, or that there are none, and the checks that were passed.

    Nothing of a report without warnings and without checks. ``worded`` puts a sentence into the words of a face.

    Examples
    --------
    >>> report = {"warnings": ["the PSF is cut"], "trust": [{"check": "delta", "verdict": "ok"}]}
    >>> in_lines(report)[1:]
    ['• the PSF is cut', "Checks passed: PSF's brightest pixel."]
    >>> in_lines({"trust": report["trust"]})
    ["No warnings. Checks passed: PSF's brightest pixel."]
    """
    found, fine = reasons(report), passed(report)
    said = f"Checks passed: {', '.join(fine)}." if fine else ""
    if found:
        return [f"{HEADING}:", *(f"• {worded(sentence)}" for sentence in found), *([said] if said else [])]
    return [f"{NONE_FOUND}. {said}"] if said else []
