"""A part of a restoration that stands for the whole where something about it has to be decided."""

from dataclasses import replace

from napari_blind_deconv.crops import informative_window
from napari_blind_deconv.restoration.task import Task

# Side of the part, by the number of axes, and in kernels at least.
_SIDE, _KERNELS = {1: 2048, 2: 128, 3: 48}, 1.0


def part_of(task: Task) -> Task:
    """A part of the task that shows much, small enough to be restored a few times over."""
    data, kernel = task.data, task.data.blur.kernel
    window = informative_window(
        data.observed, tuple(kernel.shape), data.weights, side=_SIDE.get(kernel.ndim), frames=1, kernels=_KERNELS
    )
    weights = None if data.weights is None else window.of(data.weights)
    return replace(task.of(window.of(data.observed), weights, window.box), dark=task.lowest)
