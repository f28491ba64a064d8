"""By the keyboard alone: every field is reached, in the order of the eye, and has a name; Enter starts nothing."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from gui import spots
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget


@pytest.fixture
def widget(open_widget: Callable[[str], Any], viewer: Any) -> Any:
    viewer.add_image(spots((3, 9, 48, 52)), name="cells")
    widget = open_widget("Blind deconvolution")
    box = widget.form.kernel_prior.box
    box.setCurrentIndex(box.findData("microscope"))
    widget.form.fold.setChecked(True)
    return widget


def test_the_tabulator_goes_down_the_form(widget: Any) -> None:
    start = focus = widget.input.layer_choice
    seen: list[QWidget] = []
    while focus is not widget.panel.run and (not seen or focus is not start):
        if focus.isVisible() and focus.isEnabled() and focus.focusPolicy() & Qt.FocusPolicy.TabFocus:
            seen.append(focus)
        focus = focus.nextInFocusChain()
    body = widget.scroll.widget()
    inside = [stop.mapTo(body, stop.rect().topLeft()).y() for stop in seen if body.isAncestorOf(stop)]
    assert focus is widget.panel.run
    assert len(inside) > 12
    drops = [(before, after) for before, after in pairwise(inside) if after < before - 12]
    assert drops == []  # side by side, one may stand a bit higher


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
