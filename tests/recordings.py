"""Files as acquisition programs write them, for tests: OME-TIFF page by page, ImageJ's, Micro-Manager's."""

import json
import struct

import numpy as np
import tifffile

UUID = "urn:uuid:11111111-1111-4111-8111-11111111111"
OME = '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"{}>{}</OME>'


def stack(*shape: int, mean: float = 100.0) -> np.ndarray:
    return np.random.default_rng(0).poisson(mean, shape).astype(np.uint16)


def tiff_data(places, ifd=0, file=None):
    """One plane each, at a position such as ``{"T": 2}``, in this file or another one, given by its name and number."""
    named = "" if file is None else f'<UUID FileName="{file[0]}">{UUID}{file[1]}</UUID>'
    said = ["".join(f' First{axis}="{at}"' for axis, at in place.items()) for place in places]
    return "".join(f'<TiffData{at} IFD="{ifd + i}" PlaneCount="1">{named}</TiffData>' for i, at in enumerate(said))


def image(inner, shape=(16, 20), order="XYZCT", more="", name="a", **sizes):
    sizes = {"Z": 1, "C": 1, "T": 1} | sizes
    counted = "".join(f' Size{axis}="{n}"' for axis, n in sizes.items())
    channels = "".join(f'<Channel ID="Channel:0:{i}" Name="c{i}" SamplesPerPixel="1"/>' for i in range(sizes["C"]))
    return (
        f'<Image ID="Image:0" Name="{name}"><Pixels ID="Pixels:0" DimensionOrder="{order}" Type="uint16" '
        f'SizeX="{shape[1]}" SizeY="{shape[0]}"{counted}{more}>{channels}{inner}</Pixels></Image>'
    )


def write(path, planes, said, **options):
    """Pages one by one, the description with the first, as acquisition programs write them."""
    options = {"photometric": "minisblack", "metadata": None, "contiguous": False} | options
    with tifffile.TiffWriter(path) as file:
        for i, plane in enumerate(planes):
            file.write(plane, description=said.encode() if i == 0 else None, **options)
    return path


def write_imagej(path, planes, said, version="1.54f", **options):
    options = {"resolution": (10, 10), "resolutionunit": 1} | options
    return write(path, planes, f"ImageJ={version}\n{said}", **options)


def warned(volume) -> str:
    """All that reading it said."""
    return " | ".join(volume.description["warnings"])


def micromanager(path, data, places, summary):
    """A Micro-Manager stack: its index names every page by channel, slice, frame, position and place in the file."""
    text = json.dumps(summary).encode()
    header = at = 40 + len(text)
    size, note, starts, body = data[0].nbytes, b"{}", [], b""
    for i, plane in enumerate(data):
        pixels = at + 162
        following = 0 if i == len(data) - 1 else pixels + size + len(note)
        tags = [(256, 4, 1, plane.shape[1]), (257, 4, 1, plane.shape[0]), (258, 3, 1, 16), (259, 3, 1, 1)]
        tags += [(262, 3, 1, 1), (273, 4, 1, pixels), (277, 3, 1, 1), (278, 4, 1, plane.shape[0]), (279, 4, 1, size)]
        tags += [(51123, 2, len(note), pixels + size)]
        directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        body += (directory + struct.pack("<I", following)).ljust(162, b"\0") + plane.tobytes() + note
        starts.append(at)
        at = pixels + size + len(note)
    rows = b"".join(struct.pack("<5I", *place, start) for place, start in zip(places, starts, strict=True))
    head = b"II*\0" + struct.pack("<III", header, 54773648, at)
    head += struct.pack("<IIIIII", 483765892, 0, 99384722, 0, 2355492, len(text)) + text
    path.write_bytes(head + body + struct.pack("<II", 3453623, len(places)) + rows)
    return path
