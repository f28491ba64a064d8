"""The state of a training on disk: one safetensors file, replaced as a whole."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass
class State:
    """What a training is made of between two steps; randomness is a function of seed and step.

    Attributes
    ----------
    network, optimiser
        As they are trained.
    average
        Moving average of the network's weights, by name.
    step, seconds
        Done so far.
    """

    network: torch.nn.Module
    optimiser: torch.optim.Adam
    average: dict[str, Tensor]
    step: int = 0
    seconds: float = 0.0


def save(state: State, path: Path, identity: Mapping[str, Any]) -> None:
    """Write a checkpoint; ``identity`` says of which training."""
    tensors = {f"network.{name}": tensor for name, tensor in state.network.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in state.average.items()}
    for place, moments in state.optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{place}.{name}": moments[name] for name in _MOMENTS}
    write(path, tensors, identity, step=str(state.step), seconds=str(state.seconds))


def write(path: Path, tensors: Mapping[str, Tensor], identity: Mapping[str, Any], **metadata: str) -> None:
    """Write tensors with the identity of their training; the file is replaced as a whole."""
    unfinished = path.with_suffix(".unfinished")
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(stored, unfinished, {**metadata, "identity": json.dumps(identity)})
    unfinished.replace(path)


def read_arrays(path: Path, identity: Mapping[str, Any], device: str = "cpu") -> dict[str, Tensor]:
    """The tensors of a file of this training."""
    return read(path, identity, device)[0]


def restore(state: State, path: Path, identity: Mapping[str, Any]) -> None:
    """Continue where a checkpoint left off.

    Raises
    ------
    ValueError
        Where the checkpoint is of another training.
    """
    tensors, metadata = read(path, identity, str(next(state.network.parameters()).device))
    state.network.load_state_dict(_under("network.", tensors))
    state.average = _under("average.", tensors)
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("adam.", tensors).items():
        place, _, moment = name.partition(".")
        moments.setdefault(int(place), {})[moment] = tensor.cpu() if moment == "step" else tensor
    state.optimiser.load_state_dict({**state.optimiser.state_dict(), "state": moments})
    state.step, state.seconds = int(metadata["step"]), float(metadata["seconds"])


def read(path: Path, identity: Mapping[str, Any], device: str = "cpu") -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file.

    Raises
    ------
    ValueError
        Where the file is of another training.
    """
    with safe_open(path, "pt", device=device) as file:
        metadata = file.metadata()
        ours, stored = json.loads(json.dumps(identity)), json.loads(metadata["identity"])
        differing = [key for key in ours if stored.get(key) != ours[key]]
        if differing:
            raise ValueError(f"{path} is of another training: {', '.join(differing)} differ; give another --folder")
        return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118 - not a mapping


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
