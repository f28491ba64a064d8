"""Which files go in, and where their results go; nothing is computed or written here."""

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, nearest

RESTORED, PSF, PSF_FIELD, REPORT = "_restored", "_psf.ome.tif", "_psf_field.ome.tif", "_report.json"
FIELD = "psf_field"
"""What PSFs over the field are called among maps."""
MAPS: Mapping[str, str] = MappingProxyType({name: f"_{name}" for name in ("residual", "prior_share", "uncertainty")})
"""Maps that are written where they are asked for, and how the names of their files end, before the format's suffix."""
_SUFFIXES = tuple(dict.fromkeys(writer.suffix for writer in io.WRITERS.values()))
_OURS = (PSF, PSF_FIELD, *(f"{ending}{suffix}" for ending in (RESTORED, *MAPS.values()) for suffix in _SUFFIXES))
_LONGEST_NAME = 255  # bytes, on every file system in use


@dataclass(frozen=True)
class Job:
    """One file to restore, and the files that this gives; of the maps those that its restorer knows.

    Image and maps are written in the format ``form``; the PSF is small, and always a TIFF.
    """

    path: Path
    restored: Path
    psf: Path
    report: Path
    maps: Mapping[str, Path] = field(default_factory=dict)
    form: str = "ome-tiff"

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All that is written, in the order of writing, but for PSFs over the field."""
        return self.written(self.maps)

    def written(self, maps: Iterable[str]) -> tuple[Path, ...]:
        """In the order of writing, with these maps, of which PSFs over the field are one.

        The report comes last, so that where it is, the others are.
        """
        known = set(maps)
        field = (self.psf.with_name(f"{self.psf.name.removesuffix(PSF)}{PSF_FIELD}"),) if FIELD in known else ()
        shown = [path for name, path in self.maps.items() if name in known]
        return self.restored, self.psf, *field, *shown, self.report

    def outdated(self, maps: Iterable[str]) -> tuple[Path, ...]:
        """Images and maps of an earlier run that one with these maps would leave beside its own files."""
        kept = set(self.written(maps))
        stem = self.psf.name.removesuffix(PSF)
        every = [self.psf.with_name(f"{stem}{ending}") for ending in _OURS]
        return tuple(path for path in every if path not in kept)


def find_inputs(names: Sequence[str | Path]) -> list[Path]:
    """Files from names of files, folders and patterns, each once, in the order given and sorted within.

    A folder that is a zarr store is an image. Folders and patterns leave out what this package wrote
    (``*_restored.ome.tif``, ``*_psf.ome.tif``, maps) and hidden files.

    Raises
    ------
    InputError
        For a name that does not exist, a folder without images or a pattern that fits none.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> for name in ("b.tif", "a.tif", "a_psf.ome.tif", "notes.txt"):
    ...     _ = (folder / name).write_text("")
    >>> [path.name for path in find_inputs([folder])]
    ['a.tif', 'b.tif']
    """
    found: dict[str, Path] = {}
    for name in names:
        for path in _matches(Path(name)):
            found.setdefault(_place(path), path)
    return list(found.values())


def plan(
    inputs: Sequence[Path],
    output: Path,
    keep: Sequence[Path] = (),
    *,
    maps: bool = False,
    overwrite: bool = False,
    form: str = "ome-tiff",
) -> list[Job]:
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
    overwrite
        Whether results of an earlier run may be replaced, and removed where the new run has no such file.
    form
        Format of image and maps, one of `napari_blind_deconv.io.WRITERS`.

    Raises
    ------
    InputError
        For a format or an output folder that is none, where two inputs would write the same file, a result would
        replace an input, or one of an earlier run is there.
    """
    io.refuse_address(output)
    if form not in io.WRITERS:
        raise InputError(
            subject="form", value=repr(form), allowed="is no format that is written", remedy=nearest(form, io.WRITERS)
        )
    jobs: dict[str, Job] = {}
    for path in inputs:
        job = _job(path, output, form, maps=maps)
        # Names that differ in case only are one file on macOS and Windows.
        other = jobs.setdefault(io.stem(path).casefold(), job)
        if other is not job:
            raise InputError(
                subject=str(path),
                value=f"and {other.path}",
                allowed=f"would both write {job.restored.name}",
                remedy="rename one, or run them into separate output folders",
            )
    planned = list(jobs.values())
    targets = [target for job in planned for target in (*job.outputs, *job.outdated(()))]
    refuse_replacing(targets, (*inputs, *keep), overwrite=overwrite)
    return planned


