"""What people do with the window: docks, sizes, themes, sliders."""

from qtpy.QtCore import Qt

from fuzz.case import chance, pick
from fuzz.clicking.world import PLUGIN, WIDGETS, World, dock_of

SIZES = ((1024, 700), (1024, 700), (1280, 800), (1600, 1000), (700, 500))


def open_widget(world: World) -> str:
    """As the menu does: one that is there already is shown."""
    name = str(pick(world.rng, WIDGETS))
    _, widget = world.viewer.window.add_plugin_dock_widget(PLUGIN, name)
    if all(widget is not other for other in world.opened):
        world.opened.append(widget)
    return name


def close_widget(world: World) -> str | None:
    """For good, or hidden until its menu is used again."""
    widgets = world.widgets()
    if not widgets:
        return None
    widget = pick(world.rng, widgets)
    if chance(world.rng, 0.3):
        dock = dock_of(widget)
        if dock is not None:
            dock.close()
        return f"{type(widget).__name__} hidden"
    world.viewer.window.remove_dock_widget(widget)
    return type(widget).__name__


def float_dock(world: World) -> str | None:
    """Take a dock out of the window, or put it back."""
    docks = world.docks()
    if not docks:
        return None
    dock = pick(world.rng, docks)
    dock.setFloating(not dock.isFloating())
    return f"{dock.name} {'floats' if dock.isFloating() else 'docked'}"


def move_dock(world: World) -> str | None:
    """To another side."""
    docks = world.docks()
    if not docks:
        return None
    dock, areas = pick(world.rng, docks), Qt.DockWidgetArea
    area = pick(world.rng, [areas.RightDockWidgetArea, areas.BottomDockWidgetArea, areas.LeftDockWidgetArea])
    world.viewer.window._qt_window.addDockWidget(area, dock)
    dock.show()
    return f"{dock.name} to {area.name}"


def resize(world: World) -> str:
    """The window."""
    width, height = pick(world.rng, SIZES)
    world.viewer.window.resize(width, height)
    return f"{width} x {height}"


def theme(world: World) -> str:
    """Dark or light."""
    world.viewer.theme = "light" if world.viewer.theme == "dark" else "dark"
    return str(world.viewer.theme)


def depth(world: World) -> str:
    """2-D or 3-D."""
    world.viewer.dims.ndisplay = 5 - world.viewer.dims.ndisplay
    return f"{world.viewer.dims.ndisplay}-D"


def slide(world: World) -> str | None:
    """The sliders below the picture."""
    dims, rng = world.viewer.dims, world.rng
    if dims.ndim < 3:
        return None
    axis = int(rng.integers(dims.ndim - 2))
    dims.set_current_step(axis, int(rng.integers(max(1, int(dims.nsteps[axis])))))
    return f"axis {axis} at {dims.current_step[axis]}"


def arrange(world: World) -> str:
    """Grid, order of axes, view."""
    viewer, how = world.viewer, int(world.rng.integers(4))
    if how == 0:
        viewer.grid.enabled = not viewer.grid.enabled
    elif how == 1:
        viewer.dims.roll()
    elif how == 2:
        viewer.dims.transpose()
    else:
        viewer.reset_view()
    return ("grid", "roll", "transpose", "reset")[how]
