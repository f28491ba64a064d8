"""Network files: cards that claim too much, tensors of other shapes, values that are not finite, folders of others."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from fuzz.case import QUICK, Rng, chance, good_image, pick
from napari_blind_deconv.networks.weights import shipped_path

USERS = (
    ("image_prior", "diffusion", "images"),
    ("image_prior", "patch-mixture", "patches"),
    ("kernel_prior", "learned", "kernels"),
)
BAD = [
    None,
    0,
    -1,
    1,
    2,
    3,
    1.5,
    "x",
    "",
    [],
    {},
    [0, 1],
    [1e308, 1e309],
    10**6,
    10**9,
    10**12,
    2**63,
    True,
    [10**9],
    [4096] * 10,
]


def make(rng: Rng, folder: Path) -> list[str]:
    """A run with a network of one's own."""
    good_image(rng, folder / "a.tif")
    family, kind, name = pick(rng, USERS)
    target = folder / "n.safetensors"
    shutil.copy(shipped_path(name), target)
    shutil.copy(shipped_path(name).with_suffix(".json"), folder / "n.json")
    how = int(rng.integers(10))
    given = "n.safetensors"
    if how == 0:
        _cut(rng, target)
    elif how == 1:
        _cut(rng, folder / "n.json")
    elif how in (2, 3):
        _spoil_tensors(rng, target)
    elif how in (4, 5, 6):
        _spoil_card(rng, folder / "n.json")
    elif how == 7:
        given = _folder(rng, folder / "net")
    elif how == 8:
        given = _special(rng, folder, target)
    else:
        _claim(rng, target)
    if how in (0, 2, 3, 9) and target.is_file() and target.stat().st_size < 2**26 and chance(rng, 0.8):
        _sign(target, folder / "n.json")
    options = ["--set", f"{family}={kind}", "--set", f"{family}.weights={given}"]
    return ["run", "a.tif", "-o", "out", *QUICK, *options]


def _cut(rng: Rng, path: Path) -> None:
    content = bytearray(path.read_bytes())
    if chance(rng, 0.5):
        path.write_bytes(content[: int(rng.integers(len(content)))])
        return
    for place in rng.integers(0, min(len(content), 3000), int(rng.integers(1, 8))):
        content[int(place)] = int(rng.integers(256))
    path.write_bytes(content)


def _spoil_tensors(rng: Rng, path: Path) -> None:
    """Other values, types, shapes or names."""
    tensors: dict[str, Any] = dict(load(path.read_bytes()))
    name = pick(rng, sorted(tensors))
    how = int(rng.integers(6))
    if how == 0:
        tensors[name] = np.full_like(tensors[name], pick(rng, [np.nan, np.inf, -np.inf, 1e38, 0, -1]))
    elif how == 1:
        tensors[name].flat[0] = pick(rng, [np.nan, np.inf, -1e38])
    elif how == 2:
        tensors[name] = tensors[name].reshape(-1)
    elif how == 3:
        del tensors[name]
    elif how == 4:
        tensors["other"] = np.zeros(3, np.float32)
    else:
        tensors[name] = tensors[name].astype(pick(rng, [np.float64, np.float16, np.int64, np.uint8]))
    path.write_bytes(save(tensors))


def _spoil_card(rng: Rng, path: Path) -> None:
    """One entry, at any depth, says something else."""
    card = json.loads(path.read_text())
    place = card
    inner = [v for v in card.values() if isinstance(v, dict) and v]
    if inner and chance(rng, 0.5):
        place = pick(rng, inner)
    key = pick(rng, sorted(place))
    if chance(rng, 0.2):
        del place[key]
    else:
        place[key] = pick(rng, BAD)
    path.write_text(json.dumps(card))


def _claim(rng: Rng, path: Path) -> None:
    """A header that claims terabytes, or is itself as long."""
    shape = pick(rng, [[10**6, 10**6], [2**62], [0], [-1], []])
    size = int(np.prod([float(n) for n in shape])) * 4
    header = json.dumps({"weights": {"dtype": "F32", "shape": shape, "data_offsets": [0, max(size, 0)]}}).encode()
    length = pick(rng, [len(header), 2**40, 2**63, 0])
    path.write_bytes(length.to_bytes(8, "little") + header + bytes(64))


def _sign(target: Path, card: Path) -> None:
    """The checksum that these bytes have: whoever writes the file writes the card."""
    said = json.loads(card.read_text())
    said["sha256"] = hashlib.sha256(target.read_bytes()).hexdigest()
    card.write_text(json.dumps(said))


def _special(rng: Rng, folder: Path, target: Path) -> str:
    how = int(rng.integers(6))
    if how == 0:
        target.unlink()
        os.mkfifo(target)
    elif how == 1:
        # A sparse file: large, and nothing on the disk.
        with target.open("r+b") as file:
            file.truncate(900 << 20)
    elif how == 2:
        (folder / "n.json").unlink()
        os.mkfifo(folder / "n.json")
    elif how == 3:
        return "missing.safetensors"
    elif how == 4:
        return pick(rng, ["/dev/zero", ".", "/", "a.tif", "n.json", "a\x1bb"])
    else:
        with (folder / "n.json").open("r+b") as file:
            file.truncate(900 << 20)
    return "n.safetensors"


def _folder(rng: Rng, folder: Path) -> str:
    """A folder as diffusers writes it, more or less."""
    folder.mkdir()
    config: dict[str, Any] = {
        "_class_name": "UNet2DModel",
        "in_channels": 1,
        "out_channels": 1,
        "block_out_channels": [32, 64],
        "layers_per_block": 1,
    }
    if chance(rng, 0.7):
        config[pick(rng, sorted(config))] = pick(rng, BAD)
    text = (
        json.dumps(config) if chance(rng, 0.8) else pick(rng, ["", "[]", "{", "[" * 50_000, "1" * 6000, '{"a": NaN}'])
    )
    (folder / "config.json").write_text(text)
    if chance(rng, 0.8):
        (folder / "diffusion_pytorch_model.safetensors").write_bytes(save({"a": np.zeros(3, np.float32)}))
    else:
        (folder / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04.")
    return "net"
