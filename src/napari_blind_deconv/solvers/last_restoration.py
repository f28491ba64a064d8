"""The image, once, with a kernel that is frozen: how every solver that estimates a kernel first ends."""

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from napari_blind_deconv.restoration import ByData
from napari_blind_deconv.solvers.problem import Estimate, Problem


def expected_steps(problem: Problem) -> int:
    """Steps that the restoration will take, as far as that is known before there is a kernel."""
    one = problem.observed.new_ones((1,) * problem.ndim)
    return problem.restorer.steps(replace(problem, counts=False).task(one))


def last_restoration(problem: Problem, found: Estimate) -> Iterator[Estimate]:
    """Restore the whole observation; yields ``found``, whose kernel is used, with better and better images."""
    if found.kernel is None:
        raise RuntimeError("there is no kernel to restore with")
    task = problem.task(found.kernel)
    restorer = problem.restorer.chosen(task) if isinstance(problem.restorer, ByData) else problem.restorer
    steps = restorer.steps(task)
    for step, total, scene in _counted(restorer.restore(task, steps), steps):
        done, whole = found.step + step, found.step + total
        yield replace(found, stage="restoring", step=done, total=whole, image=task.data.frame.crop(scene))


def _counted(steps: Iterator[Tensor], total: int) -> Iterator[tuple[int, int, Tensor]]:
    """(step, steps in all, scene), each held back until it is known whether it is the last one."""
    before: Tensor | None = None
    step = 0
    for step, scene in enumerate(steps, start=1):
        if before is not None:
            yield step - 1, total, before
        before = scene
    if before is not None:
        yield step, step, before
