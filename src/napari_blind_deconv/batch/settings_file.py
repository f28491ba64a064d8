"""Settings as files have them: JSON, reports, and images that this program wrote."""

from pathlib import Path
from typing import Any

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError


def recorded_settings(file: Path) -> dict[str, Any]:
    """Settings from a JSON file, from a report, or from the provenance of an image that this program wrote.

    Raises
    ------
    InputError
        For a file that cannot be read, or an image that was made otherwise.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> file = Path(mkdtemp()) / "settings.json"
    >>> io.write_json(file, {"seed": 3})
    >>> recorded_settings(file)
    {'seed': 3}
    """
    if file.name.lower().endswith(tuple(io.READERS)):
        found = io.header(file).description["provenance"]
        if "settings" not in found:
            raise InputError(
                subject=f"file {file}",
                value="contains no settings",
                remedy="give a JSON file, or an image that this program wrote",
            )
    else:
        found = io.read_json(file)
    settings: dict[str, Any] = found["settings"] if isinstance(found.get("settings"), dict) else found
    return settings
