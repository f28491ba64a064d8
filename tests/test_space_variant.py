"""A PSF that changes over the field: laws of its operator, and what its fit finds."""

import importlib
import json
from collections.abc import Callable, Generator
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv._types import InputError, PsfField, finished
from napari_blind_deconv.batch.plan import Job
from napari_blind_deconv.estimation import Constant, Joint, Smooth, Varied
from napari_blind_deconv.estimation.polynomials import Term, at, constant, groups
from napari_blind_deconv.estimation.regional import asked_of, pieces_of, varied
from napari_blind_deconv.estimation.regions import regions
from napari_blind_deconv.estimation.variation import Step, Surface
from napari_blind_deconv.forward import Blur, DataTerm, Frame, KernelField, Noise
from napari_blind_deconv.fourier import rfftn
from napari_blind_deconv.image_priors import SparseGradients
from napari_blind_deconv.kernel_priors import (
    Airy,
    Defocus,
    Fit,
    Gaussian,
    HasFigures,
    Known,
    Microscope,
    Motion,
    Parameter,
    Uniform,
)
from napari_blind_deconv.kernel_priors.gaussian import gaussian
from napari_blind_deconv.pipeline.cutting import Work, fitting
from napari_blind_deconv.pipeline.memory import Plan
from napari_blind_deconv.restoration import ByPrior, RichardsonLucyRestorer, Task
from napari_blind_deconv.restoration.blockwise import InMemory
from napari_blind_deconv.restoration.in_blocks import InBlocks
from napari_blind_deconv.settings import settings_from_dict, settings_to_dict
from napari_blind_deconv.synthesis import fibres

MODULE = importlib.import_module("napari_blind_deconv.pipeline.recipe")
VARYING = importlib.import_module("napari_blind_deconv.pipeline.varying")
SPACES = [((23,), (5,)), ((18, 21), (5, 3)), ((9, 12, 10), (3, 5, 3))]


def field_of(
    space: tuple[int, ...], kernel: tuple[int, ...], axis: int = 0, low: float = 0.6, high: float = 1.4
) -> KernelField:
    """A round Gaussian whose width grows along one axis."""

    def kernel_at(place: tuple[float, ...]) -> torch.Tensor:
        sigma = low + (high - low) * place[axis] / (space[axis] - 1)
        return gaussian(torch.eye(len(space)).double() * sigma**2, kernel)

    return KernelField(space, tuple(a == axis for a in range(len(space))), kernel_at)


