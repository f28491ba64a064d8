"""How a window feels, by real clicks: opening the widget, typing, watching a run, cancelling it, getting its result.

Every row is measured in a process of its own, where there is a screen, real or virtual::

    tests/with-screen python benchmarks/responsiveness.py              all rows, as the tables of decision 45
    tests/with-screen python benchmarks/responsiveness.py opening      one row
    tests/with-screen python benchmarks/responsiveness.py cancel --of gaussian --moments 2

A gap is the time between two ticks of a timer of 5 ms in the main thread; of each the time on the clock, and what the
main thread itself computed in it: the rest is waiting for Python's lock, or for a machine that others use as well.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

PLUGIN, WIDGET = "napari-blind-deconv", "Blind deconvolution"
KINDS = ("gaussian", "microscope", "known")
PHASES = ("Starting", "Preparing", "Estimating", "Restoring", "Checking", "Adding")
_LEFT = re.compile(r"about (?:(\d+) h )?(?:(\d+) min ?)?(?:(\d+) s)? ?left")


class Watch:
    """Ticks of the main thread, and what the status line says."""

    def __init__(self, label: Any = None) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.ticks: list[tuple[float, float]] = []
        self.words: list[tuple[float, str]] = []
        self._label = label
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(5)
        self._tick()

    def _tick(self) -> None:
        self.ticks.append((time.perf_counter(), time.thread_time()))
        text = "" if self._label is None else self._label.text()
        if text and (not self.words or self.words[-1][1] != text):
            self.words.append((self.ticks[-1][0], text))

    def largest(self, since: float = 0.0, until: float = np.inf) -> dict[str, float]:
        """The largest gap on the clock and the largest of the main thread's own time, of those that overlap a span."""
        times = np.array(self.ticks)
        if len(times) < 2:
            return {"gap": 0.0, "own": 0.0}
        steps = np.diff(times, axis=0)[(times[1:, 0] > since) & (times[:-1, 0] < until)]
        clock, own = steps.max(axis=0) if len(steps) else (0.0, 0.0)
        return {"gap": round(float(clock), 3), "own": round(float(own), 3)}


def live(done: Any, seconds: float) -> None:
    """Let the window live until something is done, or for so long."""
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + seconds
    while not done() and time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.001)


def window(image: np.ndarray, scale: tuple[float, ...] | None = None) -> Any:
    """A viewer with an image, at rest."""
    import napari

    viewer = napari.Viewer()
    units = None if scale is None else ("um",) * image.ndim
    viewer.add_image(image, name="cells", scale=scale, units=units)
    live(lambda: False, 2.0)
    return viewer


def opened(viewer: Any) -> tuple[Any, dict[str, Any]]:
    """The widget as the menu opens it, and how long that took until it was painted."""
    from qtpy.QtCore import QEvent, QObject

    class Painted(QObject):
        seen = False

        def eventFilter(self, _watched: Any, event: Any) -> bool:
            self.seen = self.seen or event.type() == QEvent.Type.Paint
            return False

    watch, painted = Watch(), Painted()
    live(lambda: False, 0.1)
    begun, own = time.perf_counter(), time.thread_time()
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    widget.installEventFilter(painted)
    live(lambda: painted.seen, 30.0)
    found = {"opened": round(time.perf_counter() - begun, 3), "opened_own": round(time.thread_time() - own, 3)}
    live(lambda: False, 0.5)
    return widget, found | watch.largest() | {"torch": "torch" in sys.modules}


def opening() -> dict[str, Any]:
    return opened(window(spots((256, 256))))[1]


