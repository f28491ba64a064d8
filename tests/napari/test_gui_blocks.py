"""Layers that do not fit into memory: restored block by block into a temporary store, and shown from it."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from gui import RUN_MS, click, quick, results, run, spots
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_blind_deconv import io
from napari_blind_deconv._napari.job import Job
from napari_blind_deconv._napari.lazy_levels import Lazy, Stored
from napari_blind_deconv.pipeline.cutting import fitting

SHAPE = (96, 700)
PIPELINE = importlib.import_module("napari_blind_deconv.pipeline.recipe")


@pytest.fixture
def in_blocks(monkeypatch: Any) -> None:
    """Plans of blocks of half of the canvas."""

    def cut(plan: Any) -> Any:
        blocks = fitting(plan.work, 0.4 * plan.work.canvas(plan.work.shape[0], plan.work.shape[1:]))
        assert blocks is not None
        return replace(plan, blocks=blocks)

    of_job, of_run = Job.plan, PIPELINE.planned
    monkeypatch.setattr(Job, "plan", lambda job: cut(of_job(job)))
    monkeypatch.setattr(PIPELINE, "planned", lambda *given, **named: cut(of_run(*given, **named)))
    monkeypatch.setattr("napari_blind_deconv.pipeline.sources.SLAB", 10_000)
    monkeypatch.setattr("napari_blind_deconv.pipeline.surveying._SIDE", {2: 64})
    monkeypatch.setattr("napari_blind_deconv.crops._SIDE", {2: 64})
    monkeypatch.setattr("napari_blind_deconv.report._AT_ONCE", 10_000)
    monkeypatch.setattr("napari_blind_deconv.pipeline.ahead._MOST", 0)


def test_a_layer_in_blocks_becomes_one_of_several_resolutions_that_lies_in_a_store(
    qtbot: Any, viewer: Any, widget: Any, in_blocks: None
) -> None:
    largest = [0]

    def counted(block: Any) -> Any:
        largest[0] = max(largest[0], block.size)
        return block

    image = spots(SHAPE)
    # What counts is computed after every slice.
    lazy = da.from_array(image, chunks=(96, 50)).map_blocks(counted, dtype="f4", meta=np.zeros((0, 0), "f4"))
    viewer.add_image(lazy, name="cells", contrast_limits=(0, 60))
    quick(widget)
    largest[0] = 0
    run(qtbot, widget)
    restored, psf = results(viewer, "cells")
    assert restored.multiscale
    assert [level.shape for level in restored.data] == [(96, 700), (48, 350), (24, 175)]
    assert psf.data.shape == (5, 5)
    assert "Done" in widget.panel.status.text()
    assert largest[0] <= 96 * 50
    finest = np.asarray(restored.data[0])
    assert np.isfinite(finest).all()
    assert np.ptp(finest) > 0
    assert viewer.layers["cells residual (σ)"].multiscale
    folder = Path(restored.data[0]._folder.name)
    assert sorted(path.name for path in folder.iterdir()) == ["image.ome.zarr", "residual.ome.zarr"]


def test_a_run_in_blocks_that_is_cancelled_leaves_no_store(
    qtbot: Any, viewer: Any, widget: Any, in_blocks: None, monkeypatch: Any, tmp_path: Any
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    viewer.add_image(spots(SHAPE), name="cells")
    quick(widget, iterations=100_000)
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(lambda: any(tmp_path.iterdir()), timeout=RUN_MS)
    click(qtbot, widget.panel.cancel)
    qtbot.waitUntil(lambda: not widget.is_running, timeout=RUN_MS)
    assert [layer.name for layer in viewer.layers] == ["cells"]
    assert not any(tmp_path.iterdir())


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_lazy_is_indexed_like_an_array(data: Any) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    values = np.arange(np.prod(shape)).reshape(shape)
    lazy = Lazy(io.ArraySource(values, "ZYX"[-len(shape) :]))

    def part(n: int) -> Any:
        ends = st.one_of(st.none(), st.integers(-n - 1, n + 1))
        step = st.sampled_from([None, 1, 2, -1, -3])
        return st.one_of(st.integers(-n, n - 1), st.builds(slice, ends, ends, step))

    index = tuple(data.draw(part(n)) for n in shape[: data.draw(st.integers(1, len(shape)))])
    index += (Ellipsis,) * data.draw(st.integers(0, 1))
    np.testing.assert_array_equal(lazy[index], values[index])
    np.testing.assert_array_equal(np.asarray(lazy), values)
    assert len(lazy) == len(values)


@pytest.mark.parametrize(("axes", "can"), [("ZYX", True), ("TCZYX", True), ("CTYX", False), ("YXS", False)])
def test_stores_hold_axes_in_their_own_order_only(axes: str, can: bool) -> None:
    class Any_:  # noqa: N801
        pass

    source = Any_()
    source.axes = axes  # type: ignore[attr-defined]
    assert Stored.can_hold(source) is can  # type: ignore[arg-type]
