"""Workers that somebody in another thread may tell to stop, whatever is being waited for."""

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_blind_deconv._types import InputError, Progress

from .cluster import Workers, cluster
from .events import Event, FileReport
from .night import Engine
from .one_file import FileWork

if TYPE_CHECKING:
    from .dask_session import Session

# Seconds between attempts to wake up who waits for workers.
_AGAIN = 0.1


@dataclass
class Halt:
    """A request to stop; who makes it closes the run at its next event, which then comes soon."""

    _asked: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _client: Any = None

    @property
    def asked(self) -> bool:
        """Whether it has been made."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Make it; returns at once."""
        if not self.asked:
            self._asked.set()
            if self._client is not None:
                self._begin_waking()

    @contextmanager
    def waking(self, client: Any) -> Iterator[None]:
        """While files are given to a client, what is waited for is cancelled once the request has been made."""
        with self._lock:
            self._client = client
        if self.asked:
            self._begin_waking()
        try:
            yield
        finally:
            with self._lock:
                self._client = None

    def _begin_waking(self) -> None:
        threading.Thread(target=self._wake, name="halt of a batch", daemon=True).start()

    def _wake(self) -> None:
        # Imported here: who works alone needs no Dask.
        import distributed

        woken = False
        while not woken:
            with self._lock:
                client = self._client
                if client is None:
                    return
                futures: list[Any] = [distributed.Future(key, client) for key in list(client.futures)]
                if futures:
                    client.cancel(futures, force=True)
                    woken = True
            time.sleep(_AGAIN)


@contextmanager
def attended(workers: Workers, halt: Halt) -> Iterator[Engine]:
    """An engine as of `cluster`, that can be stopped from another thread.

    A generator is closed by the thread that goes through it, and that waits for workers: for the first one, as long as
    nobody starts any.

    Raises
    ------
    InputError
        As of `cluster`.

    Examples
    --------
    >>> with attended(Workers(count=2), Halt()) as engine:
    ...     list(engine([]))
    []
    """
    refuse_missing(workers)
    with ExitStack() as stack:
        yield _Attended(workers, halt, stack)


def refuse_missing(workers: Workers) -> None:
    """Refuse workers where a package is missing.

    Raises
    ------
    InputError
        Naming the package, and the extra that it belongs to.
    """
    # Looks for packages, and starts nothing.
    with cluster(workers):
        pass


def refuse_too_many(workers: Workers) -> None:
    """Refuse more workers of this machine than it has memory or graphics cards for.

    Raises
    ------
    InputError
        With how many there may be.
    """
    if workers.count is None:
        return
    # Imported here: who works alone needs no Dask.
    from .local_cluster import cards_of, memory_limit

    cards_of(workers.count, workers.device)
    memory_limit(workers.count, workers.max_memory_gb)


@dataclass
class _Attended:
    workers: Workers
    halt: Halt
    stack: ExitStack
    _session: "Session | None" = None

    def __call__(self, works: Sequence[FileWork]) -> Generator[Event, None, None]:
        if not works:
            return
        if self._session is None or self._session.closed:
            # It takes seconds: said before.
            yield Progress("starting", 0, 0, message=_who(self.workers))
            from .dask_session import opened

            self._session = self.stack.enter_context(opened(self.workers))
        if self.halt.asked:
            yield from _stopped()
        session = self._session
        with closing(session.worked(works)) as events, self.halt.waking(session.client):
            yield from _until(self.halt, events)


def _until(halt: Halt, events: Generator[Event, None, None]) -> Generator[Event, None, None]:
    while True:
        try:
            event = next(events, None)
        except InputError:
            # Files that are cancelled look as if the scheduler had gone.
            if not halt.asked:
                raise
            event = None
        if not halt.asked:
            if event is None:
                return
            yield event
            continue
        if isinstance(event, FileReport) and event.status == "done":
            yield event
        yield from _stopped()


def _stopped() -> Generator[Event, None, None]:
    """The event at which the run is closed; gone on with, it must not look like a run that has come to its end.

    Raises
    ------
    InputError
        Where it is not closed.
    """
    yield Progress("stopping", 0, 0)
    raise InputError(subject="the run", value="was asked to stop", remedy="run it again to continue")


def _who(workers: Workers) -> str:
    if workers.count is None:
        return f"asking the scheduler {workers.scheduler or workers.scheduler_file}"
    return "a process" if workers.count == 1 else f"{workers.count} processes"
