"""PSF files: values, sizes and forms that no PSF has, given as known, compared, scored and measured."""

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from fuzz.case import Rng, chance, good_image, pick
from napari_blind_deconv import io

SHAPES = [
    (1, 1),
    (3, 3),
    (5, 5),
    (5, 7),
    (4, 4),
    (6, 5),
    (41, 41),
    (1, 9),
    (3, 5, 5),
    (1, 5, 5),
    (2, 5, 5),
    (2, 3, 5, 5),
    (9,),
]
SCALES = [0.0, 1e-320, 1e-38, 1e-30, 1e-12, 1.0, 1e6, 1e30, 3e38, 1e300, 1.7e308]


def make(rng: Rng, folder: Path) -> list[str]:
    """A command that takes a PSF."""
    good_image(rng, folder / "a.tif")
    for name in ("k.tif", "l.tif"):
        _write(rng, folder / name)
    how = int(rng.integers(8))
    if how == 0:
        return ["psf", "compare", "k.tif", "l.tif", *(["--json"] if chance(rng, 0.3) else []), *_compared(rng)]
    if how == 1:
        return ["metrics", "--psf", "k.tif", "--true-psf", "l.tif", *(["--json"] if chance(rng, 0.5) else [])]
    if how == 2:
        return ["psf", "measure", "k.tif", "-o", "out", *_measured(rng)]
    if how == 3:
        return ["run", "a.tif", "-o", "out", "--iterations", "2", "--kernel-size", "5", "--true-psf", "k.tif"]
    command = ["run", "a.tif", "-o", "out", "--iterations", "2", "--psf", "k.tif"]
    if chance(rng, 0.4):
        command += [
            "--solver",
            pick(rng, ["richardson-lucy", "two-phase", "posterior-sampling", "joint", "blind-richardson-lucy"]),
        ]
    if chance(rng, 0.2):
        command += ["--restorer", pick(rng, ["photon-map", "richardson-lucy", "by-prior"])]
    if chance(rng, 0.2):
        command += ["--planes"]
    return command


def _compared(rng: Rng) -> list[str]:
    out: list[str] = []
    if chance(rng, 0.3):
        out += ["--reference", pick(rng, ["1", "2", "3", "0", "-1", "x", "l.tif", "\x1b"])]
    if chance(rng, 0.3):
        out += ["--ideal", "l.tif"]
    if chance(rng, 0.4):
        out += ["--figure", pick(rng, ["f.png", "k.tif", "out/f.png", "."])]
    if chance(rng, 0.3):
        out += ["--voxel-size-um", pick(rng, ["0.1,0.1", "0.3,0.1,0.1", "1e-300,1e300", "nan,1", "1"])]
    return out


def _measured(rng: Rng) -> list[str]:
    out: list[str] = []
    if chance(rng, 0.5):
        out += ["--kernel-size", pick(rng, ["3", "5", "4", "-3", "99999999999999999999", "3,3,3", "x"])]
    if chance(rng, 0.3):
        out += ["--saturation", pick(rng, ["1", "0", "nan", "1e300", "x"])]
    if chance(rng, 0.3):
        out += ["--channel", pick(rng, ["0", "1", "2", "-1", "99999999999999999999"])]
    if chance(rng, 0.2):
        out += ["--bead-diameter-um", pick(rng, ["0.1", "1e300", "-1", "inf"]), "--voxel-size-um", "0.1,0.1"]
    return out


def _values(rng: Rng) -> NDArray[np.float64]:
    shape = pick(rng, SHAPES)
    grids = np.meshgrid(*[np.arange(n) - n // 2 for n in shape], indexing="ij")
    values = np.exp(-sum(g**2 for g in grids) / (2 * rng.uniform(0.1, 4) ** 2))
    how = int(rng.integers(10))
    if how == 0:
        values = rng.standard_normal(shape)
    elif how == 1:
        values = np.zeros(shape)
        values.flat[int(rng.integers(values.size))] = 1
    elif how == 2:
        values.flat[int(rng.integers(values.size))] = pick(rng, [np.nan, np.inf, -np.inf, -1e-9, -1, 1e300])
    with np.errstate(all="ignore"):
        return np.asarray(values * (pick(rng, SCALES) if chance(rng, 0.5) else 1.0))


def _write(rng: Rng, path: Path) -> None:
    values = _values(rng)
    kind = str(pick(rng, ["f4", "f8", "f8", "u1", "i2", "?", "c8", "f2", "i8"]))
    with np.errstate(all="ignore"):
        values = (values * (100 if kind[0] in "ui" else 1)).astype(kind)
    if kind == "f4" and 2 <= values.ndim <= 3 and chance(rng, 0.4):
        voxels = pick(rng, [None, (0.1,) * values.ndim, (0.3, 0.1, 0.1)[-values.ndim :], (5.0,) * values.ndim])
        io.write(path, io.Volume(values, "ZYX"[-values.ndim :], voxels), {})
    else:
        tifffile.imwrite(path, np.atleast_2d(values), photometric="minisblack")
    if chance(rng, 0.1):
        content = bytearray(path.read_bytes())
        for place in rng.integers(0, len(content), int(rng.integers(1, 6))):
            content[int(place)] = int(rng.integers(256))
        path.write_bytes(content[: int(rng.integers(len(content)))] if chance(rng, 0.3) else content)
