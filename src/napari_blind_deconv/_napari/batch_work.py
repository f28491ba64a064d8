"""What the batch widget does in threads: look at what there is, restore, read a result."""

import time
from collections.abc import Generator
from contextlib import closing
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
    Event,
    State,
    forecasts,
    free_bytes_at,
    prepared,
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
    """

    def __init__(self, steps: Generator[Any, None, Any]) -> None:
        super().__init__(SignalsClass=GeneratorWorkerSignals)
        self._steps = steps

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


def look_steps(batch: Batch) -> Generator[Listed | LookedAt, None, Outlook | Refusal]:
    """The images of a batch, then each with its state and forecast; nothing is written."""
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
        except InputError as error:
            refusal = refusal_on_screen(error)
        return Outlook(free_bytes_at(batch.output), refusal, report_of(batch.output).is_file(), batch.output.is_dir())
    except InputError as error:
        return Refusal(refusal_on_screen(error))


def run_steps(batch: Batch) -> Generator[Listed | Event, None, Refusal | None]:
    """The images of a batch, then what happens to them; steps come at most ten times a second, without pictures."""
    try:
        found = prepared(batch)
        yield Listed(tuple(row_of(work.job) for work in found.works), found.table.left_out)
        told, stage = 0.0, ""
        with closing(run(found, words=message_of)) as events:
            for event in events:
                if not isinstance(event, Progress):
                    yield event
                elif event.stage != stage or time.monotonic() - told >= _STEP_SECONDS:
                    told, stage = time.monotonic(), event.stage
                    yield replace(event, image=None, kernel=None)
    except InputError as error:
        return Refusal(refusal_on_screen(error))
    return None


def report_of(output: Path) -> Path:
    """The page on what became of a batch."""
    return output / FILES[0]
