"""Whether a file is the one that it was: by its size and time where these are the same, else by its bytes."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from napari_blind_deconv.settings import Settings

_AT_ONCE = 1 << 20
# Of files that a network is read from.
_ENDINGS = (".json", ".safetensors")


def fingerprint(path: Path, known: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Size, time of the last change and SHA-256 of a file, or of all files of a store.

    Parameters
    ----------
    path
        The file or folder.
    known
        What was found earlier: where size and time are still those, its SHA-256 is believed.

    Returns
    -------
    dict or None
        ``bytes``, ``modified_ns`` and ``sha256``; ``None`` for what is neither a file nor a folder, or cannot be read.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.tif"
    >>> _ = path.write_bytes(b"abc")
    >>> fingerprint(path)["sha256"][:8]
    'ba7816bf'
    """
    try:
        files = list(_files(path))
        sizes = [found.st_size for _, found in files]
        newest = max((found.st_mtime_ns for _, found in files), default=0)
        seen = {"bytes": sum(sizes), "modified_ns": newest}
        if not files:
            return None
        if known is not None and seen == {name: known.get(name) for name in seen} and known.get("sha256"):
            return {**seen, "sha256": str(known["sha256"])}
        return {**seen, "sha256": _digest(path, [file for file, _ in files])}
    except (OSError, ValueError):
        return None


def digest_of(facts: Any) -> str:
    """SHA-256 of JSON-able facts.

    Examples
    --------
    >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode("ascii")).hexdigest()


def networks_of(settings: Settings) -> list[Path]:
    """Files and folders of networks that settings name, with their model cards."""
    named = [getattr(prior, "weights", None) for prior in (settings.kernel_prior, settings.image_prior)]
    files = [Path(name) for name in named if name]
    return files + [file.parent / f"{file.stem}.json" for file in files]


def network_files(settings: Settings) -> list[Path]:
    """What is read of these: of a folder its own files and those of its parts, and not all that lies below."""
    return [file for path in networks_of(settings) for file in (_parts(path) if path.is_dir() else [path])]


def _parts(folder: Path) -> list[Path]:
    places = (folder, folder / "unet", folder / "scheduler")
    return sorted(file for place in places for ending in _ENDINGS for file in place.glob(f"*{ending}"))


def _files(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The file itself, or all regular files of a folder in the order of their names; pipes are left alone."""
    found = path.stat()
    if stat.S_ISREG(found.st_mode):
        yield path, found
    elif stat.S_ISDIR(found.st_mode):
        for inner in sorted(path.rglob("*")):
            found = inner.lstat()
            if stat.S_ISREG(found.st_mode):
                yield inner, found


def _digest(path: Path, files: list[Path]) -> str:
    found = hashlib.sha256()
    for file in files:
        if file != path:
            name = os.fsencode(file.relative_to(path).as_posix())
            found.update(b"%d %s %d\n" % (len(name), name, file.stat().st_size))
        with file.open("rb", buffering=0) as opened:
            while part := opened.read(_AT_ONCE):
                found.update(part)
    return found.hexdigest()