def refuse_replacing(targets: Sequence[Path], keep: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse to write over files that are read, over folders, and over earlier results where nobody allowed it.

    Parameters
    ----------
    targets
        Files that may be written or removed.
    keep
        Files that must stay: inputs, PSFs, truths, settings, networks.
    overwrite
        Whether the others may be replaced.

    Raises
    ------
    InputError
        Naming the first of them.
    """
    protected: set[object] = {_place(path) for path in keep} | {found for path in keep if (found := _identity(path))}
    for target in targets:
        within = any(_is_folder(folder) and _place(folder) in protected for folder in target.parents)
        if within or _place(target) in protected or _identity(target) in protected:
            raise InputError(
                subject=str(target),
                value="is an input and would be overwritten",
                remedy="choose another output folder",
            )
        if _is_folder(target) and not io.is_store(target):
            raise InputError(
                subject=str(target),
                value="is a folder, where a result is to be written",
                remedy="choose another output folder",
            )
        if not overwrite and _is_there(target):
            raise InputError(
                subject=str(target),
                value="is there already, from an earlier run",
                remedy="choose another output folder, or allow it to be replaced with `overwrite`",
            )


def _job(path: Path, output: Path, form: str, *, maps: bool) -> Job:
    stem, suffix = io.stem(path), io.WRITERS[form].suffix
    longest = max(len(f"{stem}{ending}".encode(errors="surrogateescape")) for ending in _OURS)
    if longest > _LONGEST_NAME:
        raise InputError(
            subject=str(path), value="has a name too long for its results", remedy="shorten it to 230 letters"
        )
    wanted = {name: output / f"{stem}{ending}{suffix}" for name, ending in MAPS.items()} if maps else {}
    restored = output / f"{stem}{RESTORED}{suffix}"
    return Job(path, restored, output / f"{stem}{PSF}", output / f"{stem}{REPORT}", wanted, form)


def _place(path: Path) -> str:
    """Where a file lies, links followed; a loop of links, and a name that no file can have, are left as they are."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return str(path)


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (OSError, ValueError):
        # Whether a folder may be written to is found out, and said, before the first file is restored.
        return False
    return True


def _is_folder(path: Path) -> bool:
    return _is_there(path) and path.is_dir()


def _identity(path: Path) -> tuple[int, int] | None:
    """What a file is, whatever names lead to it: one file may have two, and not every system tells cases apart."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _matches(name: Path) -> list[Path]:
    if name.is_dir() and not _is_image(name):
        try:
            found = _ours_left_out(path for path in name.iterdir() if path.is_file() or _is_image(path))
        except OSError as error:
            raise InputError(
                subject=f"folder {name}",
                value=f"cannot be read ({(error.strerror or 'unknown reason').lower()})",
                remedy="change its permissions, or give another folder",
            ) from error
        if not found:
            raise InputError(
                subject=f"folder {name}",
                value="holds no image that can be read",
                allowed=f"allowed are {', '.join(io.READERS)}",
                remedy="give another folder, or export the images in one of these formats",
            )
        return found
    if name.exists() or not glob.has_magic(str(name)):
        return [name]
    found = _ours_left_out(Path(path) for path in glob.glob(str(name), recursive=True))  # noqa: PTH207 - ** and roots
    if not found:
        raise InputError(
            subject=f"pattern {name}",
            value="fits no image",
            remedy="check it, and quote it so that the shell leaves it alone",
        )
    return found


def _ours_left_out(paths: Iterable[Path]) -> list[Path]:
    return sorted(
        path
        for path in paths
        if path.name.lower().endswith(tuple(io.READERS))
        and not path.name.startswith(".")
        and not path.name.endswith(_OURS)
    )


def _is_image(path: Path) -> bool:
    """Whether a folder is an image itself: a zarr store."""
    return path.is_dir() and (path.name.lower().endswith(".zarr") or io.is_store(path))
