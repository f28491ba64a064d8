"""Room: the form keeps most of its dock, whatever else is opened and however much there is to say."""

from collections.abc import Callable
from typing import Any

import pytest
from gui import PLUGIN, RUN_MS, at_rest, spots
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_blind_deconv._napari.component_form import VariantEditor
from napari_blind_deconv.pipeline.time_left import TimeLeft

OURS = ("Deconvolution metrics", "Compare PSFs", "PSF from beads", "Batch")
LONG = "\n".join(
    f"• doubt {i}, in a sentence that is long enough to take two lines of a dock on the right" for i in range(40)
)


def filler() -> QWidget:
    """A widget such as other plugins have."""
    widget = QWidget()
    column = QVBoxLayout(widget)
    column.addWidget(QLabel("other"))
    return widget


def cut_at_the_side(scroll: Any) -> list[QWidget]:
    """What of the content is to the right of what can be seen; fields that were just made wait for their layout."""
    content = scroll.widget()
    shown = [child for child in content.findChildren(QWidget) if child.isVisible() and child.width() > 0]
    cut = [child for child in shown if child.mapTo(content, child.rect().topRight()).x() > content.width()]
    return [content, *cut] if content.width() > scroll.viewport().width() else cut


def unfolded(small: Any, open_widget: Callable[[str], Any]) -> Any:
    """The form on a stack of channels, with its advanced part."""
    widget = open_widget("Blind deconvolution")
    small.add_image(spots((3, 9, 48, 52)), name="cells")
    widget.form.fold.setChecked(True)
    return widget


@pytest.fixture
def small(viewer: Any) -> Any:
    """A small window."""
    viewer.window.resize(1024, 700)
    return viewer


def test_form_keeps_its_height_when_ten_docks_are_opened(
    qtbot: Any, small: Any, open_widget: Callable[[str], Any]
) -> None:
    widget = open_widget("Blind deconvolution")
    before = at_rest(qtbot, widget.scroll.height)
    for name in OURS:
        open_widget(name)
    for number in range(6):
        small.window.add_dock_widget(filler(), name=f"other {number}", area="left")
    widget.parent().raise_()
    qtbot.waitUntil(lambda: widget.isVisible() and widget.scroll.height() >= 0.9 * before, timeout=RUN_MS)
    assert small.window._qt_window.height() <= 960  # by no more than the docks of others need


def test_form_keeps_most_of_its_dock_beside_a_long_text(
    qtbot: Any, small: Any, open_widget: Callable[[str], Any]
) -> None:
    widget = unfolded(small, open_widget)
    widget.panel.say(LONG)
    qtbot.waitUntil(lambda: widget.panel.status.height() > 60, timeout=RUN_MS)
    assert at_rest(qtbot, widget.scroll.height) > 0.4 * widget.height()
    bar = widget.panel.status.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0, timeout=RUN_MS)
    bar.setValue(bar.maximum())
    assert widget.panel.status.text().endswith(LONG[-20:])


def test_nothing_is_cut_at_the_side(qtbot: Any, small: Any, open_widget: Callable[[str], Any]) -> None:
    widget = unfolded(small, open_widget)
    for kind in ("microscope", "known", "uniform"):
        box = widget.form.kernel_prior.box
        box.setCurrentIndex(box.findData(kind))
        qtbot.waitUntil(lambda: not cut_at_the_side(widget.scroll), timeout=RUN_MS)


def test_closing_other_docks_gives_their_place_back(qtbot: Any, small: Any, open_widget: Callable[[str], Any]) -> None:
    widget = open_widget("Blind deconvolution")
    before = at_rest(qtbot, widget.scroll.height)
    other = small.window.add_dock_widget(QPushButton("other"), name="other", area="right")
    qtbot.waitUntil(lambda: other.isVisible(), timeout=RUN_MS)
    at_rest(qtbot, widget.scroll.height)
    small.window.remove_dock_widget(other)
    qtbot.waitUntil(lambda: widget.scroll.height() >= before - 2, timeout=RUN_MS)
    assert PLUGIN in widget.parent().windowTitle() or widget.parent() is not None


WIDEST = 360


@pytest.mark.parametrize("title", ["Blind deconvolution", *OURS])
def test_a_small_window_has_room_beside_every_dock(
    qtbot: Any, small: Any, open_widget: Callable[[str], Any], title: str
) -> None:
    small.add_image(spots((3, 9, 48, 52)), name="cells with a name that is longer than any field of a dock")
    widget = open_widget(title)
    qtbot.waitUntil(lambda: widget.width() <= WIDEST)
    assert widget.minimumSizeHint().width() <= WIDEST


def test_every_kind_of_component_has_room_in_a_narrow_form(
    qtbot: Any, small: Any, open_widget: Callable[[str], Any]
) -> None:
    widget = unfolded(small, open_widget)
    for editor in widget.form.editors.values():
        for kind in range(editor.box.count() if isinstance(editor, VariantEditor) else 0):
            editor.box.setCurrentIndex(kind)
            qtbot.wait(10)
            assert widget.minimumSizeHint().width() <= WIDEST, editor.kind


def test_a_run_asks_for_no_more_width(qtbot: Any, small: Any, open_widget: Callable[[str], Any]) -> None:
    widget = open_widget("Blind deconvolution")
    panel = widget.panel
    panel.show_running(TimeLeft())
    panel.keep.setVisible(True)
    panel.show_cancelling()
    panel.keep.setVisible(True)
    qtbot.wait(10)
    assert widget.minimumSizeHint().width() <= WIDEST
    panel.show_idle()
