"""One PSF for many files: where it comes from, how it is found and kept, and which files are restored with it."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, Progress, translated
from napari_blind_deconv.estimation import Smooth
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.pipeline.teaching import SharedPsf, Taught, sharing_steps, teaching_steps
from napari_blind_deconv.report import checksum
from napari_blind_deconv.settings import Settings

from .fingerprints import digest_of, fingerprint
from .guard import Failure, attempted, guarded
from .one_file import FileWork, Said
from .plan import MAPS, OURS, PSF, REPORT, Item, Job, refuse_replacing
from .references import ReferenceFiles, References

SHARED = "shared_psf.ome.tif"
"""The name of the PSF that files share, in their output folder."""

_ROLES = ("point spread function", "PSF measured from beads")
_OTHERS = ("restored image", *(name.replace("_", " ") for name in MAPS))


@dataclass(frozen=True)
class Sharing:
    """Whose PSF files are restored with.

    Attributes
    ----------
    mode
        ``each``: its own; ``first``: that of the first that can be restored; ``all``: one of all together; ``file``:
        one of another image; ``known``: one that is there.
    path
        Where the PSF lies, or will.
    image
        The other image.
    """

    mode: Literal["each", "first", "all", "file", "known"] = "each"
    path: Path = Path()
    image: Path | None = None

    @property
    def files(self) -> list[Path]:
        """What is read for it."""
        if self.image is not None:
            return [self.image]
        return [self.path] if self.mode == "known" else []

    @property
    def writes(self) -> bool:
        """Whether it writes the PSF."""
        return self.mode in ("first", "all", "file")

    def refuse_names(self, jobs: Sequence[Job], keep: Sequence[Path]) -> None:
        """Refuse inputs whose results would have the PSF's name, and a PSF in the place of what is read."""
        if not self.writes:
            return
        refuse_replacing([self.path], [*keep, *(job.path for job in jobs)], overwrite=True)
        for job in jobs:
            if job.psf.name.casefold() == self.path.name:
                raise InputError(
                    subject=job.label, value=f"and the shared PSF would both write {SHARED}", remedy="rename it"
                )

    def known(self, work: FileWork) -> FileWork:
        """The work with the shared PSF."""
        values = {**work.settings, "kernel_prior": {"kind": "known", "psf": str(self.path)}}
        recorded = {**work.recorded, "psf_from": self.mode if self.mode != "known" else str(self.path)}
        return replace(work, settings=values, references=replace(work.references, psf=self.path), recorded=recorded)

    def record(self) -> Mapping[str, Any]:
        """What the file of the shared PSF says of itself; nothing where there is none."""
        if not self.path.is_file():
            return {}
        header = attempted(lambda: io.header(self.path))
        found = {} if isinstance(header, Failure) else header.description.get("provenance", {}).get("shared")
        return found if isinstance(found, Mapping) else {}


def sharing_of(psf_from: str, settings: Settings, output: Path) -> Sharing:
    """From what was said: ``each``, ``first``, ``all``, or the name of an image, a PSF, a result or a report.

    Raises
    ------
    InputError
        Where a PSF is to be found that is known, or changes over the field.
    """
    if psf_from == "each":
        return Sharing()
    if isinstance(settings.variation, Smooth):
        raise InputError(
            subject="psf_from",
            value=f"{psf_from!r} cannot be combined with `variation=smooth`",
            remedy="choose `variation=constant`, or estimate one PSF per file",
        )
    if isinstance(settings.kernel_prior, Known):
        raise InputError(
            subject="psf_from",
            value=f"{psf_from!r} cannot be combined with `kernel_prior=known`",
            remedy="choose another `kernel_prior`, or leave it out: a known PSF is used for every file",
        )
    if psf_from == "first":
        return Sharing("first", output / SHARED)
    if psf_from == "all":
        return Sharing("all", output / SHARED)
    path = Path(psf_from)
    psf = _psf_of(path)
    return Sharing("file", output / SHARED, path) if psf is None else Sharing("known", psf)


def _psf_of(path: Path) -> Path | None:
    """The PSF that a file is, or belongs to; ``None`` for an image that is no result of this program."""
    if path.name.endswith(REPORT):
        return path.with_name(f"{path.name.removesuffix(REPORT)}{PSF}")
    header = io.header(path)
    role = io.role_of(header.description)
    if role in _ROLES:
        return path
    if role not in _OTHERS:
        return None
    ending = next((ending for ending in OURS if path.name.endswith(ending)), None)
    if ending is None:
        raise InputError(
            subject=f"file {path}", value=f"is a {role}, whose PSF is not known", remedy="give the PSF's own file"
        )
    return path.with_name(f"{path.name.removesuffix(ending)}{PSF}")


