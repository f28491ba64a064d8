"""Which files go in, and where their results go; nothing is computed or written here."""

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError

RESTORED, PSF, REPORT = "_restored.ome.tif", "_psf.ome.tif", "_report.json"
MAPS: Mapping[str, str] = MappingProxyType(
    {name: f"_{name}.ome.tif" for name in ("residual", "prior_share", "uncertainty")}
)
"""Maps that are written where they are asked for, and how their files end."""
_LONGEST_NAME = 255  # bytes, on every file system in use


@dataclass(frozen=True)
class Job:
    """One file to restore, and the files that this gives; of the maps those that its restorer knows."""

    path: Path
    restored: Path
    psf: Path
    report: Path
    maps: Mapping[str, Path] = field(default_factory=dict)

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All that may be written, in the order of writing."""
        return self.written(self.maps)

    def written(self, maps: Iterable[str]) -> tuple[Path, ...]:
        """In the order of writing, with these maps: the report last, so that where it is, the others are."""
        known = set(maps)
        shown = [path for name, path in self.maps.items() if name in known]
        return self.restored, self.psf, *shown, self.report


def find_inputs(names: Sequence[str | Path]) -> list[Path]:
    """Files from names of files, folders and patterns, each once, in the order given and sorted within.

    Folders and patterns leave out what this package wrote (``*_restored.ome.tif``, ``*_psf.ome.tif``, maps) and hidden
    files.

    Raises
    ------
    InputError
        For a name that does not exist, a folder without TIFF files or a pattern that fits none.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> for name in ("b.tif", "a.tif", "a_psf.ome.tif", "notes.txt"):
    ...     _ = (folder / name).write_text("")
    >>> [path.name for path in find_inputs([folder])]
    ['a.tif', 'b.tif']
    """
    found: dict[Path, Path] = {}
    for name in names:
        for path in _matches(Path(name)):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def plan(inputs: Sequence[Path], output: Path, keep: Sequence[Path] = (), *, maps: bool = False) -> list[Job]:
    """Where every input's results go; nothing is written yet.

    Parameters
    ----------
    inputs
        Files to restore.
    output
        Folder for the results.
    keep
        Further files that must not be overwritten (PSF, truths, settings).
    maps
        Whether the maps that say where not to trust the image are written, too.

    Raises
    ------
    InputError
        Where two inputs would write the same file, or a result would replace an input.
    """
    jobs: dict[str, Job] = {}
    for path in inputs:
        stem = io.stem(path)
        wanted = {name: output / f"{stem}{ending}" for name, ending in MAPS.items()} if maps else {}
        if (
            max(len(f"{stem}{ending}".encode()) for ending in (RESTORED, *(MAPS.values() if maps else ())))
            > _LONGEST_NAME
        ):
            raise InputError(f"the name of {path} is too long for its results; shorten it to 230 letters")
        job = Job(path, output / f"{stem}{RESTORED}", output / f"{stem}{PSF}", output / f"{stem}{REPORT}", wanted)
        # Names that differ in case only are one file on macOS and Windows.
        other = jobs.setdefault(stem.casefold(), job)
        if other is not job:
            raise InputError(
                f"{other.path} and {path} would both write {job.restored.name}; rename one, or run them into separate "
                "output folders"
            )
    protected = {path.resolve() for path in (*inputs, *keep)}
    for job in jobs.values():
        for target in job.outputs:
            if target.resolve() in protected:
                raise InputError(f"{target} is an input and would be overwritten; choose another output folder")
    return list(jobs.values())


def _matches(name: Path) -> list[Path]:
    if name.is_dir():
        found = _ours_left_out(path for path in name.iterdir() if path.is_file())
        if not found:
            raise InputError(f"folder {name} holds no image that can be read; allowed are {', '.join(io.READERS)}")
        return found
    if name.exists() or not glob.has_magic(str(name)):
        return [name]
    found = _ours_left_out(Path(path) for path in glob.glob(str(name), recursive=True))  # noqa: PTH207 - ** and roots
    if not found:
        raise InputError(f"pattern {name} fits no image; check it, and quote it so that the shell leaves it alone")
    return found


def _ours_left_out(paths: Iterable[Path]) -> list[Path]:
    return sorted(
        path
        for path in paths
        if path.name.lower().endswith(tuple(io.READERS))
        and not path.name.startswith(".")
        and not path.name.endswith((RESTORED, PSF, *MAPS.values()))
    )
