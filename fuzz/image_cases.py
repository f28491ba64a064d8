"""Image files: random bytes, TIFFs cut short and changed, headers that claim too much, pixels that no camera has."""

import io as memory
import os
import struct
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from fuzz.case import QUICK, Rng, chance, good_image, pick, picture

NAMES = (
    "a.tif",
    "a.tiff",
    "a.ome.tif",
    "A.TIF",
    "caf\udce9.tif",
    "red\x1b[31m.tif",
    "two\nlines.tif",
    "\u202efit.tif",
    "-a.tif",
)
OTHER_NAMES = ("a.png", "a.jpg", "a.npy", "a", "a.zarr", ".tif", "a.lsm", "a.czi", "a.nd2", "a.ome.xml")
OME = (
    '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="{type}" SizeX="{x}" SizeY="{y}" SizeZ="{z}"'
    ' SizeC="{c}" SizeT="{t}" PhysicalSizeX="{px}" PhysicalSizeXUnit="{unit}" PhysicalSizeY="{py}" PhysicalSizeZ="{pz}"'
    ' TimeIncrement="{dt}">{body}</Pixels></Image></OME>'
)
BODIES = (
    "<TiffData/>", '<Channel ID="Channel:0:0" SamplesPerPixel="1"/><TiffData/>', '<TiffData IFD="99999999"/>', "",
    '<TiffData IFD="-1" FirstZ="7" PlaneCount="1000000000"/>', "<MetadataOnly/>", "<BinData/>",
    '<TiffData><UUID FileName="../x.tif">urn:uuid:1</UUID></TiffData>', "<TiffData/>" * 500,
    '<TiffData><UUID FileName="missing.ome.tif">urn:uuid:1</UUID></TiffData>',
    '<Channel Name="&#x202e;\u001b" ID="Channel:0:0"/><TiffData/>',
)  # fmt: skip
LENGTHS = ("0.1", "0", "-1", "1e-320", "1e308", "nan", "inf", "", "x", "0,1", "1e400")
SIZES = ("1", "2", "0", "-1", "12", "13", "1000000", "99999999999999999999", "x", "1.5", "")
ENTITIES = (
    '<!DOCTYPE o [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><OME>&b;</OME>',
    '<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><OME>&x;</OME>',
    '<!DOCTYPE o SYSTEM "http://127.0.0.1:1/x.dtd"><OME/>',
    "<OME>" * 20_000,
    "<OME " + "a='1' " * 50 + "/>",
)
IMAGEJ = (
    "ImageJ=1.54f\nimages={n}\nslices={n}\n", "ImageJ=1.54f\nimages={n}\nchannels={m}\nframes={n}\nhyperstack=true\n",
    "ImageJ=1.54f\nunit=micron\nspacing={f}\nfinterval={f}\nmin={f}\nmax={f}\n", "ImageJ=\nunit=\\u00B5m\nspacing=\n",
    "ImageJ=1.54f\nimages=2\nimages=3\nloop=x\nhyperstack=maybe\nunit={f}\n",
)  # fmt: skip
COUNTS = ("0", "-1", "1", "2", "4", "1000000000", "99999999999999999999", "x", "1.5")


def make(rng: Rng, folder: Path) -> list[str]:
    """A command on one bad image, or on two files of which one is bad."""
    name = pick(rng, OTHER_NAMES) if chance(rng, 0.12) else pick(rng, NAMES) if chance(rng, 0.4) else "a.tif"
    (folder / name).write_bytes(_content(rng, name))
    if chance(rng, 0.03):
        name = pick(rng, ["pipe.tif", "folder.tif", "loop.tif", "gone.tif"])
        _special(folder / name)
    given = f"./{name}" if name.startswith("-") else name
    if chance(rng, 0.1):
        return ["metrics", "--image", given, "--truth", given]
    if chance(rng, 0.05):
        return ["psf", "measure", given, "-o", "out"]
    command = ["run", given, "-o", "out", *QUICK, *_words(rng)]
    if chance(rng, 0.08):
        good_image(rng, folder / "b.tif")
        command[1:1] = ["b.tif"]
    return command


