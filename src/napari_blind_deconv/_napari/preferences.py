"""What the user prefers: the manifest declares it, napari's Preferences show, check and store it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from napari_blind_deconv._napari.layers import PLUGIN
from napari_blind_deconv.settings import Settings

Device = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True)
class Preferences:
    """Defaults as in the manifest.

    Attributes
    ----------
    device
        Where to compute, unless the form says otherwise.
    max_memory_gb
        What a run may hold; ``None``: a share of what is free.
    folder
        Where dialogs of files begin, and batches put their results; ``None``: beside the images.
    """

    device: Device = "auto"
    max_memory_gb: float | None = None
    folder: Path | None = None

    @property
    def settings(self) -> Settings:
        """The settings that a form begins with."""
        return Settings(device=self.device)


def preferences() -> Preferences:
    """What is preferred now; the defaults where napari, before 0.9, has no preferences of plugins."""
    found = _stored()
    if found is None:
        return Preferences()
    folder = str(found.files.folder).strip()
    return Preferences(
        cast(Device, str(found.runs.device)),
        float(found.runs.max_memory_gb) or None,
        Path(folder).expanduser() if folder else None,
    )


def _has_file() -> bool:
    """Whether anything was ever preferred; asking napari reads the manifests of all plugins, which takes a while."""
    from napari.settings import get_settings

    path = get_settings().config_path
    return path is None or Path(path).with_name(f"{PLUGIN}.yaml").is_file()


def _stored() -> Any:
    """What the user has chosen; nothing as long as nobody has chosen anything."""
    return _model() if _has_file() else None


def _model() -> Any:
    """What napari makes of the manifest."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:
        return None
    # A plugin that is switched off has none; its widgets may still be made by a script.
    return get_plugin_settings().get(PLUGIN)


def can_show_preferences() -> bool:
    """Whether napari has a page for them."""
    return _model() is not None


def show_preferences(viewer: Any) -> None:
    """Open napari's preferences at this plugin's page."""
    window = getattr(viewer.window, "__wrapped__", viewer.window)
    dialog = window._open_preferences_dialog()
    pages = dialog._list
    name = getattr(_model(), "display_name", "")
    for row in range(pages.count()):
        if pages.item(row).text() == name:
            pages.setCurrentRow(row)
