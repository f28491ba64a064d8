"""The restoration that the data ask for: photons where light is sparse, the image prior everywhere else."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from napari_blind_deconv._types import component
from napari_blind_deconv.image_priors import SparseGradients
from napari_blind_deconv.restoration.by_prior import ByPrior
from napari_blind_deconv.restoration.expectation_maximisation import richardson_lucy
from napari_blind_deconv.restoration.photon_map import PhotonMap, counted, photons, start_of
from napari_blind_deconv.restoration.task import Task, brightness

# How much brighter the scene is than the observation where its light is sparse, as it looks after so many steps of
# Richardson-Lucy; filaments and beads come to 3 and more, cells to 1.3 at most (decision 0021).
_SPARSE, _LOOK = 2.0, 6


@component
class ByData:
    """Photons where counts come from sparse light on a dark ground, else the image prior."""

    kind: Literal["auto"] = "auto"

    def refuse(self, image_prior: object) -> None:
        """It works with every image prior: one that was chosen is used."""

    def steps(self, task: Task) -> int:
        """Those of the restorer that is chosen."""
        return self.chosen(task).steps(task)

    def restore(self, task: Task, steps: int) -> Iterator[Tensor]:
        """As the chosen restorer does."""
        return self.chosen(task).restore(task, steps)

    def chosen(self, task: Task) -> ByPrior | PhotonMap:
        """The restorer for this task: by prior if one was chosen, if the noise is coloured or does not follow light."""
        usual = task.image_prior == SparseGradients()
        counts = task.counts and task.non_negative and task.data.colour is None
        return PhotonMap() if usual and counts and sparse_light(task) else ByPrior()


def sparse_light(task: Task) -> bool:
    """Whether a few pixels hold the light: after a short look by Richardson-Lucy they outshine the observation."""
    with torch.no_grad():
        gain, origin = counted(task)
        data = photons(task, gain, origin)
        scenes = richardson_lucy(data, start_of(data))
        for _ in range(_LOOK):
            scene = next(scenes)
    frame = task.data.frame
    seen = brightness(task.data.filled, task.lowest)
    return brightness(frame.crop(scene) * gain, 0.0) > _SPARSE * seen
