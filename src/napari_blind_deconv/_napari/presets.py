"""Settings under names, in a file of the user's."""

from pathlib import Path
from typing import Any, Final

from qtpy.QtCore import QStandardPaths

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.settings import Settings, settings_from_dict, settings_to_dict

_LONGEST: Final = 60  # letters of a name
_MOST: Final = 500
_KEY: Final = "presets"


def usual_path() -> Path:
    """Where the presets of this user lie: in the folder that the system has for settings."""
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericConfigLocation)
    return Path(folder) / "napari-blind-deconv" / "presets.json"


class Presets:
    """Named settings; read anew every time, for other windows may change them, and written completely or not at all.

    Parameters
    ----------
    path
        A JSON file; missing, it holds none.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> presets = Presets(Path(mkdtemp()) / "presets.json")
    >>> presets.save("beads, 60x", Settings(seed=3))
    >>> presets.names(), presets.settings("beads, 60x").seed
    (['beads, 60x'], 3)
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """In the order of the alphabet; errors as of `settings`."""
        return sorted(self._all(), key=str.casefold)

    def settings(self, name: str) -> Settings:
        """The settings under a name.

        Raises
        ------
        InputError
            For a file that cannot be read or is none of presets, a name that it does not have, and settings that are
            none.
        """
        known = self._all()
        if name not in known:
            raise InputError(
                subject=f"preset “{name}”", value="is not there any more", remedy="choose another one, or save it anew"
            )
        values = known[name]
        if not isinstance(values, dict):
            raise InputError(subject=f"preset “{name}”", value="holds no settings", remedy="delete it")
        return settings_from_dict(values)

    def save(self, name: str, settings: Settings) -> None:
        """Keep settings under a name, in place of those that are there.

        Raises
        ------
        InputError
            For a name that is none, and as of `settings` and `io.write_json`.
        """
        known = self._all()
        known[checked_name(name)] = settings_to_dict(settings)
        if len(known) > _MOST:
            raise InputError(
                subject="presets", value=f"are {_MOST} already", allowed="which is the most", remedy="delete some"
            )
        io.write_json(self.path, {_KEY: known})

    def delete(self, name: str) -> None:
        """Forget a name; errors as of `save`."""
        known = self._all()
        known.pop(name, None)
        io.write_json(self.path, {_KEY: known})

    def _all(self) -> dict[str, Any]:
        if not self.path.exists():
            return {}
        found = io.read_json(self.path).get(_KEY)
        if not isinstance(found, dict):
            raise InputError(subject=f"file {self.path}", value="holds no presets", remedy="remove it, or put it right")
        return {name: values for name, values in found.items() if _wrong(name) == ""}


def checked_name(name: str) -> str:
    """A name without blanks around it.

    Raises
    ------
    InputError
        For one that is empty, too long, or has letters that a file's name may not have.

    Examples
    --------
    >>> checked_name("  confocal, green ")
    'confocal, green'
    """
    plain = name.strip()
    if wrong := _wrong(plain):
        raise InputError(
            subject="name of a preset", value=repr(name[:_LONGEST]), allowed=wrong, remedy="choose another"
        )
    return plain


def _wrong(name: str) -> str:
    if not name.strip() or len(name) > _LONGEST:
        return f"must have 1 to {_LONGEST} letters"
    if any(letter in '/\\:*?"<>|' for letter in name) or not name.isprintable() or set(name) <= {"."}:
        return 'must not contain / \\ : * ? " < > | or what cannot be printed'
    return ""
