"""What is said and done where a plan found no room."""

from __future__ import annotations

import gc

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError
from napari_blind_deconv.pipeline.memory import Plan


def release() -> None:
    """Give back what a run that ended without room has left."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def no_room(plan: Plan) -> InputError:
    """That there is no smaller plan."""
    return InputError(
        subject=f"image of {plan.work.size_in_words()} pixels",
        value=f"does not fit into memory, {plan.words()} on {plan.device}",
        allowed="even in the smallest blocks",
        remedy="crop it, close other programs, or use a machine with more memory",
    )


def said_of_plan(plan: Plan, smaller_ones: list[str], *, maps: bool) -> list[str]:
    """What a report says of a plan that is not the one that was wished for."""
    said = []
    if smaller_ones:
        said.append(f"{'; '.join(smaller_ones)}; it was restored {plan.words()} on {plan.device}")
    if maps and not plan.maps:
        said.append("the maps of where not to trust the image were left out: there was no room for them")
    return said
