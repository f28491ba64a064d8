"""A batch that can be killed at any moment and continued by the same command."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, Progress

from .asked import Prepared, first_of, shared_is_there, state_now, states, teaching_items
from .events import Event, FileReport, FileStarted
from .guard import Failure
from .journal import JOURNAL, Journal, opened
from .listing import Words, write_listing
from .one_file import FileWork, restore_steps
from .page import write_report
from .shared_psf import (
    found_together,
    marks_of,
    settings_key,
    volume_of,
    write_shared,
)
from .states import refuse_some, skipped_outputs

Engine = Callable[[Sequence[FileWork]], Generator[Event, None, None]]
"""Works on files in any order, and says of each what became of it: `one_by_one`, or many processes.

Closed early, it ends what it has begun: nothing may be written any more once it has returned."""


def run(found: Prepared, engine: Engine | None = None, words: Words | None = None) -> Generator[Event, None, None]:
    """Do what is to be done and report it; closed between two events, or killed at any moment, it may be run again.

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
    with opened(batch.output, kept=len(found.table.items) > 1) as journal:
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
        if len(found.table.items) > 1 and any(report.status == "done" for report in reports):
            yield Progress("writing the report", 0, 0)
            write_report(batch.output, overwrite=batch.overwrite, mark=journal.mark(0))
        failed = sum(report.status == "failed" for report in reports)
        journal.note("end", done=len(reports) - failed, failed=failed)


def one_by_one(works: Sequence[FileWork]) -> Generator[Event, None, None]:
    """The engine of a single process."""
    for index, work in enumerate(works, start=1):
        yield FileStarted(work.job.path, index, len(works), work.job.image)
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
        sharing, first = self.found.sharing, first_of(self.found)
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
        if shared_is_there(found):
            return {}
        batch, items = found.batch, teaching_items(found)
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
            state = state_now(replace(work, mark=self.journal.mark(self._number(work))), self.found.batch)
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
        with closing(self.engine(todo)) as events:
            for event in events:
                if isinstance(event, FileReport):
                    yield from self._told(event)
                    if self._stopped:
                        return
                else:
                    if isinstance(event, FileStarted):
                        self.journal.note("started", input=event.label)
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


def _refuse(found: Prepared) -> None:
    """Refuse results, and a shared PSF, that are in the way."""
    sharing = found.sharing
    refuse_some(states(found))
    valid = not sharing.writes or not sharing.path.exists() or found.batch.overwrite
    if not valid and first_of(found) is None and not shared_is_there(found):
        raise InputError(
            subject=str(sharing.path),
            value="is there already, from an earlier run with other images or settings",
            remedy="choose another output folder, or allow it to be replaced with `overwrite`",
        )
