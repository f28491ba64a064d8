"""The training of one denoiser: seeded, resumable, with a moving average of the weights and a log."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_blind_deconv.networks import Denoiser
from training import checkpoint
from training.checkpoint import State
from training.recipe import Recipe, Source

_LOG_EVERY, _SAVE_EVERY, _MEASURE_EVERY = 50, 500, 1000
_WARM_UP, _COOL_DOWN = 0.01, 0.4
_LARGEST_GRADIENT = 1.0


def train(
    recipe: Recipe, folder: Path, *, seed: int = 0, device: str = "cpu", stop_at: int | None = None
) -> Iterator[dict[str, Any]]:
    """Train, or continue, in a folder; yields what is logged to ``log.jsonl`` there.

    Every step's randomness is a function of seed and step alone, so that a training in parts is the training in one.

    Parameters
    ----------
    recipe
        What to train.
    folder
        Holds ``checkpoint.safetensors`` and ``log.jsonl``; made where it does not exist.
    seed
        Decides everything.
    device
        Torch's name of it.
    stop_at
        Stop before this step, the checkpoint saved; ``None``: when the recipe's steps are done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = start(recipe, seed, device)
    path, identity = folder / "checkpoint.safetensors", identified(recipe, seed)
    if path.exists():
        checkpoint.restore(state, path, identity)
    last = min(recipe.steps, recipe.steps if stop_at is None else stop_at)
    source, held_out = (drawn(recipe, seed, folder, held_out=apart) for apart in (False, True))
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        losses: list[float] = []
        try:
            while state.step < last:
                began = time.monotonic()
                losses.append(one_step(state, recipe, source, seed))
                state.seconds += time.monotonic() - began
                entry: dict[str, Any] = {}
                if state.step % _LOG_EVERY == 0:
                    mean = sum(losses) / len(losses)
                    entry = {"step": state.step, "loss": round(mean, 5), "seconds": round(state.seconds, 1)}
                    losses.clear()
                if state.step % _MEASURE_EVERY == 0 or state.step == recipe.steps:
                    entry = {"step": state.step} | entry | {"remaining_error": remaining_error(state, recipe, held_out)}
                if entry:
                    log.write(json.dumps(entry) + "\n")
                    log.flush()
                    yield entry
                if state.step % _SAVE_EVERY == 0:
                    checkpoint.save(state, path, identity)
        finally:
            checkpoint.save(state, path, identity)


def start(recipe: Recipe, seed: int, device: str) -> State:
    """A network at the start of its training, decided by the seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Denoiser(recipe.network)
    network = network.to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.99))
    return State(network, optimiser, {name: value.clone() for name, value in network.state_dict().items()})


def drawn(recipe: Recipe, seed: int, folder: Path, *, held_out: bool) -> Source:
    """The arrays to train on, or to measure on; drawn once, then read from the folder."""
    path = folder / f"{'held-out' if held_out else 'drawn'}.safetensors"
    identity = identified(recipe, seed)
    if path.exists():
        return recipe.source(checkpoint.read_arrays(path, identity))
    source = recipe.source.drawn(seed, recipe.held_out if held_out else recipe.draws, held_out=held_out)
    checkpoint.write(path, source.arrays, identity)
    return source


def averaged(state: State, recipe: Recipe) -> Denoiser:
    """The network with the moving average of its weights."""
    network = Denoiser(recipe.network).to(next(state.network.parameters()).device)
    network.load_state_dict(state.average)
    return network.eval().requires_grad_(False)


def identified(recipe: Recipe, seed: int) -> dict[str, Any]:
    """What must agree for a training to be continued: all but how long it is to last."""
    return {
        "name": recipe.name,
        "seed": seed,
        "network": asdict(recipe.network),
        "data": recipe.source.description(),
        "draws": [recipe.draws, recipe.held_out],
        "sigma_range": recipe.sigma_range,
        "batch": recipe.batch,
        "learning_rate": recipe.learning_rate,
    }


def one_step(state: State, recipe: Recipe, source: Source, seed: int) -> float:
    """One step of Adam on one batch; the loss.

    The squared error is weighted by 1/σ² + 1/σ_data² (Karras et al. 2022, table 1).
    """
    device = next(state.network.parameters()).device
    clean, sigma, noisy = noisy_batch(recipe, source, torch.Generator().manual_seed(seed * 1_000_003 + state.step))
    clean, sigma, noisy = (t.to(device) for t in (clean, sigma, noisy))
    for group in state.optimiser.param_groups:
        group["lr"] = recipe.learning_rate * pace(state.step / recipe.steps)
    state.optimiser.zero_grad()
    loss = ((state.network(noisy, sigma) - clean).square() * (sigma**-2 + recipe.sigma_data**-2)).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), _LARGEST_GRADIENT)
    state.optimiser.step()
    state.step += 1
    decay = min(recipe.decay, (1 + state.step) / (10 + state.step))
    for name, value in state.network.state_dict().items():
        state.average[name].lerp_(value, 1 - decay)
    return float(loss.detach())


def pace(share: float) -> float:
    """The learning rate's factor after a share of the steps: up, level, down.

    Examples
    --------
    >>> pace(0.0), pace(0.3), round(pace(0.8), 3)
    (0.0, 1.0, 0.5)
    """
    return min(1.0, share / _WARM_UP, (1 - share) / _COOL_DOWN)


def noisy_batch(recipe: Recipe, source: Source, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Clean arrays, noise levels and noisy arrays."""
    clean = source.batch(recipe.batch, generator)
    low, high = recipe.sigma_range
    sigma = low * (high / low) ** torch.rand(len(clean), *[1] * (clean.ndim - 1), generator=generator)
    return clean, sigma, clean + sigma * torch.randn(clean.shape, generator=generator)


def remaining_error(state: State, recipe: Recipe, held_out: Source, levels: int = 6) -> Mapping[str, float]:
    """Root mean square error that the averaged network leaves, relative to σ, at levels over the trained range."""
    network = averaged(state, recipe)
    low, high = recipe.sigma_range
    device = next(network.parameters()).device
    found = {}
    for place in range(levels):
        sigma = low * (high / low) ** (place / (levels - 1))
        generator = torch.Generator().manual_seed(place)
        squares = []
        for _ in range(8):
            clean = held_out.batch(recipe.batch, generator)
            noisy = clean + sigma * torch.randn(clean.shape, generator=generator)
            error = network(noisy.to(device), sigma).cpu() - clean
            squares.append(float(error.square().mean()))
        found[f"{sigma:.3g}"] = round((sum(squares) / len(squares)) ** 0.5 / sigma, 4)
    return found
