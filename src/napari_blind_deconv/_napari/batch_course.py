"""How the rows of a batch follow the events of its run."""

from collections.abc import Callable

from napari_blind_deconv._napari.batch_rows import Row, ended, interrupted, started, step_in_words, stepped
from napari_blind_deconv._napari.batch_table import BatchTable
from napari_blind_deconv._napari.run import duration
from napari_blind_deconv._types import Progress
from napari_blind_deconv.batch import FileReport, FileStarted


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
        self._at: int | None = None
        self.words = "Starting …"

    @property
    def rows(self) -> list[Row]:
        """The images as they stand."""
        return self._table.rows.rows

    @property
    def share(self) -> float:
        """How many images are done with, and of the one that is being worked on its share."""
        return len(self._told) + (0.0 if self._at is None else self.rows[self._at].share)

    def known(self, rows: tuple[Row, ...]) -> list[Row]:
        """The images of the run, with what is known of them from before."""
        before = {row.label: row for row in self.rows}
        return [before.get(row.label, row) for row in rows]

    def follow(self, event: FileStarted | Progress | FileReport) -> None:
        """Change the row that an event is about."""
        if isinstance(event, FileStarted):
            self._at = self._row_of(event)
            self._change(started)
            self.words = self._doing("reading …")
        elif isinstance(event, Progress):
            self._change(lambda row: stepped(row, event))
            self.words = self._doing(step_in_words(event))
        else:
            self._told.add(event.label)
            self._at = next((i for i, row in enumerate(self.rows) if row.label == event.label), None)
            self._end(event)
            self._at = None

    def end(self) -> None:
        """What was being worked on is to be done again."""
        for number, row in enumerate(self.rows):
            if row.status == "running":
                self._table.put(number, interrupted(row))
        self._at = None

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

    def _end(self, report: FileReport) -> None:
        if self._at is None:
            return
        before = self.rows[self._at]
        after = ended(before, report)
        if after.status == "done" and before.seconds and not report.skipped:
            self._forecast, self._took = self._forecast + before.seconds, self._took + after.seconds
        self._table.put(self._at, after)

    def _row_of(self, event: FileStarted) -> int | None:
        """Images of one file come in their order."""
        waiting = (
            number
            for number, row in enumerate(self.rows)
            if row.path == event.path and row.label not in self._told and row.status != "done"
        )
        return next(waiting, None)

    def _change(self, how: Callable[[Row], Row]) -> None:
        if self._at is not None:
            self._table.put(self._at, how(self.rows[self._at]))

    def _doing(self, step: str) -> str:
        if self._at is None:
            return f"For all images together: {step}"
        left = self._left()
        return f"{self.rows[self._at].name} ({self._at + 1} of {len(self.rows)}): {step}{left}"

    def _left(self) -> str:
        """How long the rest will take: as was expected, times what the images so far took over what was expected."""
        rest = [row for row in self.rows if row.status in ("to do", "running")]
        if not all(row.seconds for row in rest):
            return ""
        seconds = sum(row.seconds * (1 - row.share) for row in rest)
        return f"; about {duration(seconds * (self._took / self._forecast if self._forecast else 1.0))} left in all"
