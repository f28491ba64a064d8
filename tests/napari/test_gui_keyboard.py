"""By the keyboard alone: every field is reached, in the order of the eye, and has a name; Enter starts nothing."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from gui import spots
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QWidget


@pytest.fixture
def widget(open_widget: Callable[[str], Any], viewer: Any) -> Any:
    viewer.add_image(spots((3, 9, 48, 52)), name="cells")
    widget = open_widget("Blind deconvolution")
    box = widget.form.kernel_prior.box
    box.setCurrentIndex(box.findData("microscope"))
    widget.form.fold.setChecked(True)
    return widget


def test_the_tabulator_goes_down_the_form(qtbot: Any, widget: Any) -> None:
    widget.input.layer_choice.setFocus()
    seen: list[QWidget] = []
    while (focus := QApplication.focusWidget()) is not None and focus not in seen and len(seen) < 150:
        seen.append(focus)
        if focus is widget.panel.run:
            break
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
    body = widget.scroll.widget()
    heights = [stop.mapTo(body, stop.rect().topLeft()).y() for stop in seen if body.isAncestorOf(stop)]
    assert len(heights) > 12
    assert all(after > before - 8 for before, after in pairwise(heights))  # side by side, one may stand a bit higher
    assert seen[-1] is widget.panel.run


def test_everything_that_takes_the_focus_has_a_name(widget: Any) -> None:
    from napari_blind_deconv._napari.tab_order import stops_of

    nameless = [
        stop
        for stop in stops_of(widget)
        if not stop.accessibleName() and not getattr(stop, "text", lambda: "")() and stop is not widget.scroll
    ]
    assert nameless == []


def test_enter_in_a_field_starts_nothing(qtbot: Any, widget: Any) -> None:
    field = widget.input.voxel_size.box
    field.setFocus()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        qtbot.keyClick(field, key)
    assert not widget.is_running


def test_labels_lead_to_their_fields(widget: Any) -> None:
    from qtpy.QtWidgets import QLabel

    buddies = [label.buddy() for label in widget.findChildren(QLabel) if label.buddy() is not None]
    assert len(buddies) > 20
    assert all(isinstance(buddy, QWidget) for buddy in buddies)


def test_help_opens_the_page_where_the_documentation_is(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_blind_deconv._napari import help_links

    opened: list[str] = []
    monkeypatch.setattr(help_links, "documentation", lambda: "https://example.org/docs/")
    monkeypatch.setattr(help_links.QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    button = help_links.HelpButton("kernel-priors", "PSFs")
    qtbot.addWidget(button)
    button.click()
    assert opened == ["https://example.org/docs/kernel-priors/"]
    monkeypatch.setattr(help_links, "documentation", str)
    quiet = help_links.HelpButton("kernel-priors", "PSFs")
    qtbot.addWidget(quiet)
    quiet.open()
    assert quiet.isHidden()
    assert len(opened) == 1
