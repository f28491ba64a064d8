"""How channels are shown: names, colours and windows, as OME-Zarr carries them under the name of a server."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

Channel = dict[str, Any]
"""Of ``label``, ``color`` (six hexadecimal digits), ``window`` (start, end, min, max) and ``active`` what is known."""

_COLOUR = re.compile(r"#?([0-9a-fA-F]{6})")
_WINDOW = ("start", "end", "min", "max")
_USUAL = ("00FF00", "FF00FF", "00FFFF", "FFFF00", "FF0000", "0000FF")
_SAMPLES = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))


def channels_of(omero: Any, count: int) -> tuple[list[Channel], list[str]]:
    """What a file says of its channels, and what is odd about that.

    Examples
    --------
    >>> channels_of({"channels": [{"label": "DAPI", "color": "0000ff", "window": {"start": 0}}]}, 1)
    ([{'label': 'DAPI', 'color': '0000FF'}], [])
    >>> channels_of({"channels": []}, 2)
    ([], ['describes 0 channels of 2; these descriptions were ignored'])
    """
    if omero is None:
        return [], []
    given = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(given, list) or not all(isinstance(channel, dict) for channel in given):
        return [], ["describes its channels in an unknown way; this was ignored"]
    if len(given) != count:
        return [], [f"describes {len(given)} channels of {count}; these descriptions were ignored"]
    return [_plain(channel) for channel in given], []


def _plain(given: Mapping[str, Any]) -> Channel:
    found: Channel = {}
    label, colour, window = given.get("label"), given.get("color"), given.get("window")
    if isinstance(label, str) and label:
        found["label"] = label
    if isinstance(colour, str) and (digits := _COLOUR.fullmatch(colour)):
        found["color"] = digits[1].upper()
    if isinstance(window, dict) and all(_finite(window.get(key)) for key in _WINDOW):
        found["window"] = {key: window[key] for key in _WINDOW}
    if isinstance(given.get("active"), bool):
        found["active"] = given["active"]
    return found


def _finite(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value)


def written(
    description: Mapping[str, Any], count: int, ranges: Sequence[tuple[float, float]], *, colours: bool = False
) -> list[Channel]:
    """Channels as a file wants them, complete: what is known, and for the rest what is usual.

    Parameters
    ----------
    description
        Of the image: ``channels``, or else ``channel_names``.
    count
        How many channels there are.
    ranges
        Least and largest value of each.
    colours
        Whether the channels are colour samples.
    """
    known = description.get("channels") or []
    names = description.get("channel_names") or []
    if len(known) != count:
        known = [{"label": name} for name in names] if len(names) == count else [{}] * count
    complete = []
    for i, (channel, (low, high)) in enumerate(zip(known, ranges, strict=True)):
        usual: Channel = {"color": "FFFFFF" if count == 1 else _USUAL[i % len(_USUAL)], "active": True}
        if colours and i < len(_SAMPLES):
            usual["label"], usual["color"] = _SAMPLES[i]
        usual["window"] = {"start": low, "end": high, "min": low, "max": high}
        complete.append(usual | channel)
    return complete
