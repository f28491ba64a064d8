"""Whether memory is flat over the hours."""

import ctypes
import gc
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import psutil

WARM_UP: Final = 3
"""Windows until what is loaded on first use has been loaded."""


_MALL_INFO: Final = (
    "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
)  # fmt: skip


_WORDS: Final = MappingProxyType(
    {
        "resident_mb": "resident, MB",
        "trimmed_mb": "resident without free pages, MB",
        "allocated_mb": "allocated in C, MB",
        "objects": "objects of Python",
    }
)


class _MallInfo(ctypes.Structure):
    """``struct mallinfo2`` of the GNU C library."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in _MALL_INFO)


def used() -> dict[str, float]:
    """What the process holds: resident as it is, and after free pages went back; allocated in C; objects of Python.

    Free pages between blocks that are in use count as resident, though nothing was forgotten there.
    """
    gc.collect()
    process, library = psutil.Process(), ctypes.CDLL(None)
    resident = process.memory_info().rss
    library.malloc_trim(0)
    library.mallinfo2.restype = _MallInfo
    info = library.mallinfo2()
    return {
        "resident_mb": resident / 2**20,
        "trimmed_mb": process.memory_info().rss / 2**20,
        "allocated_mb": (info.uordblks + info.hblkhd) / 2**20,
        "objects": len(gc.get_objects()),
    }


def slope_an_hour(hours: Sequence[float], held: Sequence[float]) -> float:
    """Slope of the median line through all pairs (Theil and Sen): single windows with large images count little.

    Examples
    --------
    >>> slope_an_hour([0.0, 1.0, 2.0, 3.0], [500.0, 502.0, 900.0, 506.0])
    2.0
    """
    x, y = np.asarray(hours, float), np.asarray(held, float)
    first, second = np.triu_indices(len(x), 1)
    return float(np.median((y[second] - y[first]) / (x[second] - x[first]))) if first.size else 0.0


def in_words(entries: Sequence[dict[str, Any]]) -> str:
    """One sentence about the memory of each process, once what is loaded on first use has been loaded."""
    sentences = []
    for process in dict.fromkeys(entry["process"] for entry in entries):
        mine = [entry for entry in entries if entry["process"] == process][WARM_UP:]
        if len(mine) < 2:
            continue
        hours = [entry["at"] / 3600 for entry in mine]
        sentences.append(f"memory of process {process} in {len(mine)} windows after the first {WARM_UP}:")
        for key, words in _WORDS.items():
            held = [entry[key] for entry in mine]
            slope, each = slope_an_hour(hours, held), slope_an_hour(range(len(mine)), held)
            sentences.append(f"  {words}: {held[0]:.0f} to {held[-1]:.0f}, {slope:+.1f} an hour, {each:+.2f} a window")
    return "\n".join(sentences) or "too few windows to say anything about memory"
