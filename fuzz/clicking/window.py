"""A process that opens one window after the other, and clicks in it; every action is in the log before it is done."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import napari
import numpy as np
from napari.qt import get_qapp
from napari.utils import resize_dask_cache
from napari.utils.notifications import notification_manager

from fuzz.case import Rng, chance, good_image
from fuzz.clicking import dialogs, layer_actions, memory, widget_actions, window_actions
from fuzz.clicking.judge import Judge, idle
from fuzz.clicking.world import World
from napari_blind_deconv._napari.canvas_context import CanvasGuard

Action = Callable[[World], str | None]

SHARES: Final[tuple[tuple[Action, float], ...]] = (
    (layer_actions.add, 10),
    (layer_actions.open_sample, 1),
    (layer_actions.delete, 4),
    (layer_actions.rename, 2),
    (layer_actions.reorder, 2),
    (layer_actions.select, 3),
    (layer_actions.hide, 2),
    (layer_actions.change, 4),
    (layer_actions.duplicate, 1),
    (layer_actions.save, 2),
    (layer_actions.open_again, 2),
    (window_actions.resize, 2),
    (window_actions.theme, 1),
    (window_actions.depth, 2),
    (window_actions.slide, 3),
    (window_actions.arrange, 2),
    (window_actions.open_widget, 7),
    (window_actions.close_widget, 2),
    (window_actions.float_dock, 1),
    (window_actions.move_dock, 1),
    (widget_actions.touch, 14),
    (widget_actions.touch_several, 8),
    (widget_actions.quick, 2),
    (widget_actions.run, 9),
    (widget_actions.cancel, 4),
    (widget_actions.metrics, 2),
    (widget_actions.batch, 2),
    (widget_actions.measure, 2),
)
NAPARI_ONLY: Final = 16
"""So many of them need no plugin's widget."""
PATIENCE: Final = 20.0
"""Seconds that a run may take before it is cancelled."""
DATA_BYTES: Final = 8 << 30
_CACHE_BYTES: Final = 64 << 20


def main() -> None:
    """Open windows until the time is over."""
    told = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_DATA, (DATA_BYTES, DATA_BYTES))
    os.chdir(told["working"])
    napari.settings.get_settings().application.confirm_close_window = False
    # What napari keeps is no leak: chunks of lazy layers, up to a quarter of the memory, and all notifications.
    resize_dask_cache(nbytes=_CACHE_BYTES)
    # No timer beats before there is an application.
    application = get_qapp()
    judge = Judge()
    started = time.time()
    for session in range(told["session"], told["session"] + told["sessions"]):
        if time.time() >= told["until"]:
            break
        entry = _session(judge, session, told)
        notification_manager.records.clear()
        # Once nothing of the window is in reach any more.
        entry |= memory.used()
        entry |= {"process": os.getpid(), "session": session, "at": time.time() - started}
        with Path(told["table"]).open("a") as out:
            out.write(json.dumps(entry) + "\n")
    print(f"done; {application.applicationName()}", flush=True)


def _session(judge: Judge, session: int, told: dict[str, Any]) -> dict[str, Any]:
    """One window, from opening to what is left of it."""
    rng = np.random.default_rng([told["seed"], session])
    folder = Path(told["working"]) / str(session)
    (folder / "images").mkdir(parents=True)
    for name in ("a.tif", "b.tif"):
        good_image(rng, folder / "images" / name)
    dialogs.answer(rng, folder)
    judge.begin(f"session {session}: opening")
    world = World(napari.Viewer(show=True), rng, folder)
    # Of napari's own windows, too: without it napari 0.9.2 ends at the third layer or so on Mesa.
    guard = CanvasGuard(world.viewer, world.viewer.window._qt_window)
    shares = SHARES[:NAPARI_ONLY] if told["without_plugin"] else SHARES
    steps, busy_since = 0, 0.0
    for step in range(told["steps"]):
        if time.time() >= told["until"]:
            break
        # Every step has randomness of its own: what a step draws does not change those after it.
        world.rng = np.random.default_rng([told["seed"], session, step])
        busy_since = 0.0 if not world.is_busy else busy_since or time.monotonic()
        impatient = bool(busy_since) and time.monotonic() - busy_since > PATIENCE
        action = widget_actions.cancel if impatient else _drawn(world.rng, shares)
        _step(judge, world, f"session {session} step {step} {action.__name__}", action, told["share"])
        steps += 1
    judge.begin(f"session {session}: closing")
    guard.remember()
    _close(judge, world)
    left = judge.judge_end()
    return judge.taken() | left | {"steps": steps}


def _drawn(rng: Rng, shares: tuple[tuple[Action, float], ...]) -> Action:
    weights = np.array([share for _, share in shares])
    return shares[int(rng.choice(len(shares), p=weights / weights.sum()))][0]


def _step(judge: Judge, world: World, name: str, action: Action, share: float) -> None:
    """Do it, wait a little, and leave the machine to others for a while."""
    judge.begin(name)
    print(name, flush=True)
    began, spent = time.monotonic(), time.process_time()
    try:
        words = action(world)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is to be noted
        judge.caught(type(error), error, error.__traceback__)
        words = "failed"
    print(f"    {words!a:.300} ({time.monotonic() - began:.2f} s)", flush=True)
    idle(0.02 if chance(world.rng, 0.5) else 0.3)
    for _ in range(20):
        if time.process_time() - spent <= share * (time.monotonic() - began):
            break
        idle(0.2)


def _close(judge: Judge, world: World) -> None:
    """With docks closed one by one, or all at once, perhaps during a run."""
    try:
        if chance(world.rng, 0.4):
            for widget in world.widgets():
                world.viewer.window.remove_dock_widget(widget)
        world.viewer.close()
    except Exception as error:  # noqa: BLE001 - as above
        judge.caught(type(error), error, error.__traceback__)
    world.opened.clear()
    idle(0.5)


if __name__ == "__main__":
    main()
