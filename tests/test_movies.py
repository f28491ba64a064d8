"""Many frames, one PSF or several: what frames tell together, which of them share a PSF, and PSFs that drift."""

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from napari_blind_deconv import InputError, Settings, batch, deconvolve, io
from napari_blind_deconv.batch.page.reading import read_records
from napari_blind_deconv.estimation import Problem, choice
from napari_blind_deconv.estimation.temporal import edges_of
from napari_blind_deconv.evidence import Evidence, Frames
from napari_blind_deconv.evidence.known_scene import under
from napari_blind_deconv.evidence.levels import Levels, Shown
from napari_blind_deconv.evidence.looking import looks
from napari_blind_deconv.evidence.seen import _by_itself, _levels, seen
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.image_priors import GaussianField, NoPrior
from napari_blind_deconv.kernel_priors import Auto, Fit, Gaussian, Uniform
from napari_blind_deconv.kernel_priors.gaussian import gaussian
from napari_blind_deconv.pipeline import posing
from napari_blind_deconv.restoration import ByPrior, RichardsonLucyRestorer
from napari_blind_deconv.synthesis import gaussian_kernel
from tests import laws

Float = NDArray[np.float32]
QUICK: dict[str, Any] = {
    "kernel_prior": Gaussian(),
    "kernel_size": (9, 9),
    "restorer": RichardsonLucyRestorer(steps_taken=3),
    "image_prior": NoPrior(),
}


def movie(widths: NDArray[np.floating], side: int = 64, seed: int = 0) -> Float:
    """Another scene of points in every frame, each blurred by a width of its own, in a little noise."""
    rng = np.random.default_rng(seed)
    frames = [ndimage.gaussian_filter(rng.random((side, side)) ** 6, (w, w)) for w in widths]
    return (np.stack(frames) + 0.002 * rng.standard_normal((len(widths), side, side))).astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 9), laws.spaces(smallest=8), st.integers(1, 4), st.integers(0, 99))
