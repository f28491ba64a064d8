"""Laws of the rows of a batch that runs: shares grow, and the time that is left is that of the images' own steps."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from napari_blind_deconv._napari import batch_course
from napari_blind_deconv._napari.batch_course import Course
from napari_blind_deconv._napari.batch_rows import Row
from napari_blind_deconv._types import Progress
from napari_blind_deconv.batch import FileStarted

PLAN = (("preparing", 2.0), ("restoring", 8.0))


class Table:
    """What a course needs of a table."""

    def __init__(self, count: int, seconds: float) -> None:
        names = [f"{number}.tif" for number in range(count)]
        self.rows = SimpleNamespace(rows=[Row(Path(name), name, "to do", seconds=seconds) for name in names])

    def put(self, number: int, row: Row) -> None:
        self.rows.rows[number] = row


@pytest.mark.parametrize("seed", range(5))
def test_the_share_of_an_image_is_that_of_its_time_and_never_falls(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, now = np.random.default_rng(seed), [0.0]
    monkeypatch.setattr("napari_blind_deconv.pipeline.time_left.time.monotonic", lambda: now[0])
    table = Table(3, 10.0)
    course = Course(table)
    course.follow(FileStarted(Path("0.tif"), 1, 3))
    course.follow(Progress("planning", 0, 0, expected=PLAN))
    shares = []
    for stage, step in [("preparing", 0), *[("restoring", step) for step in range(1, 9)]]:
        now[0] += rng.uniform(0.5, 1.5)
        course.follow(Progress(stage, step, 8 if step else 0))
        shares.append(table.rows.rows[0].share)
    assert shares == sorted(shares)
    assert 0.0 < shares[0] < shares[-1] <= 1.0
    assert "left in all" in course.words


def test_a_plan_makes_the_time_left_that_of_the_image_and_of_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("napari_blind_deconv.pipeline.time_left.time.monotonic", lambda: now[0])
    said: list[float] = []
    monkeypatch.setattr(batch_course, "duration", lambda seconds: said.append(seconds) or "x")
    course = Course(Table(3, 10.0))
    course.follow(FileStarted(Path("0.tif"), 1, 3))
    course.follow(Progress("planning", 0, 0, expected=PLAN))
    course.follow(Progress("preparing", 0, 0))
    now[0] = 2.0
    course.follow(Progress("restoring", 0, 0))
    assert said[-1] == pytest.approx(8.0 + 2 * 10.0)
