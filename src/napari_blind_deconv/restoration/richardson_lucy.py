"""Richardson-Lucy with a frozen kernel, as a restorer: any way to find the PSF may come before it."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Literal

from annotated_types import Ge, Le

from napari_blind_deconv._types import component
from napari_blind_deconv.restoration.by_prior import refuse_chosen
from napari_blind_deconv.restoration.expectation_maximisation import richardson_lucy
from napari_blind_deconv.restoration.photons import Photons
from napari_blind_deconv.restoration.task import Restored, Task, counted, photons_of


@component
class RichardsonLucyRestorer:
    """x ← x · Hᵀ(W y / Hx) / HᵀW1: the maximum of the Poisson likelihood, stopped early (Richardson 1972; Lucy 1974).

    One weight W stands for border, saturation and dead pixels (Bertero & Boccacci 2005,
    doi:10.1051/0004-6361:20052717).
    """

    kind: Literal["richardson-lucy"] = "richardson-lucy"
    steps_taken: Annotated[int, Ge(1), Le(100_000)] = 30
    """Iterations, if the settings give none."""
    accelerated: bool = False
    """Use momentum: 14 steps with it reach as far as about 30 without, 26 as far as 100."""

    def refuse(self, image_prior: object) -> None:
        """Early stopping is its only regularisation."""
        refuse_chosen(image_prior, "restorer=richardson-lucy")

    def steps(self, task: Task) -> int:
        """Steps that were asked for, or its own."""
        return task.iterations or self.steps_taken

    def restore(self, task: Task) -> Iterator[Restored]:
        """Scenes, one per step; where light is counted, above the background of the darkest parts."""
        steps = self.steps(task)
        gain, origin = counted(task) if task.counts else (1.0, 0.0)
        data = photons_of(task) if task.counts else intensities(task)
        for scene in islice(richardson_lucy(data, accelerated=self.accelerated), steps):
            yield Restored((scene * gain).add_(data.background + origin), steps)

    def plain_steps(self, iterations: int | None) -> float:
        """As many steps without momentum as come as far."""
        steps = iterations or self.steps_taken
        return max(steps, steps**2 / 6) if self.accelerated else steps


def intensities(task: Task) -> Photons:
    """The observation as if each unit of its scale were a photon: the iteration does not depend on the unit."""
    data = task.data
    mask = None if data.weights is None else (data.weights > 0).to(data.observed)
    return Photons(data.blur, data.filled.clamp(min=0), weights=mask, light=task.light)
