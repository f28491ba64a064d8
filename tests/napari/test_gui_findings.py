"""What a run found out about the PSF, in words: figures with their errors, and why this family."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gui import PLUGIN, RUN_MS, click, spots

from napari_blind_deconv._types import Result
from napari_blind_deconv.cli.settings import settings_of
from napari_blind_deconv.kernel_priors import Auto, Gaussian, Microscope
from napari_blind_deconv.settings import KERNEL_PRIORS, Settings

FITTED = {
    "na": {"value": 1.3127, "error": 0.0213, "unit": ""},
    "depth_um": {"value": 4.07, "error": 0.61, "unit": "µm"},
    "zernike_11": {"value": -0.21, "error": None, "unit": "rad"},
}
RANKING = [
    {"kind": "gaussian", "gain_nats": 320.4, "penalty_nats": 12.0, "blurs": True},
    {"kind": "motion", "gain_nats": 300.0, "penalty_nats": 31.0, "blurs": True},
    {"kind": "sharp", "gain_nats": 0.0, "penalty_nats": 0.0, "blurs": False},
]
REPORT = {"kernel": {"parameters": FITTED}, "choice": "gaussian explains it best", "ranking": RANKING, "seconds": 2.0}


def test_figures_have_their_errors() -> None:
    from napari_blind_deconv._napari.findings import parameters

    assert dict(parameters(REPORT)) == {
        "NA": "1.313 ± 0.021",
        "Depth": "4.07 ± 0.61 µm",
        "Zernike 11 (spherical)": "-0.21 rad",
    }
    two = {"kernel": [{"parameters": {"na": FITTED["na"]}}, {}]}
    assert list(parameters(two)) == [("Channel 1: NA", "1.313 ± 0.021")]
    assert list(parameters({})) == []


def test_aberrations_within_their_errors_are_told_in_one_line() -> None:
    from napari_blind_deconv._napari.findings import parameters

    small = {f"zernike_{j}": {"value": 0.1, "error": 0.2, "unit": "rad"} for j in (5, 6, 7)}
    large = {"zernike_8": {"value": -0.5, "error": 0.1, "unit": "rad"}}
    assert list(parameters({"kernel": {"parameters": small | large}})) == [
        ("Zernike 8 (coma)", "-0.50 ± 0.10 rad"),
        ("Other aberrations", "none beyond errors (astigmatism, coma)"),
    ]


def test_choice_is_told_per_channel() -> None:
    from napari_blind_deconv._napari.findings import chosen, ranking_in_words, rankings, reasons

    assert chosen(REPORT) == "gaussian"
    assert ranking_in_words(rankings(REPORT)[0]) == "gaussian +308; motion +269; no blur +0"
    two = {"choice": ["a", "b"], "ranking": [RANKING, RANKING[::-1]]}
    assert reasons(two) == ["Channel 1: a", "Channel 2: b"]
    assert chosen(two) == "gaussian, sharp"
    assert (chosen({}), reasons({}), rankings({})) == ("", [], [])


def test_dock_shows_findings_of_the_chosen_result(qtbot: Any, viewer: Any, open_widget: Callable[[str], Any]) -> None:
    dock = open_widget("Deconvolution metrics")
    notes = {"role": "psf", "source": "cells", "report": REPORT}
    viewer.add_image(spots((15, 15)), name="cells PSF (gaussian)", metadata={PLUGIN: notes})
    qtbot.waitUntil(lambda: any(row.name == "NA" for row in dock.rows) and dock.is_settled, timeout=RUN_MS)
    rows = {row.name: row for row in dock.rows}
    assert rows["NA"].value == "1.313 ± 0.021"
    assert rows["PSF family"].value == "gaussian"
    assert rows["PSF family"].meaning.startswith("Gaussian explains it best. Evidence in nats: gaussian +308")


def test_summary_and_layer_name_tell_the_family(viewer: Any, open_widget: Callable[[str], Any]) -> None:
    from napari_blind_deconv._napari.results import result_layers
    from napari_blind_deconv._napari.summary import summary

    viewer.add_image(spots((32, 36)), name="cells")
    widget = open_widget("Blind deconvolution")
    kernel = np.zeros((5, 5), np.float32)
    kernel[2, 2] = 1
    result = Result(spots((32, 36)), kernel, REPORT)
    names = [attributes["name"] for _, attributes, _ in result_layers(widget.input.source(), result)]
    assert names == ["cells PSF (gaussian)", "cells restored"]
    lines = summary(widget.input.source(), result).splitlines()
    assert lines[0] == "Done in 2 s: “cells restored” and “cells PSF (gaussian)”."
    assert lines[1] == "Gaussian explains it best."
    assert lines[2] == "Fitted: NA = 1.313 ± 0.021; Depth = 4.07 ± 0.61 µm; Zernike 11 (spherical) = -0.21 rad."


@pytest.mark.slow
def test_auto_says_what_it_chose(
    qtbot: Any, viewer: Any, open_widget: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two families are enough to choose from.
    monkeypatch.setattr(Auto, "rungs", lambda *_: [KERNEL_PRIORS["gaussian"](), KERNEL_PRIORS["defocus"]()])
    viewer.add_image(spots((64, 64), blur=1.5), name="cells")
    widget = open_widget("Blind deconvolution")
    widget.form.set_value(Settings(kernel_prior=Auto(), kernel_size=(7,), iterations=2, device="cpu"))
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(lambda: not widget.is_running, timeout=300_000)
    [kernel] = [layer for layer in viewer.layers if layer.name.startswith("cells PSF")]
    ranking = kernel.metadata[PLUGIN]["report"]["ranking"]
    assert kernel.name == f"cells PSF ({ranking[0]['kind']})"
    assert len(widget.panel.status.text().splitlines()) > 1


@pytest.mark.parametrize("kind", KERNEL_PRIORS)
def test_copied_command_says_the_same_settings(kind: str) -> None:
    from napari_blind_deconv._napari.command import command_line

    for prior in (KERNEL_PRIORS[kind](), _varied(KERNEL_PRIORS[kind]())):
        settings = Settings(kernel_prior=prior)
        assert parsed(command_line(settings)) == settings


def test_copied_command_says_bounds_and_free_numbers() -> None:
    from napari_blind_deconv._napari.command import command_line

    prior = Microscope(modality="confocal", na=(1.3, 1.45), immersion_index=None, zernike_rad=(0.3, None, (-1.0, 1.0)))
    assert parsed(command_line(Settings(kernel_prior=prior))).kernel_prior == prior
    assert "'kernel_prior.na=[1.3,1.45]'" in command_line(Settings(kernel_prior=prior))
    assert parsed(command_line(Settings(kernel_prior=Gaussian()))).kernel_prior == Gaussian()


def _varied(default: Any) -> Any:
    """A component with every number doubled, as far as that is allowed."""
    out = default
    for field in dataclasses.fields(default):
        value = getattr(out, field.name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                out = dataclasses.replace(out, **{field.name: type(value)(value * 1.25)})
            except ValueError:
                continue
    return out


def parsed(line: str) -> Settings:
    """What the command line makes of a copied line."""
    import shlex

    words = shlex.split(line)
    named = {"kernel_prior": words[words.index("--kernel-prior") + 1]}
    assignments = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    psf = Path(words[words.index("--psf") + 1]) if "--psf" in words else None
    return settings_of(None, named, assignments, psf)