def test_frames_that_are_read_a_few_at_a_time_tell_what_they_tell_together(
    count: int, space: tuple[int, ...], at_once: int, seed: int
) -> None:
    observed = laws.noise((count, *space), seed)
    read: list[int] = []

    def some(part: slice) -> torch.Tensor:
        read.append(part.stop - part.start)
        return observed[part]

    window = tuple(max(4, n // 2) for n in space)
    size = max(observed[0].numel(), (1 << 22) // at_once)
    apart, together = (seen(f, window, Noise.white(1.0), 1.0) for f in (Frames(some, count, size), Frames.of(observed)))
    assert max(read) <= at_once
    # Once more, where they are to be weighed.
    assert sum(read) in (count, 2 * count)
    assert torch.allclose(apart.ordinates, together.ordinates)
    assert apart.noise == pytest.approx(together.noise)
    assert apart.coherence == pytest.approx(together.coherence)


@pytest.mark.parametrize(("still", "least", "most"), [(0.0, 0.75, 1.0), (1.0, 1 / 12, 0.2)])
def test_frames_count_for_what_each_tells_of_its_own(still: float, least: float, most: float) -> None:
    rng = np.random.default_rng(3)
    scene = ndimage.gaussian_filter(rng.standard_normal((96, 96)), 2)
    scenes = [
        still * scene + (1 - still) * ndimage.gaussian_filter(rng.standard_normal((96, 96)), 2) for _ in range(12)
    ]
    frames = Frames.of(torch.tensor(np.stack(scenes) + 0.003 * rng.standard_normal((12, 96, 96))))
    assert least <= seen(frames, (96, 96), Noise.white(0.003), 0.003).apart <= most


def bleached(light: NDArray[np.floating], seed: int, side: int = 80) -> tuple[torch.Tensor, float]:
    """Another scene in every frame, counts of light that falls; on the scale of the mean light, with its noise."""
    rng, full = np.random.default_rng(seed), 400 / light.mean()
    scenes = np.stack([ndimage.gaussian_filter(rng.standard_normal((side, side)), (1.2, 1.0)) for _ in light])
    blurred = np.clip(1 + 0.2 * scenes / scenes.std(), 0.05, None) * light[:, None, None]
    return torch.tensor(rng.poisson(full * blurred) / full), float((light.mean() / full) ** 0.5)


@given(st.integers(0, 99), st.floats(0.05, 0.4))
@settings(max_examples=10, deadline=None)
def test_the_levels_of_frames_are_found(seed: int, last: float) -> None:
    light = np.geomspace(1.0, last, 12)
    observed, sigma = bleached(light, seed)
    noise = Noise.white(sigma)
    (look,) = looks(Frames.of(observed), (80, 80), noise, sigma)
    found = _levels(Shown.of([_by_itself(look, noise)]), look, noise)
    amiss = (found.noise.numpy() / light, np.sqrt(found.signal.numpy()) / light)
    assert all(np.std(np.log(ratio)) < 0.25 for ratio in amiss)


@given(st.integers(0, 99), st.integers(1, 4))
@settings(max_examples=10, deadline=None)
def test_a_frame_of_noise_tells_nothing(seed: int, dark: int) -> None:
    rng = np.random.default_rng(seed)
    observed, sigma = bleached(np.geomspace(1, 0.3, 8), seed)
    noisy = torch.tensor(1 + sigma * rng.standard_normal((dark, *observed.shape[1:])))
    alone, beside = (
        Evidence.of(frames[:1], sigma, spacing=(1.0, 1.0), frames=Frames.of(frames))
        for frames in (observed, torch.cat([observed[:3], noisy, observed[3:]]))
    )
    # What a frame of noise changes is the reading of the noise of all.
    assert float((beside.periodogram / alone.periodogram - 1)[alone.weights > 0].abs().mean()) < 0.06
    assert float((beside.floor / alone.floor - 1)[alone.weights > 0].abs().mean()) < 0.12
    assert beside.independent == pytest.approx(alone.independent, rel=0.03)


def test_frames_of_more_noise_weigh_less(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, errors = gaussian_kernel((9, 9), 1.4**2 * np.eye(2)), dict.fromkeys(("weighed", "alike"), 0.0)
    field = GaussianField(spectrum=tuple(float(v) for v in np.geomspace(30, 1e-3, 12)), mean=0.0)
    generator, sigmas = torch.Generator().manual_seed(7), torch.tensor([0.02] * 3 + [0.3] * 5)[:, None, None]
    for _ in range(3):
        scenes = field.sample((8, 72, 72), (1.0, 1.0), generator)
        blurred = torch.from_numpy(ndimage.convolve(scenes.numpy(), truth[None], mode="wrap"))
        frames = Frames.of((blurred + sigmas * torch.randn(blurred.shape, generator=generator)).double())
        for way in errors:
            with monkeypatch.context() as patch:
                if way == "alike":
                    patch.setattr(Levels, "even", True)
                noise = float(sigmas.square().mean().sqrt())
                evidence = Evidence.of(frames.read(slice(1)), noise, spacing=(1.0, 1.0), frames=frames)
            known = under(evidence, field.power(evidence.window, (1.0, 1.0), evidence.observed))
            *_, fit = Gaussian().fit(known, (9, 9))
            errors[way] += float(np.square(fit.kernel.numpy() - truth).sum())
    assert errors["weighed"] < 0.3 * errors["alike"]


def test_all_frames_teach_however_few_a_sample_shows() -> None:
    observed = torch.tensor(movie(np.full(8, 1.5)))
    few = Evidence.of(observed[:2], 0.002, spacing=(1.0, 1.0), kernel_shape=(9, 9), frames=Frames.of(observed))
    every = Evidence.of(observed, 0.002, spacing=(1.0, 1.0), kernel_shape=(9, 9))
    assert torch.allclose(few.periodogram, every.periodogram, rtol=1e-4)
    assert few.independent <= every.independent


def test_a_kernel_of_more_frames_is_nearer_to_the_truth() -> None:
    truth, errors = 1.6, {1: 0.0, 16: 0.0}
    generator = torch.Generator().manual_seed(5)
    field = GaussianField(spectrum=tuple(float(v) for v in np.geomspace(30, 1e-3, 12)), mean=0.0)
    known = QUICK | {"image_prior": field, "restorer": ByPrior()}
    for _ in range(4):
        scenes = field.sample((16, 64, 64), (1.0, 1.0), generator)
        seen_by = gaussian_kernel((9, 9), truth**2 * np.eye(2))
        blurred = ndimage.convolve(scenes.numpy(), seen_by[None], mode="wrap")
        observed = blurred + 0.02 * torch.randn(scenes.shape, generator=generator).numpy()
        for count in errors:
            found = deconvolve(observed[:count].astype(np.float32), Settings(**known), axes="TYX").kernel
            errors[count] += float(np.square(found - seen_by).sum())
    assert errors[16] < 0.2 * errors[1]


def test_what_auto_chooses_is_fitted_to_all_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    def ranked(problem: Problem, *_: object) -> Generator[Any, None, list[choice.Candidate]]:
        yield Fit(problem.observed.new_ones(1, 1)), None
        return [choice.Candidate("gaussian", Fit(gaussian(torch.eye(2), problem.kernel_shape)), 1.0, 0.0, ())]

    monkeypatch.setattr(choice, "ranked", ranked)
    observed = movie(np.full(9, 1.6))
    chosen = deconvolve(observed, Settings(**QUICK | {"kernel_prior": Auto()}), axes="TYX")
    every, few = (deconvolve(frames, Settings(**QUICK), axes="TYX") for frames in (observed, observed[:4]))
    assert np.allclose(chosen.kernel, every.kernel, atol=1e-6)
    assert not np.allclose(chosen.kernel, few.kernel, atol=1e-4)


def test_posing_holds_no_more_of_a_movie_than_teaches(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    real = posing.Frames

    def counted(read: Callable[[slice], torch.Tensor], count: int, size: int) -> Frames:
        def reading(part: slice) -> torch.Tensor:
            held.append(part.stop - part.start)
            return read(part)

        return real(reading, count, size * 1000)

    monkeypatch.setattr(posing, "Frames", counted)
    deconvolve(movie(np.full(9, 1.5), side=32), Settings(**QUICK), axes="TYX")
    assert sum(held) >= 9
    assert max(held) < 9


@pytest.mark.parametrize(
    ("share", "axes", "shape", "psf"),
    [
        ("none", "TCYX", (2, 2, 24, 26), "TCYX"),
        ("time", "TZYX", (2, 3, 24, 26), "PYX"),
        ("plane", "TZYX", (2, 3, 24, 26), "TYX"),
        ("channel", "TCYX", (2, 2, 24, 26), "TCYX"),
        ("all", "TCYX", (2, 2, 24, 26), "CYX"),
    ],
)
def test_psfs_are_as_many_as_are_asked_for(share: str, axes: str, shape: tuple[int, ...], psf: str) -> None:
    rng = np.random.default_rng(1)
    observed = ndimage.gaussian_filter(rng.random(shape).astype(np.float32), (0,) * (len(shape) - 2) + (1, 1))
    asked = Settings(**QUICK, share_psf=share, planes="Z" in axes)  # type: ignore[arg-type]
    found = deconvolve(observed, asked, axes=axes)
    sizes = dict(zip(axes.replace("Z", "P"), shape, strict=True))
    assert found.report["psf_axes"] == psf
    assert found.kernel.shape[:-2] == tuple(sizes[axis] for axis in psf[:-2])
    assert found.image.shape == shape
    assert set(found.maps["residual"].shape) == set(shape)
    if share in ("channel", "all"):
        along = psf.index("C")
        assert np.array_equal(found.kernel.take(0, along), found.kernel.take(1, along))
    json.dumps(found.report)


def test_a_part_of_its_own_is_what_it_would_be_alone() -> None:
    observed = movie(np.array([1.2, 1.8, 2.2]), side=32)
    apart = deconvolve(observed, Settings(**QUICK, share_psf="none"), axes="TYX")
    assert apart.report["psf_of"] == ["frame 1", "frame 2", "frame 3"]
    for number, frame in enumerate(observed):
        alone = deconvolve(frame, Settings(**QUICK))
        assert np.array_equal(apart.image[number], alone.image)
        assert np.array_equal(apart.kernel[number], alone.kernel)
        assert apart.report["noise_sigma"][number] == alone.report["noise_sigma"]


def test_a_drift_is_found_where_it_is_and_only_there() -> None:
    truth = np.linspace(1.0, 2.4, 12)
    drifting = deconvolve(movie(truth), Settings(**QUICK, psf_drift=3), axes="TYX")
    widths = [kernel["parameters"]["sigma_1_px"]["value"] for kernel in drifting.report["kernel"]]
    assert drifting.report["drift"]["drifts"]
    assert len(drifting.kernel) == 12
    assert widths == sorted(widths)
    assert 1.7 < widths[-1] / widths[0] < 3.5
    still = deconvolve(movie(np.full(12, 1.6)), Settings(**QUICK, psf_drift=3), axes="TYX")
    assert not still.report["drift"]["drifts"]
    assert still.kernel.shape == (9, 9)


@given(st.integers(1, 60), st.integers(1, 80))
def test_groups_hold_all_frames_and_are_of_nearly_one_length(frames: int, group: int) -> None:
    edges = edges_of(frames, group)
    lengths = np.diff(edges)
    assert (edges[0], edges[-1]) == (0, frames)
    assert lengths.min() >= 1
    assert lengths.max() - lengths.min() <= 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kernel_prior": Uniform()}, "psf_drift 4 cannot .* kernel_prior .uniform"),
        ({"share_psf": "none"}, "psf_drift 4 cannot .* share_psf .none"),
    ],
)
def test_a_drift_that_nothing_could_tell_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Settings(**(QUICK | {"psf_drift": 4} | wrong))


@pytest.mark.parametrize(("axes", "share"), [("PYX", "frames"), ("PTYX", "frames"), ("TPYX", "time")])
def test_a_drift_needs_frames_in_the_order_of_time(axes: str, share: str) -> None:
    observed = np.broadcast_to(movie(np.full(2, 1.5), side=24), (2,) * (len(axes) - 2) + (24, 24))
    with pytest.raises(InputError, match="time axis"):
        deconvolve(observed, Settings(**QUICK, psf_drift=4, share_psf=share), axes=axes)  # type: ignore[arg-type]


def test_a_drift_of_time_points_of_several_frames() -> None:
    truth = np.repeat(np.linspace(1.0, 2.4, 8), 2)
    observed = movie(truth).reshape(8, 2, 64, 64)
    found = deconvolve(observed, Settings(**QUICK, psf_drift=2), axes="TPYX")
    widths = [kernel["parameters"]["sigma_1_px"]["value"] for kernel in found.report["kernel"]]
    assert found.report["psf_of"][0] == "frames 1 to 2"
    assert len(widths) == 4
    assert widths == sorted(widths)


def test_a_drifting_psf_is_written_and_read_again(tmp_path: Path) -> None:
    observed = movie(np.linspace(1.0, 2.4, 9), side=48)
    io.write(tmp_path / "m.ome.tif", io.Volume(observed, "TYX", (0.1, 0.1)), {})
    jobs = batch.plan([tmp_path / "m.ome.tif"], tmp_path / "out")
    *_, report = batch.run_batch(jobs, Settings(**QUICK, psf_drift=3))
    assert isinstance(report, batch.FileReport)
    assert report.status == "done", report.message
    psf = io.read(tmp_path / "out" / "m_psf.ome.tif")
    assert (psf.axes, psf.data.shape) == ("TYX", (9, 9, 9))
    [record], _ = read_records(tmp_path / "out")
    assert [channel.name for channel in record.channels] == ["frames 1 to 3", "frames 4 to 6", "frames 7 to 9"]
    widths = [channel.figures.fwhm[0] for channel in record.channels if channel.figures]
    assert widths == sorted(widths)
