"""A batch that can be killed at any moment and continued by the same command: what is asked for, and the run of it."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, Progress
from napari_blind_deconv.settings import Settings, settings_to_dict

from .events import Event, FileReport, FileStarted
from .fingerprints import networks_of
from .guard import Failure
from .journal import JOURNAL, Journal, opened, read_journal
from .listing import Words, refuse_listing, write_listing
from .one_file import FileWork, Said, restore_steps
from .plan import Item, plan
from .references import ReferenceFiles
from .shared_psf import (
    Sharing,
    found_together,
    marks_of,
    same_images,
    settings_key,
    sharing_of,
    volume_of,
    write_shared,
)
from .states import State, recorded, refuse_some, skipped_outputs, state_of
from .table import Table, table_of

Engine = Callable[[Sequence[FileWork]], Iterator[Event]]
"""Works on files in any order, and says of each what became of it: `one_by_one`, or many processes."""


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
    sharing = sharing_of(batch.psf_from, batch.settings, batch.output)
    references = [*batch.references.paths.values(), *([sharing.path] if sharing.mode == "known" else [])]
    keep = [*batch.keep, *references, *sharing.files, *networks_of(batch.settings)]
    table = table_of(batch.names, references)
    jobs = plan(table.items, batch.output, keep, maps=batch.maps, overwrite=True, form=batch.form)
    sharing.refuse_names(jobs, keep)
    if len(table.items) > 1:
        refuse_listing(batch.output, [*(item.path for item in table.items), *keep], overwrite=batch.overwrite)
    # Read now, and kept: what is wrong with them is wrong with all files.
    batch.references.read()
    values = settings_to_dict(batch.settings)
    failed = _failed_before(batch.output) if batch.retry else None
    jobs = [job for job in jobs if failed is None or job.label in failed]
    recording = {"psf_from": "each" if sharing.mode == "each" else sharing.mode}
    works = tuple(FileWork(job, values, batch.references, batch.said, recorded=recording) for job in jobs)
    return Prepared(batch, table, works, sharing)


def states(found: Prepared) -> list[State]:
    """What has become of every image so far; nothing is written, and nothing is refused."""
    sharing, first = found.sharing, _first_of(found)
    own = sharing.mode == "each" or (sharing.mode == "first" and first is None)
    works = [work if own or work.job.label == first else sharing.known(work) for work in found.works]
    return [_state(work, found.batch) for work in works]


def run(found: Prepared, engine: Engine | None = None, words: Words | None = None) -> Generator[Event, None, None]:
    """Do what is to be done; may be closed between any two events, or killed at any moment, and run again.

    Parameters
    ----------
    found
        From `prepared`.
    engine
        What works on the files: `one_by_one`, where none is given.
    words
        As of `listing.entry_of`.

    Yields
    ------
    FileStarted, Progress, FileReport
        As of `run_batch`; of a file that an earlier run has done there is its report at once, with ``skipped``.

    Raises
    ------
    InputError
        If another run works in the output folder, if it cannot be written to, and for results that are in the way.
    """
    batch = found.batch
    if not found.works:
        return
    if not (batch.output / JOURNAL).exists():
        _refuse(found)
    with opened(batch.output) as journal:
        _refuse(found)
        journal.begin()
        reports: list[FileReport] = []
        steps = _Night(found, engine or one_by_one, journal, reports).steps()
        try:
            with closing(steps):
                yield from steps
        finally:
            # Also after an interruption: what is done is listed.
            if len(found.table.items) > 1 and any(report.status == "done" for report in reports):
                write_listing(batch.output, reports, found.labels, journal.mark(0), words)
        failed = sum(report.status == "failed" for report in reports)
        journal.note("end", done=len(reports) - failed, failed=failed)
        if len(found.table.items) == 1 and not failed:
            journal.forget()


def one_by_one(works: Sequence[FileWork]) -> Iterator[Event]:
    """The engine of a single process."""
    for index, work in enumerate(works, start=1):
        yield FileStarted(work.job.path, index, len(works))
        yield (yield from restore_steps(work))


@dataclass
class _Night:
    found: Prepared
    engine: Engine
    journal: Journal
    reports: list[FileReport]

    def steps(self) -> Generator[Event, None, None]:
        sharing, works = self.found.sharing, list(self.found.works)
        if sharing.mode == "first":
            works = yield from self._first(works)
        elif sharing.mode in ("all", "file"):
            failed = yield from self._together()
            if failed:
                for work in works:
                    why = failed.get(work.job.label) or next(iter(failed.values()))
                    yield from self._told(
                        FileReport(work.job.path, "failed", why.message, refusal=why.refusal, image=work.job.image)
                    )
                return
        if sharing.mode != "each":
            works = [sharing.known(work) for work in works]
        yield from self._worked(works)

    def _first(self, works: list[FileWork]) -> Generator[Event, None, list[FileWork]]:
        """Files in their order until one is done, whose PSF is kept; gives those that are left."""
        sharing, first = self.found.sharing, _first_of(self.found)
        if first is not None:
            mine = [work for work in works if work.job.label == first]
            yield from self._worked(mine)
            return [work for work in works if work.job.label != first]
        while works:
            work = works.pop(0)
            before = len(self.reports)
            yield from self._worked([work])
            if self._stopped:
                return []
            if self.reports[before:] and self.reports[-1].status == "done":
                record = {"from": "first", "input": work.job.label, "key": settings_key(work, "first")}
                write_shared(sharing.path, io.read(work.job.psf), record, self.journal.mark(0))
                break
        return works

    def _together(self) -> Generator[Event, None, dict[str, Failure]]:
        """The PSF of several images, unless it is there; why there is none, where none of them teaches one."""
        found, sharing = self.found, self.found.sharing
        if _shared_is_there(found):
            return {}
        batch, items = found.batch, _teaching_items(found)
        images = marks_of(items, {})
        steps = found_together(items, images, batch.settings, batch.references, batch.said)
        psf, failed = yield from _as_events(steps)
        if psf is None:
            return failed
        record = {
            "from": sharing.mode,
            "key": settings_key(found.works[0], sharing.mode),
            "images": images,
            "left_out": {label: failure.message for label, failure in failed.items()},
            "parameters": [{name: value.value for name, value in one.items()} for one in psf.parameters],
        }
        write_shared(sharing.path, volume_of(psf), record, self.journal.mark(0))
        return {}

    def _worked(self, works: Sequence[FileWork]) -> Generator[Event, None, None]:
        """What is done is told at once; the rest is worked on."""
        if self._stopped:
            return
        todo = []
        for work in works:
            state = _state(replace(work, mark=self.journal.mark(self._number(work))), self.found.batch)
            if state.status == "done":
                outputs, report = skipped_outputs(state), dict(state.report or {})
                job = state.work.job
                skipped = FileReport(job.path, "done", "", outputs, report, skipped=True, image=job.image)
                self.reports.append(skipped)
                yield skipped
            else:
                refuse_some([state])
                todo.append(state.work)
        if not todo:
            return
        for event in self.engine(todo):
            if isinstance(event, FileReport):
                yield from self._told(event)
                if self._stopped:
                    return
            else:
                if isinstance(event, FileStarted):
                    self.journal.note("started", input=str(event.path))
                yield event

    def _told(self, report: FileReport) -> Generator[Event, None, None]:
        facts: dict[str, Any] = {"input": report.label, "outputs": [path.name for path in report.outputs]}
        if report.status == "failed":
            facts = {"input": report.label, "message": report.message, "refused": report.refused}
        self.journal.note(report.status, **facts)
        self.reports.append(report)
        yield report

    @property
    def _stopped(self) -> bool:
        return self.found.batch.fail_fast and any(report.status == "failed" for report in self.reports)

    def _number(self, work: FileWork) -> int:
        return 1 + self.found.labels.index(work.job.label)


def _as_events(steps: Generator[Progress, None, Any]) -> Generator[Event, None, Any]:
    return (yield from steps)


def _state(work: FileWork, batch: Batch) -> State:
    """The state of a file whose PSF is decided."""
    return state_of(replace(work, recorded={**work.recorded, **recorded(work)}), overwrite=batch.overwrite)


def _refuse(found: Prepared) -> None:
    """Refuse results, and a shared PSF, that are in the way."""
    sharing = found.sharing
    refuse_some(states(found))
    valid = not sharing.writes or not sharing.path.exists() or found.batch.overwrite
    if not valid and _first_of(found) is None and not _shared_is_there(found):
        raise InputError(
            subject=str(sharing.path),
            value="is there already, from an earlier run, but of other images or settings",
            remedy="choose another output folder, or allow it to be replaced with `overwrite`",
        )


def _first_of(found: Prepared) -> str | None:
    """The image whose PSF the others share, where that has been found."""
    if found.sharing.mode != "first" or not found.works:
        return None
    record = found.sharing.record()
    label = record.get("input")
    same = record.get("from") == "first" and record.get("key") == settings_key(found.works[0], "first")
    return str(label) if same and label in found.labels else None


def _shared_is_there(found: Prepared) -> bool:
    """Whether the PSF of several images is that of these."""
    sharing = found.sharing
    if sharing.mode not in ("all", "file"):
        return False
    record = sharing.record()
    if record.get("from") != sharing.mode or record.get("key") != settings_key(found.works[0], sharing.mode):
        return False
    before = record.get("images")
    return same_images(record, marks_of(_teaching_items(found), before if isinstance(before, dict) else {}))


def _teaching_items(found: Prepared) -> Sequence[Item]:
    image = found.sharing.image
    return found.table.items if image is None else [Item(image)]


def _failed_before(output: Path) -> set[str]:
    """Images that failed the last time they were tried."""
    last: dict[str, str] = {}
    for entry in read_journal(output):
        if entry.get("event") in ("done", "failed"):
            last[str(entry.get("input"))] = str(entry["event"])
    return {label for label, event in last.items() if event == "failed"}
