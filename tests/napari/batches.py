"""Small batches, in a window and without one."""

from pathlib import Path
from typing import Any

from gui import RUN_MS

from napari_blind_deconv.batch import Batch, ReferenceFiles, prepared, run
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.restoration import RichardsonLucyRestorer
from napari_blind_deconv.settings import Settings


def settings(folder: Path, steps: int = 2) -> Settings:
    return Settings(
        kernel_prior=Known(psf=str(folder / "k.tif")),
        restorer=RichardsonLucyRestorer(steps_taken=steps),
        image_prior=NoPrior(),
        device="cpu",
    )


def look(qtbot: Any, widget: Any, *names: Path) -> None:
    """Add names, and wait until all has been looked at."""
    with qtbot.waitSignal(widget.looked, timeout=RUN_MS):
        widget.form.inputs.list.add(map(str, names))
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=RUN_MS)


def finish(qtbot: Any, widget: Any) -> None:
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=RUN_MS)


def rows(widget: Any) -> list[tuple[str, str]]:
    return [(row.path.name, row.status) for row in widget.panel.table.rows.rows]


def cells(widget: Any, number: int) -> list[str]:
    model = widget.panel.table.rows
    return [model.data(model.index(number, column)) for column in range(model.columnCount())]


def undisturbed(folder: Path, output: str, steps: int = 2, **asked: Any) -> dict[str, bytes]:
    """The bytes of images and PSFs of the same run without a window."""
    batch = Batch(
        (str(folder / "in"),), folder / output, settings(folder, steps), ReferenceFiles(psf=folder / "k.tif"), **asked
    )
    for _ in run(prepared(batch)):
        pass
    return images(folder / output)


def images(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in output.glob("*.ome.tif")}
