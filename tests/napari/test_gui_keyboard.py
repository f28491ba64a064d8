"""By the keyboard alone: every field is reached, in the order of the eye, and has a name; Enter starts nothing."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from gui import spots
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton, QWidget

from napari_blind_deconv._napari.help_links import HelpButton
from napari_blind_deconv._napari.words import field_label


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
    text = help_links.HelpText("kernel-priors")
    qtbot.addWidget(text)
    text.findChild(QPushButton).click()
    assert opened == ["https://example.org/docs/kernel-priors/"]
    monkeypatch.setattr(help_links, "documentation", str)
    quiet = help_links.HelpText("kernel-priors")
    qtbot.addWidget(quiet)
    assert quiet.findChild(QPushButton) is None


@pytest.mark.parametrize("name", ["kernel_prior", "image_prior", "estimator", "restorer", "likelihood", "variation"])
def test_every_kind_of_every_component_explains_itself(qtbot: Any, widget: Any, name: str) -> None:
    editor = widget.form.editors[name]
    widget.form.fold.setChecked(True)
    [button] = [
        button
        for button in widget.findChildren(HelpButton)
        if button.accessibleName() == f"Help: {field_label(name).rstrip('?')}"
    ]
    assert not editor.help.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    for index in range(editor.box.count()):
        editor.box.setCurrentIndex(index)
        words = editor.help.words.text()
        assert editor.help.isVisible()
        assert len(words) > 25
        assert "`" not in words
        assert ">>>" not in words
        for field in editor.forms[editor.kind].editors:
            assert f"{field_label(field, editor.kind)}: " in words, (editor.kind, field)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not editor.help.isVisible()
