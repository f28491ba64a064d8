"""How bright a scene is beside its observation: what a blur spreads, a scene holds in few pixels."""

from itertools import islice

from torch import Tensor

from napari_blind_deconv.restoration.expectation_maximisation import richardson_lucy
from napari_blind_deconv.restoration.photons import Photons
from napari_blind_deconv.restoration.task import Task, brightness, counted

# Steps of Richardson-Lucy that the look takes: a tenth of a restoration.
_STEPS = 10


def concentration(task: Task, data: Photons) -> float:
    """Brightness of the scene over the observation's, at least one, both above the dark."""
    return over(task, task.data.filled, look(task, data))


def look(task: Task, data: Photons) -> Tensor:
    """The scene in photons inside the frame, after a short Richardson-Lucy."""
    *_, scene = islice(richardson_lucy(data), _STEPS)
    return task.data.frame.crop(scene)


def over(task: Task, observed: Tensor, scene: Tensor) -> float:
    """The concentration from pixels of the observation and, as `look` gives them, of the scene."""
    seen = brightness(observed, task.lowest) / counted(task)[0]
    return max(brightness(scene, 0.0) / max(seen, 1e-12), 1.0)
