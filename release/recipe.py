"""The conda recipe asks for what pyproject.toml asks for."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from release.finding import Finding, wrong

# PyPI's name: conda-forge's, where it is another. `napari` and `pyside6` come with a binding, `napari-base` does not.
_NAMES = {"torch": "pytorch", "napari": "napari-base", "dask": "dask-core"}


def conda(requirement: str) -> str:
    """A requirement as conda writes it.

    Examples
    --------
    >>> conda("torch>=2.4"), conda("pydantic!=2.11.*,>=2.7"), conda("dask[array]>=2024.8")
    ('pytorch >=2.4', 'pydantic !=2.11.*,>=2.7', 'dask-core >=2024.8')
    """
    parsed = Requirement(requirement)
    bounds = ",".join(sorted(str(one) for one in parsed.specifier))
    return f"{_NAMES.get(parsed.name, parsed.name)} {bounds}".strip()


def wanted(project: dict[str, Any]) -> tuple[set[str], set[str]]:
    """What must be installed with it, and what must not be older if it is."""
    extras = project["project"]["optional-dependencies"]
    run = {conda(one) for one in [*project["project"]["dependencies"], *extras["napari"]]}
    return run, {conda(one) for one in [*extras["scale"], *extras["diffusers"]]}


def _sorted(requirements: list[str]) -> set[str]:
    """The same, whatever the order of the bounds."""
    split = (one.partition(" ") for one in requirements if not one.startswith("python "))
    return {f"{name} {','.join(sorted(bounds.split(',')))}".strip() for name, _, bounds in split}


def check(recipe: dict[str, Any], project: dict[str, Any], version: Version) -> Iterator[Finding]:
    """Version, Python, build system and requirements."""
    run, constraints = wanted(project)
    needed = recipe["requirements"]
    for name, right in (("run", run), ("run_constraints", constraints)):
        given = _sorted(needed[name])
        if given != right:
            lacks, has = ", ".join(sorted(right - given)) or "nothing", ", ".join(sorted(given - right)) or "nothing"
            yield wrong(f"recipe/recipe.yaml, {name}: lacks {lacks}; must not have {has}")
    host = {re.split(r"[ >=]", one)[0] for one in needed["host"]}
    missing = {Requirement(one).name for one in project["build-system"]["requires"]} - host
    if missing:
        yield wrong(f"recipe/recipe.yaml, host: lacks {', '.join(sorted(missing))}")
    floor = project["project"]["requires-python"].removeprefix(">=")
    if str(recipe["context"]["python_min"]) != floor:
        yield wrong(f"recipe/recipe.yaml: python_min must be '{floor}'")
    if Version(str(recipe["context"]["version"])) != version:
        yield wrong(f"recipe/recipe.yaml: version must be {version}")


def published(text: str, sdist: Path) -> str:
    """The recipe for conda-forge: the source is the published archive, with its checksum, instead of this folder."""
    checksum = hashlib.sha256(sdist.read_bytes()).hexdigest()
    source = (
        "source:\n"
        "  url: https://pypi.org/packages/source/n/napari-blind-deconv/napari_blind_deconv-${{ version }}.tar.gz\n"
        f"  sha256: {checksum}\n"
    )
    changed, count = re.subn(r"^source:\n(?:  .*\n)+", source, text, flags=re.MULTILINE)
    if count != 1 or yaml.safe_load(changed)["source"]["sha256"] != checksum:
        raise ValueError("recipe/recipe.yaml must have one section 'source'")
    return changed
