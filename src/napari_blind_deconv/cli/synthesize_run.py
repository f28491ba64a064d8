"""What ``blind-deconv synthesize`` does."""

import math
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import Progress

from napari_blind_deconv import io, testbed
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch import refuse_replacing
from napari_blind_deconv.testbed import Fit, Recipe

from .interruption import raise_if_interrupted
from .shown import shown
from .synthesize_recipe import Request, fitted, recipe_of
from .testbed_figure import draw


def execute(request: Request, *, as_json: bool) -> None:
    """Draw a testbed and say what was made.

    Raises
    ------
    InputError
        Before anything is written.
    """
    testbed.refuse_taken(request.output, overwrite=request.overwrite)
    inputs = [request.fit] if request.fit is not None else []
    if request.fit is not None and request.fit.resolve().is_relative_to(request.output.resolve()):
        raise InputError(f"--fit {request.fit} lies in --output {request.output}, which would replace it")
    if request.figure is not None:
        refuse_replacing([request.figure], inputs, overwrite=request.overwrite)
    fit = fitted(request)
    recipe = recipe_of(request, fit)
    card = _drawn(recipe, request, fit)
    if request.figure is not None:
        draw(request.figure, testbed.Testbed(request.output))
    if as_json:
        sys.stdout.write(io.to_json({"output": str(request.output), **card}) + "\n")
        return
    console = Console(highlight=False, soft_wrap=True)
    what = f"{recipe.samples} {recipe.kind}{'' if recipe.samples == 1 else 's'} of {' x '.join(map(str, recipe.shape))}"
    console.print(shown(f"{request.output}: {what}; its card is {request.output / 'card.json'}"), markup=False)
    for sentence in _doubts(card):
        console.print(shown(f"  warning  {sentence}"), markup=False)


def _drawn(recipe: Recipe, request: Request, fit: Fit | None) -> dict[str, Any]:
    """Write the testbed, with a bar where somebody sees it."""
    console = Console(stderr=True, highlight=False)
    described = fit.described if fit else None
    steps = testbed.write_testbed_steps(recipe, request.output, fitted_to=described, overwrite=request.overwrite)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("drawing", total=None)
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                card: dict[str, Any] = end.value
                return card
            raise_if_interrupted()
            bar.update(task, description=step.stage, completed=step.step, total=step.total)


def _doubts(card: Mapping[str, Any]) -> list[str]:
    """What is to be known of the samples before they are used."""
    dark = card["summary"]["pixels_without_light"]
    if not dark:
        return []
    share = dark / (math.prod(card["shape"]) * card["summary"]["samples"])
    return [
        f"{share:.2%} of the pixels would be negative, where no photon is counted; raise image_prior.mean, or "
        "lower its contrast"
    ]
