"""A look at a denoiser: clean, noisy and denoised arrays in three rows, and the course of the loss below."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from napari_blind_deconv.networks import Denoiser
from training.recipe import Recipe, Source

_TILE, _GAP, _CURVE = 160, 4, 160
_EXAMPLES = 6


def picture(denoiser: Denoiser, recipe: Recipe, held_out: Source, folder: Path) -> Path:
    """Write ``picture.png`` beside the log: held-out examples over the noise levels."""
    generator = torch.Generator().manual_seed(7)
    clean = held_out.batch(_EXAMPLES, generator)
    low, high = recipe.sigma_range
    sigma = low * (high / low) ** torch.linspace(0.2, 0.9, _EXAMPLES)[:, None, None]
    noisy = clean + sigma * torch.randn(clean.shape, generator=generator)
    step = _TILE + _GAP
    sheet = Image.new("L", (_EXAMPLES * step, 3 * step + _CURVE), 255)
    for row, stack in enumerate((clean, noisy, denoiser(noisy, sigma))):
        for column in range(_EXAMPLES):
            sheet.paste(tile(stack[column], float(clean[column].max())), (column * step, row * step))
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    draw_curve(sheet, [entry["loss"] for entry in entries if "loss" in entry], 3 * step)
    path = folder / "picture.png"
    sheet.save(path)
    return path


def tile(values: Tensor, white: float) -> Image.Image:
    """An array as a square tile; black is zero."""
    levels = (values / white).clamp(0, 1).mul(255).numpy().astype(np.uint8)
    return Image.fromarray(levels).resize((_TILE, _TILE), Image.Resampling.NEAREST)


def draw_curve(sheet: Image.Image, losses: Sequence[float], top: int) -> None:
    """The logarithm of the loss over the steps, its extremes written beside it."""
    if len(losses) < 2:
        return
    pen = ImageDraw.Draw(sheet)
    low, high = math.log(min(losses)), math.log(max(losses))
    scale = (_CURVE - 20) / max(high - low, 1e-9)
    width = (sheet.width - 1) / (len(losses) - 1)
    pen.line([(i * width, top + 10 + (high - math.log(loss)) * scale) for i, loss in enumerate(losses)], fill=0)
    pen.text((4, top), f"loss {max(losses):.3g} to {min(losses):.3g}", fill=0)
