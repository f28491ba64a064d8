"""Licences of what is installed with the package: all must allow what BSD-3-Clause allows."""

import importlib.metadata
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.finding import Finding, wrong

EXTRAS = ("napari", "scale", "diffusers")
"""What is looked at. The bindings are the user's choice: PyQt6 is GPL or commercial, PySide6 LGPL."""

# LGPL is the licence of a library that is called, not copied.
_REFUSED = re.compile(r"(?<![LA-Za-z])A?GPL|(?<!Lesser )General Public License|SSPL|Non-?Commercial", re.I)
_ALLOWED = re.compile(
    r"\b(BSD|0BSD|MIT|ISC|Apache|MPL|Mozilla|PSF|Python Software Foundation|Python-2|Zlib|HPND|CMU|Unlicense|LGPL"
    r"|Lesser General Public|CC0|MIT-CMU|Public Domain|WTFPL|BSL|Boost|NVIDIA)\b|3-Clause|2-Clause",
    re.I,
)
# Read by a person: the metadata say nothing that a program could judge.
_READ: dict[str, str] = {}


def stated(metadata: object) -> str:
    """The licence by an SPDX expression, else by classifiers, else by the first line of free text."""
    get = metadata.get  # type: ignore[attr-defined]
    if expression := get("License-Expression"):
        return str(expression)
    classifiers = metadata.get_all("Classifier") or []  # type: ignore[attr-defined]
    named = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License ::")]
    named = [one for one in named if one != "OSI Approved"]
    return "; ".join(named) or (get("License") or "").strip().partition("\n")[0]


def judged(name: str, licence: str) -> Finding | None:
    """A finding for a licence that forbids, or that is not known. Of alternatives ("or") one is enough.

    Examples
    --------
    >>> judged("a", "MIT"), judged("b", "GPL-3.0-or-later OR BSD-3-Clause")
    (None, None)
    >>> judged("c", "GPL-3.0-only").text
    "c is under 'GPL-3.0-only', which does not go with BSD-3-Clause"
    """
    licence = _READ.get(name, licence)
    choices = re.split(r"\s+or\s+", licence.replace("(", " ").replace(")", " "), flags=re.IGNORECASE)
    if any(_ALLOWED.search(one) and not _REFUSED.search(one) for one in choices):
        return None
    if _REFUSED.search(licence):
        return wrong(f"{name} is under {licence!r}, which does not go with BSD-3-Clause")
    return wrong(f"{name} states {licence!r} as its licence; read it, and note it in release/licences.py")


def needed(root: str, extras: Iterable[str]) -> Iterator[Distribution]:
    """What a package needs here, and what that needs; only what is installed."""
    seen: set[tuple[str, str]] = set()
    waiting = [(root, extra) for extra in ("", *extras)]
    given: set[str] = set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if name not in given:
            given.add(name)
            yield found
        for line in found.requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(requirement.name), one) for one in ("", *requirement.extras)]


def check(root: str = "napari-blind-deconv", extras: Iterable[str] = EXTRAS) -> Iterator[Finding]:
    """Every licence that the package brings with it."""
    for found in needed(root, extras):
        name = canonicalize_name(found.metadata["Name"])
        if finding := judged(name, stated(found.metadata)):
            yield finding
