"""Counts of light: the most probable non-negative scene under Poisson noise and a light touch of total variation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Le

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import component
from napari_blind_deconv.restoration.by_prior import refuse_chosen
from napari_blind_deconv.restoration.edge_penalty import edge_penalty
from napari_blind_deconv.restoration.photons import Photons
from napari_blind_deconv.restoration.poisson_map import poisson_map
from napari_blind_deconv.restoration.task import Restored, Task, counted, photons_of

if TYPE_CHECKING:
    from torch import Tensor

# Evaluations of the likelihood: where filaments and beads are best, and nothing is far from its best (decision 0018).
_STEPS = 18
# What the metric adds to |K|², and the start's smallest light as a share of the mean.
FLOOR, _FAINT = 0.1, 0.02


@component
class PhotonMap:
    """Poisson likelihood, non-negativity and weak total variation: for sparse light on a dark background.

    Counts are the intensity above the level where the noise vanishes, over the gain; both are read from the image
    unless the likelihood gives them. What is as bright as the darkest parts is treated as background.
    """

    kind: Literal["photon-map"] = "photon-map"
    edges: Annotated[float, Ge(0), Le(100)] = 0.7
    """Weight of total variation, in nats per mean brightness and root of the pixels that the PSF spreads light over."""
    softness: Annotated[float, Gt(0), Le(1)] = 0.05
    """Differences below this share of the mean brightness count as flat."""

    def refuse(self, image_prior: object) -> None:
        """It has its own prior."""
        refuse_chosen(image_prior, "restorer=photon-map")

    def steps(self, task: Task) -> int:
        """Steps that were asked for, or its own number."""
        return task.iterations or _STEPS

    def restore(self, task: Task) -> Iterator[Restored]:
        """Scenes, one per evaluation of the likelihood."""
        steps = self.steps(task)
        data, gain, origin = photons_of(task), *counted(task)
        brightness = float(data.brightness.max())
        # The wider the PSF, the more pixels tell of each photon's origin, and the less a prior has to.
        weight = self.edges * float(task.data.blur.kernel.square().sum().sqrt()) / brightness

        def penalty(scene: Tensor) -> tuple[Tensor, Tensor]:
            value, slope = edge_penalty(scene, 1.0, self.softness * brightness, task.spacing)
            return weight * value, weight * slope

        found = poisson_map(data, penalty if self.edges else None, floor=FLOOR, start=start_of(data))
        background = data.background + origin
        for done in found:
            # The start is shown only where it is the minimum already.
            scene = Restored(done.scene * gain + background, steps)
            if done.forwards > 1:
                yield scene
            if done.forwards > steps:
                return
        if done.forwards == 1:
            yield scene


def start_of(data: Photons) -> Tensor:
    """The observation seen through the kernel once more, above the background: positive, and nearer than a flat one."""
    seen = data.blur.adjoint(data.weight * data.counts) / data.sensitivity - data.pedestal
    return torch.maximum(seen, _FAINT * data.mean.clamp(min=torch.finfo(seen.dtype).tiny))
