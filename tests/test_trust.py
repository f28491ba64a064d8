"""Laws of trust: every check fires on a case made for it and is silent on a sound one; maps follow their images."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.defects import saturated
from napari_blind_deconv.forward import DataTerm
from napari_blind_deconv.image_priors import NoPrior, SparseGradients
from napari_blind_deconv.kernel_priors import Known, Uniform
from napari_blind_deconv.pipeline import deconvolve_steps, intensity_levels
from napari_blind_deconv.restoration import ByPrior, RichardsonLucyRestorer
from napari_blind_deconv.synthesis import blurred, cells, gaussian_kernel
from napari_blind_deconv.trust import (
    kernel_checks,
    no_blur_check,
    prior_share,
    residual_checks,
    saturation_check,
    standardised_residual,
)
from napari_blind_deconv.trust.smoothing import smoothed

KERNEL = gaussian_kernel((15, 15), np.diag([4.0, 4.0]))
CHECKS = {
    "delta",
    "border",
    "residual_size",
    "residual_whiteness",
    "residual_local",
    "no_blur",
    "saturation",
    "prior_share",
}
SIGMA = 0.01


def observation(kernel=KERNEL, side=112, seed=3) -> np.ndarray:
    scene = cells((side + kernel.shape[0] - 1,) * 2, np.random.default_rng(seed))
    seen, _ = blurred(scene / scene.max(), kernel)
    return seen + SIGMA * np.random.default_rng(5).normal(size=seen.shape).astype(np.float32)


def restored(psf=KERNEL, observed=None, **settings):
    given = {"kernel_prior": Known(), "noise_sigma": SIGMA} | settings
    return deconvolve(observation() if observed is None else observed, Settings(**given), psf=psf)


def verdicts(result) -> dict[str, str]:
    return {check["check"]: check["verdict"] for check in result.report["trust"]}


@pytest.fixture(scope="module")
def sound():
    return restored()


def test_a_sound_run_raises_no_doubt_and_makes_every_check(sound):
    assert verdicts(sound) == dict.fromkeys(CHECKS, "ok")
    assert sound.report["warnings"] == []
    assert json.loads(json.dumps(sound.report["trust"], allow_nan=False)) == sound.report["trust"]


@pytest.mark.parametrize(
    ("fired", "case"),
    [
        ("delta", {"psf": np.pad(np.ones((1, 1), np.float32), 2)}),
        ("border", {"psf": gaussian_kernel((7, 7), np.eye(2) * 9)}),
        ("residual_size", {"noise_sigma": SIGMA / 4, "model_error": 0.0}),
        ("residual_whiteness", {"psf": gaussian_kernel((25, 25), np.eye(2) * 9)}),
        ("residual_whiteness", {"image_prior": SparseGradients(strength=30)}),
        ("residual_local", {"image_prior": SparseGradients(strength=30)}),
        ("no_blur", {"psf": gaussian_kernel((25, 25), np.diag([0.3, 16.0]))}),
        ("saturation", {"observed": np.minimum(observation() * 600, 255).astype(np.uint8), "noise_sigma": 600 * SIGMA}),
        ("prior_share", {"image_prior": SparseGradients(strength=0.02)}),
    ],
)
def test_every_check_fires_on_a_case_made_for_it(fired, case):
    result = restored(**case)
    doubts = [check["sentence"] for check in result.report["trust"] if check["verdict"] == "doubt"]
    assert verdicts(result)[fired] == "doubt"
    assert set(doubts) <= set(result.report["warnings"])
    assert len(set(result.report["warnings"])) == len(result.report["warnings"])


def test_a_psf_without_width_is_neither_supported_nor_contradicted():
    result = restored(psf=np.pad(np.ones((1, 1), np.float32), 2))
    (check,) = [c for c in result.report["trust"] if c["check"] == "no_blur"]
    assert check["value"] == pytest.approx(0, abs=1e-6)
    assert check["limit"] == -10
    assert check["verdict"] == "ok"
    assert "cannot distinguish this PSF from no blur" in check["sentence"]


def test_an_estimated_kernel_cut_by_its_support_is_told_to_grow():
    told = restored(psf=None, kernel_prior=Uniform(), kernel_size=(5,)).report["warnings"]
    assert any("try a larger `kernel_size`" in sentence for sentence in told)


def test_a_collapsed_estimate_and_a_single_tap_differ():
    delta, tap = torch.zeros(5, 5), torch.ones(1, 1)
    delta[2, 2] = 1
    assert "collapsed" in kernel_checks(delta, given=False)[0].sentence
    assert [check.verdict for check in kernel_checks(tap, given=False)] == ["ok", "ok"]
    assert no_blur_check(torch.rand(1, 32, 32), tap, 0.1, (1.0, 1.0)).verdict == "ok"


@given(shape=st.tuples(st.integers(1, 2), st.integers(24, 60), st.integers(24, 60)), seed=st.integers(0, 999))
def test_white_noise_of_any_local_strength_raises_no_doubt(shape, seed):
    generator = torch.Generator().manual_seed(seed)
    strength = 1 + torch.linspace(0, 2, shape[-1])
    noise = torch.randn(shape, generator=generator) * strength / strength.square().mean().sqrt()
    assert [check.verdict for check in residual_checks(noise, (1, 1))] == ["ok"] * 3


@pytest.mark.parametrize("shape", [(1, 40, 37), (2, 64, 30), (1, 16, 24, 20)])
def test_noise_that_is_not_white_does(shape):
    soft = smoothed(torch.randn(shape, generator=torch.Generator().manual_seed(0)), len(shape) - 1, 1.5)
    found = {check.check: check.verdict for check in residual_checks(soft / soft.std(), (1,) * (len(shape) - 1))}
    assert found == {"residual_size": "ok", "residual_whiteness": "doubt", "residual_local": "doubt"}


def test_structure_in_one_place_is_found_there():
    noise = torch.randn(1, 128, 128, generator=torch.Generator().manual_seed(0))
    noise[:, 80:100, 20:40] += 2 * smoothed(noise, 2, 3.0)[:, 80:100, 20:40].sign()
    local = residual_checks(noise, (1, 1))[2]
    assert local.verdict == "doubt"
    y, x = (int(n) for n in re.findall(r"pixel \((\d+), (\d+)\)", local.sentence)[0])
    assert 76 <= y < 104
    assert 16 <= x < 44


@given(rim=st.integers(1, 40), seed=st.integers(0, 99))
def test_a_large_mask_raises_no_doubt(rim, seed):
    noise = torch.randn(1, 128, 128, generator=torch.Generator().manual_seed(seed))
    noise[:, rim : rim + 80, 20:90] = torch.nan
    assert residual_checks(noise, (1, 1))[2].verdict == "ok"


def test_the_residual_is_the_noise_where_the_kernel_sees_the_frame():
    scene = torch.rand(1, 30, 26, generator=torch.Generator().manual_seed(1))
    kernel = torch.from_numpy(gaussian_kernel((5, 7), np.eye(2)))
    whole = torch.nn.functional.conv2d(scene[None], kernel.flip(0, 1)[None, None], padding=(2, 3))[0]
    noise = torch.randn(scene.shape, generator=torch.Generator().manual_seed(2))
    found = standardised_residual(DataTerm.of(whole + 0.1 * noise, kernel, 0.1), scene)
    torch.testing.assert_close(found[:, 2:-2, 3:-3], noise[:, 2:-2, 3:-3], atol=1e-4, rtol=1e-4)
    assert torch.isnan(found).sum() == 30 * 26 - 26 * 20


def image_and_kernel(seed=0):
    """A pattern that a flat rim surrounds, and an anisotropic kernel."""
    pattern = torch.rand(1, 20, 24, generator=torch.Generator().manual_seed(seed))
    image = torch.nn.functional.pad(smoothed(pattern, 2, 0.8), (18, 18, 18, 18), value=0.5)
    return image, torch.from_numpy(gaussian_kernel((7, 9), np.diag([1.0, 2.0])))


def share(image, kernel, noise, spacing=None):
    return prior_share(image, DataTerm.of(image, kernel, noise), spacing)


def test_all_detail_is_data_without_blur_and_noise_and_prior_without_data():
    image, kernel = image_and_kernel()
    delta = torch.zeros(3, 3)
    delta[1, 1] = 1
    assert float(share(image, delta, 0.0)[0].max()) < 1e-4
    assert float(share(image, kernel, 1e4)[0].min()) > 0.999
    # Three taps that remove waves of two pixels altogether; the rim, where the frame ends, is none.
    waves = torch.cos(torch.pi * torch.arange(32.0)).expand(1, 32, 32)
    box = torch.tensor([[0.25, 0.5, 0.25]])
    assert share(waves, box, 1e-3)[1] > 0.9


@given(noise=st.floats(0.001, 0.3), more=st.floats(1.1, 10.0))
def test_more_noise_leaves_more_to_the_prior(noise, more):
    image, kernel = image_and_kernel()
    assert share(image, kernel, noise)[1] < share(image, kernel, noise * more)[1]


@given(factor=st.floats(1e-3, 1e4))
def test_the_share_has_no_unit(factor):
    image, kernel = image_and_kernel()
    one, other = share(image, kernel, 0.05), share(image * factor, kernel, 0.05 * factor)
    torch.testing.assert_close(other[0], one[0], atol=1e-3, rtol=0)
    assert other[1] == pytest.approx(one[1], abs=1e-4)


@given(shift=st.tuples(st.integers(-8, 8), st.integers(-8, 8)))
def test_the_share_moves_with_the_image(shift):
    image, kernel = image_and_kernel()
    moved = share(image.roll(shift, (-2, -1)), kernel, 0.05)
    here = share(image, kernel, 0.05)
    assert moved[1] == pytest.approx(here[1], abs=1e-4)
    detailed = smoothed((image != 0.5).float(), 2, 2.0).roll(shift, (-2, -1)) > 0.5
    torch.testing.assert_close(moved[0][detailed], here[0].roll(shift, (-2, -1))[detailed], atol=1e-3, rtol=0)


def test_the_share_does_not_know_the_order_of_axes():
    image, kernel = image_and_kernel()
    one = share(image, kernel, 0.05, (2.0, 1.0))
    other = share(image.mT.contiguous(), kernel.mT.contiguous(), 0.05, (1.0, 2.0))
    torch.testing.assert_close(other[0].mT, one[0], atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("axes", "shape"), [("YX", (33, 28)), ("TYX", (3, 33, 28)), ("YXS", (33, 28, 3)), ("TCYX", (2, 3, 33, 28))]
)
def test_maps_have_the_image_s_shape_and_checks_come_per_channel(axes, shape):
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    result = deconvolve(image, Settings(kernel_prior=Known(), iterations=2), axes=axes, psf=KERNEL[5:10, 5:10])
    assert set(result.maps) == {"residual", "prior_share"}
    for values in result.maps.values():
        assert values.shape == shape
        assert values.dtype == np.float32
    share = result.maps["prior_share"]
    assert share.min() >= 0
    assert share.max() <= 1
    trust = result.report["trust"]
    assert len(trust) == (3 if "C" in axes else len(CHECKS))


@pytest.mark.parametrize("asked", [{"restorer": RichardsonLucyRestorer()}, {"image_prior": NoPrior()}])
def test_without_an_image_prior_there_is_no_share_of_it(asked):
    result = restored(iterations=3, **asked)
    assert set(result.maps) == {"residual"}
    assert set(verdicts(result)) == CHECKS - {"prior_share"}


def test_a_restorer_s_maps_come_back_in_the_image_s_unit(monkeypatch):
    restore = ByPrior.restore

    def sampling(self, task):
        for found in restore(self, task):
            yield replace(found, maps={"uncertainty": 0.1 * found.scene})

    monkeypatch.setattr(ByPrior, "restore", sampling)
    observed = 1000 * observation()
    steps = deconvolve_steps(observed, Settings(kernel_prior=Known(), iterations=2), psf=KERNEL)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        result = end.value
    light = result.image - intensity_levels(observed).offset
    np.testing.assert_allclose(result.maps["uncertainty"], 0.1 * light, rtol=1e-4, atol=1e-3)


def test_saturation_is_told_from_a_bright_pixel():
    ramp = np.arange(4096.0).reshape(1, 64, 64)
    assert saturation_check(float(saturated(ramp).mean())).verdict == "ok"
    assert saturation_check(float(saturated(np.minimum(ramp, 4000)).mean())).verdict == "doubt"
    assert not saturated(np.full((1, 4, 4), 7.0)).any()
