"""What people do with the plugin's widgets: anything that can be clicked, and what they are for."""

from typing import Any

from fuzz.case import chance, pick
from fuzz.clicking.hand import click, named, operate, within_reach
from fuzz.clicking.world import World
from napari_blind_deconv.estimation import BlindRichardsonLucy
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.settings import Settings

QUICK = {
    "kernel_size": (5,),
    "iterations": 2,
    "image_prior": NoPrior(),
    "estimator": BlindRichardsonLucy(rounds=2, kernel_steps=1, image_steps=1),
    "device": "cpu",
}


def touch(world: World) -> str | None:
    """Anything at all that can be operated in one of the widgets."""
    widgets = world.widgets()
    if not widgets:
        return None
    widget = pick(world.rng, widgets)
    parts = within_reach(widget)
    if not parts:
        return f"{type(widget).__name__}: nothing within reach"
    part = pick(world.rng, parts)
    # Named before: it may be gone afterwards.
    name = f"{type(widget).__name__}: {named(part)}"
    print(f"    {name!a}", flush=True)
    return operate(world.rng, part)


def touch_several(world: World) -> str | None:
    """Hastily, one thing after the other."""
    done = [touch(world) for _ in range(int(world.rng.integers(2, 7)))]
    return "; ".join(words for words in done if words) or None


def quick(world: World) -> str | None:
    """Settings that take a second."""
    widgets = world.widgets("DeconvolveWidget")
    if not widgets:
        return None
    widgets[0].form.set_value(Settings())
    for name, value in QUICK.items():
        widgets[0].form.editors[name].set_value(value)
    return "done"


def run(world: World) -> str | None:
    """Run, mostly with quick settings."""
    widgets = world.widgets("DeconvolveWidget")
    if not widgets:
        return None
    if chance(world.rng, 0.6):
        quick(world)
    return _clicked(widgets[0].panel.run)


def cancel(world: World) -> str | None:
    """Cancel or Stop, where there is something to cancel."""
    for widget in world.widgets():
        button: Any = {"DeconvolveWidget": "cancel", "BatchWidget": "stop"}.get(type(widget).__name__)
        if button and widget.is_running:
            return _clicked(getattr(widget.panel, button))
    return None


def metrics(world: World) -> str | None:
    """The button that opens the metrics."""
    widgets = world.widgets("DeconvolveWidget")
    if not widgets:
        return None
    said = _clicked(widgets[0].panel.metrics)
    docks = world.viewer.window.dock_widgets
    found = next((widget for name, widget in docks.items() if name.startswith("Deconvolution metrics")), None)
    if found is not None and all(found is not other for other in world.opened):
        world.opened.append(found)
    return said


def batch(world: World) -> str | None:
    """Fill in a folder of images, and run."""
    widgets = world.widgets("BatchWidget")
    if not widgets or widgets[0].is_running:
        return None
    form = widgets[0].form
    form.inputs.list.add([str(world.folder / "images")])
    form.output.set_value(str(world.folder / f"results{int(world.rng.integers(3))}"))
    settings = form.settings.form
    settings.set_value(Settings())
    for name, value in QUICK.items():
        settings.editors[name].set_value(value)
    form.overwrite.setChecked(chance(world.rng, 0.7))
    return _clicked(widgets[0].panel.run)


def measure(world: World) -> str | None:
    """The PSF of beads."""
    widgets = world.widgets("BeadWidget")
    return _clicked(widgets[0].run) if widgets else None


def _clicked(button: Any) -> str:
    if not button.isVisible() or not button.isEnabled():
        return "out of reach"
    click(button)
    return "clicked"
