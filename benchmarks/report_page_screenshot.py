"""The picture of the report in the documentation: a small batch is drawn, restored, reported and photographed.

It takes some minutes, and a Chromium whose name is ``chromium`` or said with ``--browser``::

    python benchmarks/report_page_screenshot.py docs/images/report.png
"""

import argparse
import contextlib
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from napari_blind_deconv import io
from napari_blind_deconv.batch import FileReport, plan, run_batch
from napari_blind_deconv.batch.page import Listed, write_report
from napari_blind_deconv.kernel_priors import Gaussian, Microscope
from napari_blind_deconv.optics import Optics, Sampling, psf
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.synthesis import cells, photon_counts

SIDE, VOXEL_UM, SUPPORT = 224, 0.05, 31
NA, EMISSION_UM, INDEX = 1.2, 0.52, 1.333
# Every file a little out of focus, in radians rms, the seventh much more; the fifth has little light, and the detector
# was too small for the brightest parts of the second.
FILES = [
    (f"plate1_{row}{column:02d}_gfp.ome.tif", 1.1 if index == 6 else 0.45, 12 if index == 4 else 500)
    for index, (row, column) in enumerate((row, column) for row in "AB" for column in range(1, 5))
]
SATURATED = 1
OUTPUT = Path("plate 1, GFP")


def drawn(defocus: float, peak: float, seed: int) -> np.ndarray:
    """Cells through an objective with an aberration, in photons."""
    shape, sizes = (SUPPORT, SUPPORT), (VOXEL_UM, VOXEL_UM)
    rng = np.random.default_rng(seed)
    modes = torch.tensor([defocus + 0.05 * rng.normal(), 0.0, 0.2], dtype=torch.float64)
    numbers = {"na": NA, "emission_um": EMISSION_UM, "immersion_index": INDEX, "sample_index": INDEX}
    values = {name: torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}
    sampling = Sampling.of(shape, sizes, na=NA, wavelength_um=EMISSION_UM, index=INDEX, noll_indices=range(4, 7))
    kernel = psf(Optics(**values, zernike_rad=modes), sampling, shape=shape).numpy()
    image = photon_counts(cells((SIDE + SUPPORT - 1,) * 2, rng), kernel, peak, rng)[0]
    return image.clip(max=0.6 * image.max()) if seed == SATURATED else image


def restored() -> list[Listed]:
    """Draw and restore the batch in the working folder, so that the page names no other; what became of each file."""
    inputs = [Path("in") / name for name, *_ in FILES]
    for index, (path, (_, defocus, peak)) in enumerate(zip(inputs, FILES, strict=True)):
        io.write(path, io.Volume(drawn(defocus, peak, index), "YX", (VOXEL_UM,) * 2), {})
    broken = Path("in") / "plate1_B05_gfp.ome.tif"
    broken.write_bytes(inputs[0].read_bytes()[:2000])
    settings = Settings(kernel_prior=Gaussian(), kernel_size=(SUPPORT,))
    listed = []
    for event in run_batch(plan([*inputs, broken], OUTPUT), settings):
        if isinstance(event, FileReport):
            print(event.path.name, event.status, event.message)
            report = event.outputs[-1].name if event.outputs else ""
            listed.append(Listed(str(event.path), event.status, event.message, report))
    return listed


def photographed(browser: str, page: Path, picture: Path, width: int, height: int) -> None:
    """What a browser shows of a page in a window of that size."""
    window = [f"--window-size={width},{height}", "--hide-scrollbars", f"--screenshot={picture.resolve()}"]
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", *window, page.resolve().as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    image = Image.open(picture).convert("RGB")
    image.quantize(255).save(picture, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--browser", default="chromium")
    parser.add_argument("--size", type=int, nargs=2, default=(1440, 1420), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--folder", type=Path, help="where to keep the batch; by default it is thrown away")
    given = parser.parse_args()
    picture = given.picture.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        (folder / "in").mkdir(parents=True)
        with contextlib.chdir(folder):
            microscope = Microscope(na=NA, emission_um=EMISSION_UM, immersion_index=INDEX)
            written = write_report(OUTPUT, listed=restored(), microscope=microscope)
            photographed(given.browser, written.paths[0], picture, *given.size)


if __name__ == "__main__":
    main()
