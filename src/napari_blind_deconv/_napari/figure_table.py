"""The metrics as text on screen: reasons to doubt on top, then names, values, grades, and what the values mean."""

from collections.abc import Sequence
from html import escape
from types import MappingProxyType
from typing import Final

from qtpy.QtCore import Qt
from qtpy.QtGui import QTextOption
from qtpy.QtWidgets import QFrame, QTextBrowser

from napari_blind_deconv._napari.figures import Figure
from napari_blind_deconv._napari.psf_plots import REPORT, Look

# Dark words on pale chips: readable on the dark and on the light theme, and not by colour alone.
GRADE_COLOURS: Final = MappingProxyType(
    {"bad": "#ff9d8a", "ok": "#ffd866", "good": "#b5e08c", "really good": "#6fdc9a"}
)
_EMPTY: Final = "Choose a restored image or a PSF: the metrics show warnings, the width of the PSF and figures."
_STYLE: Final = """
p {{ margin: 0 0 5px 0; }}
p.doubt {{ color: {alarm}; font-weight: bold; }}
h4 {{ margin: 7px 0 3px 0; color: {ink}; }}
td {{ padding: 0 12px 4px 0; }}
span.quiet {{ color: {quiet}; }}
span.chip {{ color: #1b1e23; }}
"""


class FigureTable(QTextBrowser):
    """Figures in one or several columns, below the reasons to doubt them: one text, so that nothing can overlap."""

    def __init__(self) -> None:
        super().__init__()
        self._columns = 1
        self._rows: Sequence[Figure] = ()
        self._doubts: Sequence[str] = ()
        self._look = REPORT
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )

    def set_look(self, look: Look) -> None:
        """Write in the colours of a theme."""
        self._look = look
        self.setStyleSheet(f"background: {look.paper}; color: {look.ink};")
        self._write()

    def set_columns(self, columns: int) -> None:
        """Flow the figures in this many columns."""
        if columns != self._columns:
            self._columns = columns
            self._write()

    def show_figures(self, rows: Sequence[Figure], doubts: Sequence[str]) -> None:
        """Replace the text; where it was scrolled to stays."""
        self._rows, self._doubts = rows, doubts
        place = self.verticalScrollBar().value()
        self._write()
        self.verticalScrollBar().setValue(place)

    def _write(self) -> None:
        look = self._look
        self.document().setDefaultStyleSheet(_STYLE.format(ink=look.ink, quiet=look.quiet, alarm=look.alarm))
        self.setHtml(page(self._rows, self._doubts, self._columns))


def page(rows: Sequence[Figure], doubts: Sequence[str], columns: int = 1) -> str:
    """The text as HTML; what comes from files and layers is escaped.

    Examples
    --------
    >>> "a &lt;b&gt;" in page([Figure("a <b>", "1")], [])
    True
    """
    if not rows and not doubts:
        return f'<p><span class="quiet">{_EMPTY}</span></p>'
    alarming = len(doubts) > 1
    said = "".join(f'<p class="{"doubt" if alarming and n == 0 else ""}">{escape(s)}</p>' for n, s in enumerate(doubts))
    cells = "".join(
        f'<td width="{100 // columns}%" valign="top">{_column(part)}</td>' for part in flowed(list(rows), columns)
    )
    return (
        f'{said}<table width="100%" cellspacing="0" style="margin-top: 8px"><tr>{cells}</tr></table>' if rows else said
    )


def flowed(rows: list[Figure], columns: int) -> list[list[Figure]]:
    """The rows in columns of about equal height, in their order.

    Examples
    --------
    >>> [len(part) for part in flowed([Figure(str(i), "") for i in range(7)], 3)]
    [3, 2, 2]
    """
    heights = [1 + len(row.meaning) // 60 + bool(row.meaning) for row in rows]
    parts: list[list[Figure]] = [[] for _ in range(columns)]
    passed = 0
    for row, height in zip(rows, heights, strict=True):
        parts[min(passed * columns // max(sum(heights), 1), columns - 1)].append(row)
        passed += height
    return parts


def _column(rows: Sequence[Figure]) -> str:
    out, section = [], ""
    for row in rows:
        if row.section != section:
            section = row.section
            out.append(f"<h4>{escape(section)}</h4>")
        out.append(f"<p>{_row(row)}</p>")
    return "".join(out)


def _row(row: Figure) -> str:
    chip = ""
    if row.grade is not None:
        colour = GRADE_COLOURS[row.grade]
        chip = f'&nbsp; <span class="chip" style="background: {colour}">&nbsp;{escape(row.grade)}&nbsp;</span>'
    meaning = f'<br><span class="quiet">{escape(row.meaning)}</span>' if row.meaning else ""
    return f"{escape(row.name)}: <b>{escape(row.value)}</b>{chip}{meaning}"
