"""Both themes: what is written can be read, and the keyboard's place is seen."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.utils.theme import get_theme
from qtpy.QtGui import QColor


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.1)."""

    def luminance(colour: str) -> float:
        parts = np.array(QColor(colour).getRgbF()[:3])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_inks_can_be_read_on_their_theme(theme: str) -> None:
    from napari_blind_deconv._napari.tones import ALARM, INKS, QUIET, kind_of

    assert kind_of(theme) == theme
    ground = get_theme(theme).background.as_hex()
    for tone in (QUIET, ALARM):
        assert contrast(INKS[theme][tone], ground) >= 4.5
    for mark in ("focus",):
        assert contrast(INKS[theme][mark], ground) >= 3  # a mark, no text


def test_run_can_be_read() -> None:
    import re

    from napari_blind_deconv._napari.run_panel import RUN_STYLE

    for ground in re.findall(r"background: (#\w+)", RUN_STYLE):
        assert contrast("#ffffff", ground) >= 4.5, ground


def test_labels_follow_the_theme(qtbot: Any, viewer: Any, open_widget: Callable[[str], Any]) -> None:
    from napari_blind_deconv._napari.tones import ALARM, INKS, QUIET

    widget = open_widget("Blind deconvolution")
    for theme in ("light", "dark"):
        viewer.theme = theme
        widget.panel.say("wrong", alarm=True)
        label, meaning = widget.panel.status.label, widget.form.kernel_prior.meaning
        for part, tone in ((label, ALARM), (meaning, QUIET)):
            part.ensurePolished()
            assert part.palette().windowText().color().name() == INKS[theme][tone]
