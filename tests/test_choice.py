"""Laws of the choice between rungs: no blur is called sharp, a blur by its family, and supports hold the light."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from laws import assert_kernel, kernel_of, odd_shapes

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.estimation.choice import border_share, cropped
from napari_blind_deconv.estimation.second_look import second_looks
from napari_blind_deconv.evidence import Evidence
from napari_blind_deconv.kernel_priors import Auto, Defocus, Fit, Gaussian, Lenslets, Motion
from napari_blind_deconv.kernel_priors.defocus import disk
from napari_blind_deconv.kernel_priors.gaussian import gaussian
from napari_blind_deconv.kernel_priors.judgement import equivalent_sigma
from napari_blind_deconv.kernel_priors.spots import spots
from napari_blind_deconv.support import kernel_shape, largest_kernel
from napari_blind_deconv.synthesis import blurred, cells


def observation(kernel: np.ndarray, side: int = 96, sigma: float = 0.005) -> np.ndarray:
    scene = cells((side + kernel.shape[0] - 1,) * 2, np.random.default_rng(4))
    seen, _ = blurred(scene / scene.max(), kernel)
    return seen + sigma * np.random.default_rng(5).normal(size=seen.shape)


@pytest.fixture(scope="module")
def sharp():
    return deconvolve(observation(np.ones((1, 1), np.float32)), Settings(kernel_prior=Auto(), iterations=1))


@pytest.fixture(scope="module")
def defocused():
    kernel = disk(torch.tensor(4.0), (13, 13)).numpy()
    return deconvolve(observation(kernel), Settings(kernel_prior=Auto(), iterations=1))


def test_a_sharp_image_gets_no_blur(sharp):
    assert sharp.kernel.shape == (1, 1)
    assert sharp.report["ranking"][0]["kind"] == "sharp"
    assert "sharp already" in sharp.report["choice"]
    about_the_kernel = [c for c in sharp.report["trust"] if c["check"] in {"delta", "border", "no_blur"}]
    assert [check["verdict"] for check in about_the_kernel] == ["ok"] * 3


def test_a_defocused_image_gets_a_disk_on_a_support_of_its_size(defocused):
    assert defocused.report["ranking"][0]["kind"] == "defocus"
    assert set(defocused.kernel.shape) <= {9, 11}
    assert defocused.report["kernel"]["parameters"]["radius_px"]["value"] == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("name", ["sharp", "defocused"])
def test_the_report_ranks_every_family_once_and_is_json(name, request):
    report = request.getfixturevalue(name).report
    kinds = [entry["kind"] for entry in report["ranking"]]
    assert sorted(kinds) == sorted({"sharp", "uniform", *(rung.kind for rung in Auto().rungs(2))})
    assert json.loads(json.dumps(report["ranking"])) == report["ranking"]


def test_channels_that_need_supports_of_different_sizes_share_one_stack(monkeypatch):
    # Two families are enough to choose from.
    monkeypatch.setattr(Auto, "rungs", lambda *_: [Gaussian(), Defocus()])
    wide = disk(torch.tensor(4.0), (13, 13)).numpy()
    image = np.stack([observation(wide, 80), observation(np.ones((1, 1), np.float32), 80)])
    result = deconvolve(image, Settings(kernel_prior=Auto(), iterations=1), axes="CYX")
    assert result.kernel.shape[0] == 2
    assert result.kernel.sum((1, 2)) == pytest.approx([1, 1], abs=1e-4)
    assert len(result.report["choice"]) == 2


@given(shape=st.integers(1, 3).flatmap(lambda n: odd_shapes(n, 13)), seed=st.integers(0, 99))
def test_cropping_keeps_a_kernel_and_nearly_all_of_its_light(shape, seed):
    kernel = kernel_of(shape, seed) ** 8
    small = cropped(kernel / kernel.sum())
    assert_kernel(small, tuple(small.shape))
    assert all(n % 2 == 1 and n <= m for n, m in zip(small.shape, shape, strict=True))
    assert torch.equal(cropped(torch.nn.functional.pad(kernel, (3, 3) * len(shape)) / kernel.sum()) > 0, small > 0)


@given(sigma=st.floats(0.8, 3.0), ndim=st.integers(1, 2))
def test_a_round_gaussian_is_as_wide_as_it_is(sigma, ndim):
    kernel = gaussian(torch.eye(ndim) * sigma**2, (41,) * ndim)
    assert equivalent_sigma(kernel) == pytest.approx(np.sqrt(sigma**2 + 1 / 12), rel=2e-2)


@given(shape=odd_shapes(2, 13), seed=st.integers(0, 99), share=st.floats(0.5, 1.0))
def test_a_bright_tap_makes_a_kernel_narrow_wherever_the_rest_of_its_light_lies(shape, seed, share):
    taps = torch.cat([torch.tensor([share], dtype=torch.float64), (1 - share) * kernel_of(shape, seed).flatten()[1:]])
    order = torch.randperm(len(taps), generator=torch.Generator().manual_seed(seed))
    found = [equivalent_sigma(values.reshape(shape)) for values in (taps, taps[order])]
    assert found[0] == pytest.approx(found[1])
    assert found[0] <= (4 * np.pi) ** -0.5 / share + 1e-6


def test_light_on_the_border_is_counted_along_axes_that_have_an_inside():
    assert border_share(torch.full((3, 3), 1 / 9)) == pytest.approx(8 / 9)
    assert border_share(torch.full((1, 3), 1 / 3)) == pytest.approx(2 / 3)
    assert border_share(torch.ones(1, 1)) == 0


@given(space=st.lists(st.integers(3, 400), min_size=1, max_size=3))
def test_the_usual_support_is_within_the_largest(space):
    usual, largest = kernel_shape(None, space), largest_kernel(space)
    assert all(u % 2 == 1 and u <= m for u, m in zip(usual, largest, strict=True))


@given(seed=st.integers(0, 99), angle=st.floats(0, 2 * np.pi))
def test_spots_that_touch_in_a_chain_are_no_lenslets_and_spots_apart_are(seed, angle):
    rung, shape = Lenslets(), (41, 41)
    along = torch.linspace(-7, 7, 8)[:, None] * torch.tensor([[np.sin(angle), np.cos(angle)]], dtype=torch.float32)
    levels = 1 + torch.rand(8, generator=torch.Generator().manual_seed(seed))
    assert not rung.owns(spots(along, levels, shape, 0.6))
    assert rung.owns(spots(along * 2.5, levels, shape, 0.6))


def test_a_path_begins_at_a_freer_rung_s_kernel_and_is_kept_only_where_it_explains_more():
    path = Motion().sample((15, 15), torch.Generator().manual_seed(3))
    evidence = Evidence.of(torch.from_numpy(observation(path.numpy(), 96)).float()[None], 0.005, spacing=(1.0, 1.0))
    rungs, wrong, delta = [Motion()], torch.eye(15).flip(0) / 15, torch.zeros(15, 15)
    delta[7, 7] = 1
    fits = {"motion": Fit(wrong), "uniform": Fit(path)}

    def looked(gain):
        gains = {kind: gain(fit.kernel) for kind, fit in fits.items()}
        looks = second_looks(fits, gains, rungs, evidence, gain, 1.0, 30)
        while True:
            try:
                next(looks)
            except StopIteration as end:
                return end.value[0]

    error = float((looked(lambda k: -float((k - path).square().sum()))["motion"].kernel - path).norm() / path.norm())
    assert error < 0.3
    assert looked(lambda k: 2.0 * (k is path) + float(k is wrong))["motion"].kernel is wrong
    assert looked(lambda k: float(k is wrong))["motion"].kernel is wrong
