"""Who works on the files of a batch: this process, workers of a Dask cluster on this machine, or those of another."""

import importlib.util
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_blind_deconv._types import InputError
from napari_blind_deconv.machine import free_bytes

from .events import Event
from .forecast import in_blocks
from .night import Engine
from .one_file import FileWork

if TYPE_CHECKING:
    from .dask_session import Session

# Part of the free memory that all workers together may hold, and part of a worker's limit, where its process is killed,
# that a run in it plans for.
SHARE, PLANNED = 0.95, 0.8
EXTRA = 'pip install "napari-blind-deconv[scale]"'


@dataclass(frozen=True)
class Workers:
    """Who works; one of ``count``, ``scheduler`` and ``scheduler_file``.

    Attributes
    ----------
    count
        Processes to start on this machine.
    scheduler
        Address of a Dask scheduler that runs, such as ``tcp://node7:8786``.
    scheduler_file
        The file in which one wrote its address.
    dashboard
        Whether Dask's page is served while processes of this machine work, to this machine only.
    device
        As of the settings: with a graphics card, every process has one of its own.
    max_memory_gb
        What each process may hold; by default, its part of what is free.
    """

    count: int | None = None
    scheduler: str | None = None
    scheduler_file: Path | None = None
    dashboard: bool = False
    device: str = "auto"
    max_memory_gb: float | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("count", "scheduler", "scheduler_file") if getattr(self, name) is not None]
        names = {"count": "workers"}
        if len(given) != 1:
            said = " and ".join(f"`{names.get(name, name)}`" for name in given)
            raise InputError(
                subject="workers",
                value=f"are given by {said}, which exclude each other" if given else "are not given",
                remedy="give one of `workers`, `scheduler` and `scheduler_file`",
            )
        if self.count is not None and self.count < 1:
            raise InputError(
                subject="workers", value=str(self.count), allowed="must be at least 1", remedy="choose 1 or more"
            )
        if self.dashboard and self.count is None:
            raise InputError(
                subject="dashboard",
                value="is only for workers of this machine",
                remedy="give it with `workers`, or use the dashboard of the scheduler",
            )


def needed(workers: Workers, works: Sequence[FileWork]) -> Workers:
    """No more workers of this machine than there are files, unless one is so large that several work on its blocks."""
    count = workers.count
    if count is None or count <= len(works):
        return workers
    limit = workers.max_memory_gb or PLANNED * SHARE * free_bytes() / count / 1e9
    return workers if any(in_blocks(work, limit) for work in works) else replace(workers, count=max(1, len(works)))


@contextmanager
def cluster(workers: Workers, announce: Callable[[str], None] | None = None) -> Iterator[Engine]:
    """An engine whose workers live as long as this context; they are started when there is the first file for them.

    ``announce`` is given the address of the dashboard once there is one.

    Raises
    ------
    InputError
        If Dask is missing, if the machine is too small for that many workers, or a scheduler does not answer.

    Examples
    --------
    >>> with cluster(Workers(count=2)) as engine:
    ...     list(engine([]))
    []
    """
    _refuse_missing(workers)
    with ExitStack() as stack:
        yield _Lazy(workers, stack, announce)


@dataclass
class _Lazy:
    workers: Workers
    stack: ExitStack
    announce: Callable[[str], None] | None
    _session: "list[Session]" = field(default_factory=list)

    def __call__(self, works: Sequence[FileWork]) -> Generator[Event, None, None]:
        if not works:
            return
        if not self._session or self._session[0].closed:
            # Imported here: who works alone needs no Dask.
            from .dask_session import opened

            self._session = [self.stack.enter_context(opened(self.workers))]
            if self.workers.dashboard and self.announce is not None:
                self.announce(self._session[0].client.dashboard_link)
        yield from self._session[0].worked(works)


def _refuse_missing(workers: Workers) -> None:
    needed = ["distributed", *(["cryptography"] if workers.count else []), *(["bokeh"] if workers.dashboard else [])]
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            subject=f"the package {missing[0]}",
            value="is not installed, which several processes need",
            remedy=f"install it with: {EXTRA}",
        )
