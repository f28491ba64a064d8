"""One bar for every file that is being worked on."""

from rich.markup import escape
from rich.progress import Progress as Display
from rich.progress import TaskID

from napari_blind_deconv._types import Progress
from napari_blind_deconv.batch import FileProgress, FileReport, FileStarted
from napari_blind_deconv.pipeline.time_left import TimeLeft

from .forecast import duration
from .shown import shown


class Bars:
    """Bars that come and go with the files; the last one stays, so that there always is one.

    Parameters
    ----------
    display
        Where they are shown.
    total
        How many files there are.
    """

    def __init__(self, display: Display, total: int) -> None:
        self._display, self._total = display, total
        self._spare: TaskID | None = display.add_task("reading", total=None)
        self._tasks: dict[int, tuple[str, str, TaskID]] = {}
        self._watches: dict[int, TimeLeft] = {}

    def start(self, event: FileStarted) -> None:
        """A file is begun, or begun again by another worker."""
        self._watches.pop(event.index, None)
        name = escape(shown(event.path.name)) + (f" ({event.index} of {self._total})" if self._total > 1 else "")
        if event.index in self._tasks:
            task = self._tasks[event.index][2]
        elif self._spare is not None:
            task, self._spare = self._spare, None
        else:
            task = self._display.add_task("", total=None)
        self._tasks[event.index] = (event.label, name, task)
        self._watches[event.index] = TimeLeft()
        self._display.reset(task, description=f"{name}: reading", total=None)

    def step(self, step: Progress) -> None:
        """A step, of its file, or of the only one."""
        index = step.index if isinstance(step, FileProgress) else next(iter(self._tasks), 0)
        _, name, task = self._tasks.get(index, ("", "", self._spare))
        watch = self._watches.setdefault(index, TimeLeft())
        watch.follow(step)
        if task is not None:
            doing = (f"{name}: {_doing(step)}" if name else _doing(step)) + _left(watch)
            self._display.update(task, description=doing, total=step.total or None, completed=step.step)

    def end(self, report: FileReport) -> None:
        """A file is done, or has failed."""
        index = next((index for index, (label, _, _) in self._tasks.items() if label == report.label), None)
        if index is None:
            return
        task = self._tasks.pop(index)[2]
        if self._tasks or self._spare is not None:
            self._display.remove_task(task)
        else:
            self._spare = task


def _left(watch: TimeLeft) -> str:
    seconds = watch.left()
    return "" if seconds is None else f", {duration(seconds)} left"


def _doing(step: Progress) -> str:
    return escape(step.stage) + (f", {escape(step.message)}" if step.message else "")
