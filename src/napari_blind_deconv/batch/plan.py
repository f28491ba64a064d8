"""Where the results of files go; nothing is computed or written here."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, nearest

from .events import label_of

RESTORED, PSF, PSF_FIELD, REPORT = "_restored", "_psf.ome.tif", "_psf_field.ome.tif", "_report.json"
FIELD = "psf_field"
"""What PSFs over the field are called among maps."""
MAPS: Mapping[str, str] = MappingProxyType({name: f"_{name}" for name in ("residual", "prior_share", "uncertainty")})
"""Maps that are written where they are asked for, and how the names of their files end, before the format's suffix."""
_SUFFIXES = tuple(dict.fromkeys(writer.suffix for writer in io.WRITERS.values()))
OURS = (PSF, PSF_FIELD, *(f"{ending}{suffix}" for ending in (RESTORED, *MAPS.values()) for suffix in _SUFFIXES))
"""How names of images end that this package writes."""
_LONGEST_NAME = 255  # bytes, on every file system in use


class Item(NamedTuple):
    """An image that goes in: its file and, where that holds several, its number."""

    path: Path
    image: int | None = None

    @property
    def label(self) -> str:
        """What it is called, also in the journal."""
        return label_of(self.path, self.image)


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
    image: int | None = None
    """Its number, where the file holds several images."""

    @classmethod
    def of(
        cls, path: Path, output: Path, form: str = "ome-tiff", *, maps: bool = False, image: int | None = None
    ) -> "Job":
        """Where the results of a file go.

        Raises
        ------
        InputError
            For a name that leaves no room for what its results' names end with.
        """
        stem, suffix = io.stem(path) + ("" if image is None else f"_{image}"), io.WRITERS[form].suffix
        longest = max(len(f"{stem}{ending}".encode(errors="surrogateescape")) for ending in OURS)
        if longest > _LONGEST_NAME:
            raise InputError(
                subject=str(path), value="has a name too long for its results", remedy="shorten it to 230 letters"
            )
        wanted = {name: output / f"{stem}{ending}{suffix}" for name, ending in MAPS.items()} if maps else {}
        restored = output / f"{stem}{RESTORED}{suffix}"
        return cls(path, restored, output / f"{stem}{PSF}", output / f"{stem}{REPORT}", wanted, form, image)

    @property
    def label(self) -> str:
        """What its input is called, also in the journal."""
        return label_of(self.path, self.image)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            **{name: str(getattr(self, name)) for name in ("path", "restored", "psf", "report")},
            "maps": {name: str(path) for name, path in self.maps.items()},
            "form": self.form,
            "image": self.image,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Job":
        """From what `to_dict` gives."""
        path, restored, psf, report = (Path(values[name]) for name in ("path", "restored", "psf", "report"))
        maps = {name: Path(path) for name, path in values["maps"].items()}
        return cls(path, restored, psf, report, maps, values["form"], values["image"])

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
        every = [self.psf.with_name(f"{stem}{ending}") for ending in OURS]
        return tuple(path for path in every if path not in kept)


def plan(
    inputs: Sequence[Path | Item],
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
            subject="form",
            value=repr(form),
            allowed="is not a format that can be written",
            remedy=nearest(form, io.WRITERS),
        )
    jobs: dict[str, Job] = {}
    for one in inputs:
        item = one if isinstance(one, Item) else Item(one)
        job = Job.of(item.path, output, form, maps=maps, image=item.image)
        # Names that differ in case only are one file on macOS and Windows.
        other = jobs.setdefault(job.report.name.casefold(), job)
        if other is not job:
            raise InputError(
                subject=job.label,
                value=f"and {other.label}",
                allowed=f"would both write {job.restored.name}",
                remedy="rename one, or run them into separate output folders",
            )
    planned = list(jobs.values())
    targets = [target for job in planned for target in (*job.outputs, *job.outdated(()))]
    refuse_replacing(targets, (*(job.path for job in planned), *keep), overwrite=overwrite)
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
    protected: set[object] = {place_of(path) for path in keep} | {found for path in keep if (found := _identity(path))}
    for target in targets:
        within = any(_is_folder(folder) and place_of(folder) in protected for folder in target.parents)
        if within or place_of(target) in protected or _identity(target) in protected:
            raise InputError(
                subject=str(target),
                value="is an input and would be overwritten",
                remedy="choose another output folder",
            )
        if _is_folder(target) and not io.is_store(target):
            raise InputError(
                subject=str(target),
                value="is a folder, but a result must be written there",
                remedy="choose another output folder",
            )
        if not overwrite and _is_there(target):
            raise InputError(
                subject=str(target),
                value="is there already, from an earlier run",
                remedy="choose another output folder, or allow it to be replaced with `overwrite`",
            )


def place_of(path: Path) -> str:
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
