"""The files that state what is released."""

import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


def pyproject() -> dict[str, Any]:
    """The project's table of contents."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def citation() -> dict[str, Any]:
    """How to cite it."""
    return dict(yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8")))


def recipe() -> dict[str, Any]:
    """How conda builds it."""
    return dict(yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8")))


def text(name: str) -> str:
    """A file by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")
