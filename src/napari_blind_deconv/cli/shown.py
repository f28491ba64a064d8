"""Text for a terminal."""

from napari_blind_deconv.printable import shown

__all__ = ["shown"]
