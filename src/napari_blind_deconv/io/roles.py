"""What an image says that it is, where this program wrote it: in a terminal or from a window."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

PSF_ROLE: Final = "point spread function"
BEADS_ROLE: Final = "PSF measured from beads"
PSF_ROLES: Final = frozenset({PSF_ROLE, BEADS_ROLE, "true PSF"})
"""Roles of images that are PSFs."""
_OF_LAYERS: Final = MappingProxyType(
    {
        "psf": PSF_ROLE,
        "psf field": "point spread functions over the field",
        "restored": "restored image",
        "prior_share": "prior share",
    }
)
"""Role of a layer that was saved: what files of a terminal call it."""


def role_of(description: Mapping[str, Any]) -> str:
    """What an image is, in the words of files; empty where it does not say so.

    Parameters
    ----------
    description
        Of a header or a volume.

    Examples
    --------
    >>> role_of({"provenance": {"role": "psf"}}), role_of({})
    ('point spread function', '')
    """
    said = description.get("provenance")
    role = said.get("role") if isinstance(said, Mapping) else None
    return _OF_LAYERS.get(role, role) if isinstance(role, str) else ""


def no_psf_in_words(description: Mapping[str, Any], name: str) -> str:
    """A sentence where an image that is taken for a PSF says that it is something else; empty otherwise.

    Examples
    --------
    >>> no_psf_in_words({"provenance": {"role": "restored"}}, "a.ome.tif")
    'a.ome.tif says that it is a restored image, not a PSF: choose the file of the PSF'
    """
    role = role_of(description)
    if not role or role in PSF_ROLES:
        return ""
    return f"{name} says that it is a {role}, not a PSF: choose the file of the PSF"
