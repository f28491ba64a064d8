"""The engine of many processes: files as tasks of a Dask client, and what is said of them as events."""

import queue
import secrets
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import distributed

from napari_blind_deconv._types import InputError, Progress

from . import worker
from .events import Event, FileProgress, FileReport, FileStarted, report_from_dict
from .journal import settled
from .one_file import FileWork

# Seconds between looks at whether the scheduler is still there, and whether workers have ended.
LOOK, _POLL = 0.5, 0.05


@dataclass
class Call:
    """Files that are given to workers; afterwards nothing of them is in work any more.

    Attributes
    ----------
    client
        Of the scheduler.
    works
        The files.
    threads
        Of a worker; ``None``: what its environment says.
    patience
        Seconds that workers have to end when the call is closed early; ``None``: as long as they need.
    """

    client: Any
    works: Sequence[FileWork]
    threads: int | None = None
    patience: float | None = None
    name: str = field(default_factory=lambda: secrets.token_hex(6))
    _heard: "queue.SimpleQueue[dict[str, Any] | int]" = field(default_factory=queue.SimpleQueue)
    _futures: dict[int, Any] = field(default_factory=dict)
    _started: set[int] = field(default_factory=set)

    def events(self, end_workers: Callable[[], None]) -> Generator[Event, None, None]:
        """Reports as files end, and steps between them; ``end_workers`` ends those that do not by themselves.

        Raises
        ------
        InputError
            If the scheduler goes away.
        """
        topic = worker.topic_of(self.name)
        self.client.subscribe_topic(topic, lambda event: self._heard.put(event[1]))
        try:
            self._submit()
            if not self.client.scheduler_info()["workers"]:
                yield Progress("waiting", 0, 0, message="for the first worker")
            while self._futures:
                yield from self._next()
        finally:
            if self._futures:
                self._stop(end_workers)
            with suppress(OSError, ValueError):
                self.client.unsubscribe_topic(topic)

    def _submit(self) -> None:
        shared = {"call": self.name, "folder": str(Path.cwd()), "threads": self.threads}
        tasks = [{"work": work.to_dict(), "number": number, **shared} for number, work in enumerate(self.works)]
        # Keys of one group, at once: the scheduler then keeps what no worker has room for, instead of giving it to one.
        keys = [(f"restore-{self.name}", n, Path(work.job.label).name) for n, work in enumerate(self.works)]
        futures = self.client.map(worker.restore, tasks, key=keys, pure=False)
        self._futures = dict(enumerate(futures))
        for number, future in enumerate(futures):
            future.add_done_callback(partial(self._done, number))

    def _done(self, number: int, future: Any) -> None:
        self._heard.put(number)

    def _next(self) -> Generator[Event, None, None]:
        try:
            heard = self._heard.get(timeout=LOOK)
        except queue.Empty:
            if self.client.status != "running":
                raise gone() from None
            return
        number = heard if isinstance(heard, int) else int(heard["number"])
        if number not in self._futures:
            return
        if isinstance(heard, int):
            if number not in self._started:
                yield self._start(number)
            yield self._report(number)
        elif heard.get("started"):
            yield self._start(number)
        else:
            yield FileProgress(
                heard["stage"], heard["step"], heard["total"], message=heard["message"], index=number + 1
            )

    def _start(self, number: int) -> FileStarted:
        self._started.add(number)
        job = self.works[number].job
        return FileStarted(job.path, number + 1, len(self.works), job.image)

    def _report(self, number: int) -> FileReport:
        future, work = self._futures[number], self.works[number]
        try:
            found = future.result()
        except distributed.KilledWorker:
            found = None
        except CancelledError as error:
            raise gone() from error
        except (AttributeError, ImportError, TypeError) as error:
            raise other_version(str(error)) from error
        del self._futures[number]
        if found is not None:
            return report_from_dict(found)
        settled(work.job.restored.parent, work.mark)
        message = "every worker that started it died, probably for lack of memory; use fewer workers"
        return FileReport(work.job.path, "failed", message, image=work.job.image)

    def _stop(self, end_workers: Callable[[], None]) -> None:
        """End what is in work, wait until it has ended, and clear up after workers that died."""
        deadline = None if self.patience is None else time.monotonic() + self.patience
        try:
            self.client.cancel(list(self._futures.values()), force=True)
            while self.client.status == "running" and self._in_work():
                if deadline is not None and time.monotonic() > deadline:
                    end_workers()
                    break
                time.sleep(_POLL)
        except (OSError, TimeoutError, CancelledError):
            # A scheduler that has gone cannot be asked; its workers end with it.
            end_workers()
        for number in self._futures:
            job = self.works[number].job
            settled(job.restored.parent, self.works[number].mark)

    def _in_work(self) -> int:
        answers = self.client.run(worker.stop, self.name, on_error="ignore")
        return sum(answers.values())


def gone() -> InputError:
    """That there is no scheduler any more."""
    return InputError(
        subject="the scheduler",
        value="stopped during the work",
        remedy="start it again; the same command then continues",
    )


def other_version(why: str) -> InputError:
    """That workers know this work otherwise."""
    return InputError(
        subject="workers",
        value=f"cannot do this work ({why})",
        remedy="install the same version of napari-blind-deconv with its extra there: pip install "
        '"napari-blind-deconv[scale]"',
    )