def _special(path: Path) -> None:
    if path.name == "pipe.tif":
        os.mkfifo(path)
    elif path.name == "folder.tif":
        path.mkdir()
    elif path.name == "loop.tif":
        path.symlink_to(path.name)


def _words(rng: Rng) -> list[str]:
    """Options that are about the file."""
    out: list[str] = []
    if chance(rng, 0.15):
        out += ["--axes", pick(rng, ["YX", "ZYX", "TYX", "CYX", "yx", "XX", "", "Q", "TCZYX", "YXS", "\x1b"])]
    if chance(rng, 0.15):
        out += [
            "--voxel-size-um",
            pick(rng, ["0.1,0.1", "0.3,0.1,0.1", "0", "1e-300,1e300", "1e300", "nan", "x", ",", "-1,1"]),
        ]
    if chance(rng, 0.1):
        out += [pick(rng, ["--planes", "--fill-nan", "--maps", "--json"])]
    if chance(rng, 0.05):
        out += ["--max-memory-gb", pick(rng, ["1", "1e-9", "nan", "-1", "1e300", "x"])]
    return out


def _content(rng: Rng, name: str) -> bytes:
    how = int(rng.integers(10))
    if not name.lower().endswith(("tif", "tiff")) or how == 0:
        return _other_format(rng)
    if how == 1:
        return _bytes(rng, int(rng.integers(2000)))
    if how == 2:
        return pick(rng, [b"II*\x00", b"MM\x00*", b"II+\x00\x08\x00\x00\x00"]) + _bytes(rng, int(rng.integers(2000)))
    if how in (3, 4):
        return _tiff(rng, _strange_pixels(rng))
    good = bytearray(_tiff(rng, _usual_pixels(rng)))
    if how == 5:
        return bytes(good[: int(rng.integers(len(good)))])
    if how == 6:
        for place in rng.integers(0, len(good) if chance(rng, 0.5) else min(400, len(good)), int(rng.integers(1, 12))):
            good[int(place)] = int(rng.integers(256))
        return bytes(good)
    if how == 7:
        return _claiming(rng, bytes(good))
    return _described(rng)


def _bytes(rng: Rng, count: int) -> bytes:
    return rng.integers(0, 256, count, dtype=np.uint8).tobytes()


def _usual_pixels(rng: Rng) -> NDArray[np.generic]:
    values = picture(rng, pick(rng, [(14, 15), (5, 12, 13), (3, 14, 12), (12, 11, 3), (2, 3, 12, 13)]))
    kind = str(pick(rng, ["f4", "f8", "u1", "u2", "i2", "u4", "f2"]))
    return (values * (200 if kind[0] in "ui" else 1)).astype(kind)


def _strange_pixels(rng: Rng) -> NDArray[np.generic]:
    """Numbers that no camera has."""
    values = picture(rng, pick(rng, [(14, 15), (6, 12, 13)])).astype(np.float64)
    how = int(rng.integers(12))
    if how < 6:
        scale, offset = 10.0 ** rng.uniform(-320, 308), pick(rng, [0.0, 10.0 ** rng.uniform(-30, 38), -1.0])
        with np.errstate(over="ignore"):
            return (values * scale + offset).astype(pick(rng, ["f4", "f8", "f8"]))
    if how == 6:
        values[rng.random(values.shape) < rng.random()] = pick(rng, [np.nan, np.inf, -np.inf, 1e300, -1e300, 3e38, 0.0])
        return values.astype(pick(rng, ["f4", "f8"]))
    if how == 7:
        return np.full(values.shape, pick(rng, [0, 1, -1, 1e300]), "f8")
    if how == 8:
        return np.asarray(pick(rng, [np.zeros((1, 1)), np.ones((1, 40)), np.eye(3), np.zeros((40, 2)), values[:4, :4]]))
    if how == 9:
        return values.astype(pick(rng, ["c8", "c16", "?", "i8", "u8"]))
    if how == 10:
        single = np.zeros_like(values)
        single.flat[int(rng.integers(single.size))] = pick(rng, [1, 1e30, -1e30, 1e-30])
        return single
    return rng.integers(-(2**63), 2**63 - 1, values.shape)


