"""A Dask client for as long as a batch lasts, of a cluster on this machine or of a scheduler elsewhere."""

import logging
import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dask.config
import distributed

from napari_blind_deconv._types import InputError, Progress, translated
from napari_blind_deconv.report import versions

from . import worker
from .cluster import PLANNED, Workers
from .distributing import Call, gone
from .events import Event, FileProgress, FileReport, FileStarted
from .forecast import in_blocks
from .local_cluster import local_cluster, threads_of
from .one_file import FileWork, restore_steps
from .spreading import Spread

# Workers that may die over one file before it is given up.
DEATHS = 3
# Seconds for a scheduler to answer, and for workers of this machine to end in order when they are asked to.
_ANSWER, _END = 10, 5


@dataclass
class Session:
    """Workers that wait for files; ``count`` of this machine."""

    client: Any
    close: Callable[[], None]
    threads: int | None = None
    count: int = 0
    closed: bool = False

    def worked(self, works: Sequence[FileWork]) -> Generator[Event, None, None]:
        """The engine: a worker for every file, or all of them for one that is large, where they are more than files."""
        if not self.count:
            _refuse_strangers(self.client, works)
        large = self._large(works)
        small = [place for place in range(len(works)) if place not in large]
        if small:
            call = Call(self.client, [works[place] for place in small], self.threads, _END if self.count else None)
            with closing(call.events(self.end)) as events:
                for event in events:
                    yield _placed(event, small, len(works))
        for place, work in large.items():
            yield FileStarted(work.job.path, place + 1, len(works), work.job.image)
            report = yield from self._together(work, place + 1)
            if self.client.status != "running":
                raise gone()
            yield report

    def _large(self, works: Sequence[FileWork]) -> dict[int, FileWork]:
        """Files, by their place, that all workers together work on: this process plans, finds the kernel and writes."""
        there = self.client.scheduler_info(n_workers=-1)["workers"].values()
        # One that died comes back.
        if len(works) >= max(len(there), self.count):
            return {}
        limits = [one["memory_limit"] for one in there]
        limit = PLANNED * min(limits) / 1e9 if limits and all(limits) else None
        found = {}
        for place, work in enumerate(works):
            device = in_blocks(work, limit)
            if device is not None and set(self.client.run(worker.device_type, work.settings).values()) == {device.type}:
                found[place] = work.within(limit)
        return found

    def _together(self, work: FileWork, index: int) -> Generator[Event, None, FileReport]:
        spread = Spread(self.client, self.threads)

        def shown(step: Progress) -> FileProgress:
            return FileProgress(step.stage, step.step, step.total, message=step.message, index=index)

        with closing(restore_steps(work, spread)) as steps:
            return (yield from translated(steps, shown))

    def end(self) -> None:
        """End all workers of this machine at once; those of others are not ours to end."""
        if self.count and not self.closed:
            self.closed = True
            self.close()


@contextmanager
def opened(workers: Workers) -> Iterator[Session]:
    """Workers that are there, or will be."""
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        if workers.count is not None:
            session = _local(workers, workers.count, stack)
        else:
            client = stack.enter_context(_connected(workers))
            session = Session(client, stack.close)
        try:
            yield session
        finally:
            session.closed = True


def _local(workers: Workers, count: int, stack: ExitStack) -> Session:
    stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": DEATHS}))
    cluster = stack.enter_context(
        local_cluster(count, workers.device, workers.max_memory_gb, dashboard=workers.dashboard)
    )
    client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
    return Session(client, stack.close, threads_of(count), count)


def _connected(workers: Workers) -> Any:
    """A client of a scheduler that runs.

    Raises
    ------
    InputError
        If it does not answer.
    """
    file = workers.scheduler_file
    name = str(workers.scheduler if file is None else file)
    if file is not None and not file.is_file():
        raise InputError(
            subject=f"scheduler file {file}",
            value="is not there",
            remedy=f"start `dask scheduler` so that it writes {file}",
        )
    where = {"address": workers.scheduler} if file is None else {"scheduler_file": str(file)}
    try:
        return distributed.Client(**where, timeout=_ANSWER, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            subject=f"scheduler {name}",
            value="does not answer",
            remedy="check the address, and that it runs: dask scheduler",
        ) from error


def _refuse_strangers(client: Any, works: Sequence[FileWork]) -> None:
    """Refuse workers of another version, of several threads, or that do not see our files.

    Raises
    ------
    InputError
        Naming the first of them.
    """
    for address, one in client.scheduler_info(n_workers=-1)["workers"].items():
        if one["nthreads"] != 1:
            raise InputError(
                subject=f"worker {address}",
                value=f"has {one['nthreads']} threads, and would restore as many files in one process",
                remedy="start it with one thread, and as many workers as there is memory for",
            )
    folder = str(Path.cwd())
    with _probes(works) as probes:
        names = [folder, *(str(path) for path in probes), *sorted({str(work.job.path) for work in works})]
        try:
            answers = client.run(worker.facts, folder, names)
        except (AttributeError, ImportError) as error:
            raise InputError(
                subject="workers",
                value=f"lack this package, or have another version of it ({error})",
                remedy='install it there: pip install "napari-blind-deconv[scale]"',
            ) from error
    own = versions()["napari-blind-deconv"]
    for address, found in answers.items():
        if found["version"] != own:
            raise InputError(
                subject=f"worker {address}",
                value=f"has version {found['version']} of napari-blind-deconv",
                allowed=f"must be {own}, as here",
                remedy="install the same version there",
            )
        if found["hidden"]:
            raise worker.unseen(found["hidden"][0], address)


@contextmanager
def _probes(works: Sequence[FileWork]) -> Iterator[list[Path]]:
    """A hidden file in every output folder: a folder of the same name on another machine lacks it."""
    marks = {work.job.restored.parent: work.mark for work in works if work.mark}
    probes = [folder / f".{mark}{secrets.token_hex(6)}.tmp" for folder, mark in marks.items() if folder.is_dir()]
    try:
        for path in probes:
            path.touch(exist_ok=False)
        yield probes
    finally:
        for path in probes:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _placed(event: Event, places: Sequence[int], total: int) -> Event:
    """An event of some of the files as one of all."""
    if isinstance(event, FileStarted):
        return replace(event, index=places[event.index - 1] + 1, total=total)
    return replace(event, index=places[event.index - 1] + 1) if isinstance(event, FileProgress) else event


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the log of Dask, and its advice on how large tasks may be: what people need is in events and refusals."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
            yield
    finally:
        logger.setLevel(before)
