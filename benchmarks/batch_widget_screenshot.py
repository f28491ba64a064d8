"""The picture of the batch widget in the documentation: five images and a file that is none, done, one open.

Run it where there is a screen, real or virtual::

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/batch_widget_screenshot.py docs/images/batch-widget.png

With ``--all`` it is also shown idle, with its forecast and while it runs, wide and at 1024 x 700, in both themes.
"""

import argparse
import tempfile
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import napari
from widget_screenshot import LONGEST_RUN_SECONDS, opened, save_window, wait

from napari_blind_deconv import io
from napari_blind_deconv.synthesis import SAMPLES

SIZES = {"wide": (1400, 980), "small": (1024, 700)}


def write_images(folder: Path) -> None:
    """Five images of a sample, of several sizes, and a file that holds no image."""
    folder.mkdir()
    sample = SAMPLES["fluorescence"]()
    data = sample.observed
    for number in range(5):
        side = data.shape[-1] - 16 * number
        volume = io.Volume(data[:side, :side], "YX", (0.1, 0.1))
        io.write(folder / f"embryo_{number + 1:02}_GFP.ome.tif", volume, {})
    (folder / "embryo_06_GFP.ome.tif").write_bytes(b"interrupted while it was copied")


def take_picture(path: Path, size: tuple[int, int], theme: str, stages: tuple[str, ...]) -> None:
    """Open the widget in a folder of images, run it, open a result, and save the window at some of these stages."""
    with tempfile.TemporaryDirectory() as place, chdir(place):
        images = Path("2026-03-embryos")
        write_images(images)
        viewer = napari.Viewer(title="napari")
        viewer.theme = theme
        viewer.window._qt_window.resize(*size)
        _, widget = opened(viewer, "Batch")

        def save(stage: str) -> None:
            wait(lambda: False, 0.5)
            if stage in stages:
                name = path if len(stages) == 1 else path.with_name(f"{path.stem}-{stage}{path.suffix}")
                save_window(viewer, name)

        wait(lambda: False, 1.0)
        save("idle")
        settings = replace(SAMPLES["fluorescence"]().settings, kernel_size=(15,))
        widget.form.settings.form.set_value(settings)
        widget.form.maps.setChecked(True)
        widget.form.inputs.list.add([str(images)])
        wait(lambda: False, 1.0)
        wait(lambda: not widget.is_busy, 30.0)
        save("forecast")
        widget.run()
        rows = widget.panel.table.rows
        wait(lambda: sum(row.status == "done" for row in rows.rows) == 2, LONGEST_RUN_SECONDS)
        wait(lambda: any(row.share > 0.3 for row in rows.rows), 10.0)
        save("running")
        wait(lambda: not widget.is_running, LONGEST_RUN_SECONDS)
        widget.panel.table.selectRow(0)
        widget.open_result()
        wait(lambda: not widget.is_busy, 30.0)
        viewer.reset_view()
        widget.fold.setChecked(size == SIZES["wide"])
        save("done")
        viewer.close()


def main() -> None:
    """Read the command line and take the picture, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, nargs="?", default=Path("docs/images/batch-widget.png"))
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    arguments.path = arguments.path.absolute()
    if not arguments.all:
        take_picture(arguments.path, SIZES["wide"], "dark", ("done",))
        return
    for name, size in SIZES.items():
        for theme in ("dark", "light"):
            path = arguments.path.with_name(f"{arguments.path.stem}-{name}-{theme}{arguments.path.suffix}")
            take_picture(path, size, theme, ("idle", "forecast", "running", "done"))


if __name__ == "__main__":
    main()
