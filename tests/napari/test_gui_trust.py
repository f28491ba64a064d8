"""Trust on screen: maps as layers on the restored image, checks as sentences in the docks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gui import PLUGIN, RUN_MS, quick, results, run, spots

from napari_blind_deconv.doubts import checks, passed
from napari_blind_deconv.estimation import ByEvidence
from napari_blind_deconv.image_priors import SparseGradients, TotalVariation

MAPS = {"residual": "residual (σ)", "prior_share": "prior share"}


@pytest.mark.parametrize("rgb", [False, True])
def test_maps_lie_hidden_below_the_restored_image(qtbot: Any, viewer: Any, widget: Any, rgb: bool) -> None:
    image = spots((48, 40))
    if rgb:
        image = np.clip(np.stack([image, image / 2, image / 3], -1) / image.max(), 0, 1)
    viewer.add_image(image, name="cells", scale=(0.2, 0.1), translate=(3, 4), rgb=rgb)
    quick(widget, estimator=ByEvidence(starts=1, rounds=1, refinements=1), image_prior=TotalVariation())
    run(qtbot, widget)
    restored, _ = results(viewer, "cells")
    for role, name in MAPS.items():
        layer = viewer.layers[f"cells {name}"]
        assert layer.metadata[PLUGIN]["role"] == role
        assert layer.data.shape == (48, 40)
        assert not layer.visible
        np.testing.assert_allclose(layer.scale, restored.scale)
        np.testing.assert_allclose(layer.translate, restored.translate)
        assert viewer.layers.index(layer) < viewer.layers.index(restored)
    assert viewer.layers.selection.active is restored
    assert tuple(viewer.layers["cells prior share"].contrast_limits) == (0, 1)


def test_doubts_come_first_then_what_passed_and_the_metrics_have_every_limit(
    qtbot: Any, viewer: Any, widget: Any, open_widget: Callable[[str], Any]
) -> None:
    viewer.add_image(spots((64, 64), blur=2.0), name="cells")
    quick(widget, estimator=ByEvidence(starts=1, rounds=1, refinements=1), image_prior=SparseGradients(strength=50))
    run(qtbot, widget)
    lines = widget.panel.status.text().splitlines()
    trust = viewer.layers["cells restored"].metadata[PLUGIN]["report"]["trust"]
    doubted = [check for check in trust if check["verdict"] == "doubt"]
    assert any(check["check"] == "residual_whiteness" for check in doubted)
    first = lines.index("Warnings:")
    assert lines[-1].startswith("Checks passed: ")
    bullets = lines[first + 1 : -1]
    assert all(line.startswith("• ") for line in bullets)
    assert any("the residual is not white" in line for line in bullets)
    assert len(bullets) >= len(doubted)
    dock = open_widget("Deconvolution metrics")
    qtbot.waitUntil(lambda: any(row.name == "Local misfit" for row in dock.rows) and dock.is_settled, timeout=RUN_MS)
    rows = {row.name: row for row in dock.rows}
    assert rows["Whiteness of the residual"].meaning.endswith("see the warning above")
    assert rows["Evidence over no blur"].value.endswith(" nats")


def test_without_doubts_the_summary_names_what_was_checked() -> None:
    channel = [{"check": "delta", "verdict": "ok"}, {"check": "border", "verdict": "ok"}]
    other = [{"check": "delta", "verdict": "doubt"}, {"check": "border", "verdict": "ok"}]
    assert passed({"trust": channel}) == ["PSF's brightest pixel", "PSF at its border"]
    assert passed({"trust": [channel, other]}) == ["PSF at its border"]
    assert checks({"trust": [channel, other]})[0] == ("channel 2", other[0])
    assert passed({}) == []
