"""Networks as `diffusers` writes them: the folder of an unconditional `UNet2DModel`, alone or in a pipeline."""

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import pydantic
import torch
from torch import nn

from napari_blind_deconv._types import InputError
from napari_blind_deconv.networks.checked import in_words
from napari_blind_deconv.networks.variance_preserving import Schedule, VariancePreserving
from napari_blind_deconv.regular_file import read_bytes

_CONFIG, _WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
_LARGEST, _LARGEST_CONFIG = 2**31, 2**20  # bytes
_MOST_BLOCKS = 12
_MOST = {"block_out_channels": 8192, "layers_per_block": 32, "norm_num_groups": 8192, "attention_head_dim": 8192}
_FORM = f"the folder of a diffusers UNet2DModel holds {_CONFIG} and {_WEIGHTS}, itself or in unet/"


def is_folder(path: Path | str) -> bool:
    """Whether a path is a folder, or the weights in one: a file dialog chooses no folders."""
    path = Path(path)
    return path.is_dir() or (path.name == _WEIGHTS and path.with_name(_CONFIG).is_file())


def load_folder(path: Path | str, device: torch.device | str = "cpu") -> VariancePreserving:
    """The denoiser in a folder that ``UNet2DModel.save_pretrained`` or a pipeline's has written.

    The schedule is that of ``scheduler/scheduler_config.json``, or of ``scheduler_config.json`` beside the network;
    without either, that of Ho et al. 2020 (arXiv:2006.11239), which is the default of `diffusers`. Only safetensors
    are read, nothing is downloaded, and the same folder is read once.

    Parameters
    ----------
    path
        The folder, or the safetensors file in it.
    device
        Where the network computes.

    Raises
    ------
    InputError
        Where `diffusers` is not installed, a file is missing or unusable, or the network is of another kind:
        conditioned on classes, on other than one or three channels, or not variance-preserving.
    """
    path = Path(path).absolute()
    top = path if path.is_dir() else path.parent
    folder = top / "unet" if (top / "unet").is_dir() else top
    if not (folder / _CONFIG).is_file():
        raise InputError(subject=f"network {str(folder)!r}", value=f"has no {_CONFIG}", remedy=_FORM)
    if not (folder / _WEIGHTS).is_file():
        pickled = any(folder.glob("*.bin"))
        reason = " only pickled weights (.bin), which can run any code and are not read" if pickled else ""
        raise InputError(
            subject=f"network {str(folder)!r}",
            value=f"has{reason or f' no {_WEIGHTS}'}",
            remedy=f"{_FORM}: write it again with save_pretrained(folder, safe_serialization=True)",
        )
    if (folder / _WEIGHTS).stat().st_size > _LARGEST:
        raise InputError(
            subject=f"network {str(folder)!r}",
            value=f"has {(folder / _WEIGHTS).stat().st_size / 1e9:.1f} GB of weights",
            allowed=f"must have at most {_LARGEST / 1e9:.1f}",
            remedy="use a smaller one",
        )
    scheduler = _scheduler(folder)
    read = [folder / _CONFIG, folder / _WEIGHTS, *([scheduler] if scheduler else [])]
    return _load(folder, scheduler, tuple(file.stat().st_mtime_ns for file in read), str(device))


@lru_cache(maxsize=4)
def _load(folder: Path, scheduler: Path | None, changed: tuple[int, ...], device: str) -> VariancePreserving:
    config = _read(folder / _CONFIG)
    _check(config, folder)
    schedule = Schedule() if scheduler is None else read_schedule(scheduler)
    network = _network(folder).eval().requires_grad_(False).to(device)
    return VariancePreserving(
        lambda planes, step: network(planes, step, return_dict=False)[0],
        schedule,
        channels=config["in_channels"],
        multiple=2 ** (len(config["block_out_channels"]) - 1),
    )


def read_schedule(path: Path) -> Schedule:
    """The schedule in a scheduler's configuration; what only concerns how images are drawn is left out.

    Raises
    ------
    InputError
        Where it is of another kind than `Schedule` knows.
    """
    config = _read(path)
    known = {field.name for field in fields(Schedule)}
    if "beta_schedule" not in config:
        raise InputError(
            subject=f"scheduler {str(path)!r}",
            value=f"({config.get('_class_name')!s:.60}) has no beta_schedule",
            remedy="networks of variance-preserving schedules are supported, as DDPMScheduler or DDIMScheduler write "
            "them",
        )
    try:
        return pydantic.TypeAdapter(Schedule).validate_python({k: v for k, v in config.items() if k in known})
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(
            subject=f"scheduler {str(path)!r}",
            value=f"is not usable: {first['loc'][0]} {first['input']!r:.60}: {in_words(first['msg'])}",
            remedy="use a network that was trained with another schedule",
        ) from error


