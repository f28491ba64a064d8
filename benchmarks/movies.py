"""What many frames tell of one kernel: KE against frames, noise, lenslets and entropy, beside what no estimate beats.

    python -m benchmarks.movies OUTPUT [--processes N] [--draws N] [--part NAME ...] [--side N] [--most N] [--figure]

Scenes are draws of a Gaussian field whose spectrum is known exactly, kernels draws of p(k), frames of 256 x 256
or of another side. Parts:

- `frames`: root-mean-square KE of parametric kernels under 1 to 32 frames with the true p(x), beside the Fisher bound
  (`evidence.fisher`); the levels of scene and noise are known to neither,
- `found`: the same with a spectrum that is to be found,
- `noise`: both at four frames against the noise,
- `lenslets`: KE and PSNR against the number of lenslets, and against the kernel's entropy, one frame and four,
- `joint`: the marginal estimator's KE beside that of the joint maximum,
- `priors`: PSNR of four frames restored under the true p(x), a fitted one, and the learned prior.

Every draw is kept in a file of OUTPUT as it comes, and a run that was stopped goes on after the last of them. One CSV
per part goes to OUTPUT at the end, and with `--figure` a picture of all that are there. A part takes two to ten minutes
on sixteen cores at ten draws.
"""

import argparse
import csv
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.movies_figure import draw
from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv._types import finished
from napari_blind_deconv.estimation import ByEvidence, Joint
from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.evidence.fisher import fisher, kernel_error, profiled
from napari_blind_deconv.forward import Frame, predict
from napari_blind_deconv.fourier import multiplicity, transfer
from napari_blind_deconv.image_priors import Diffusion, GaussianField, SparseGradients
from napari_blind_deconv.kernel_priors import Airy, Defocus, Fit, Gaussian, Lenslets, Parameter
from napari_blind_deconv.kernel_priors.descent import minimum
from napari_blind_deconv.kernel_priors.figures import Figures
from napari_blind_deconv.kernel_priors.gaussian import gaussian
from napari_blind_deconv.metrics import describe_kernel, kernel_error_relative, mnc, psnr, score_kernel
from napari_blind_deconv.pipeline.teaching import sharing_steps, teaching_steps

SIDE, SUPPORT = 256, 15
FIELD = GaussianField(spectrum=tuple(float(v) for v in np.geomspace(30, 1e-3, 12)), mean=0.0)
FAMILIES: Mapping[str, Any] = {"gaussian": Gaussian(), "defocus": Defocus(), "airy": Airy()}
FRAMES, NOISES, COUNTS = (1, 2, 4, 8, 16, 32), (0.01, 0.03, 0.1, 0.3), (1, 2, 4, 8, 16, 32)
SHAPE = (SUPPORT, SUPPORT)
Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One draw of one part."""

    part: str
    family: str
    value: float
    draw: int
    side: int = SIDE

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.part}-{self.side}-{self.family}-{self.value:g}-{self.draw}.json"


def movie(
    kernel: Tensor, frames: int, noise: float, seed: int, side: int = SIDE
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Frames of scenes of their own through one kernel, and the scenes."""
    generator = torch.Generator().manual_seed(seed)
    shape = tuple(kernel.shape)
    frame = Frame.around((side, side), shape)
    larger = tuple(slice(0, n) for n in frame.canvas)
    # Cut out of a larger field, which has no seam.
    scenes = torch.stack([FIELD.sample((2 * side, 2 * side), (1.0, 1.0), generator)[larger] for _ in range(frames)])
    observed = predict(scenes, kernel, frame)
    observed = observed + noise * torch.randn(observed.shape, generator=generator)
    return observed.numpy().astype(np.float32), frame.crop(scenes).numpy().astype(np.float32)


def figures_of(family: str, draw_number: int) -> tuple[Tensor, Figures]:
    """A kernel of a family, and its figures."""
    prior, generator = FAMILIES[family], torch.Generator().manual_seed(draw_number)
    if family == "gaussian":
        # Wide enough to leave the highest frequencies to the noise, as its level is read there.
        widths = torch.empty(2).uniform_(1.4, 3.0, generator=generator)
        turn = float(torch.rand((), generator=generator)) * math.pi
        axes = torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        kernel = gaussian(axes.T @ torch.diag(widths.square()) @ axes, SHAPE)
        figures = prior.figures(Fit(kernel), SHAPE)
        return figures.kernel_of(figures.start).detach(), figures
    radius = float(torch.empty(()).uniform_(2.6, 4.5, generator=generator))
    figures = prior.figures(Fit(torch.ones(SHAPE), {"radius_px": Parameter(radius, unit="px")}), SHAPE)
    return figures.kernel_of(figures.start).detach(), figures


