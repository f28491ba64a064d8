"""What a report says of one file, and of each of its channels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv.metrics import PsfFigures

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A fitted number: its name, value, standard deviation where that is known, and unit."""

    name: str
    value: float
    error: float | None
    unit: str


@dataclass(frozen=True)
class Family:
    """One of the families of PSFs that were compared; in nats, over no blur at all."""

    kind: str
    gain_nats: float
    penalty_nats: float


@dataclass(frozen=True)
class Checked:
    """A check of trust, as of `napari_blind_deconv.trust.Check`."""

    name: str
    value: float
    limit: float
    is_doubt: bool
    sentence: str


@dataclass(frozen=True)
class Detail:
    """How fine a detail half of the light shows, and the curves behind it; as of `trust.HalfLight`."""

    unit: str
    before: float | None
    after: float | None
    limit_before: str
    limit_after: str
    frequency: tuple[float, ...]
    curve_before: tuple[float, ...]
    curve_after: tuple[float, ...]


@dataclass(frozen=True)
class Channel:
    """One PSF of a file, and what was found with it.

    Attributes
    ----------
    number, name
        From 1; 0 where the file has no channels. What it is called, where it is not only a channel's.
    taps, voxel_size_um
        The PSF; None where its file cannot be read.
    figures
        Its widths and the rest.
    theory
        Full widths at half maximum of the aberration-free PSF of the same optics, along the PSF's axes, in µm; None
        where the optics are not known.
    marks
        Why it differs from the other PSFs, in sentences.
    varying
        How the PSF changes over the field, in a sentence, where that was asked for; its own one is that of the middle.
    distance
        To the median PSF, relative to its norm; None where there are too few to have one.
    """

    number: int
    name: str = ""
    noise_sigma: float | None = None
    noise_words: str = ""
    flux_ratio: float | None = None
    choice: str = ""
    varying: str = ""
    families: tuple[Family, ...] = ()
    fitted: tuple[Figure, ...] = ()
    checks: tuple[Checked, ...] = ()
    detail: Detail | None = None
    taps: Array | None = None
    voxel_size_um: tuple[float, ...] | None = None
    figures: PsfFigures | None = None
    theory: tuple[float, ...] | None = None
    marks: tuple[str, ...] = ()
    distance: float | None = None

    @property
    def doubts(self) -> tuple[Checked, ...]:
        """The checks that raise doubt."""
        return tuple(check for check in self.checks if check.is_doubt)

    @property
    def axes(self) -> str:
        """Letters of the PSF's axes."""
        return "" if self.figures is None else "zyx"[-len(self.figures.fwhm) :]

    @property
    def fwhm_px(self) -> tuple[float, ...]:
        """Full widths at half maximum in pixels."""
        if self.figures is None:
            return ()
        lengths = self.figures.voxel_size_um or (1.0,) * len(self.figures.fwhm)
        return tuple(width / length for width, length in zip(self.figures.fwhm, lengths, strict=True))

    @property
    def fwhm_um(self) -> tuple[float, ...] | None:
        """The same in µm; None where no voxel size is known."""
        return None if self.figures is None or self.figures.unit == "px" else self.figures.fwhm

    @property
    def over_theory(self) -> tuple[float, ...] | None:
        """Widths over those of theory."""
        if self.theory is None or self.fwhm_um is None:
            return None
        return tuple(width / ideal for width, ideal in zip(self.fwhm_um, self.theory, strict=True))


@dataclass(frozen=True)
class Record:
    """One file of a batch.

    Attributes
    ----------
    name
        The input's name as it is on the disk, which may hold anything.
    status
        ``done`` or ``failed``.
    message
        Why it failed.
    report
        Name of its report; empty where it has none.
    command
        What restores it again.
    settings
        As the report has them.
    """

    name: str
    status: str = "done"
    message: str = ""
    report: str = ""
    command: str = ""
    sha256: str = ""
    shape: tuple[int, ...] = ()
    axes: str = ""
    dtype: str = ""
    device: str = ""
    version: str = ""
    plan: str = ""
    seconds: float | None = None
    peak_memory_mb: float | None = None
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    channels: tuple[Channel, ...] = ()

    @property
    def doubts(self) -> tuple[str, ...]:
        """Names of the checks that raise doubt, each once."""
        return tuple(dict.fromkeys(check.name for channel in self.channels for check in channel.doubts))

    def doubts_of(self, channel: Channel) -> tuple[str, ...]:
        """The reasons to doubt one channel's result; of a file with a single one, all."""
        if not channel.number:
            return self.warnings
        return tuple(sentence for sentence in self.warnings if sentence.startswith(f"channel {channel.number}: "))

    @property
    def kernel_prior(self) -> str:
        """What was said of the PSF: a kind, or ``auto``."""
        prior = self.settings.get("kernel_prior")
        kind = prior.get("kind") if isinstance(prior, Mapping) else None
        return kind if isinstance(kind, str) else ""

    @property
    def differs(self) -> bool:
        """Whether one of its PSFs differs from the rest."""
        return any(channel.marks for channel in self.channels)
