"""The curves of a run, for whoever draws it: misfit and evidence, step by step, as the run yields them."""

import weakref
from typing import Any, Final

from qtpy.QtCore import QObject, Signal

from napari_blind_deconv._napari.layer_choice import unwrapped
from napari_blind_deconv._types import Progress

_MOST: Final = 2000
"""Points of a curve; beyond, every other one is left out."""


class RunCurves(QObject):
    """Curves of one viewer's runs, by name; those of the last run stay until the next one begins."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.curves: dict[str, list[tuple[float, float]]] = {}

    def begin(self) -> None:
        """A run begins: the curves of the one before go."""
        self.curves = {}
        self.changed.emit()

    def add(self, progress: Progress) -> None:
        """Note the figures of a step, where it has any; they were measured already, in the thread of the run."""
        figures = progress.figures()
        for name, value in figures.items():
            points = self.curves.setdefault(name, [])
            points.append((float(progress.step), float(value)))
            if len(points) > _MOST:
                # The last point stays: it is where the run is.
                self.curves[name] = points[:-1:2] + points[-1:]
        if figures:
            self.changed.emit()


_curves: dict[int, RunCurves] = {}


def curves_of(viewer: Any) -> RunCurves:
    """The curves of a viewer's runs: one object for all widgets of a window, gone with its viewer."""
    viewer = unwrapped(viewer)
    key = id(viewer)
    if key not in _curves:
        _curves[key] = RunCurves()
        weakref.finalize(viewer, _curves.pop, key, None)
    return _curves[key]
