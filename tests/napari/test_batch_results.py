"""Results of a batch as layers: the axes of the image that went in, whatever the format."""

from pathlib import Path

import numpy as np
import pytest
from batches import settings
from gui import spots
from napari.layers import Image

from napari_blind_deconv import io
from napari_blind_deconv._napari.batch_results import Opened, opened
from napari_blind_deconv._napari.batch_rows import looked_at, row_of
from napari_blind_deconv._napari.run import Refusal
from napari_blind_deconv.batch import Batch, ReferenceFiles, forecasts, prepared, run, states


@pytest.mark.parametrize("form", ["ome-tiff", "ome-zarr"])
@pytest.mark.parametrize(("axes", "shape"), [("YXS", (24, 26, 3)), ("CYX", (2, 24, 26)), ("TYX", (3, 24, 26))])
def test_results_lie_on_the_image_that_went_in(
    batch_folder: Path, form: str, axes: str, shape: tuple[int, ...]
) -> None:
    scene = np.moveaxis(np.stack([spots((24, 26), 1 + k) for k in range(3)]), 0, -1)
    data = scene if axes == "YXS" else np.moveaxis(scene, -1, 0)[: shape[0]]
    typed = data.clip(0, 200).astype(np.uint8) if axes == "YXS" else data
    path = batch_folder / "cells.ome.tif"
    io.write(path, io.Volume(typed, axes, (0.2, 0.1)), {})
    known = ReferenceFiles(psf=batch_folder / "k.tif")
    asked = Batch((str(path),), batch_folder / "out", settings(batch_folder), known, maps=True, form=form)
    for _ in run(prepared(asked)):
        pass
    [state] = states(prepared(asked))
    row = looked_at(row_of(state.work.job), state, forecasts([state])[0])
    assert row.status == "done"
    found = opened(row)
    assert isinstance(found, Opened)
    layers = {attributes["name"]: Image(data, **attributes) for data, attributes, _ in found.layers}
    assert list(layers) == ["cells", "cells PSF", "cells residual (σ)", "cells restored"]
    before, after = layers["cells"], layers["cells restored"]
    assert before.rgb == after.rgb == (axes == "YXS")
    np.testing.assert_array_equal(np.asarray(before.data), typed)
    assert np.shape(after.data) == shape
    for layer in (before, after):
        np.testing.assert_allclose(layer.scale[-2:], (0.2, 0.1))
        assert str(layer.units[-1]) == "micrometer"
    # Without the image the result is opened by itself; without the result there is a sentence.
    path.unlink()
    alone = opened(row)
    assert isinstance(alone, Opened)
    assert len(alone.layers) == 3
    row.outputs[1].unlink()
    assert isinstance(opened(row), Refusal)
