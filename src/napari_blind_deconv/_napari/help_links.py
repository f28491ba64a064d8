"""Buttons that open the page of the documentation on what is beside them."""

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QToolButton


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


class HelpButton(QToolButton):
    """A question mark that opens a page in the browser; without a network the browser says so.

    It is not there as long as the documentation has no address.

    Parameters
    ----------
    page
        Of the documentation, as of `address_of`.
    about
        What the page is about.
    """

    def __init__(self, page: str, about: str) -> None:
        super().__init__()
        self.page = page
        self.setText("?")
        self.setAutoRaise(True)
        self.setAccessibleName(f"Help: {about}")
        self.setToolTip(f"Open the page on {about} in the browser")
        if not documentation():
            self.setVisible(False)
        self.clicked.connect(self.open)

    def open(self) -> None:
        """Open the page."""
        if pages := documentation():
            QDesktopServices.openUrl(QUrl(address_of(self.page, pages)))
