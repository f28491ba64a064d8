"""What runs in a worker of a Dask cluster: plain data come in, plain data go out."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import distributed

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, Progress
from napari_blind_deconv.pipeline.device import device_of
from napari_blind_deconv.report import versions
from napari_blind_deconv.settings import settings_from_dict
from napari_blind_deconv.spread import Found, Job, Part

from .cluster import PLANNED
from .events import FileReport, report_to_dict
from .journal import settled
from .one_file import FileWork, restore_steps

# Seconds between two words on one file, so that a scheduler of a hundred workers is not kept busy by them.
_EVERY = 0.2
# Seconds that a file's former worker, cut off but alive, is waited for.
_PATIENCE = 60.0

# Of this process: calls that have ended, and how many files of each call are in work.
_ended: set[str] = set()
_in_work: Counter[str] = Counter()
_lock = threading.Lock()


def dask_setup(worker: Any) -> None:
    """Leave Ctrl-C to the process that was asked to work: it ends its workers in order."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def restore(task: Mapping[str, Any]) -> dict[str, Any] | None:
    """Restore one file; gives its report, or ``None`` where nobody waits for it any more.

    Parameters
    ----------
    task
        ``work`` (`FileWork.to_dict`), its ``number`` among those of the ``call``, the ``folder`` that relative names
        are relative to, and ``threads`` of one worker, or ``None`` for what it has.
    """
    call, number = task["call"], task["number"]
    with _begun(call) as wanted:
        if not wanted:
            return None
        worker = distributed.get_worker()
        work = FileWork.from_dict(task["work"])
        say = _Said(worker, topic_of(call), number)
        say.now(started=True)
        try:
            with _placed(task, worker.address):
                report = _stepped(_limited(work, worker), call, say)
        except InputError as error:
            report = FileReport(work.job.path, "failed", str(error), refusal=error, image=work.job.image)
        return None if report is None else report_to_dict(report)


def do_part(job: Job[Part, Found], part: Part, task: Mapping[str, Any]) -> Found | None:
    """Do a part of what is spread over several; ``None`` where nobody waits for it any more.

    Parameters
    ----------
    job, part
        As of `spread`.
    task
        The ``call``, ``folder`` and ``threads`` as of `restore`.
    """
    call = task["call"]
    with _begun(call) as wanted:
        if not wanted:
            return None
        with _placed(task, distributed.get_worker().address), contextlib.closing(job.steps(part)) as steps:
            while call not in _ended:
                try:
                    next(steps)
                except StopIteration as end:
                    found: Found = end.value
                    return found
    return None


@contextlib.contextmanager
def _begun(call: str) -> Iterator[bool]:
    """Count a task among those in work, unless its call has ended; whether it is to be done."""
    with _lock:
        wanted = call not in _ended
        _in_work[call] += wanted
    try:
        yield wanted
    finally:
        with _lock:
            _in_work[call] -= wanted


@contextlib.contextmanager
def _placed(task: Mapping[str, Any], address: str) -> Iterator[None]:
    """In the folder that names are relative to, with the threads that are meant for a worker."""
    if task["threads"] is not None:
        torch.set_num_threads(task["threads"])
    with contextlib.chdir(_seen(task["folder"], address)):
        yield


def topic_of(call: str) -> str:
    """Under which name the steps of a call are logged, for its command line and the dashboard."""
    return f"blind-deconv-{call}"


def stop(call: str) -> int:
    """Begin nothing more of a call, and end what is begun at its next step; gives how many files are in work."""
    with _lock:
        _ended.add(call)
        return _in_work[call]


def facts(folder: str, names: list[str]) -> dict[str, Any]:
    """What a client asks before it sends work: the version, and which of these names are not seen here."""
    there = Path(folder)
    hidden = [name for name in names if not (there / name).exists()]
    return {"version": versions()["napari-blind-deconv"], "hidden": hidden}


def device_type(settings: Mapping[str, Any]) -> str | None:
    """What a run with these settings would compute on here; ``None`` where it cannot."""
    try:
        return device_of(settings_from_dict(settings)).type
    except InputError:
        return None


class _Said:
    """Tells how far a file is, but not more often than people can read."""

    def __init__(self, worker: Any, topic: str, number: int) -> None:
        self._worker, self._topic, self._number = worker, topic, number
        self._last, self._stage = 0.0, ""

    def now(self, **words: Any) -> None:
        self._worker.log_event(self._topic, {"number": self._number, **words})

    def step(self, step: Progress) -> None:
        now = time.monotonic()
        if step.stage != self._stage or now - self._last >= _EVERY:
            self._last, self._stage = now, step.stage
            self.now(stage=step.stage, step=int(step.step), total=int(step.total), message=step.message)


def _stepped(work: FileWork, call: str, say: _Said) -> FileReport | None:
    _cleared(work)
    steps: Generator[Progress, None, FileReport] = restore_steps(work)
    with contextlib.closing(steps):
        while call not in _ended:
            try:
                step = next(steps)
            except StopIteration as end:
                report: FileReport = end.value
                return report
            say.step(step)
    return None


def _cleared(work: FileWork) -> None:
    """Clear up after a worker that died over this file; one that is only cut off from the scheduler is waited for."""
    if not work.mark:
        return
    folder, since = work.job.restored.parent, time.monotonic()
    while not settled(folder, work.mark):
        if time.monotonic() - since > _PATIENCE:
            raise InputError(
                subject=work.job.label,
                value="is still being processed by a worker that the scheduler has lost",
                remedy="end that process, and run again",
            )
        time.sleep(0.5)


def _limited(work: FileWork, worker: Any) -> FileWork:
    """With the memory of this worker, where nothing else was said."""
    limit = worker.memory_manager.memory_limit
    return work.within(PLANNED * limit / 1e9 if limit else None)


def _seen(folder: str, address: str) -> str:
    if not os.path.isdir(folder):  # noqa: PTH112 - a name, not ours to resolve
        raise unseen(folder, address)
    return folder


def unseen(name: str, address: str) -> InputError:
    """That a worker runs where our files are not."""
    return InputError(
        subject=f"worker {address}",
        value=f"does not see {name}",
        allowed="but workers must share a file system with this command, with the same paths",
        remedy="start workers where the files are, or put the files on a disk that all machines mount",
    )