def _scheduler(folder: Path) -> Path | None:
    """Where the schedule of a network's folder stands: beside it in a pipeline, or in it."""
    pipeline = folder.parent if folder.name == "unet" else folder
    places = (pipeline / "scheduler" / "scheduler_config.json", folder / "scheduler_config.json")
    return next((place for place in places if place.is_file()), None)


def _check(config: Mapping[str, Any], folder: Path) -> None:
    """Refuse what is no unconditional network of grey or colour images."""
    asked = {
        "_class_name": (config.get("_class_name"), ("UNet2DModel",)),
        "in_channels": (config.get("in_channels"), (1, 3)),
        "time_embedding_type": (config.get("time_embedding_type", "positional"), ("positional",)),
        "class_embed_type": (config.get("class_embed_type"), (None,)),
        "num_class_embeds": (config.get("num_class_embeds"), (None,)),
    }
    channels = config.get("in_channels")
    asked["out_channels"] = (config.get("out_channels"), (channels, 2 * channels if isinstance(channels, int) else 0))
    for name, (value, allowed) in asked.items():
        if value not in allowed:
            raise InputError(
                subject=f"network {str(folder)!r}",
                value=f"has {name} {value!r:.60}",
                allowed=f"allowed: {' or '.join(map(repr, allowed))}",
                remedy="use an unconditional UNet2DModel of grey or colour images, of a variance-preserving diffusion",
            )
    if not config.get("block_out_channels"):
        raise InputError(
            subject=f"network {str(folder)!r}", value=f"has no block_out_channels in its {_CONFIG}", remedy=_FORM
        )
    # Numbers that decide how many layers are made, before there are any.
    for name, most in _MOST.items():
        found = config.get(name, 1)
        numbers = found if isinstance(found, list) else [found]
        if len(numbers) > _MOST_BLOCKS or not all(type(n) is int and 1 <= n <= most for n in numbers):
            raise InputError(
                subject=f"network {str(folder)!r}",
                value=f"has {name} {found!r:.60}",
                allowed=f"must be whole numbers from 1 to {most}, at most {_MOST_BLOCKS} of them",
                remedy=_FORM,
            )


def _network(folder: Path) -> nn.Module:
    """The network itself, read by `diffusers`, which also knows the names of its older versions."""
    try:
        from diffusers import UNet2DModel
    except ImportError as error:
        raise InputError(
            subject=f"network {str(folder)!r}",
            value=f"is a folder of diffusers, which cannot be imported ({error})",
            remedy="install it with pip install 'napari-blind-deconv[diffusers]', or give a .safetensors file with "
            "its model card",
        ) from error
    try:
        _check_size(UNet2DModel, folder)
        network, found = UNet2DModel.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, low_cpu_mem_usage=False, output_loading_info=True
        )
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise _unfitting(folder, str(error)) from error
    for what in ("missing_keys", "unexpected_keys"):
        if found[what]:
            raise _unfitting(folder, f"{what.replace('_', ' ')} {sorted(found[what])[:3]}")
    if not all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values()):
        raise _unfitting(folder, "it holds numbers that are NaN or infinite")
    return network


def _check_size(kind: Any, folder: Path) -> None:
    """Refuse a network whose weights cannot be in the file, before memory is taken for them."""
    with torch.device("meta"):
        numbers = sum(tensor.numel() for tensor in kind.from_config(_read(folder / _CONFIG)).state_dict().values())
    size = (folder / _WEIGHTS).stat().st_size
    if numbers > size:
        raise _unfitting(folder, f"it describes {numbers} numbers, but the weights have {size} bytes")


def _unfitting(folder: Path, reason: str) -> InputError:
    return InputError(
        subject=f"network {str(folder)!r}",
        value=f"cannot be read: {' '.join(reason.split())[:300]}",
        remedy=f"{_CONFIG} must describe the network whose weights are in {_WEIGHTS}",
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_bytes(path, "configuration", _LARGEST_CONFIG).decode("utf-8"))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(
            subject=repr(str(path)), value="is no JSON", remedy="write the folder again with save_pretrained"
        ) from error
    if not isinstance(content, dict):
        raise InputError(
            subject=repr(str(path)), value="is not a JSON object", remedy="write the folder again with save_pretrained"
        )
    return content
