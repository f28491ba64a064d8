"""Commands and their options. What they do is imported when they run, so that ``--help`` is quick."""

from pathlib import Path
from typing import Annotated

import typer

from . import kinds
from .options import (
    Assignments,
    Background,
    Dashboard,
    FillNan,
    Json,
    LeaveOut,
    Mask,
    NoiseSigma,
    Overwrite,
    Planes,
    PsfDrift,
    Scheduler,
    SchedulerFile,
    SettingsFile,
    Shard,
    SharePsf,
    Workers,
    number,
    one_of,
    whole,
)
from .psf import psf
from .synthesize import synthesize

app = typer.Typer(
    name="blind-deconv",
    help="Blind deconvolution: a sharper image and its PSF from the blurred image alone.",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(psf, name="psf")
app.add_typer(synthesize, name="synthesize")


@app.command()
def run(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Image files, folders or quoted patterns.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results; it is made if missing.")],
    kernel_prior: Annotated[
        str | None, typer.Option(help=f"What you know about the PSF: {one_of(kinds.KERNEL_PRIORS)}.")
    ] = None,
    kernel_size: Annotated[
        str | None, typer.Option(metavar="N or Z,Y,X", help="Size of the PSF in pixels, odd.")
    ] = None,
    psf: Annotated[Path | None, typer.Option(help="The PSF, for kernel prior known.")] = None,
    voxel_size_um: Annotated[str | None, typer.Option(metavar="Z,Y,X", help="In µm. Default: the file's.")] = None,
    axes: Annotated[str | None, typer.Option(metavar="LETTERS", help="Such as TCZYX. Default: the file's.")] = None,
    crop: Annotated[str | None, typer.Option(metavar="RANGES", help="The part to restore: C=1:2,Y=100:356.")] = None,
    image_prior: Annotated[
        str | None,
        typer.Option(help=f"What the sharp image looks like: {one_of(kinds.IMAGE_PRIORS)}."),
    ] = None,
    image_prior_strength: Annotated[
        float | None, typer.Option(parser=number, metavar="F", help="How much the image prior counts; 1 by default.")
    ] = None,
    diffusion_strength: Annotated[
        float | None,
        typer.Option(parser=number, metavar="F", help="0 (no prior) to 1 (trust it); implies --image-prior diffusion."),
    ] = None,
    estimator: Annotated[
        str | None,
        typer.Option(help=f"How the PSF is found: {one_of(kinds.ESTIMATORS)}."),
    ] = None,
    restorer: Annotated[
        str | None,
        typer.Option(help=f"How the image is restored once there is a PSF: {one_of(kinds.RESTORERS)}."),
    ] = None,
    solver: Annotated[
        str | None,
        typer.Option(help=f"Estimator and restorer together: {one_of(kinds.SOLVERS)}."),
    ] = None,
    likelihood: Annotated[
        str | None, typer.Option(help=f"What you know about the camera: {one_of(kinds.LIKELIHOODS)}.")
    ] = None,
    variation: Annotated[
        str | None, typer.Option(help=f"Whether the PSF can change over the field: {one_of(kinds.VARIATIONS)}.")
    ] = None,
    kernel_weight: Annotated[
        float | None, typer.Option(parser=number, metavar="F", help="How many times the PSF prior counts.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(parser=whole, metavar="N", help="Steps of the restoration.")] = None,
    noise_sigma: NoiseSigma = None,
    background: Background = None,
    planes: Planes = None,
    share_psf: SharePsf = None,
    psf_drift: PsfDrift = None,
    fill_nan: FillNan = None,
    settings: SettingsFile = None,
    assignments: Assignments = None,
    mask: Mask = None,
    leave_out: LeaveOut = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="FILE or Z0:Z1,Y0:Y1,X0:X1",
            help="Where the PSF is estimated: where this image is not zero, or ranges first:last+1 along each axis.",
        ),
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="The sharp image, to compare with.")] = None,
    true_psf: Annotated[Path | None, typer.Option(help="The true PSF, to compare with.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    seed: Annotated[int | None, typer.Option(parser=whole, metavar="N", help="Seed of all random numbers.")] = None,
    max_memory_gb: Annotated[
        float | None,
        typer.Option(parser=number, metavar="F", help="Memory limit; larger images are restored in blocks."),
    ] = None,
    maps: Annotated[
        bool,
        typer.Option(
            "--maps", help="Write maps of where not to trust the image: residual, prior's share, uncertainty."
        ),
    ] = False,
    form: Annotated[
        str,
        typer.Option("--format", help="Format of image and maps: ome-tiff, ome-zarr (0.5) or ome-zarr-0.4."),
    ] = "ome-tiff",
    psf_from: Annotated[
        str,
        typer.Option(
            metavar="each, first, all or FILE",
            help="Whose PSF: each file's own, the first file's, one of all files together, or that of an image or an "
            "earlier result.",
        ),
    ] = "each",
    overwrite: Overwrite = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, with memory, time and disk; write nothing.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first file that fails.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Only files that failed the last time.")] = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    dashboard: Dashboard = False,
    shard: Shard = None,
    as_json: Json = False,
) -> None:
    """Restore images and estimate their PSF.

    Settings come from the defaults, then --settings, then the named options, then --set. What an earlier run has done
    is skipped, so that the same command continues a run that was stopped.
    """
    from .run import Request, execute
    from .settings import numbers, ranges_or_file, shard_of, whole_numbers

    named = {
        "kernel_prior": kernel_prior,
        "image_prior": image_prior,
        "estimator": estimator,
        "solver": solver,
        "restorer": restorer,
        "likelihood": likelihood,
        "variation": variation,
        "image_prior_strength": image_prior_strength,
        "diffusion_strength": diffusion_strength,
        "kernel_size": whole_numbers("--kernel-size", kernel_size),
        "kernel_weight": kernel_weight,
        "iterations": iterations,
        "noise_sigma": noise_sigma,
        "background": background,
        "planes": planes,
        "share_psf": share_psf,
        "psf_drift": psf_drift,
        "fill_nan": fill_nan,
        "device": device,
        "seed": seed,
    }
    request = Request(
        inputs=tuple(inputs),
        output=output,
        named={name: value for name, value in named.items() if value is not None},
        assignments=tuple(assignments or ()),
        settings=settings,
        psf=psf,
        truth=truth,
        true_psf=true_psf,
        mask=mask,
        leave_out=leave_out,
        region=ranges_or_file("--region", region),
        axes=axes,
        crop=crop,
        voxel_size_um=numbers("--voxel-size-um", voxel_size_um),
        max_memory_gb=max_memory_gb,
        maps=maps,
        overwrite=overwrite,
        form=form,
        psf_from=psf_from,
        fail_fast=fail_fast,
        retry=retry,
        dry_run=dry_run,
        workers=workers,
        scheduler=scheduler,
        scheduler_file=scheduler_file,
        dashboard=dashboard,
        shard=shard_of(shard),
    )
    raise typer.Exit(execute(request, as_json=as_json))


@app.command()
def metrics(
    image: Annotated[Path | None, typer.Option(help="The restored image.")] = None,
    truth: Annotated[Path | None, typer.Option(help="The sharp image, of the same shape.")] = None,
    psf: Annotated[Path | None, typer.Option(help="The estimated PSF.")] = None,
    true_psf: Annotated[Path | None, typer.Option(help="The true PSF; without it, the PSF is described.")] = None,
    data_range: Annotated[
        float | None,
        typer.Option(
            parser=number,
            metavar="F",
            help="Range L of PSNR and SSIM. Default: 255 for 8 bit, 1 for floats within 0 to 1.",
        ),
    ] = None,
    intensity: Annotated[str, typer.Option(help="absolute, or affine: after the best gain and offset.")] = "absolute",
    max_shift: Annotated[
        int, typer.Option(parser=whole, metavar="N", help="Pixels of shift searched to each side.")
    ] = 10,
    border: Annotated[int, typer.Option(parser=whole, metavar="N", help="Pixels at each side that are left out.")] = 15,
    as_json: Json = False,
) -> None:
    """Compare a restored image and a PSF with the truth: PSNR, SSIM, KE, KE/‖k‖, MNC."""
    from .compare import execute

    execute(
        {"image": image, "truth": truth, "psf": psf, "true_psf": true_psf},
        {"data_range": data_range, "intensity": intensity, "max_shift": max_shift, "border": border},
        as_json=as_json,
    )


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Output folder of a run.")],
    na: Annotated[
        float | None,
        typer.Option("--na", parser=number, metavar="F", help="Numerical aperture, for theoretical widths."),
    ] = None,
    emission_um: Annotated[
        float | None, typer.Option(parser=number, metavar="F", help="Wavelength of the detected light in µm.")
    ] = None,
    excitation_um: Annotated[
        float | None, typer.Option(parser=number, metavar="F", help="Wavelength of the laser in µm, for confocal.")
    ] = None,
    immersion_index: Annotated[
        float | None,
        typer.Option(parser=number, metavar="F", help="Refractive index of the immersion; 1.515 by default."),
    ] = None,
    modality: Annotated[str | None, typer.Option(help="widefield, confocal or light-sheet.")] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write report.html, report.csv and report.json on all files of an output folder into it."""
    from .report_page import execute

    known = {"na": na, "emission_um": emission_um, "excitation_um": excitation_um, "immersion_index": immersion_index}
    execute(folder, known, modality, overwrite=overwrite, as_json=as_json)


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for files and figure.")] = Path("demo"),
    overwrite: Overwrite = False,
) -> None:
    """Restore the embedded samples and draw what came out beside the truth."""
    from .demo import execute

    raise typer.Exit(execute(output, overwrite=overwrite))


@app.command()
def experiments(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for files and figure.")] = Path("experiments"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Run three experiments of a talk anew, and tell PSNR, SSIM and KE beside the figures that it reports."""
    from .experiments import execute

    raise typer.Exit(execute(output, overwrite=overwrite, as_json=as_json))


@app.command()
def info(as_json: Json = False) -> None:
    """Versions, devices, memory and components of this installation."""
    from .info import execute

    execute(as_json=as_json)