def bound(figures: Figures, noise: float, side: int, *, known: bool) -> float:
    """The least KE of one frame, levels of S and noise not known: of a known S, or one as free as the evidence's."""
    kernel, theta = figures.kernel_of(figures.start).detach(), figures.start
    power = FIELD.power((side, side), (1.0, 1.0), kernel)
    if known:
        counts = multiplicity((side, side), kernel) / 2
        counts[0, 0] = 0

        def of_level(values: Tensor) -> Tensor:
            seen = transfer(figures.kernel_of(values[:-2]), (side, side)).abs().square()
            return (seen * power * values[-2].exp() + noise**2 * values[-1].exp()).log()

        told = fisher(of_level, torch.cat([theta, theta.new_zeros(2)]), counts)
    else:
        shown = Evidence.of(
            torch.from_numpy(movie(kernel, 1, noise, 0, side)[0]), noise, spacing=(1.0, 1.0), highest=0.5
        )
        spectrum = NaturalSpectrum.of(shown)
        image = minimum(lambda *some: spectrum.nats(kernel, *some), spectrum.start(kernel), 80)
        sizes = [part.numel() for part in image]

        def of_all(values: Tensor) -> Tensor:
            parts = [p.reshape(like.shape) for p, like in zip(values[len(theta) :].split(sizes), image, strict=True)]
            return (spectrum.model(figures.kernel_of(values[: len(theta)]), *parts[:4]) + shown.floor).log()

        counts = (shown.weights > 0).to(theta)
        counts[..., 0] *= 0.5
        told = fisher(of_all, torch.cat([theta, *(part.flatten() for part in image)]), counts)
        told += torch.diag(torch.cat([theta.new_zeros(len(theta)), spectrum.precision()]).double())
    return kernel_error(figures.kernel_of, theta, torch.linalg.inv(profiled(told, len(theta))))


def estimated(observed: NDArray[np.float32], settings: dict[str, Any]) -> tuple[NDArray[np.float32], Any]:
    """The kernel that a run finds, and its restored image."""
    given = {"kernel_size": SHAPE, "model_error": 0.0, **settings}
    found = deconvolve(observed, Settings(**given), axes="TYX", maps=False)
    return found.kernel, found.image


def quality(image: Any, observed: Any, scenes: NDArray[np.float32]) -> Row:
    """PSNR after and before."""
    span = float(np.ptp(scenes))
    return {"psnr": psnr(image, scenes, span), "psnr_observed": psnr(observed, scenes, span)}


def frames(task: Task) -> Iterator[Row]:
    """KE of one draw at every number of frames, or at four against the noise."""
    noise, counts = (task.value, (4,)) if task.part == "noise" else (0.03, FRAMES)
    spectra = {"frames": (True,), "found": (False,), "noise": (True, False)}[task.part]
    kernel, figures = figures_of(task.family, task.draw)
    observed, _ = movie(kernel, max(counts), noise, 1000 + task.draw, task.side)
    for known in spectra:
        least = bound(figures, noise, task.side, known=known)
        prior = FIELD if known else SparseGradients()
        for count in counts:
            settings = Settings(
                kernel_prior=FAMILIES[task.family], image_prior=prior, kernel_size=SHAPE, model_error=0.0
            )
            taught = finished(teaching_steps(observed[:count], settings, axes="TYX"))
            found = finished(sharing_steps([taught], settings)).kernel
            ke = float(np.linalg.norm(found - kernel.numpy()))
            yield {"frames": count, "noise": noise, "spectrum": "true" if known else "found", "ke": ke, "bound": least}