def drawn(frame: Frame, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scene = torch.rand(2, *frame.canvas, generator=generator, dtype=torch.float64)
    return scene, torch.randn(2, *frame.shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("space", "kernel"), SPACES)
def test_the_operator_and_its_adjoint_belong_together(space: tuple[int, ...], kernel: tuple[int, ...]) -> None:
    frame = Frame.around(space, kernel)
    blur = field_of(space, kernel).blur(frame)
    scene, residual = drawn(frame, 1)
    assert len(blur.kernels) > 1
    torch.testing.assert_close((blur(scene) * residual).sum(), (scene * blur.adjoint(residual)).sum())
    torch.testing.assert_close(rfftn(blur.adjoint(residual), frame.ndim), blur.adjoint_spectrum(residual))
    placed = frame.place(residual)
    torch.testing.assert_close(blur.adjoint_of_canvas(placed), blur.adjoint_spectrum(residual))
    torch.testing.assert_close(blur.of_spectrum(rfftn(scene, frame.ndim)), blur.everywhere(scene))


@pytest.mark.parametrize(("space", "kernel"), SPACES)
def test_light_is_kept_and_stays_positive(space: tuple[int, ...], kernel: tuple[int, ...]) -> None:
    frame = Frame.around(space, kernel)
    blur = field_of(space, kernel).blur(frame)
    scene, _ = drawn(frame, 2)
    everywhere = blur.everywhere(scene)
    torch.testing.assert_close(everywhere.sum(), scene.sum())
    assert float(everywhere.min()) >= 0


@pytest.mark.parametrize(("space", "kernel"), SPACES)
def test_equal_kernels_are_the_uniform_blur(space: tuple[int, ...], kernel: tuple[int, ...]) -> None:
    frame = Frame.around(space, kernel)
    one = torch.rand(kernel, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    same = KernelField(space, (True,) * len(space), lambda _: one)
    scene, residual = drawn(frame, 3)
    nodes = [(0.0, n / 2, n - 1.0) for n in space]
    uniform, varying = Blur(one, frame), same.blur(frame, nodes)
    torch.testing.assert_close(varying(scene), uniform(scene))
    torch.testing.assert_close(varying.adjoint(residual), uniform.adjoint(residual))
    torch.testing.assert_close(varying.power, uniform.power)
    data = [DataTerm(residual, blur, 0.1) for blur in (uniform, varying)]
    spectrum = rfftn(scene, frame.ndim)
    torch.testing.assert_close(data[0].normal(spectrum), data[1].normal(spectrum))


def test_axes_are_alike() -> None:
    space, kernel, frame = (9, 12, 10), (3, 3, 3), Frame.around((9, 12, 10), (3, 3, 3))
    scene, _ = drawn(frame, 4)
    seen = field_of(space, kernel, axis=1).blur(frame)(scene[0])
    for order in permutations(range(3)):
        turned = tuple(space[a] for a in order)
        blur = field_of(turned, kernel, axis=order.index(1)).blur(Frame.around(turned, kernel))
        torch.testing.assert_close(blur(scene[0].permute(order)), seen.permute(order))


def test_a_point_is_spread_by_the_kernel_of_its_place() -> None:
    space, kernel = (41, 15), (9, 9)
    field, frame = field_of(space, kernel, high=1.2), Frame.around(space, kernel)
    blur = field.blur(frame, field.nodes(0.005))
    for row in (8, 20, 33):
        scene = torch.zeros(space, dtype=torch.float64)
        scene[row, 7] = 1
        seen = blur(frame.place(scene))[row - 4 : row + 5, 3:12]
        expected = field.kernel_at((float(row), 7.0))
        assert float((seen - expected).norm() / expected.norm()) < 0.03


def test_a_part_of_a_field_is_the_field_there() -> None:
    space, kernel = (40, 20), (7, 7)
    field = field_of(space, kernel)
    part = field.cropped((slice(10, 30), slice(0, 20)))
    assert torch.equal(part.kernel_at((5.0, 3.0)), field.kernel_at((15.0, 3.0)))
    assert part.nodes()[0][-1] == 19
    assert part.nodes()[1] == (9.5,)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_all_terms_up_to_the_order_are_asked_for_once(ndim: int) -> None:
    """Together the groups span every polynomial of the order."""
    generator = np.random.default_rng(ndim)
    terms = [constant(ndim), *(term for _, found in groups((True,) * ndim, 2) for term in found)]
    values = np.array([at(place, terms) for place in generator.uniform(-1, 1, (60, ndim))])
    count = (ndim + 1) * (ndim + 2) // 2
    assert values.shape[1] == count == np.linalg.matrix_rank(values)


@pytest.mark.parametrize(("space", "kernel"), [((300,), (9,)), ((150, 190), (15, 15)), ((40, 90, 64), (9, 9, 9))])
def test_regions_are_alike_and_reach_from_border_to_border(space: tuple[int, ...], kernel: tuple[int, ...]) -> None:
    found = regions(space, kernel)
    assert len({tuple(s.stop - s.start for s in region.box) for region in found}) == 1
    for axis, n in enumerate(space):
        assert min(r.box[axis].start for r in found) == 0
        assert max(r.box[axis].stop for r in found) == n
        assert abs(np.mean([r.place[axis] for r in found])) < 1 / n


@pytest.mark.parametrize("prior", [Gaussian(), Airy(), Defocus()])
def test_figures_of_a_fit_give_its_kernel(prior: HasFigures) -> None:
    shape = (21, 21)
    kernel = prior.sample(shape, torch.Generator().manual_seed(5)) if isinstance(prior, Gaussian) else None  # type: ignore[attr-defined]
    parameters = {"radius_px": Parameter(2.5, unit="px")}
    fit = Fit(torch.ones(1) if kernel is None else kernel, parameters)
    figures = prior.figures(fit, shape)
    made = figures.kernel_of(figures.start)
    if kernel is not None:
        assert float((made - kernel).norm() / kernel.norm()) < 0.05
    else:
        assert figures.described(figures.start)["radius_px"].value == pytest.approx(2.5)
    assert figures.directions[-1].shape[1] == len(figures.start)


def test_figures_of_a_microscope_that_was_turned() -> None:
    scope = Microscope(na=0.8, emission_um=0.5, zernike_rad=(0.0, 0.0, 0.0, None), depth_um=0.0).in_voxels((0.1, 0.1))
    [unknown] = scope.unknowns(2)
    shape = (15, 15)
    values = {unknown.name: torch.tensor(0.5)}
    kernel = scope.kernel(values, scope.sampling(shape), shape).float()
    turned = Fit(kernel.flip((0, 1)), {unknown.name: Parameter(-0.5, unit="rad")})
    for fit in (Fit(kernel, {unknown.name: Parameter(0.5, unit="rad")}), turned):
        figures = scope.figures(fit, shape)
        torch.testing.assert_close(figures.kernel_of(figures.start), fit.kernel, atol=1e-4, rtol=1e-2)


def spread(scene: np.ndarray, sigma: np.ndarray, reach: int) -> np.ndarray:
    """Every pixel's light by its own round Gaussian; the inside of a larger scene."""
    offsets = np.arange(-reach, reach + 1)
    along = np.exp(-0.5 * (offsets[:, None, None] / sigma) ** 2)
    along /= along.sum(0)
    n, m = (s - 2 * reach for s in scene.shape)
    out = np.zeros((n, m))
    for i, dy in enumerate(offsets):
        for j, dx in enumerate(offsets):
            light = scene * along[i] * along[j]
            out += light[reach - dy : reach - dy + n, reach - dx : reach - dx + m]
    return out


def observation(low: float, high: float, seed: int, side: int = 128, reach: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Fibres under a width that grows from left to right, half a per cent of noise; and the truth."""
    rng = np.random.default_rng(seed)
    shape = (side + 2 * reach,) * 2
    scene = 0.02 + fibres(shape, rng, count=40, width=0.7)
    place = np.clip((np.arange(shape[1]) - reach) / (side - 1), 0, 1)
    observed = spread(scene, np.broadcast_to(low + (high - low) * place, shape), reach)
    noise = rng.normal(0, 0.005 * observed.max(), observed.shape)
    return (observed + noise).astype(np.float32), scene[reach:-reach, reach:-reach].astype(np.float32)


def found_in(low: float, high: float, seed: int, order: int = 1) -> tuple[bool, list[float]]:
    """Whether the width varies, and the widths at the left border, in the middle and at the right border."""
    observed, _ = observation(low, high, seed)
    values, noise = torch.from_numpy(observed)[None], Noise.white(0.005 * float(observed.max()))
    middle = (low + high) / 2
    start = Fit(gaussian(torch.eye(2) * middle**2, (19, 19)))
    pieces = pieces_of(InMemory(values), noise, (1.0, 1.0), (19, 19))
    surface, _ = finished(varied(pieces, Gaussian().figures(start, (19, 19)), asked_of(pieces, Smooth(order=order))))
    places = [(0.0, -1.0), (0.0, 0.0), (0.0, 1.0)]
    return len(surface.terms) > 1, [surface.described_at(place)["sigma_1_px"].value for place in places]


def test_a_width_that_grows_is_found_and_one_that_does_not_is_not() -> None:
    seed = 6
    varies, widths = found_in(1.4, 2.8, seed)
    assert varies
    assert widths == sorted(widths)
    assert 1.5 < widths[2] / widths[0] < 2.7
    assert not found_in(1.8, 1.8, seed)[0]


def in_blocks(share: float) -> Callable[..., Plan]:
    """A planner that cuts into blocks of a share of the canvas, whatever the memory."""

    def chosen(work: Work, limit: float, device: torch.device, *, maps: bool = True) -> Plan:
        blocks = fitting(work, share * work.canvas(*work.shape[:1], work.shape[1:]))
        assert blocks is not None
        return Plan(work, device, blocks, maps, 0.0, 1.0, limit)

    return chosen


def task_of(observed: np.ndarray, field: KernelField | None, kernel: torch.Tensor) -> Task:
    noise = Noise.white(0.005 * float(observed.max()))
    data = DataTerm.of(torch.from_numpy(observed)[None], kernel.float(), noise)
    generator = torch.Generator().manual_seed(0)
    return Task(data, noise, SparseGradients(), (1.0, 1.0), 20, generator, non_negative=True).varied(field)


def true_field(low: float, high: float, side: int) -> KernelField:
    def kernel_at(place: tuple[float, ...]) -> torch.Tensor:
        sigma = low + (high - low) * place[1] / (side - 1)
        return gaussian(torch.eye(2) * (sigma**2 - 1 / 12), (19, 19))

    return KernelField((side, side), (False, True), kernel_at)


def last_of(restorer: object, task: Task) -> np.ndarray:
    *_, last = restorer.restore(task)  # type: ignore[attr-defined]
    return np.asarray(task.data.frame.crop(last.scene)[0])


def decibels(image: np.ndarray, truth: np.ndarray, border: int = 8) -> float:
    inside = (slice(border, -border),) * truth.ndim
    error = np.mean((image[inside] - truth[inside]) ** 2)
    return float(10 * np.log10((truth.max() - truth.min()) ** 2 / error))


@pytest.mark.parametrize(
    ("restorer", "least", "seams"), [(RichardsonLucyRestorer(), 0.0, 1e-3), (ByPrior(), 1.0, 1e-2)]
)
def test_the_right_field_restores_better_than_one_kernel_and_blocks_are_the_whole(
    restorer: ByPrior | RichardsonLucyRestorer, least: float, seams: float
) -> None:
    seed = 8
    observed, truth = observation(1.4, 2.8, seed)
    field = true_field(1.4, 2.8, len(observed))
    varying = task_of(observed, field, field.kernel_at(field.middle))
    whole = last_of(restorer, varying)
    one = last_of(restorer, task_of(observed, None, field.kernel_at(field.middle)))
    assert decibels(whole, truth) > decibels(one, truth) + least
    blocks = last_of(InBlocks(restorer, (1, 2), (0, 24), (0, 4)), varying)
    inside = (slice(12, -12),) * 2
    assert np.sqrt(np.mean((blocks - whole)[inside] ** 2)) < seams * np.ptp(truth)


def test_a_run_restores_with_the_field_and_reports_it() -> None:
    seed = 9
    observed, truth = observation(1.4, 2.8, seed)
    chosen = {"kernel_size": (19,), "kernel_prior": Gaussian(), "model_error": 0.0, "iterations": 8}
    one, smooth = (deconvolve(observed, Settings(variation=v, **chosen)) for v in (Constant(), Smooth(order=1)))
    assert "field" not in one.report
    assert not one.psf_fields
    found = smooth.report["field"]
    json.dumps(smooth.report)
    assert found["varies"]
    assert "tilt" in found["reason"]
    assert found["regions"] == 25
    [shown] = smooth.psf_fields
    assert shown is not None
    assert len(shown.kernels) == len(found["psfs"]) == 9
    np.testing.assert_allclose(shown.kernels.sum((1, 2)), 1, rtol=1e-4)
    assert shown.mosaic.shape == (57, 57)
    np.testing.assert_array_equal(shown.mosaic[19:38, 38:], shown.kernels[5])
    np.testing.assert_allclose(smooth.kernel, shown.kernels[4], atol=1e-6)
    assert decibels(smooth.image, truth) > decibels(one.image, truth) + 0.5


def test_a_mosaic_puts_every_psf_in_its_place() -> None:
    kernels = np.arange(6, dtype=np.float32)[:, None, None, None] * np.ones((3, 3, 5), np.float32)
    field = PsfField(kernels, np.zeros((6, 3)), (2, 1, 3), [{}] * 6)
    assert field.mosaic.shape == (6, 3, 15)
    np.testing.assert_array_equal(field.mosaic[::3, 0, ::5], [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize("prior", [Uniform(), Motion(), Known()])
def test_a_prior_without_figures_cannot_vary(prior: object) -> None:
    with pytest.raises(ValueError, match=r"variation 'smooth' cannot be combined with kernel_prior"):
        Settings(kernel_prior=prior, variation=Smooth())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"cannot be combined with estimator"):
        Settings(kernel_prior=Gaussian(), estimator=Joint(), variation=Smooth())


def test_a_region_cannot_tell_how_the_psf_varies() -> None:
    image, _ = observation(1.5, 1.5, 1, side=48)
    settings = Settings(kernel_prior=Gaussian(), variation=Smooth())
    with pytest.raises(InputError, match=r"region cannot be combined with variation"):
        deconvolve(image, settings, region=(slice(0, 32), slice(0, 32)))


def test_settings_survive_json() -> None:
    settings = Settings(kernel_prior=Gaussian(), variation=Smooth(order=1))
    assert settings_from_dict(settings_to_dict(settings)) == settings


def test_psfs_over_the_field_are_a_file_of_their_own() -> None:
    folder = Path("out")
    job = Job(Path("a.tif"), folder / "a_restored.ome.tif", folder / "a_psf.ome.tif", folder / "a_report.json")
    field = folder / "a_psf_field.ome.tif"
    assert job.written(["psf_field"]) == (job.restored, job.psf, field, job.report)
    assert field in job.outdated([])
    assert field not in job.outdated(["psf_field"])


def test_blocks_of_a_run_have_the_operator_of_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    seed = 10
    observed, truth = observation(1.4, 2.8, seed, side=150)
    found = Varied(
        Surface(Gaussian().figures(Fit(gaussian(torch.eye(2) * 1.98**2, (19, 19))), (19, 19)), *_linear()),
        observed.shape,
        25,
        (),
    )
    # The fit is another test's matter.
    monkeypatch.setattr(VARYING, "varied", lambda *_: _ended(found))
    chosen = Settings(kernel_size=(19,), kernel_prior=Gaussian(), model_error=0.0, variation=Smooth())
    whole = deconvolve(observed, chosen)
    monkeypatch.setattr(MODULE, "planned", in_blocks(0.5))
    parts = deconvolve(observed, chosen)
    assert parts.report["plan"]["blocks"] > 1
    assert parts.report["field"]["varies"]
    inside = (slice(12, -12),) * 2
    assert np.sqrt(np.mean((parts.image - whole.image)[inside] ** 2)) < 2e-2 * np.ptp(truth)


def _linear() -> tuple[tuple[Term, ...], torch.Tensor]:
    """A size that doubles from left to right."""
    middle = np.log(1.98 / 1.5)
    return (((0, 0),), ((0, 1),)), torch.tensor([[middle, middle, 0.0], [np.log(2) / 2, np.log(2) / 2, 0.0]]).float()


def _ended(found: Varied) -> Generator[Surface, None, tuple[Surface, tuple[Step, ...]]]:
    yield found.surface
    return found.surface, found.steps
