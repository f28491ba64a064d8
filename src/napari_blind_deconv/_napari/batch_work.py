"""What the batch widget does in threads: look at what there is, restore, read a result."""

import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from napari.qt.threading import GeneratorWorkerSignals, WorkerBase

from napari_blind_deconv._napari.batch_rows import Row, looked_at, message_of, row_of
from napari_blind_deconv._napari.refusals import refusal_on_screen
from napari_blind_deconv._napari.run import Refusal, RunError
from napari_blind_deconv._types import InputError, Progress
from napari_blind_deconv.batch import (
    Batch,
    Engine,
    Event,
    FileProgress,
    FileReport,
    FileStarted,
    Halt,
    Prepared,
    State,
    Workers,
    attended,
    forecasts,
    free_bytes_at,
    needed,
    prepared,
    refuse_too_many,
    run,
    states,
)
from napari_blind_deconv.batch.page import FILES
from napari_blind_deconv.batch.states import refuse_some

_STEP_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Listed:
    """The images of a batch, and how many others were found beside them, with the reasons."""

    rows: tuple[Row, ...]
    left_out: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True)
class LookedAt:
    """One of them, with its state and forecast."""

    number: int
    row: Row


@dataclass(frozen=True)
class Outlook:
    """What can be said when all have been looked at: room on the disk, why Run would refuse, what can be opened."""

    free_bytes: int
    refusal: str = ""
    has_report: bool = False
    has_folder: bool = False


class StepsWorker(WorkerBase):
    """Goes through a generator in a thread, and closes it there: what it holds, such as a lock, is let go at once.

    Parameters
    ----------
    steps
        What is done; asked to quit, it is closed after the step that is being done.
    halt
        What is asked to stop as well: it shortens a step that only waits.
    """

    def __init__(self, steps: Generator[Any, None, Any], halt: Halt | None = None) -> None:
        super().__init__(SignalsClass=GeneratorWorkerSignals)
        self._steps, self._halt = steps, halt

    def quit(self) -> None:
        """Ask to quit; returns at once."""
        super().quit()
        if self._halt is not None:
            self._halt.ask()

    def work(self) -> Any:
        """Step by step; gives what the generator returns.

        Raises
        ------
        RunError
            In place of a ``RuntimeError``, which would be taken for the worker's own deletion and not reported.
        """
        try:
            with closing(self._steps) as steps:
                while not self.abort_requested:
                    try:
                        step = next(steps)
                    except StopIteration as end:
                        return end.value
                    self.yielded.emit(step)
        except RuntimeError as error:
            raise RunError(f"{type(error).__name__}: {error}") from error
        return None


def look_steps(
    batch: Batch, workers: Workers | InputError | None = None
) -> Generator[Listed | LookedAt, None, Outlook | Refusal]:
    """The images of a batch, then each with its state and forecast; nothing is written.

    ``workers`` are who is to work, or why they cannot.
    """
    try:
        found = prepared(batch)
        rows = [row_of(work.job) for work in found.works]
        yield Listed(tuple(rows), found.table.left_out)
        seen: list[State] = []
        for number, work in enumerate(found.works):
            [state] = states(replace(found, works=(work,)))
            [forecast] = forecasts([state])
            seen.append(state)
            yield LookedAt(number, looked_at(rows[number], state, forecast))
        refusal = ""
        try:
            refuse_some(seen)
            if isinstance(workers, InputError):
                raise workers
            if workers is not None:
                refuse_too_many(needed(workers, found.works))
        except InputError as error:
            refusal = refusal_on_screen(error)
        return Outlook(free_bytes_at(batch.output), refusal, report_of(batch.output).is_file(), batch.output.is_dir())
    except InputError as error:
        return Refusal(refusal_on_screen(error))


def run_steps(
    batch: Batch, workers: Workers | None = None, halt: Halt | None = None
) -> Generator[Listed | Event, None, Refusal | None]:
    """The images of a batch, then what happens to them; steps come at most ten times a second, without pictures.

    Parameters
    ----------
    batch
        What is asked for.
    workers
        Who works; ``None``: this process.
    halt
        Asked to stop, the next step comes soon, also where workers are waited for.
    """
    try:
        found = prepared(batch)
        yield Listed(tuple(row_of(work.job) for work in found.works), found.table.left_out)
        pace = _Pace()
        with (
            _engine(workers, found, halt or Halt()) as engine,
            closing(run(found, engine, words=message_of)) as events,
        ):
            for event in events:
                if not isinstance(event, Progress):
                    pace.follow(event)
                    yield event
                elif pace.is_due(event):
                    yield replace(event, image=None, kernel=None)
    except InputError as error:
        return Refusal(refusal_on_screen(error))
    return None


@contextmanager
def _engine(workers: Workers | None, found: Prepared, halt: Halt) -> Iterator[Engine | None]:
    if workers is None:
        yield None
        return
    with attended(needed(workers, found.works), halt) as engine:
        yield engine


class _Pace:
    """Steps as often as people can read, of all images together."""

    def __init__(self) -> None:
        self._indices: dict[str, int] = {}
        self._last: dict[int, tuple[str, float]] = {}

    def follow(self, event: FileStarted | FileReport) -> None:
        """Know which images are in work."""
        if isinstance(event, FileStarted):
            self._indices[event.label] = event.index
        else:
            self._last.pop(self._indices.pop(event.label, 0), None)

    def is_due(self, step: Progress) -> bool:
        """Whether a step is shown: the first of its stage, or after a time that is longer for many images at once."""
        index, now = step.index if isinstance(step, FileProgress) else 0, time.monotonic()
        stage, last = self._last.get(index, ("", 0.0))
        due = step.stage != stage or now - last >= _STEP_SECONDS * max(1, len(self._indices))
        if due:
            self._last[index] = step.stage, now
        return due


def report_of(output: Path) -> Path:
    """The page on what became of a batch."""
    return output / FILES[0]
