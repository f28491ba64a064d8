"""The restoration that the data ask for: Richardson-Lucy, stopped by held-out light, or the image prior."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Literal

from napari_blind_deconv._types import component, finished
from napari_blind_deconv.image_priors import SparseGradients
from napari_blind_deconv.restoration.by_prior import ByPrior
from napari_blind_deconv.restoration.held_out import Way, best
from napari_blind_deconv.restoration.part import part_of
from napari_blind_deconv.restoration.photon_map import FLOOR, start_of
from napari_blind_deconv.restoration.poisson_map import poisson_map
from napari_blind_deconv.restoration.richardson_lucy import RichardsonLucyRestorer
from napari_blind_deconv.restoration.task import Restored, Task, brightness, photons_of

if TYPE_CHECKING:
    from torch import Tensor

# How many times brighter than its start a scene of sparse light has become after so many evaluations of its likelihood:
# filaments and beads come to 9 and more, cells stay at 1.5 (decision 0018).
_SPARSE, _LOOK = 3.0, 6
# Numbers of steps after which accelerated Richardson-Lucy may be stopped, each two halves of the second one before.
_ITERATIONS = (5, 7, 10, 14, 20, 28, 40, 56)


@component
class ByData:
    """Richardson-Lucy if it predicts held-out light better, as for sparse light; otherwise the image prior.

    The first needs counts, white noise, and a PSF that was given or has few parameters (a Gaussian, a disk, optics).
    """

    kind: Literal["by-data"] = "by-data"

    def refuse(self, image_prior: object) -> None:
        """It works with every image prior: one that was chosen is used."""

    def steps(self, task: Task) -> int:
        """Those of the image prior; which restorer it will be, the data have yet to tell."""
        return ByPrior().steps(task)

    def restore(self, task: Task) -> Iterator[Restored]:
        """As the chosen restorer does."""
        return finished(self.chosen(task)).restore(task)

    def chosen(self, task: Task) -> Generator[None, None, ByPrior | RichardsonLucyRestorer]:
        """The restorer for this task: by prior if one was chosen, if the noise is coloured or does not follow light.

        A yield after every step of what is tried.
        """
        usual = task.image_prior == SparseGradients()
        counts = task.counts and task.non_negative and task.data.colour is None
        # Without a prior to speak of, a PSF that is a little too wide is taken back too far.
        if not (usual and counts and task.trusted):
            return ByPrior()
        # A part that shows much stands for the whole: the choice must not cost as much as what is chosen.
        part = part_of(task)
        sparse = yield from sparse_light(part)
        if task.iterations is not None:
            return RichardsonLucyRestorer(accelerated=True) if sparse else ByPrior()
        ways: dict[str, ByPrior | RichardsonLucyRestorer] = {f"{n} steps": _accelerated(n) for n in _ITERATIONS}
        if sparse:
            # Half of the light bears fewer steps than all of it (decision 34), so that the last need not be judged.
            found = yield from best(part, _judged(_ITERATIONS[:-1]))
            return ways[_later(found, list(ways))]
        ways["by-prior"] = ByPrior()
        return ways[(yield from best(part, _by_prior, _judged(_ITERATIONS)))]


def _later(name: str, names: list[str]) -> str:
    return names[names.index(name) + 1]


def _accelerated(steps: int) -> RichardsonLucyRestorer:
    return RichardsonLucyRestorer(steps_taken=steps, accelerated=True)


def _by_prior(task: Task) -> Iterator[tuple[str, Tensor] | None]:
    steps = ByPrior().steps(task)
    for step, found in enumerate(ByPrior().restore(task), start=1):
        yield ("by-prior", found.scene) if step == steps else None


def _judged(numbers: tuple[int, ...]) -> Way:
    """One run, looked at after every number of steps."""

    def way(task: Task) -> Iterator[tuple[str, Tensor] | None]:
        for step, found in enumerate(_accelerated(max(numbers)).restore(task), start=1):
            yield (f"{step} steps", found.scene) if step in numbers else None

    return way


def sparse_light(task: Task) -> Generator[None, None, bool]:
    """Whether a few pixels hold the light: a few steps of its likelihood make those ever brighter, and no others.

    A yield after every step.
    """
    data = photons_of(task)
    crop = task.data.frame.crop
    first: float | None = None
    for step in poisson_map(data, floor=FLOOR, start=start_of(data)):
        bright = brightness(crop(step.scene), 0.0)
        first = bright if first is None else first
        yield
        if step.forwards >= _LOOK:
            break
    return first is not None and bright > _SPARSE * first
