"""The four walks of the documentation, walked to their end: whatever stops a person fails here."""

from pathlib import Path
from typing import Any

import pytest

from walks.__main__ import WALKS, walk

pytestmark = [pytest.mark.gui, pytest.mark.slow]


@pytest.mark.parametrize("name", WALKS)
def test_walk_ends_with_its_pictures(qapp: Any, tmp_path: Path, name: str) -> None:
    walk(name, tmp_path, every=True)
    pictures = sorted(path.name for path in tmp_path.glob("*.png"))
    assert len(pictures) >= 3
    assert all(picture.startswith(f"walk-{name}-") for picture in pictures)
