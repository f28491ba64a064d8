"""Adds the decision records to the navigation, newest last: a record needs nothing but its file."""

from pathlib import Path
from typing import Any

FOLDER = "decisions"


def on_config(config: Any) -> Any:
    """Append one section with every page of the folder, its index first."""
    records = sorted(path.name for path in Path(config["docs_dir"], FOLDER).glob("[0-9]*.md"))
    config["nav"].append({"Decisions": [f"{FOLDER}/{name}" for name in ("index.md", *records)]})
    return config
