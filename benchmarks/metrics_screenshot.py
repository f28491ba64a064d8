"""The picture of the metrics dock in the documentation: a sample restored, its warnings, figures and curves.

Run it where there is a screen, real or virtual::

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/metrics_screenshot.py docs/images/metrics.png
"""

import argparse
from pathlib import Path

import napari
from widget_screenshot import LONGEST_RUN_SECONDS, PLUGIN, opened, wait

from napari_blind_deconv.synthesis import SAMPLES


def take_picture(path: Path) -> None:
    """Restore the sample stack with the settings that suit it, and save the dock."""
    viewer = napari.Viewer(title="napari")
    viewer.window.resize(1400, 980)
    viewer.open_sample(PLUGIN, "stack")
    dock, widget = opened(viewer, "Blind deconvolution")
    widget.open_metrics()
    [metrics] = [w for name, w in viewer.window.dock_widgets.items() if name.startswith("Deconvolution metrics")]
    widget.form.set_value(SAMPLES["volume"]().settings)
    widget.run()
    wait(lambda: not widget.is_running, LONGEST_RUN_SECONDS)
    viewer.window.remove_dock_widget(dock)
    metrics.parent().setFloating(True)
    metrics.parent().resize(1300, 460)
    wait(lambda: False, 1.0)
    wait(lambda: metrics.is_settled, 30.0)
    wait(lambda: False, 1.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    metrics.grab().save(str(path))
    viewer.close()


def main() -> None:
    """Read the command line and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, nargs="?", default=Path("docs/images/metrics.png"))
    take_picture(parser.parse_args().path)


if __name__ == "__main__":
    main()
