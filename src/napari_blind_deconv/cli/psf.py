"""``blind-deconv psf``: its commands and their options."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json, Overwrite, number, whole

psf = typer.Typer(
    name="psf",
    help="PSFs: compare several, or measure one from beads.",
    no_args_is_help=False,
    rich_markup_mode=None,
)
VoxelSize = Annotated[
    str | None, typer.Option("--voxel-size-um", metavar="Z,Y,X", help="Voxel size in µm. Default: that of the file.")
]


@psf.command()
def compare(
    files: Annotated[list[Path], typer.Argument(metavar="PSF", help="PSF files, two or more; one is described.")],
    reference: Annotated[
        str | None,
        typer.Option(metavar="FILE or N", help="The PSF to compare with; N counts from 1, the default."),
    ] = None,
    ideal: Annotated[
        Path | None, typer.Option(help="The diffraction-limited PSF on the reference's voxels, for Strehl ratios.")
    ] = None,
    voxel_size_um: VoxelSize = None,
    figure: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw sections, profiles and MTFs.")] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Put PSFs side by side: widths, ellipticity, tilt, entropy, and KE, KE/‖k‖ and MNC to one of them."""
    from .psf_compare import execute
    from .settings import numbers

    voxels = numbers("--voxel-size-um", voxel_size_um)
    execute(files, reference, ideal, voxels, figure, overwrite=overwrite, as_json=as_json)


@psf.command()
def measure(
    beads: Annotated[Path, typer.Argument(metavar="BEADS", help="An image or stack of small beads.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the PSF and its report.")],
    kernel_size: Annotated[
        str | None,
        typer.Option(
            metavar="N or Z,Y,X", help="Size of the PSF in pixels, odd. Default: as large as the beads allow."
        ),
    ] = None,
    voxel_size_um: VoxelSize = None,
    channel: Annotated[
        int | None, typer.Option(parser=whole, metavar="N", help="Channel of a file with several, from 1.")
    ] = None,
    saturation: Annotated[
        float | None, typer.Option(parser=number, metavar="F", help="Intensity from which voxels are saturated.")
    ] = None,
    bead_diameter_um: Annotated[
        float | None,
        typer.Option(parser=number, metavar="F", help="Warn if beads are too large; nothing is corrected."),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Measure a PSF: find beads, leave out the bad ones, align and average the rest."""
    from .psf_measure import Request, execute
    from .settings import numbers, whole_numbers

    request = Request(
        beads=beads,
        output=output,
        kernel_size=whole_numbers("--kernel-size", kernel_size),
        voxel_size_um=numbers("--voxel-size-um", voxel_size_um),
        channel=channel,
        saturation=saturation,
        bead_diameter_um=bead_diameter_um,
        overwrite=overwrite,
    )
    execute(request, as_json=as_json)
