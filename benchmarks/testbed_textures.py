"""Real textures beside fields that were fitted to them: writes docs/images/testbed-textures.png.

    python benchmarks/testbed_textures.py [PATH]

Brick, grass and gravel of scikit-image (linolafett, CC0): a quarter of each photograph, a draw of a field with a free
spectrum, and one with a radial spectrum. What the draws lack is what no spectrum has: edges.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from napari_blind_deconv import io
from napari_blind_deconv.image_priors import FreeField, GaussianField

SIDE, GAP, LETTER = 256, 6, 15
TEXTURES = ("brick", "grass", "gravel")
COLUMNS = ("real", "free spectrum", "radial spectrum")


def main() -> None:
    """Fit, draw, and write the picture."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs/images/testbed-textures.png"
    head = 2 * LETTER
    canvas = Image.new("L", (len(COLUMNS) * (SIDE + GAP) + GAP, head + len(TEXTURES) * (SIDE + GAP)), 255)
    pen = ImageDraw.Draw(canvas)
    for column, title in enumerate(COLUMNS):
        pen.text((GAP + column * (SIDE + GAP), 6), title, fill=0, font=ImageFont.load_default(LETTER))
    for row, name in enumerate(TEXTURES):
        real = torch.from_numpy(getattr(data, name)()).double() / 255
        fields = [FreeField.fitted(real, (1.0, 1.0)), GaussianField.fitted(real, (1.0, 1.0))]
        draws = [f.sample((SIDE, SIDE), (1.0, 1.0), torch.Generator().manual_seed(0)) + real.mean() for f in fields]
        for column, picture in enumerate([real[:SIDE, :SIDE], *draws]):
            grey = (picture.clamp(0, 1) * 255).numpy().astype(np.uint8)
            canvas.paste(Image.fromarray(grey), (GAP + column * (SIDE + GAP), head + row * (SIDE + GAP)))
    with io.atomic(path) as (temporary,):
        canvas.quantize(64).save(temporary, format="PNG", optimize=True)


if __name__ == "__main__":
    main()
