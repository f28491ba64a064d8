"""Records as one page that needs nothing else: style, pictures and drawings lie in it, and it asks no network.

Everything that comes from a file goes through the template's escaping. The page forbids itself all other sources, and
all scripts but its own, which sorts the table.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from napari_blind_deconv.doubts import CHECK_NAMES, HEADING, counted
from napari_blind_deconv.printable import shown

from .charts import correlation_curves, strips
from .pictures import thumbnails
from .records import Channel, Record

GENERATOR = "napari-blind-deconv report"
"""What the page says made it."""
# Lines of what to look at first that are shown without a click.
_MOST_LOOKS = 12
# Names of Noll's modes (1976, doi:10.1364/JOSA.66.000207).
_MODES = {
    "zernike_4": "defocus",
    "zernike_5": "oblique astigmatism",
    "zernike_6": "vertical astigmatism",
    "zernike_7": "vertical coma",
    "zernike_8": "horizontal coma",
    "zernike_9": "vertical trefoil",
    "zernike_10": "oblique trefoil",
    "zernike_11": "spherical",
}


def page(title: str, records: Sequence[Record], told: Sequence[str]) -> str:
    """The page of some records.

    Parameters
    ----------
    title
        What the folder is called.
    records
        Files, in the order of the table.
    told
        Sentences on what was not read.
    """
    channels = [channel for record in records for channel in record.channels]
    pictures = {id(channel): found for channel, found in zip(channels, thumbnails(channels), strict=True)}
    script = _text("sort.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return _template().render(
        title=title,
        generator=GENERATOR,
        style=_text("page.css"),
        script=script,
        digest=digest,
        records=records,
        looks=looks(records, told),
        doubts_heading=HEADING,
        most=_MOST_LOOKS,
        counts=counts(records),
        strips=strips(records),
        pictures=lambda channel: pictures[id(channel)],
        curves=correlation_curves,
    )


@dataclass(frozen=True)
class Look:
    """A line of what to look at first: what is the matter, in which file, and why; ``number`` is 0 for no file."""

    sentence: str
    kind: str = ""
    chip: str = ""
    number: int = 0
    name: str = ""


def looks(records: Sequence[Record], told: Sequence[str]) -> list[Look]:
    """Files that failed, then PSFs that differ, then doubts, then what was not read."""
    failed, differing, doubtful = [], [], []
    for number, record in enumerate(records, start=1):
        if record.status == "failed":
            failed.append(Look(record.message or "no reason was recorded", "failed", "failed", number, record.name))
        for channel in record.channels:
            name = record.name + (f", {channel_name(channel)}" if channel.number else "")
            differing += [Look(mark, "differs", "PSF differs", number, name) for mark in channel.marks]
        doubtful += [Look(sentence, "doubt", "warning", number, record.name) for sentence in record.warnings]
    return [*failed, *differing, *doubtful, *(Look(sentence) for sentence in told)]


def counts(records: Sequence[Record]) -> dict[str, int]:
    """How many files there are of each sort."""
    return {
        "files": len(records),
        "failed": sum(record.status == "failed" for record in records),
        "doubtful": sum(bool(record.warnings) for record in records),
        "differing": sum(record.differs for record in records),
    }


def sig(value: float | None, digits: int = 3) -> str:
    """A number to some significant digits, without an exponent where that is readable; a dash for none.

    Examples
    --------
    >>> sig(0.30012), sig(12345.6), sig(None), sig(1.0), sig(0.0)
    ('0.300', '12346', '–', '1.00', '0')
    """
    if value is None or value != value:
        return "–"
    if value == 0 or (abs(value) >= 10 ** (digits - 1) and abs(value) < 1e7):
        return f"{value:.0f}"
    return f"{value:#.{digits}g}"


def lengths(values: Sequence[float] | None, digits: int = 3) -> str:
    """Lengths along the axes, as people write them.

    Examples
    --------
    >>> lengths((0.8, 0.31, 0.3))
    '0.800 × 0.310 × 0.300'
    """
    return "–" if not values else " × ".join(sig(value, digits) for value in values)


def ratios(values: Sequence[float] | None) -> str:
    """Ratios along the axes, to two decimals.

    Examples
    --------
    >>> ratios((1.0, 1.274))
    '1.00 × 1.27'
    """
    return "–" if not values else " × ".join(f"{value:.2f}" for value in values)


def duration(seconds: float | None) -> str:
    """A time in the unit that fits it.

    Examples
    --------
    >>> duration(17.54), duration(754.0), duration(9000.0)
    ('18 s', '12.6 min', '2.5 h')
    """
    if seconds is None:
        return "–"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def limit_words(period: float | None, limit: str, unit: str) -> str:
    """A resolution with what limits it.

    Examples
    --------
    >>> limit_words(0.31, "light", "µm"), limit_words(0.2, "pixels", "µm"), limit_words(None, "nothing", "µm")
    ('0.310 µm', '≤ 0.200 µm', 'none')
    """
    if period is None:
        return "none" if limit == "nothing" else "–"
    return f"{'≤ ' if limit == 'pixels' else ''}{sig(period)} {unit}"


def figure_name(name: str) -> str:
    """What a fitted figure is called.

    Examples
    --------
    >>> figure_name("zernike_7"), figure_name("emission_um")
    ('Zernike 7 (vertical coma)', 'emission')
    """
    if name.startswith("zernike_"):
        number = name.removeprefix("zernike_")
        return f"Zernike {number} ({_MODES[name]})" if name in _MODES else f"Zernike {number}"
    for ending in ("_um", "_px", "_rad", "_airy", "_deg"):
        name = name.removesuffix(ending)
    return name.replace("_", " ")


def check_name(name: str) -> str:
    """How a check is called, as in the widgets."""
    return CHECK_NAMES.get(name, name.replace("_", " "))


def channel_name(channel: Channel) -> str:
    """How a channel is called; nothing where a file has no channels."""
    return channel.name or (f"channel {channel.number}" if channel.number else "")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    for function in (shown, sig, lengths, ratios, duration, figure_name, channel_name, check_name, counted):
        environment.filters[function.__name__] = function
    environment.globals["limit_words"] = limit_words
    return environment.from_string(_text("page.html.jinja"))


def _text(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")
