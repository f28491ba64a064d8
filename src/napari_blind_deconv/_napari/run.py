"""One run in a thread: the pipeline's own generator, with its errors turned into sentences."""

import math
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any, Final

from napari_blind_deconv import _torch, pipeline
from napari_blind_deconv._napari.job import Job
from napari_blind_deconv._napari.keeping import Keeping
from napari_blind_deconv._napari.lazy_levels import Stored
from napari_blind_deconv._napari.refusals import refusal_on_screen
from napari_blind_deconv._napari.starting import STARTING_SECONDS, started
from napari_blind_deconv._types import InputError, Progress, Result
from napari_blind_deconv.pipeline.device import device_of
from napari_blind_deconv.pipeline.time_left import Course, TimeLeft

_MEASURED_SHARE: Final = 0.03
"""Of the time of a run that may go into measuring its steps."""
STARTING: Final = "starting"
"""The stage in which a process' first run imports what it needs."""
ADDING: Final = "adding"
"""The stage in which the result becomes layers."""
_ADDING_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Refusal:
    """Why there is no result, in one sentence."""

    sentence: str


class RunError(Exception):
    """A defect or a full memory: what stopped a run other than its input."""


def run_steps(job: Job) -> Generator[Progress, None, Result | Refusal]:
    """The steps of a job; previews come as often as the window can draw them, steps as they happen.

    Raises
    ------
    RunError
        In place of a ``RuntimeError``, which the thread's worker would take for its own deletion and not report.
    """
    try:
        return (yield from _steps(job))
    except InputError as error:
        return Refusal(refusal_on_screen(error))
    except MemoryError:
        return Refusal(f"memory ran out for image {job.source.name!r}; crop it, or close other programs")
    except RuntimeError as error:
        if "out of memory" in str(error):
            return Refusal(f"memory of the graphics card ran out for image {job.source.name!r}; choose device cpu")
        raise RunError(f"{type(error).__name__}: {error}") from error


def _steps(job: Job) -> Generator[Progress, None, Result]:
    yield from _started(job)
    # The thread of a run on a card waits for it, and its own seconds say nothing.
    before = (job.busy.seconds or 0.0) - time.thread_time() if device_of(job.settings).type == "cpu" else None
    # The first yield leaves the thread a chance to stop before lazy data are computed.
    yield Progress("loading", 0, 0, message=f"reading {job.source.name}")
    # What does not fit as a whole has results that do not fit either, beside those of other runs.
    in_blocks = job.stores_blocks and job.plan().blocks is not None
    stored = Stored(job.source) if in_blocks else None
    job.unfinished.extend([] if stored is None else [stored])
    places: dict[str, Any] = {} if stored is None else {"out": stored.sink("image"), "maps": stored.sink}
    steps = pipeline.deconvolve_steps(job.source.unread(), job.settings, **_arguments(job), **places)
    begun, gauge, keeping = time.monotonic(), _Measuring(), Keeping(job)
    while True:
        try:
            progress = next(steps)
            progress = replace(progress, expected=_to_the_end(progress.expected))
            job.busy.seconds = None if before is None else before + time.thread_time()
        except StopIteration as end:
            result: Result = end.value
            break
        keeping.see(progress)
        if job.enough.is_set() and keeping.has_image:
            steps.close()
            return keeping.result(time.monotonic() - begun)
        if job.pace.is_due(time.monotonic()) or _is_last(progress):
            shown = gauge.measured(progress)
            if shown.image is not None or shown.kernel is not None:
                job.pace.show()
            yield shown
            job.pace.let_draw()
        else:
            yield replace(progress, image=None, kernel=None, figures=dict)
    if stored is None:
        return result
    maps = {}
    for name in result.maps:
        maps[name] = yield from stored.completed(name)
    image = yield from stored.completed("image")
    job.unfinished.remove(stored)
    return replace(result, image=image, maps=maps)


def _is_last(progress: Progress) -> bool:
    return progress.step == progress.total > 0


class _Measuring:
    """Measures steps here, in the thread of the run, as long as that takes next to none of its time."""

    def __init__(self) -> None:
        self._began, self._spent = time.monotonic(), 0.0

    def measured(self, progress: Progress) -> Progress:
        """The step with figures that are known already, or none."""
        before = time.monotonic()
        if self._spent > _MEASURED_SHARE * (before - self._began) and not _is_last(progress):
            return replace(progress, figures=dict)
        figures = progress.figures()
        self._spent += time.monotonic() - before
        return replace(progress, figures=lambda: figures)


def _started(job: Job) -> Generator[Progress, None, None]:
    """What the first run imports; meanwhile the window is alive, and the run may be cancelled."""
    for words, seconds in started():
        job.busy.seconds = seconds
        yield Progress(STARTING, 0, 0, message=words)


def _arguments(job: Job) -> dict[str, Any]:
    return {
        "axes": job.source.axes,
        "voxel_size_um": job.source.voxel_size_um,
        "psf": None if job.psf is None else job.psf.load(),
        "psf_voxel_size_um": None if job.psf is None else job.psf.voxel_size_um,
        "mask": None if job.leave_out is None else ~job.leave_out.load(),
        "region": None if job.region is None else job.region.load(),
        "max_memory_gb": job.max_memory_gb,
    }


def course_of(job: Job) -> Course:
    """What a run is expected to take before it says so itself; nothing where that is not known."""
    try:
        plan = job.plan()
    except InputError:
        return ()
    first = () if _torch.is_loaded() else ((STARTING, STARTING_SECONDS),)
    return (*first, *_to_the_end(plan.course)) if math.isfinite(plan.seconds) else ()


def _to_the_end(course: Course) -> tuple[tuple[str, float], ...]:
    """A plan's stages, and the layers after them; nothing where there is no plan."""
    return (*course, (ADDING, _ADDING_SECONDS)) if course else ()


def progress_in_words(progress: Progress, watch: TimeLeft, now: float | None = None) -> str:
    """The stage, the step and, once it is known how fast it really goes, the time left.

    Examples
    --------
    >>> watch = TimeLeft([("restoring", 40.0)])
    >>> watch.follow(Progress("restoring", 0, 0), now=0.0)
    >>> watch.follow(Progress("restoring", 0, 0), now=1.5)
    >>> progress_in_words(Progress("restoring", 0, 0, message="choosing a restorer"), watch, now=10.0)
    'Restoring: choosing a restorer, about 30 s left'
    """
    words = progress.stage[:1].upper() + progress.stage[1:]
    parts = [progress.message] if progress.message else []
    counted = watch.steps()
    if counted is not None:
        parts.append(f"step {counted[0]} of {counted[1]}")
    elif progress.total > 0:
        # How many there will be in all is found out on the way.
        parts.append(f"step {progress.step}")
    left = watch.left(now) if watch.is_sure else None
    if left is not None:
        parts.append(f"about {duration(left)} left")
    return f"{words}: {', '.join(parts)}" if parts else f"{words} …"


def duration(seconds: float) -> str:
    """A time span in words.

    Examples
    --------
    >>> duration(0.4), duration(75), duration(7300)
    ('1 s', '1 min 15 s', '2 h 1 min')
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
