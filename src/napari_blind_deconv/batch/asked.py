"""What is asked for of a batch, looked at as a whole before anything is computed or written."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.settings import Settings, settings_to_dict

from .fingerprints import networks_of
from .journal import read_journal
from .listing import refuse_listing
from .one_file import FileWork, Said
from .page import refuse_foreign
from .plan import Item, plan
from .references import ReferenceFiles
from .shared_psf import Sharing, marks_of, same_images, settings_key, sharing_of
from .states import State, recorded, state_of
from .table import Table, table_of


@dataclass(frozen=True)
class Batch:
    """What is asked for; plain data.

    Attributes
    ----------
    names
        Files, folders, patterns, plates.
    output
        Folder for the results.
    settings
        Shared by all.
    references
        Files that say something about all images.
    said
        Axes and voxels instead of the files', and what may be held in memory.
    maps, form, overwrite
        As of `plan`.
    psf_from
        Whose PSF a file is restored with (`shared_psf.sharing_of`).
    fail_fast
        Whether the first file that fails ends the run.
    retry
        Whether only files are worked on that failed the last time.
    shard
        ``(i, n)``: only images i, i + n, i + 2n … are worked on, counted from 1. The table, and a PSF of all,
        are those of the whole. Every shard needs an output folder of its own.
    keep
        Further files that must not be overwritten.
    """

    names: tuple[str, ...]
    output: Path
    settings: Settings = field(default_factory=Settings)
    references: ReferenceFiles = field(default_factory=ReferenceFiles)
    said: Said = field(default_factory=Said)
    maps: bool = False
    form: str = "ome-tiff"
    overwrite: bool = False
    psf_from: str = "each"
    fail_fast: bool = False
    retry: bool = False
    shard: tuple[int, int] | None = None
    keep: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """A batch that nothing is wrong with as a whole: its table, and one piece of work per image."""

    batch: Batch
    table: Table
    works: tuple[FileWork, ...]
    sharing: Sharing

    @property
    def labels(self) -> list[str]:
        """All images, in their order, those that are not to be tried again among them."""
        return [item.label for item in self.table.items]


def prepared(batch: Batch) -> Prepared:
    """Look at what goes in, and where results go; nothing is computed or written.

    Raises
    ------
    InputError
        For whatever concerns all files.
    """
    io.refuse_address(batch.output)
    _refuse_shard(batch)
    sharing = sharing_of(batch.psf_from, batch.settings, batch.output)
    references = [*batch.references.paths.values(), *([sharing.path] if sharing.mode == "known" else [])]
    keep = [*batch.keep, *references, *sharing.files, *networks_of(batch.settings)]
    table = table_of(batch.names, references)
    jobs = plan(table.items, batch.output, keep, maps=batch.maps, overwrite=True, form=batch.form)
    sharing.refuse_names(jobs, keep)
    if len(table.items) > 1:
        protected = [*(item.path for item in table.items), *keep]
        refuse_listing(batch.output, protected, overwrite=batch.overwrite)
        refuse_foreign(batch.output, protected, overwrite=batch.overwrite)
    # Read now, and kept: what is wrong with them is wrong with all files.
    batch.references.read()
    values = settings_to_dict(batch.settings)
    if batch.shard is not None:
        number, parts = batch.shard
        jobs = jobs[number - 1 :: parts]
    failed = _failed_before(batch.output) if batch.retry else None
    jobs = [job for job in jobs if failed is None or job.label in failed]
    recording = {"psf_from": "each" if sharing.mode == "each" else sharing.mode}
    works = tuple(FileWork(job, values, batch.references, batch.said, recorded=recording) for job in jobs)
    return Prepared(batch, table, works, sharing)


def states(found: Prepared) -> list[State]:
    """What has become of every image so far; nothing is written, and nothing is refused."""
    sharing, first = found.sharing, first_of(found)
    own = sharing.mode == "each" or (sharing.mode == "first" and first is None)
    works = [work if own or work.job.label == first else sharing.known(work) for work in found.works]
    return [state_now(work, found.batch) for work in works]


def state_now(work: FileWork, batch: Batch) -> State:
    """The state of a file whose PSF is decided."""
    return state_of(replace(work, recorded={**work.recorded, **recorded(work)}), overwrite=batch.overwrite)


def first_of(found: Prepared) -> str | None:
    """The image whose PSF the others share, where that has been found."""
    if found.sharing.mode != "first" or not found.works:
        return None
    record = found.sharing.record()
    label = record.get("input")
    same = record.get("from") == "first" and record.get("key") == settings_key(found.works[0], "first")
    return str(label) if same and label in found.labels else None


def shared_is_there(found: Prepared) -> bool:
    """Whether the PSF of several images is that of these."""
    sharing = found.sharing
    if sharing.mode not in ("all", "file"):
        return False
    record = sharing.record()
    if record.get("from") != sharing.mode or record.get("key") != settings_key(found.works[0], sharing.mode):
        return False
    before = record.get("images")
    return same_images(record, marks_of(teaching_items(found), before if isinstance(before, dict) else {}))


def teaching_items(found: Prepared) -> Sequence[Item]:
    """The images that teach the PSF that all share."""
    image = found.sharing.image
    return found.table.items if image is None else [Item(image)]


def _refuse_shard(batch: Batch) -> None:
    if batch.shard is None:
        return
    number, parts = batch.shard
    if not 1 <= number <= parts:
        raise InputError(
            subject="shard",
            value=f"{number}/{parts}",
            allowed="must be a part and the number of parts, such as 2/8",
            remedy="number the parts from 1 to as many as there are",
        )
    if batch.psf_from == "first":
        raise InputError(
            subject="psf_from",
            value="first",
            allowed="would be a different file in every shard",
            remedy="name the file, or choose `psf_from` all",
        )


def _failed_before(output: Path) -> set[str]:
    """Images that failed the last time they were tried."""
    last: dict[str, str] = {}
    for entry in read_journal(output):
        if entry.get("event") in ("done", "failed"):
            last[str(entry.get("input"))] = str(entry["event"])
    return {label for label, event in last.items() if event == "failed"}
