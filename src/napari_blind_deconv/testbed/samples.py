"""What is recorded of every sample: a line of JSON each, so that a testbed may have any number of them."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_blind_deconv._types import InputError
from napari_blind_deconv.regular_file import read_bytes

SAMPLES = "samples.jsonl"
_SHOWN = 50
_LARGEST = 2**30  # bytes; a million samples have less


class Samples:
    """A file of samples that grows, what people are shown of them, and their means.

    Parameters
    ----------
    path
        File to append to; made with the first sample.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.shown: list[Mapping[str, Any]] = []
        """The first of them."""
        self._count, self._without_light = 0, 0
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, sample: Mapping[str, Any]) -> None:
        """Write one more."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(sample, allow_nan=False) + "\n")
        self._count += 1
        self._without_light += int(sample.get("pixels_without_light", 0))
        for name, value in _figures(sample).items():
            total, many = self._sums.get(name, (0.0, 0))
            self._sums[name] = total + value, many + 1
        if len(self.shown) < _SHOWN:
            self.shown.append(sample)

    @property
    def summary(self) -> dict[str, Any]:
        """Their number, means of their figures, and all pixels without light; JSON-able."""
        means = {name: float(f"{total / many:.6g}") for name, (total, many) in self._sums.items()}
        return {"samples": self._count, "mean": means, "pixels_without_light": self._without_light}


def read_samples(path: Path) -> list[dict[str, Any]]:
    """All samples of a file.

    Raises
    ------
    InputError
        For a file that is missing or damaged.
    """
    lines = read_bytes(path, "list of samples", _LARGEST).decode("utf-8", "replace").splitlines()
    try:
        return [dict(json.loads(line)) for line in lines]
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(
            subject=f"file {path}", value="contains a line that is not a sample", remedy="draw the testbed anew"
        ) from error


def _figures(sample: Mapping[str, Any]) -> dict[str, float]:
    """Numbers of which a mean makes sense."""
    found = {name: sample.get(name) for name in ("snr_db", "least_rms_error")}
    for part in ("sharp", "observed", "noise"):
        found[f"{part}_sd"] = sample.get(part, {}).get("sd")
    return {name: float(value) for name, value in found.items() if value is not None and math.isfinite(value)}
