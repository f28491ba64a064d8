"""``blind-deconv synthesize``: its commands and their options."""

from pathlib import Path
from typing import Annotated

import typer

from . import kinds
from .options import Json, Overwrite, number, one_of, whole

synthesize = typer.Typer(
    name="synthesize",
    help="Testbeds: sharp images or movies, kernels and observations of exactly known p(x) and p(k).",
    no_args_is_help=False,
    rich_markup_mode=None,
)
_DRAWABLE = tuple(kind for kind in kinds.KERNEL_PRIORS if kind != "known")
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder to make, a zarr group with a card.")]
Fit = Annotated[
    Path | None,
    typer.Option("--fit", metavar="FILE or FOLDER", help="Real images or movies whose spectrum is used."),
]
Axes = Annotated[
    str | None, typer.Option(metavar="LETTERS", help="Axes of --fit such as TYX. Default: those of the files.")
]
Licence = Annotated[str, typer.Option(metavar="TEXT", help="Licence of --fit, to be recorded.")]
Size = Annotated[str | None, typer.Option(metavar="H,W or D,H,W", help="Pixels of an image or frame; 256,256.")]
KernelPrior = Annotated[
    list[str] | None,
    typer.Option(help=f"Prior of the kernels; may be repeated, used in turn: {one_of(_DRAWABLE)}."),
]
KernelSize = Annotated[
    str | None, typer.Option(metavar="N or Z,Y,X", help="Support of the kernels in pixels, odd; 31.")
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="a.b=VALUE", help="A field of kernel_prior or image_prior by its path; may be repeated."
    ),
]
Noise = Annotated[str, typer.Option(metavar="SIGMA or photons:PEAK", help="Noise, for intensities of about 0 to 1.")]
Boundary = Annotated[
    str, typer.Option(help="frame: the scene continues beyond it; periodic: posteriors have a closed form.")
]
VoxelSize = Annotated[str | None, typer.Option("--voxel-size-um", metavar="Z,Y,X", help="Voxel size in µm.")]
Count = Annotated[int, typer.Option(parser=whole, metavar="N", help="Samples per kernel prior.")]
Seed = Annotated[int, typer.Option(parser=whole, metavar="N", help="Seed of all random numbers.")]
Figure = Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw the samples.")]


@synthesize.command()
def image(
    output: Output,
    fit: Fit = None,
    spectrum: Annotated[
        str | None, typer.Option(help="What is fitted: free (any direction), radial, or bent (three numbers).")
    ] = None,
    axes: Axes = None,
    licence: Licence = "",
    size: Size = None,
    kernel_prior: KernelPrior = None,
    kernel_size: KernelSize = None,
    assignments: Assignments = None,
    noise: Noise = "0.01",
    boundary: Boundary = "frame",
    voxel_size_um: VoxelSize = None,
    count: Count = 1,
    seed: Seed = 0,
    figure: Figure = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Draw images or volumes of a Gaussian field, blur them by kernels that are drawn, and add noise."""
    from .synthesize_recipe import Request
    from .synthesize_run import execute

    request = Request(
        kind="image",
        output=output,
        fit=fit,
        spectrum=spectrum,
        axes=axes,
        licence=licence,
        size=size,
        kernel_priors=tuple(kernel_prior or ()),
        kernel_size=kernel_size,
        assignments=tuple(assignments or ()),
        noise=noise,
        boundary=boundary,
        voxel_size_um=voxel_size_um,
        count=count,
        seed=seed,
        figure=figure,
        overwrite=overwrite,
    )
    execute(request, as_json=as_json)


@synthesize.command()
def kernel(
    output: Output,
    kernel_prior: KernelPrior = None,
    kernel_size: KernelSize = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="FIELD=V,V,...", help="A row for each value of a field, such as count=1,3,10,30."),
    ] = None,
    assignments: Assignments = None,
    voxel_size_um: VoxelSize = None,
    count: Count = 10,
    seed: Seed = 0,
    figure: Figure = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Draw kernels, of every prior that can be drawn where none is named."""
    from .synthesize_recipe import Request
    from .synthesize_run import execute

    request = Request(
        kind="kernel",
        output=output,
        kernel_priors=tuple(kernel_prior or _DRAWABLE),
        kernel_size=kernel_size,
        against=against,
        assignments=tuple(assignments or ()),
        voxel_size_um=voxel_size_um,
        count=count,
        seed=seed,
        figure=figure,
        overwrite=overwrite,
    )
    execute(request, as_json=as_json)


@synthesize.command()
def video(
    output: Output,
    fit: Fit = None,
    spectrum: Annotated[
        str | None, typer.Option(help="What is fitted: free (bands of space and time), or bent (five numbers).")
    ] = None,
    axes: Axes = None,
    licence: Licence = "",
    frames: Annotated[int, typer.Option(parser=whole, metavar="N", help="Length; memory does not grow with it.")] = 32,
    size: Size = None,
    kernel_prior: KernelPrior = None,
    kernel_size: KernelSize = None,
    kernel_drift: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="N", help="A kernel that changes: drawn every N frames, mixed in between."),
    ] = None,
    assignments: Assignments = None,
    noise: Noise = "0.01",
    boundary: Boundary = "frame",
    voxel_size_um: VoxelSize = None,
    time_interval_s: Annotated[
        float | None, typer.Option(parser=number, metavar="F", help="From frame to frame, to be recorded.")
    ] = None,
    count: Count = 1,
    seed: Seed = 0,
    figure: Figure = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Draw movies of a Gaussian field of space and time, blurred by one kernel or by one that drifts."""
    from .synthesize_recipe import Request
    from .synthesize_run import execute

    request = Request(
        kind="video",
        output=output,
        fit=fit,
        spectrum=spectrum,
        axes=axes,
        licence=licence,
        frames=frames,
        size=size,
        kernel_priors=tuple(kernel_prior or ()),
        kernel_size=kernel_size,
        kernel_drift=kernel_drift,
        assignments=tuple(assignments or ()),
        noise=noise,
        boundary=boundary,
        voxel_size_um=voxel_size_um,
        time_interval_s=time_interval_s,
        count=count,
        seed=seed,
        figure=figure,
        overwrite=overwrite,
    )
    execute(request, as_json=as_json)