def lenslets(task: Task) -> Iterator[Row]:
    """KE and PSNR of one draw of so many lenslets."""
    kernel = Lenslets(count=int(task.value)).sample(SHAPE, torch.Generator().manual_seed(task.draw))
    entropy = describe_kernel(kernel.numpy())["entropy_nats"]
    for count in (1, 4):
        observed, scenes = movie(kernel, count, 0.03, 1000 + task.draw, task.side)
        found, image = estimated(observed, {"kernel_prior": Lenslets(count=int(task.value)), "image_prior": FIELD})
        figures = {"frames": count, "entropy": entropy} | quality(image, observed, scenes)
        # A Gaussian field tells a kernel from its 180° turn by nothing.
        either = min((found, found[::-1, ::-1]), key=lambda k: kernel_error_relative(k, kernel.numpy()))
        turned = {f"{name}_up_to_turn": value for name, value in score_kernel(either, kernel.numpy()).items()}
        yield figures | score_kernel(found, kernel.numpy()) | turned


def joint(task: Task) -> Iterator[Row]:
    """KE of the kernel by the marginal evidence, and by the joint maximum."""
    kernel, _ = figures_of("gaussian", task.draw)
    observed, _ = movie(kernel, 1, 0.03, 1000 + task.draw, task.side)
    for name, estimator in (("marginal", ByEvidence()), ("joint", Joint())):
        found, _ = estimated(
            observed, {"kernel_prior": Gaussian(), "estimator": estimator, "image_prior": SparseGradients()}
        )
        sizes = {"peak": float(found.max()), "peak_true": float(kernel.max())}
        yield {"estimator": name, "mnc": mnc(found, kernel.numpy()), **sizes} | score_kernel(found, kernel.numpy())


def priors(task: Task) -> Iterator[Row]:
    """PSNR under three priors of the image, blind."""
    kernel, _ = figures_of("gaussian", task.draw)
    observed, scenes = movie(kernel, 4, 0.03, 1000 + task.draw, task.side)
    # A field is fitted to other scenes than those that are restored.
    others = torch.from_numpy(movie(torch.ones(1, 1), 4, 0.0, 5000 + task.draw, task.side)[1])
    choices = {
        "true": FIELD,
        "fitted": GaussianField.fitted(others, (1.0, 1.0)),
        "learned": Diffusion(),
        "sparse gradients": SparseGradients(),
    }
    for name, prior in choices.items():
        found, image = estimated(observed, {"kernel_prior": Gaussian(), "image_prior": prior})
        yield {"prior": name} | quality(image, observed, scenes) | score_kernel(found, kernel.numpy())


PARTS: Mapping[str, tuple[Callable[[Task], Iterator[Row]], Sequence[str], Sequence[float]]] = {
    "frames": (frames, tuple(FAMILIES), (0.0,)),
    "found": (frames, tuple(FAMILIES), (0.0,)),
    "noise": (frames, ("gaussian",), NOISES),
    "lenslets": (lenslets, ("lenslets",), COUNTS),
    "joint": (joint, ("gaussian",), (0.0,)),
    "priors": (priors, ("gaussian",), (0.0,)),
}


def rows_of(task: Task, folder: Path) -> list[Row]:
    """All rows of a task, kept in a file of their own; read from there where they are."""
    path = folder / "draws" / task.name
    if not path.is_file():
        torch.set_num_threads(1)
        own = {"family": task.family, "value": task.value, "draw": task.draw, "side": task.side}
        rows = [own | row for row in PARTS[task.part][0](task)]
        new = path.with_suffix(".new")
        new.write_text(json.dumps(rows), encoding="utf-8")
        new.replace(path)
    found: list[Row] = json.loads(path.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Run the parts, write the tables and say the means."""
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=Path)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--part", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--most", type=float, default=math.inf, help="leave out larger values, as of lenslets")
    parser.add_argument("--figure", action="store_true")
    asked = parser.parse_args()
    (asked.output / "draws").mkdir(parents=True, exist_ok=True)
    # One draw of everything after another, so that a run that is stopped has as many of each.
    tasks = [
        Task(part, family, value, number, asked.side)
        for number in range(asked.draws)
        for part in asked.part
        for family in PARTS[part][1]
        for value in PARTS[part][2]
        if value <= asked.most
    ]
    with ProcessPoolExecutor(asked.processes, mp_context=get_context("spawn")) as pool:
        found = list(zip(tasks, pool.map(partial(rows_of, folder=asked.output), tasks), strict=True))
    for part in asked.part:
        rows = [row for task, some in found if task.part == part for row in some]
        with (asked.output / f"{part}.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
        sys.stdout.write(f"{part}: {len(rows)} rows\n")
    if asked.figure:
        draw(asked.output, asked.output / "movies.png")


if __name__ == "__main__":
    main()
