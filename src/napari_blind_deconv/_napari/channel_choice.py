"""Which channels of an image are restored: all of them, or one."""

from collections.abc import Sequence

from qtpy.QtCore import Signal

from napari_blind_deconv._napari.editors import CalmComboBox


class ChannelChoice(CalmComboBox):
    """All channels, or one; ``value()`` is its number, counted from 0, or ``None`` for all."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.names: tuple[str, ...] = ()
        self.setToolTip("Channels have a PSF each; one of them can be restored by itself")
        self.currentIndexChanged.connect(self.changed)

    def offer(self, names: Sequence[str]) -> None:
        """Offer channels by their names; the choice is kept if they are the same as before."""
        if tuple(names) == self.names:
            return
        self.names = tuple(names)
        self.blockSignals(True)
        self.clear()
        self.addItem(f"all {len(names)}")
        self.addItems([f"{name} only" for name in names])
        self.setCurrentIndex(0)
        self.blockSignals(False)

    def value(self) -> int | None:
        """The chosen channel."""
        index = int(self.currentIndex()) - 1
        return index if index >= 0 else None

    def chosen(self) -> tuple[str, ...]:
        """The names of the channels that are restored."""
        index = self.value()
        return self.names if index is None else self.names[index : index + 1]
