"""The networks that ship: each file is the one that its card names."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from release.finding import Finding, wrong


def check(folder: Path) -> Iterator[Finding]:
    """Checksum and licence of every file of weights; none is without a card, no card without a file."""
    stems = {path.stem for path in folder.iterdir() if path.suffix in {".json", ".safetensors"}}
    if not stems:
        yield wrong(f"{folder.name}: no weights")
    for stem in sorted(stems):
        card, weights = folder / f"{stem}.json", folder / f"{stem}.safetensors"
        if not card.is_file() or not weights.is_file():
            yield wrong(f"weights/{stem}: a .safetensors file and its .json card belong together")
            continue
        said = json.loads(card.read_text(encoding="utf-8"))
        if said.get("sha256") != hashlib.sha256(weights.read_bytes()).hexdigest():
            yield wrong(f"weights/{weights.name} is not the file that {card.name} names by its SHA-256")
        if not said.get("licence") or not said.get("data"):
            yield wrong(f"weights/{card.name} must say 'licence' and 'data'")
