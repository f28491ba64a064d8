"""Run and Stop of a batch, the table, what is going on, and where to go from there."""

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_blind_deconv._napari.batch_rows import Row
from napari_blind_deconv._napari.batch_table import BatchTable
from napari_blind_deconv._napari.run_panel import RUN_STYLE
from napari_blind_deconv.printable import shown

_MOST_SHOWN: Final = 12
_FINE: Final = 1000
_ALARMS: Final = MappingProxyType({"dark": "#ff9d7a", "light": "#a8320f"})


class BatchPanel(QWidget):
    """Buttons, table, bar and status line; it knows no batch."""

    run_clicked = Signal()
    stop_clicked = Signal()
    look_clicked = Signal()
    report_clicked = Signal()
    folder_clicked = Signal()
    result_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.table = BatchTable()
        self.run, self.stop, self.look = QPushButton("Run"), QPushButton("Stop"), QPushButton("Look again")
        self.run.setStyleSheet(RUN_STYLE)
        self.look.setToolTip("Look at the files again: some may have been added, or changed")
        self.result, self.report, self.folder = (
            QPushButton("Open result"),
            QPushButton("Open report"),
            QPushButton("Show folder"),
        )
        self.result.setToolTip("Open the result of the chosen image as layers; so does a double click on it")
        self.report.setToolTip("Open the page on what became of all images in the browser")
        self.folder.setToolTip("Show where the results lie")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(10)
        self.left_out = QLabel()
        self.left_out.setVisible(False)
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._alarm_ink = _ALARMS["dark"]
        self._arrange()
        for button, signal in (
            (self.run, self.run_clicked),
            (self.stop, self.stop_clicked),
            (self.look, self.look_clicked),
            (self.report, self.report_clicked),
            (self.folder, self.folder_clicked),
            (self.result, self.result_clicked),
        ):
            button.clicked.connect(signal)
        self.table.opened.connect(lambda _: self.result_clicked.emit())
        self.show_idle()

    def _arrange(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(self.table, 1)
        column.addWidget(self.left_out)
        column.addWidget(self.bar)
        column.addWidget(self.status)
        buttons, more = QHBoxLayout(), QHBoxLayout()
        for button, share in ((self.run, 2), (self.stop, 1), (self.look, 1)):
            buttons.addWidget(button, share)
        for button in (self.result, self.report, self.folder):
            more.addWidget(button)
        column.addLayout(buttons)
        column.addLayout(more)

    def show_rows(self, rows: Sequence[Row], left_out: Sequence[tuple[Path, str]] = ()) -> None:
        """Show other images, and how many files beside them are none; on hovering, why."""
        self.table.set_rows(list(rows))
        count = len(left_out)
        self.left_out.setText(f"{count} {'file is' if count == 1 else 'files are'} left out (hover to see why)")
        lines = [shown(f"{path.name} {reason}") for path, reason in left_out[:_MOST_SHOWN]]
        more = [f"and {count - _MOST_SHOWN} more"] if count > _MOST_SHOWN else []
        self.left_out.setToolTip("\n".join([*lines, *more]))
        self.left_out.setVisible(bool(left_out))

    def show_idle(self) -> None:
        """Nothing runs; what an earlier run has begun can be continued, and what failed be tried again."""
        found = {row.status for row in self.table.rows.rows}
        begun = bool(found & {"done", "failed"})
        self.run.setEnabled(True)
        self.run.setText("Continue" if begun and "to do" in found else "Try again" if "failed" in found else "Run")
        self.look.setEnabled(True)
        self.stop.setEnabled(False)
        self.stop.setText("Stop")
        self.bar.setRange(0, 1)
        self.bar.setValue(0)

    def show_running(self) -> None:
        """A run has begun."""
        self.run.setEnabled(False)
        self.look.setEnabled(False)
        self.stop.setEnabled(True)
        self.bar.setRange(0, 0)

    def show_stopping(self) -> None:
        """A run has been asked to stop and has not stopped yet."""
        self.stop.setEnabled(False)
        self.stop.setText("Stopping…")
        self.say("Stopping: the current step is finished first …")

    def show_share(self, done: float, total: int) -> None:
        """How many images are done, the share of the one that is being worked on among them."""
        self.bar.setRange(0, total * _FINE)
        self.bar.setValue(round(done * _FINE))

    def set_theme(self, kind: str) -> None:
        """Inks for a ``dark`` or a ``light`` window."""
        self.table.rows.set_theme(kind)
        self._alarm_ink = _ALARMS[kind]
        self.say(self.status.text(), alarm=bool(self.status.styleSheet()))

    def say(self, sentence: str, *, alarm: bool = False) -> None:
        """Show a sentence; an alarm is one that asks for something to be changed."""
        self.status.setText(sentence)
        self.status.setStyleSheet(f"color: {self._alarm_ink}; font-weight: bold;" if alarm else "")
