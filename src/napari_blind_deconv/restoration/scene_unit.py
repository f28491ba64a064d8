"""How bright a scene is beside its observation: what a blur spreads, a scene holds in few pixels."""

from itertools import islice

from napari_blind_deconv.restoration.expectation_maximisation import richardson_lucy
from napari_blind_deconv.restoration.task import Task, brightness, photons_of

# Steps of Richardson-Lucy that the look takes: a tenth of a restoration.
_STEPS = 10


def concentration(task: Task) -> float:
    """Brightness of the scene over the observation's, at least one, both above the dark; by a short Richardson-Lucy."""
    data = photons_of(task)
    *_, scene = islice(richardson_lucy(data), _STEPS)
    seen = brightness(task.data.filled, task.lowest) / data.noise.gain
    return max(brightness(task.data.frame.crop(scene), 0.0) / max(seen, 1e-12), 1.0)