def typing() -> dict[str, Any]:
    """Keys into every field that shows, Tab between them."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QLineEdit

    viewer = window(spots((256, 256)))
    widget, _ = opened(viewer)
    watch = Watch()
    for field in widget.findChildren(QLineEdit):
        if field.isVisible() and field.isEnabled() and not field.isReadOnly():
            field.setFocus()
            field.selectAll()
            for key in "15":
                QTest.keyClick(field, key)
                live(lambda: False, 0.05)
            QTest.keyClick(field, Qt.Key.Key_Tab)
            live(lambda: False, 0.05)
    return watch.largest() | {"torch": "torch" in sys.modules}


def spots(shape: tuple[int, ...], blur: float = 1.8) -> np.ndarray:
    """Random spots under a Gaussian blur, with a little noise."""
    from scipy import ndimage

    rng = np.random.default_rng(0)
    scene = (rng.random(shape) > 0.99) * rng.uniform(200, 2000, shape)
    soft = ndimage.gaussian_filter(scene, blur) + 100
    return rng.poisson(soft).astype(np.float32)


def posed(kind: str) -> Any:
    """A window with the widget, set to a run."""
    from napari_blind_deconv.settings import Settings, settings_from_dict, settings_to_dict

    if kind == "gaussian":
        viewer, prior = window(spots((512, 512))), {"kind": "gaussian"}
    elif kind == "known":
        viewer, prior = window(spots((21, 256, 256)), (0.3, 0.1, 0.1)), {"kind": "known"}
        taps = np.zeros((9, 15, 15))
        taps[4, 7, 7] = 1
        from scipy import ndimage

        viewer.add_image(ndimage.gaussian_filter(taps, 1.8), name="psf", scale=(0.3, 0.1, 0.1), units=("um",) * 3)
    else:
        viewer = window(spots((21, 256, 256)), (0.3, 0.1, 0.1))
        prior = {"kind": "microscope", "na": 1.2, "emission_um": 0.52}
    widget, _ = opened(viewer)
    values = settings_to_dict(Settings())
    values["kernel_prior"] = prior
    if kind == "known":
        values["kernel_prior"] = {"kind": "known"}
    widget.form.set_value(settings_from_dict(values))
    if kind == "known":
        box = widget.psf_choice
        box.setCurrentIndex(next(i for i in range(box.count()) if box.itemText(i) == "psf"))
        image = widget.input.layer_choice
        image.setCurrentIndex(next(i for i in range(image.count()) if image.itemText(i) == "cells"))
    live(lambda: False, 0.5)
    return viewer, widget


def clicked(button: Any) -> None:
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def status_of(widget: Any) -> Any:
    return widget.panel.status


def run(kind: str) -> dict[str, Any]:
    """A run to its end."""
    viewer, widget = posed(kind)
    names = {layer.name for layer in viewer.layers}
    watch = Watch(status_of(widget))
    live(lambda: False, 0.1)
    begun, cpu = time.perf_counter(), time.process_time()
    clicked(widget.panel.run)
    live(lambda: not widget.is_running, 1200.0)
    ended = time.perf_counter()
    live(lambda: False, 2.0)
    texts = [(t - begun, text) for t, text in watch.words if t >= begun]
    stepped = [t for t, text in texts if "…" not in text[-2:] or "step" in text]
    progress = [t for t, text in texts if _LEFT.search(text) or "…" in text]
    last = begun + (progress[-1] if progress else 0.0)
    added = {layer.name for layer in viewer.layers} - names
    return {
        "seconds": round(ended - begun, 1),
        "cpu": round(time.process_time() - cpu, 1),
        "first_words": next((round(t, 2) for t, text in texts if text != "Starting …"), None),
        "first_step": round(stepped[0], 2) if stepped else None,
        **estimates(texts, ended - begun),
        "during": watch.largest(begun, last),
        "adding": watch.largest(last),
        "layers": len(added),
        "said": phases(texts),
    }


def estimates(texts: list[tuple[float, str]], total: float) -> dict[str, Any]:
    """The first estimate that was shown after two seconds: when, and its error; the longest it stood still."""
    found = []
    for t, text in texts:
        if (match := _LEFT.search(text)) is not None:
            hours, minutes, seconds = (int(part or 0) for part in match.groups())
            found.append((t, 3600 * hours + 60 * minutes + seconds))
    # What is shown at two seconds: the last one before, or the first one after.
    before = [one for one in found if one[0] <= 2.0]
    first = (2.0, before[-1][1] - (2.0 - before[-1][0])) if before else next(iter(found), None)
    if first is None:
        return {"estimate_at": None, "estimate_error": None, "stood_still": None}
    still = np.diff([t for t, _ in found] + [total]) if len(found) > 1 else np.array([0.0])
    error = (first[0] + first[1]) / total - 1
    return {"estimate_at": round(first[0], 1), "estimate_error": round(error, 2), "stood_still": round(still.max(), 1)}


def phases(texts: list[tuple[float, str]]) -> list[str]:
    """What was said, each with the time of its first word; numbers left out."""
    out: list[str] = []
    for t, text in texts:
        plain = re.sub(r"[:(].*", "", text).strip(" …")[:40]
        if not out or not out[-1].endswith(plain):
            out.append(f"{t:.1f} {plain}")
    return out


def cancel(kind: str, moments: int, seed: int = 0) -> dict[str, Any]:
    """Cancel in every phase of a run, a moment after it has begun; how long until the next run can start."""
    _, widget = posed(kind)
    random, found = np.random.default_rng(seed), []
    phases = [phase for phase in PHASES if kind != "known" or phase != "Estimating"]
    for phase in (PHASES[0], *(phase for phase in phases[1:] for _ in range(moments))):
        clicked(widget.panel.run)
        live(lambda at=phase: status_of(widget).text().startswith(at) or not widget.is_running, 1200.0)
        moment = time.perf_counter() + random.uniform(0, 0.5)
        live(lambda at=moment: time.perf_counter() > at or not widget.is_running, 1200.0)
        words = status_of(widget).text()
        if not widget.is_running:
            continue
        pressed, cpu = time.perf_counter(), time.process_time()
        clicked(widget.panel.cancel)
        live(lambda: not widget.is_running, 600.0)
        clock, computed = time.perf_counter() - pressed, time.process_time() - cpu
        found.append([re.sub(r"\(.*|, about.*|[:,] step.*", "", words)[:48], round(clock, 2), round(computed, 2)])
    return {"cancelled": found, "longest": max((one[1] for one in found), default=0.0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["opening", "typing", "run", "cancel"])
    parser.add_argument("--of", choices=KINDS, default="gaussian")
    parser.add_argument("--moments", type=int, default=1, help="of every phase, to cancel at (default: 1)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        work = {"opening": opening, "typing": typing, "run": lambda: run(arguments.of)}
        work["cancel"] = lambda: cancel(arguments.of, arguments.moments)
        print(json.dumps(work[arguments.what]()))
        return
    rows = [(arguments.what, arguments.of)]
    if arguments.what is None:
        rows = [("opening", ""), ("typing", ""), *(("run", kind) for kind in KINDS), *(("cancel", k) for k in KINDS)]
    for what, kind in rows:
        words = [sys.executable, str(Path(__file__)), what, "--here", "--moments", str(arguments.moments)]
        answer = subprocess.run(
            [*words, *(["--of", kind] if kind else [])], capture_output=True, text=True, check=False
        )
        lines = answer.stdout.strip().splitlines()
        print(
            f"| {what} {kind} | {lines[-1] if answer.returncode == 0 and lines else answer.stderr[-2000:]} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
