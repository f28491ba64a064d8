"""What physics has to say about the numbers of a kernel prior, by the setting that each sentence is about."""

from collections.abc import Sequence
from typing import Any

from napari_blind_deconv.physical_checks import doubts_by_field, voxel_doubts

_NUMBERS = ("na", "emission_um", "excitation_um", "immersion_index", "sample_index", "sheet_um")


def prior_doubts(
    prior: Any, voxel_size_um: Sequence[float | None] | None, kernel_shape: Sequence[int] | None
) -> list[tuple[str, str]]:
    """What is strange about voxels, and about the numbers of a microscope that are fixed, of a prior that has any.

    Parameters
    ----------
    prior
        Of the kernel.
    voxel_size_um
        As far as it is known.
    kernel_shape
        The support that was asked for; ``None`` where it is found.

    Returns
    -------
    list of (str, str)
        The path of the setting that each sentence is about, and the sentence.
    """
    fixed = {name: value for name in _NUMBERS if isinstance(value := getattr(prior, name, None), int | float)}
    if not fixed:
        return [("voxel_size_um", sentence) for sentence in voxel_doubts(voxel_size_um)]
    usual = {name for name, value in fixed.items() if value == type(prior).__dataclass_fields__[name].default}
    modality: Any = getattr(prior, "modality", "widefield")
    told = doubts_by_field(
        voxel_size_um=voxel_size_um, modality=modality, kernel_shape=kernel_shape, assumed=usual, **fixed
    )
    return [(f"kernel_prior.{field}" if field in _NUMBERS else field, sentence) for field, sentence in told]


def doubts_of_channels(
    prior: Any, voxel_size_um: Sequence[float | None] | None, kernel_shape: Sequence[int] | None, channels: int
) -> list[tuple[str, str]]:
    """As `prior_doubts`, of a prior that may differ between channels; what is true of all of them is said once."""
    of_channel = getattr(prior, "of_channel", None)
    if of_channel is None:
        return prior_doubts(prior, voxel_size_um, kernel_shape)
    told: dict[tuple[str, str], list[int]] = {}
    for index in range(channels):
        for doubt in prior_doubts(of_channel(index, channels), voxel_size_um, kernel_shape):
            told.setdefault(doubt, []).append(index + 1)
    return [
        (path, sentence if len(those) == channels else f"channel {', '.join(map(str, those))}: {sentence}")
        for (path, sentence), those in told.items()
    ]
