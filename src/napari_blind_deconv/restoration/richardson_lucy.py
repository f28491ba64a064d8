"""Richardson-Lucy with a frozen kernel, as a restorer: any way to find the PSF may come before it."""

from collections.abc import Iterator
from itertools import islice
from typing import Literal

from torch import Tensor

from napari_blind_deconv._types import component
from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.restoration.by_prior import refuse_chosen
from napari_blind_deconv.restoration.expectation_maximisation import richardson_lucy
from napari_blind_deconv.restoration.photons import Photons
from napari_blind_deconv.restoration.task import Task

_STEPS = 30


@component
class RichardsonLucyRestorer:
    """x ← x · Hᵀ(W y / Hx) / HᵀW1: the maximum of the Poisson likelihood, stopped early (Richardson 1972; Lucy 1974).

    One weight W stands for border, saturation and dead pixels (Bertero & Boccacci 2005,
    doi:10.1051/0004-6361:20052717).
    """

    kind: Literal["richardson-lucy"] = "richardson-lucy"

    def refuse(self, image_prior: object) -> None:
        """Early stopping is its only regularisation."""
        refuse_chosen(image_prior, "restorer 'richardson-lucy'")

    def steps(self, task: Task) -> int:
        """Steps that were asked for, or thirty."""
        return task.iterations or _STEPS

    def restore(self, task: Task, steps: int) -> Iterator[Tensor]:
        """Scenes on the canvas, one per step."""
        return islice(richardson_lucy(intensities(task.data)), steps)


def intensities(data: DataTerm) -> Photons:
    """The observation as if each unit of its scale were a photon: the iteration does not depend on the unit."""
    mask = None if data.weights is None else (data.weights > 0).to(data.observed)
    return Photons(data.blur, data.filled.clamp(min=0), weights=mask)
