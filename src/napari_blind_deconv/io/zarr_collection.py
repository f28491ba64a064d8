"""A group of several OME-Zarr images in folders 0, 1, …, as converters of microscopes' formats lay them out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .json_file import to_json
from .ome_zarr import PROVENANCE


def write_collection(path: Path, count: int, recorded: Mapping[str, Any]) -> None:
    """Make a group (OME-Zarr 0.5, bioformats2raw layout 3) of images that are written into it.

    Parameters
    ----------
    path
        Folder that holds, or will hold, the images ``0`` to ``count - 1``.
    count
        How many there are, at least one.
    recorded
        What is said of all of them, JSON-able; under this package's name among the group's attributes.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp()) / "several.ome.zarr"
    >>> write_collection(folder, 2, {"role": "example"})
    >>> sorted(path.name for path in folder.iterdir())
    ['OME', 'zarr.json']
    """
    from yaozarrs import v05

    layout = v05.Bf2Raw.model_validate({"bioformats2raw.layout": 3}).model_dump(mode="json", by_alias=True)
    series = v05.Series(series=[str(i) for i in range(count)]).model_dump(mode="json")
    (path / "OME").mkdir(parents=True, exist_ok=True)
    _put(path, {"ome": layout, PROVENANCE: dict(recorded)})
    _put(path / "OME", {"ome": series})


def _put(folder: Path, attributes: Mapping[str, Any]) -> None:
    group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    (folder / "zarr.json").write_text(to_json(group), encoding="utf-8")