def _tiff(rng: Rng, values: NDArray[np.generic]) -> bytes:
    """A TIFF in one of its many forms."""
    target = memory.BytesIO()
    options: dict[str, object] = {"photometric": "minisblack"}
    form = int(rng.integers(6))
    if form == 1 and values.dtype.kind not in "?":
        options |= {
            "compression": pick(rng, ["zlib", "lzma"]),
            "predictor": chance(rng, 0.3) and values.dtype.kind in "ui",
        }
    elif form == 2:
        options |= {"tile": (16, 16)}
    elif form == 3:
        options |= {"bigtiff": True, "byteorder": ">"}
    elif form == 4 and values.dtype.str[1:] not in {"f2", "i8", "u8"}:
        options |= {"ome": True}
    elif form == 5 and values.dtype.str[1:] in {"u1", "u2", "f4"} and values.ndim < 4:
        options |= {"imagej": True}
    tifffile.imwrite(target, values, **options)  # type: ignore[arg-type]
    return target.getvalue()


def _claiming(rng: Rng, good: bytes) -> bytes:
    """One tag of the header says something else."""
    target = memory.BytesIO(good)
    with tifffile.TiffFile(target) as file:
        tags = [tag for tag in file.pages.first.tags if tag.dtype in {3, 4} and tag.count == 1]  # type: ignore[union-attr]
        tag = pick(rng, tags)
        place, size, order = tag.valueoffset, 2 if tag.dtype == 3 else 4, file.byteorder
    value = int(pick(rng, [0, 1, 2, 7, 255, 65535, 2**31 - 1, 2**32 - 1, int(rng.integers(2**16))])) % 256**size
    changed = bytearray(good)
    changed[place : place + size] = struct.pack(order + ("H" if size == 2 else "I"), value)
    return bytes(changed)


def _described(rng: Rng) -> bytes:
    """Good pixels with metadata that are not."""
    values = picture(rng, pick(rng, [(12, 13), (2, 12, 13)]))
    how = int(rng.integers(4))
    if how == 0:
        text = pick(rng, ENTITIES)
    elif how == 1:
        text = pick(rng, IMAGEJ).format(n=pick(rng, COUNTS), m=pick(rng, COUNTS), f=pick(rng, LENGTHS))
    else:
        text = OME.format(
            type=pick(rng, ["float", "uint8", "double", "x", ""]),
            **{axis: pick(rng, SIZES) if chance(rng, 0.3) else n for axis, n in (("x", "13"), ("y", "12"))},
            **{axis: pick(rng, SIZES) if chance(rng, 0.3) else "1" for axis in "zct"},
            **{length: pick(rng, LENGTHS) for length in ("px", "py", "pz", "dt")},
            unit=pick(rng, ["µm", "nm", "pixel", "parsec", ""]),
            body=pick(rng, BODIES),
        )
        if how == 3:
            spoiled = list(text)
            for _ in range(int(rng.integers(1, 8))):
                spoiled[int(rng.integers(len(spoiled)))] = chr(int(pick(rng, [60, 62, 38, 34, 0x202E, 27, 65])))
            text = "".join(spoiled)
    target = memory.BytesIO()
    tifffile.imwrite(target, values, description=text.encode(), metadata=None, photometric="minisblack")
    return target.getvalue()


def _other_format(rng: Rng) -> bytes:
    """What is no TIFF, whatever its name says."""
    target = memory.BytesIO()
    how = int(rng.integers(5))
    values = (200 * picture(rng, (14, 15))).astype(np.uint8)
    if how < 2:
        Image.fromarray(values).save(target, format=("PNG", "JPEG")[how])
    elif how == 2:
        np.save(target, values.astype(object), allow_pickle=True)
    elif how == 3:
        claimed = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000, 1000), }"
        target.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + claimed.ljust(117) + b"\n")
    else:
        target.write(
            pick(rng, [b"", b"\x00", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"%PDF-1.7", b"\x89HDF\r\n\x1a\n"])
        )
    content = target.getvalue()
    return content[: int(rng.integers(len(content) + 1))] if chance(rng, 0.3) else content
