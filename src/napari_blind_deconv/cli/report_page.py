"""``blind-deconv report``."""

import sys
from pathlib import Path

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch.page import Written, write_report
from napari_blind_deconv.kernel_priors import Microscope

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
    missing = [name for name in ("na", "emission_um") if name not in given]
    if missing:
        raise InputError(
            subject=", ".join(f"--{name.replace('_', '-')}" for name in missing),
            value="is not given",
            allowed="but the width of theory takes both NA and emission",
            remedy="give both, or none",
        )
    return Microscope(**given, **({} if modality is None else {"modality": modality}))  # type: ignore[arg-type]


def _tell(written: Written) -> None:
    lines = [f"wrote    {path}" for path in written.paths]
    words = [f"{written.files} files", f"{written.failed} failed", f"{written.doubtful} with doubts"]
    lines.append(f"report   {', '.join(words)}, {written.differing} with a PSF that differs from the rest")
    lines += [f"warning  {sentence}" for sentence in written.told]
    sys.stdout.write("".join(f"{shown(line)}\n" for line in lines))