def settings_key(work: FileWork, mode: str) -> str:
    """A digest of all that decides how a PSF is found, but the images."""
    found = {name: path for name, path in work.references.paths.items() if name in ("mask", "leave_out", "region")}
    region = work.references.to_dict().get("region")
    return digest_of(
        {
            "from": mode,
            "settings": dict(work.settings),
            "axes": work.said.axes,
            "voxel_size_um": None if work.said.voxel_size_um is None else list(work.said.voxel_size_um),
            "files": {name: (fingerprint(path) or {}).get("sha256") for name, path in found.items()},
            "region": None if isinstance(region, str) else region,
            **({} if work.said.crop is None else {"crop": work.said.crop}),
        }
    )


def marks_of(items: Sequence[Item], known: Mapping[str, Any]) -> dict[str, Any]:
    """The fingerprints of images by their labels; ``known`` are those of an earlier run."""
    return {item.label: fingerprint(item.path, known.get(item.label)) for item in items}


def same_images(record: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether a shared PSF was made of these images, in whatever order and by whatever names."""
    before = record.get("images")
    return isinstance(before, Mapping) and _bytes_of(before) == _bytes_of(found)


def _bytes_of(images: Mapping[str, Any]) -> list[str]:
    """What distinguishes images: their bytes and number; the name of what has none."""
    return sorted(f"{mark['sha256']}{_number(label)}" if mark else label for label, mark in images.items())


def _number(label: str) -> str:
    return label.rpartition(", image ")[2] if ", image " in label else ""


def found_together(
    items: Sequence[Item], images: Mapping[str, Any], settings: Settings, references: ReferenceFiles, said: Said
) -> Generator[Progress, None, tuple[SharedPsf | None, dict[str, Failure]]]:
    """The PSF of images together, and why some teach nothing; no PSF where none does.

    Images are taken in the order of their bytes, so that neither names nor the order of a command matter.
    """
    read = references.read()
    taught: list[Taught] = []
    failed: dict[str, Failure] = {}
    ordered = sorted(items, key=lambda item: ((images[item.label] or {}).get("sha256", ""), item.image or 0))
    for number, item in enumerate(ordered, start=1):
        words = f"{item.path.name} ({number} of {len(ordered)})"
        yield Progress("reading for the shared PSF", number, len(ordered), message=words)
        found = yield from translated(guarded(_teaching(item, settings, read, said)), partial(_quiet, words))
        if isinstance(found, Failure):
            failed[item.label] = found
        else:
            taught.append(found)
    if not taught:
        return None, failed
    return (yield from sharing_steps(taught, settings)), failed


def _quiet(words: str, _: Progress) -> Progress:
    return Progress("reading for the shared PSF", 0, 0, message=words)


def _teaching(item: Item, settings: Settings, references: References, said: Said) -> Generator[Progress, None, Taught]:
    source, header, references = said.opened(item.path, item.image, references)
    region = references.region
    return (
        yield from teaching_steps(
            source,
            settings,
            axes=header.axes,
            voxel_size_um=header.voxel_size_um,
            mask=references.used,
            region=region.data if isinstance(region, io.Volume) else region,
            max_memory_gb=said.max_memory_gb,
        )
    )


def write_shared(path: Path, psf: io.Volume, record: Mapping[str, Any], mark: str) -> None:
    """Write the PSF that files share, with what it was made of; complete or not at all."""
    shared = {**record, "sha256": checksum(psf.data)}
    metadata = {"role": _ROLES[0], "shared": shared}
    needed = 4 * psf.data.size + len(io.to_json(metadata)) + 8192
    with io.atomic(path, needed_bytes=needed, mark=mark) as (temporary,):
        io.put(temporary, io.as_floats(psf), metadata, "ome-tiff")


def volume_of(psf: SharedPsf) -> io.Volume:
    """A PSF that was found, as it is written."""
    voxels = psf.voxel_size_um
    spatial = psf.axes.replace("C", "")
    if voxels is not None and len(voxels) > len(spatial):
        # Planes share one PSF, which has no z.
        voxels = voxels[len(voxels) - len(spatial) :]
    return io.Volume(psf.kernel, psf.axes, voxels)
