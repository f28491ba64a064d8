"""All of a run that needs no window: its steps, and what will be shown of its result."""

from collections.abc import Generator
from dataclasses import dataclass

from napari_blind_deconv._napari.command import command_of
from napari_blind_deconv._napari.job import Job
from napari_blind_deconv._napari.keeping import covered
from napari_blind_deconv._napari.lock_turns import short_turns
from napari_blind_deconv._napari.placing import LayerTuple
from napari_blind_deconv._napari.results import result_layers
from napari_blind_deconv._napari.run import ADDING, Refusal, run_steps
from napari_blind_deconv._napari.summary import summary
from napari_blind_deconv._napari.used import used_in
from napari_blind_deconv._types import Progress, Result


@dataclass(frozen=True)
class Finished:
    """A result, its layers with their contrast, and the words for it: they take a while, and need no window."""

    result: Result
    layers: list[LayerTuple]
    words: str


def run_work(job: Job) -> Generator[Progress, None, Finished | Refusal]:
    """The steps of a job, as of `run_steps`."""
    with short_turns():
        outcome = yield from run_steps(job)
        if isinstance(outcome, Refusal):
            return outcome
        yield Progress(ADDING, 0, 0, message="contrast and tables of the layers")
        layers = result_layers(covered(job.source, outcome), outcome, command_of(job), used_in(job))
        yield Progress(ADDING, 0, 0, message="what was found, in words")
        return Finished(outcome, layers, summary(job.source, outcome))
