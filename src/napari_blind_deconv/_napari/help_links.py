"""Help in the form: what a component's own documentation says, without a network; and the page on it in the browser."""

import inspect
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QPushButton, QToolButton, QVBoxLayout, QWidget

from napari_blind_deconv._napari.field_docs import field_docs
from napari_blind_deconv._napari.tones import QUIET, set_tone
from napari_blind_deconv._napari.words import field_hint, field_label
from napari_blind_deconv._napari.wrapped_label import WrappedLabel


@cache
def documentation() -> str:
    """Where the documentation is read, as the package's own metadata have it; empty as long as it is nowhere."""
    try:
        given = metadata("napari-blind-deconv").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    found = (entry.partition(",") for entry in given)
    return next((address.strip() for name, _, address in found if name.strip().lower() == "documentation"), "")


def address_of(page: str, pages: str) -> str:
    """The address of a page of ``docs/``, such as ``kernel-priors`` or ``napari#results``.

    Examples
    --------
    >>> address_of("napari#results", "https://example.org/docs")
    'https://example.org/docs/napari/#results'
    """
    name, mark, anchor = page.partition("#")
    return f"{pages.rstrip('/')}/{name}/{mark}{anchor}"


def help_of(cls: type, fields: tuple[str, ...]) -> str:
    """What a component is, in its own words, and below it its fields, one a line; plain text.

    Parameters
    ----------
    cls
        The component.
    fields
        Those of its fields that the form shows.

    Examples
    --------
    >>> from napari_blind_deconv.kernel_priors import Gaussian
    >>> help_of(Gaussian, ()).partition(".")[0]
    'A Gaussian spot with one standard deviation per principal axis, in any orientation'
    """
    kind, docs = getattr(cls, "kind", ""), field_docs(cls)
    hints = {name: field_hint(name, kind) or docs.get(name, "") for name in fields}
    lines = [f"• {field_label(name, kind)}: {_plain(hint)}" for name, hint in hints.items() if hint]
    # What follows a heading is for programmers.
    said = re.split(r"\n\n.*\n---", inspect.getdoc(cls) or "", maxsplit=1)[0]
    return "\n".join([*map(_plain, said.split("\n\n")), *lines])


def _plain(paragraph: str) -> str:
    """A paragraph of a docstring as one line, without its marks."""
    return re.sub(r"\s+", " ", paragraph.replace("`", "")).strip()


class HelpButton(QToolButton):
    """A question mark that shows and hides help.

    Parameters
    ----------
    about
        What the help is about.
    """

    def __init__(self, about: str) -> None:
        super().__init__()
        self.setText("?")
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setAccessibleName(f"Help: {about}")
        self.setToolTip("Explain the choice and its fields")


class HelpText(QWidget):
    """Help in a form, and what opens the page on it, where the documentation has an address.

    Parameters
    ----------
    page
        Of the documentation, as of `address_of`; empty: there is none.
    """

    def __init__(self, page: str = "") -> None:
        super().__init__()
        self.page = page
        self.words = WrappedLabel()
        set_tone(self.words, QUIET)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.words)
        if page and documentation():
            more = QPushButton("Read more in the browser")
            more.clicked.connect(self.open)
            column.addWidget(more)

    def open(self) -> None:
        """Open the page; without a network the browser says so."""
        QDesktopServices.openUrl(QUrl(address_of(self.page, documentation())))
