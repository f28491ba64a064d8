"""One large file by many processes: its parts as tasks of a Dask client, their answers in the order of the parts."""

import queue
import secrets
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import distributed

from napari_blind_deconv.spread import Done, Found, Job, Part, Step

from . import worker
from .distributing import LOOK, gone, other_version

# Parts for each worker that are given away, or have come back and wait for those before them.
_AHEAD = 2


@dataclass
class Spread:
    """Gives parts to workers (`spread.Spreads`); all that is written is written by who asks.

    Attributes
    ----------
    client
        Of the scheduler.
    threads
        Of a worker; ``None``: what its environment says.
    """

    client: Any
    threads: int | None = None

    def __call__(self, job: Job[Part, Found], parts: Iterable[Part]) -> Generator[Step | Done[Part, Found], None, None]:
        """Answers in the order of the parts, and a step for every one that ends; closed early, workers stop.

        Raises
        ------
        InputError
            If the scheduler goes away, and what a part refuses.
        MemoryError
            If workers died over a part, one after the other: they are ended where they hold too much.
        """
        call = secrets.token_hex(6)
        task = {"call": call, "folder": str(Path.cwd()), "threads": self.threads}
        heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        given: deque[tuple[Part, Any]] = deque()
        ahead = enumerate(parts)
        try:
            while True:
                while len(given) < self._room() and (following := next(ahead, None)) is not None:
                    number, part = following
                    key = (f"part-{call}", number)
                    future = self.client.submit(worker.do_part, job, part, task, key=key, pure=False)
                    future.add_done_callback(heard.put)
                    given.append((part, future))
                if not given:
                    return
                part, future = given[0]
                yield from self._until(future, heard)
                found = _answer(future)
                del future
                given.popleft()
                yield Done(part, found)
        finally:
            if given:
                self._stop(call, [future for _, future in given])

    def _room(self) -> int:
        """How many parts may be given away at once: some ahead, so that no worker waits."""
        try:
            return _AHEAD * max(1, len(self.client.nthreads()))
        except (OSError, TimeoutError, CancelledError) as error:
            raise gone() from error

    def _until(self, future: Any, heard: "queue.SimpleQueue[Any]") -> Generator[Step, None, None]:
        while not future.done():
            with suppress(queue.Empty):
                heard.get(timeout=LOOK)
            if self.client.status != "running":
                raise gone()
            yield Step()

    def _stop(self, call: str, futures: list[Any]) -> None:
        """Have workers leave what they are at; nobody need wait for them, as they write nothing."""
        with suppress(OSError, TimeoutError, CancelledError):
            self.client.cancel(futures, force=True)
            if self.client.status == "running":
                self.client.run(worker.stop, call, on_error="ignore")


def _answer(future: Any) -> Any:
    try:
        return future.result()
    except distributed.KilledWorker as error:
        raise MemoryError("workers died on a part, probably for lack of memory") from error
    except CancelledError as error:
        raise gone() from error
    except (AttributeError, ImportError) as error:
        raise other_version(str(error)) from error
