"""``blind-deconv report``."""

import sys
from pathlib import Path
from typing import Any

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch.page import Written, write_report
from napari_blind_deconv.kernel_priors import Microscope
from napari_blind_deconv.settings import settings_from_dict

from .shown import shown


def execute(
    folder: Path,
    optics: dict[str, float | None],
    modality: str | None,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write the report of a folder, and say where.

    Raises
    ------
    InputError
        As `write_report`, and for optics that are given in part.
    """
    written = write_report(folder, microscope=_microscope(optics, modality), overwrite=overwrite)
    if as_json:
        figures = {name: getattr(written, name) for name in ("files", "failed", "doubtful", "differing")}
        outputs = {"outputs": [str(path) for path in written.paths], "notes": list(written.told)}
        sys.stdout.write(io.to_json(figures | outputs) + "\n")
    else:
        _tell(written)


def _microscope(optics: dict[str, float | None], modality: str | None) -> Microscope | None:
    given = {name: value for name, value in optics.items() if value is not None}
    if not given and modality is None:
        return None
    needed = ["na", "emission_um", *(["excitation_um"] if modality == "confocal" else [])]
    missing = [f"--{name.replace('_', '-')}" for name in needed if name not in given]
    if missing:
        raise InputError(
            subject=" and ".join(missing),
            value="is not given",
            allowed="but the theoretical width needs NA and emission, and for a confocal microscope the excitation",
            remedy="give them all, or none",
        )
    fields: dict[str, Any] = {"kind": "microscope", **given}
    try:
        # As settings, so that a refusal says name, value and what is allowed.
        prior = settings_from_dict({"kernel_prior": fields | ({} if modality is None else {"modality": modality})})
    except InputError as error:
        raise error.about(f"--{error.subject.rpartition('.')[2].replace('_', '-')}") from error
    return prior.kernel_prior if isinstance(prior.kernel_prior, Microscope) else None


def _tell(written: Written) -> None:
    lines = [f"wrote    {path}" for path in written.paths]
    words = [f"{written.files} files", f"{written.failed} failed", f"{written.doubtful} with warnings"]
    lines.append(f"report   {', '.join(words)}, {written.differing} with a PSF that differs from the rest")
    lines += [f"warning  {sentence}" for sentence in written.told]
    sys.stdout.write("".join(f"{shown(line)}\n" for line in lines))
