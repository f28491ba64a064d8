"""``python -m training NAME``: train a network, or continue, and write its weights and model card."""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from napari_blind_deconv import networks
from training import checkpoint, loop, patches
from training.checkpoint import State
from training.picture import picture
from training.recipe import RECIPES, Recipe, Source

app = typer.Typer(add_completion=False)


@app.command()
def main(
    name: Annotated[str, typer.Argument(help=f"What to train: {', '.join([*RECIPES, 'patches'])}.")],
    folder: Annotated[Path | None, typer.Option(help="Checkpoint, log and picture; default checkpoints/NAME.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps (rounds, of patches) in all; default: the recipe's.")] = None,
    stop_at: Annotated[int | None, typer.Option(help="Stop at this step for now, to be continued.")] = None,
    seed: Annotated[int, typer.Option(help="Decides everything.")] = 0,
    device: Annotated[str | None, typer.Option(help="Default: a GPU where there is one.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads on the CPU; default: all.")] = None,
    export: Annotated[Path | None, typer.Option(help="When done: weights to FILE.safetensors, card beside it.")] = None,
) -> None:
    """Train, or continue where the last call was stopped; the same command resumes."""
    if name not in RECIPES and name != "patches":
        raise typer.BadParameter(f"{name!r} is unknown; allowed: {', '.join([*RECIPES, 'patches'])}")
    folder = folder or Path("checkpoints") / name
    torch.set_num_threads(threads or os.cpu_count() or 1)
    if name == "patches":
        mixture = patches.PATCHES if steps is None else dataclasses.replace(patches.PATCHES, rounds=steps)
        told(patches.train(mixture, folder, seed=seed, stop_at=stop_at))
        path = patches.finish(mixture, folder, seed, export or folder / "patches.safetensors")
        typer.echo(f"{path} with its model card" if path else "not all rounds are done; the same command continues")
        return
    recipe = RECIPES[name] if steps is None else dataclasses.replace(RECIPES[name], steps=steps)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    told(loop.train(recipe, folder, seed=seed, device=device, stop_at=stop_at))
    finish(recipe, folder, seed, export)


def told(entries: Iterator[Mapping[str, Any]]) -> None:
    """Say what is logged, until it is done or interrupted."""
    try:
        for entry in entries:
            typer.echo("  ".join(f"{key} {value}" for key, value in entry.items()))
    except KeyboardInterrupt:
        typer.echo("stopped; the same command continues")
        raise typer.Exit(1) from None


def finish(recipe: Recipe, folder: Path, seed: int, export: Path | None) -> None:
    """Write the picture, and, where the steps are done, the averaged weights with their card."""
    state = loop.start(recipe, seed, "cpu")
    checkpoint.restore(state, folder / "checkpoint.safetensors", loop.identified(recipe, seed))
    held_out = loop.drawn(recipe, seed, folder, held_out=True)
    typer.echo(picture(loop.averaged(state, recipe), recipe, held_out, folder))
    if state.step < recipe.steps:
        typer.echo(f"{state.step} of {recipe.steps} steps done; the same command continues")
        return
    path = export or folder / f"{recipe.name}.safetensors"
    networks.save(path, state.average, card(recipe, state, seed, held_out))
    typer.echo(f"{path} with its model card")


def card(recipe: Recipe, state: State, seed: int, held_out: Source) -> dict[str, object]:
    """The model card's fields."""
    figures = {"remaining_error_over_sigma": dict(loop.remaining_error(state, recipe, held_out))}
    training = {
        "steps": recipe.steps,
        "batch": recipe.batch,
        "seed": seed,
        "seconds": round(state.seconds),
        "parameters": networks.parameter_count(state.network),
    }
    return {
        "name": recipe.title,
        "network": dataclasses.asdict(recipe.network),
        "sigma_range": recipe.sigma_range,
        "unit": recipe.unit,
        "data": held_out.description(),
        "training": training,
        "figures": figures,
    }


if __name__ == "__main__":
    app()
