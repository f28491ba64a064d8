"""How the rows of a batch follow the events of its run."""

from collections.abc import Callable
from typing import Final

from napari_blind_deconv._napari.batch_rows import Row, ended, interrupted, started, step_in_words, stepped
from napari_blind_deconv._napari.batch_table import BatchTable
from napari_blind_deconv._napari.refusals import on_screen
from napari_blind_deconv._napari.run import duration
from napari_blind_deconv._types import Progress
from napari_blind_deconv.batch import FileProgress, FileReport, FileStarted
from napari_blind_deconv.pipeline.time_left import TimeLeft

_BEFORE: Final = ("starting", "waiting")


class Course:
    """A run, as its table shows it.

    Parameters
    ----------
    table
        Whose rows are changed.
    """

    def __init__(self, table: BatchTable) -> None:
        self._table = table
        self._told: set[str] = set()
        self._forecast = self._took = 0.0
        # Of the images in work: their rows by the numbers that their steps have, and that of the last one begun.
        self._places: dict[int, int] = {}
        self._at: int | None = None
        self._watches: dict[int, TimeLeft] = {}
        self.words = "Starting …"

    @property
    def rows(self) -> list[Row]:
        """The images as they stand."""
        return self._table.rows.rows

    @property
    def share(self) -> float:
        """How many images are done with, and of those that are being worked on their shares."""
        return len(self._told) + sum(self.rows[place].share for place in self._running)

    @property
    def _running(self) -> list[int]:
        return [number for number, row in enumerate(self.rows) if row.status == "running"]

    def known(self, rows: tuple[Row, ...]) -> list[Row]:
        """The images of the run, with what is known of them from before."""
        before = {row.label: row for row in self.rows}
        return [before.get(row.label, row) for row in rows]

    def follow(self, event: FileStarted | Progress | FileReport) -> None:
        """Change the row that an event is about."""
        if isinstance(event, FileStarted):
            self._at = self._row_of(event.label)
            if self._at is not None:
                self._places[event.index] = self._at
                self._watches[self._at] = TimeLeft()
            self._change(self._at, started)
            self.words = self._doing(self._at, "reading …")
        elif isinstance(event, Progress):
            place = self._places.get(event.index) if isinstance(event, FileProgress) else self._at
            watch = TimeLeft() if place is None else self._watches.setdefault(place, TimeLeft())
            watch.follow(event)
            self._change(place, lambda row: stepped(row, event, watch.share()))
            self.words = self._doing(place, step_in_words(event))
            if place is None and event.stage in _BEFORE:
                self.words = f"{event.stage.capitalize()} {on_screen(event.message)} …"
        else:
            self._told.add(event.label)
            place = self._row_of(event.label)
            self._end(place, event)
            if place == self._at:
                self._at = None

    def end(self) -> None:
        """What was being worked on is to be done again."""
        for number, row in enumerate(self.rows):
            if row.status == "running":
                self._table.put(number, interrupted(row))

    def outcome(self, seconds: float, *, stopped: bool) -> str:
        """What became of all images, in words."""
        counts = {status: sum(row.status == status for row in self.rows) for status in ("done", "failed")}
        total, left = len(self.rows), len(self.rows) - sum(counts.values())
        words = f"{counts['done']} of {total} done"
        if counts["failed"]:
            words += f", {counts['failed']} failed"
        if stopped:
            rest = "is 1 image" if left == 1 else f"are {left} images"
            return f"Stopped: {words}. There {rest} left: Continue does the rest." if left else f"Stopped: {words}."
        return f"Finished in {duration(seconds)}: {words}."

    def _end(self, place: int | None, report: FileReport) -> None:
        if place is None:
            return
        before = self.rows[place]
        after = ended(before, report)
        if after.status == "done" and before.seconds and not report.skipped:
            self._forecast, self._took = self._forecast + before.seconds, self._took + after.seconds
        self._table.put(place, after)

    def _row_of(self, label: str) -> int | None:
        return next((number for number, row in enumerate(self.rows) if row.label == label), None)

    def _change(self, place: int | None, how: Callable[[Row], Row]) -> None:
        if place is not None:
            self._table.put(place, how(self.rows[place]))

    def _doing(self, place: int | None, step: str) -> str:
        if place is None:
            return f"For all images together: {step}"
        total, at_once = len(self.rows), len(self._running)
        if at_once > 1:
            return f"{at_once} images at once, {len(self._told)} of {total} done with{self._left()}"
        return f"{self.rows[place].name} ({place + 1} of {total}): {step}{self._left()}"

    def _left(self) -> str:
        """How long the rest will take.

        Of an image in work what its own steps say; of the others what was expected, times what the images so far took
        over what was expected of them.
        """
        rest = {n: row for n, row in enumerate(self.rows) if row.status in ("to do", "running")}
        if not all(row.seconds for row in rest.values()):
            return ""
        rate = self._took / self._forecast if self._forecast else 1.0
        seconds = sum(self._left_of(number, row, rate) for number, row in rest.items()) / max(1, len(self._running))
        return f"; about {duration(seconds)} left in all"

    def _left_of(self, number: int, row: Row, rate: float) -> float:
        own = self._watches[number].left() if row.status == "running" and number in self._watches else None
        return rate * row.seconds * (1 - row.share) if own is None else own
