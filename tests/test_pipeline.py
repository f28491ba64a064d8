"""From array to result: shapes, scale, axes, reports, refusals, and stopping between two steps."""

import json

import numpy as np
import pytest

from napari_blind_deconv import InputError, Progress, Settings, deconvolve, deconvolve_steps, io
from napari_blind_deconv.kernel_priors import Known, Uniform
from napari_blind_deconv.settings import KERNEL_PRIORS, settings_from_dict
from napari_blind_deconv.synthesis import beads, blurred, fibres, gaussian_kernel

KERNEL = gaussian_kernel((5, 5), np.eye(2))
QUICK = Settings(kernel_prior=Known(), iterations=3)


def scene(shape, seed=0):
    rng = np.random.default_rng(seed)
    return 0.1 + fibres(shape, rng, 6, 0.7) + beads(shape, rng, 10)


def observation(shape=(33, 28), seed=0):
    sharp = scene(tuple(n + 4 for n in shape), seed)
    observed, truth = blurred(sharp, KERNEL)
    return observed + np.random.default_rng(seed).normal(0, 0.004, shape).astype(np.float32), truth


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float16", "float32", "float64"])
def test_any_number_type_in_float32_out_on_the_input_scale(dtype):
    observed, _ = observation()
    scaled = (observed * 200).astype(dtype)
    result = deconvolve(scaled, QUICK, psf=KERNEL)
    assert result.image.dtype == np.float32
    assert result.kernel.dtype == np.float32
    assert abs(result.image.mean() / scaled.mean(dtype=float) - 1) < 0.02


# Powers of two for the blind case: its thresholds would turn another factor's rounding into a kernel of its own.
@pytest.mark.parametrize(
    ("prior", "factor"),
    [("known", 1e-3), ("known", 7.0), ("known", 4e4), ("uniform", 2**-10), ("uniform", 8.0), ("uniform", 2.0**15)],
)
def test_the_intensity_unit_does_not_matter(prior, factor):
    observed, _ = observation()
    settings = QUICK if prior == "known" else Settings(kernel_size=(5,), iterations=3)
    given = {"psf": KERNEL} if prior == "known" else {}
    one, other = deconvolve(observed, settings, **given), deconvolve(observed * np.float32(factor), settings, **given)
    np.testing.assert_allclose(other.image / factor, one.image, atol=2e-2 * one.image.max())
    np.testing.assert_allclose(other.kernel, one.kernel, atol=1e-2 * one.kernel.max())
    assert other.report["noise_sigma"] == pytest.approx(factor * one.report["noise_sigma"], rel=1e-2)


@pytest.mark.parametrize(
    ("axes", "shape", "kernel_shape"),
    [
        ("YX", (33, 28), (5, 5)),
        ("TYX", (3, 33, 28), (5, 5)),
        ("YXS", (33, 28, 3), (5, 5)),
        ("CYX", (2, 33, 28), (2, 5, 5)),
        ("TCYX", (2, 3, 33, 28), (3, 5, 5)),
    ],
)
def test_axes_come_back_as_they_went_in(axes, shape, kernel_shape):
    rng = np.random.default_rng(0)
    image = rng.random(shape).astype(np.float32)
    result = deconvolve(image, Settings(kernel_size=(5,), iterations=2), axes=axes)
    assert result.image.shape == shape
    assert result.kernel.shape == kernel_shape
    np.testing.assert_allclose(result.kernel.reshape(-1, 25).sum(1), 1, atol=1e-4)


def test_frames_are_restored_each_by_itself_with_the_known_kernel():
    frames = np.stack([observation(seed=s)[0] for s in range(3)])
    settings = Settings(kernel_prior=Known(), iterations=3, noise_sigma=0.004)
    together = deconvolve(frames, settings, axes="TYX", psf=KERNEL).image
    moved = deconvolve(np.moveaxis(frames, 0, -1), settings, axes="YXT", psf=KERNEL).image
    np.testing.assert_allclose(np.moveaxis(moved, -1, 0), together, atol=1e-5)


def test_a_stack_as_planes_shares_a_two_dimensional_psf():
    stack = np.stack([observation(seed=s)[0] for s in range(4)])
    result = deconvolve(stack, Settings(planes=True, kernel_size=(5,), iterations=2), voxel_size_um=(0.5, 0.1, 0.1))
    assert result.image.shape == stack.shape
    assert result.kernel.shape == (5, 5)


@pytest.mark.usefixtures("one_step_descents")
@pytest.mark.parametrize("kind", [k for k in KERNEL_PRIORS if k not in {"known", "airy"}])
def test_every_blind_prior_runs_on_a_volume_and_reports(kind):
    kernel = gaussian_kernel((5, 5, 5), np.eye(3))
    observed, truth = blurred(scene((18, 30, 26)), kernel)
    settings = Settings(kernel_prior=KERNEL_PRIORS[kind](), kernel_size=(5, 5, 5), iterations=2)
    result = deconvolve(observed, settings, voxel_size_um=(0.3, 0.1, 0.1), truth=truth, true_psf=kernel)
    assert result.image.shape == observed.shape
    assert result.kernel.shape == (5, 5, 5)
    json.dumps(result.report, allow_nan=False)
    assert set(result.report["metrics"]) >= {"psnr", "ssim", "ke", "ke_rel", "mnc", "grades"}
    assert settings_from_dict(result.report["settings"]) == settings


def test_a_prior_of_planes_refuses_a_volume_and_names_what_to_take():
    with pytest.raises(InputError, match=r"airy.*microscope"):
        deconvolve(scene((18, 30, 26)), Settings(kernel_prior=KERNEL_PRIORS["airy"](), kernel_size=(5, 5, 5)))


def test_the_same_seed_gives_the_same_result():
    observed, _ = observation()
    settings = Settings(kernel_prior=Uniform(), kernel_size=(5,), iterations=3, seed=3)
    one, two = (deconvolve(observed, settings) for _ in range(2))
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.kernel, two.kernel)


def test_the_background_is_taken_off():
    observed, _ = observation()
    plain, offset = (
        deconvolve(observed + b, Settings(kernel_prior=Known(), iterations=3, background=b), psf=KERNEL)
        for b in (0.0, 0.25)
    )
    np.testing.assert_allclose(offset.image, plain.image, atol=1e-3)


def test_steps_count_up_show_what_is_there_and_can_be_left():
    observed, _ = observation()
    seen: list[Progress] = []
    steps = deconvolve_steps(observed, Settings(kernel_size=(5,), iterations=4))
    seen.extend(p for p in steps if p.total)
    assert [p.step for p in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].step == seen[-1].total
    assert seen[-1].image.shape == observed.shape
    assert {p.stage for p in seen} == {"estimating the kernel", "restoring"}
    steps = deconvolve_steps(observed, Settings(kernel_size=(5,)))
    next(steps)
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)


def test_the_restored_image_beats_the_observed_one():
    observed, truth = observation((96, 90))
    result = deconvolve(observed, Settings(kernel_prior=Known()), psf=KERNEL)
    assert ((result.image - truth) ** 2).mean() < 0.6 * ((observed - truth) ** 2).mean()


def test_a_known_psf_is_read_from_the_file_that_the_settings_name(tmp_path):
    observed, _ = observation()
    path = tmp_path / "k.ome.tif"
    io.write(path, io.Volume(KERNEL.astype(np.float32), "YX", (0.1, 0.2)), {})
    settings = Settings(kernel_prior=Known(psf=str(path)), iterations=3)
    by_file, by_array = deconvolve(observed, settings), deconvolve(observed, QUICK, psf=KERNEL.astype(np.float32))
    np.testing.assert_array_equal(by_file.kernel, by_array.kernel)
    np.testing.assert_array_equal(by_file.image, by_array.image)
    other = np.ones((3, 3), np.float32)
    np.testing.assert_allclose(deconvolve(observed, settings, psf=other).kernel, other / 9)  # the array wins
    with pytest.raises(InputError, match="resample"):
        deconvolve(observed, settings, voxel_size_um=(0.1, 0.1))
    with pytest.raises(InputError, match=r"nowhere\.tif"):
        deconvolve(observed, Settings(kernel_prior=Known(psf="nowhere.tif")))


@pytest.mark.parametrize(
    ("image", "settings", "given", "sentence"),
    [
        (np.full((20, 20), 3.0), QUICK, {"psf": KERNEL}, "constant"),
        (np.eye(20), QUICK, {}, "has no PSF"),
        (np.eye(20), Settings(), {"psf": KERNEL}, "choose kernel_prior 'known'"),
        (np.eye(20), Settings(kernel_size=(21,)), {}, "larger than the image"),
        (np.eye(20), QUICK, {"psf": KERNEL, "truth": np.eye(19)}, "truth has shape"),
        (np.eye(20), QUICK, {"psf": KERNEL, "true_psf": np.ones((3, 3, 3))}, "true PSF has 3 axes"),
        (np.eye(20), QUICK, {"psf": KERNEL, "voxel_size_um": (0.1, -1)}, "along X is -1"),
        (np.eye(20), Settings(device="mps"), {}, "not available"),
        (np.eye(20), Settings(background=1e9), {}, "background is 1e+09, but the brightest pixel is 1"),
        (np.eye(20), Settings(noise_sigma=1e30), {}, "noise_sigma is 1e+30, but the image spans only 1"),
        (np.eye(20), QUICK, {"psf": KERNEL, "voxel_size_um": (0.1, 0.1), "psf_voxel_size_um": (0.1, 0.3)}, "resample"),
    ],
)
def test_bad_input_is_one_sentence(image, settings, given, sentence):
    with pytest.raises(InputError) as error:
        deconvolve(image, settings, **given)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("prior", ["known", "gaussian"])
@pytest.mark.parametrize("constant", [3000.0, 1e6])
def test_an_additive_constant_does_not_matter(prior, constant):
    # Whole numbers, so that the constant adds no rounding of its own.
    observed = np.round(2000 * observation((64, 60))[0]).astype(np.float64)
    settings = QUICK if prior == "known" else Settings(kernel_prior=KERNEL_PRIORS[prior](), kernel_size=(9,))
    given = {"psf": KERNEL} if prior == "known" else {}
    plain, moved = (deconvolve(observed + c, settings, **given) for c in (0.0, constant))
    np.testing.assert_allclose(moved.kernel, plain.kernel, atol=1e-3 * plain.kernel.max())
    # Single precision resolves a sixteenth at a million.
    np.testing.assert_allclose(moved.image.astype(float) - constant, plain.image, atol=2e-3 * plain.image.max())
    assert moved.report["noise_sigma"] == pytest.approx(plain.report["noise_sigma"], rel=1e-2)


@pytest.mark.parametrize("prior", ["known", "gaussian"])
def test_one_hot_pixel_stays_where_it_is(prior):
    kernel = gaussian_kernel((13, 13), 4 * np.eye(2))
    sharp = scene((108, 108))
    observed = np.random.default_rng(0).poisson(500 * blurred(sharp, kernel)[0]).astype(np.uint16)
    hot = observed.copy()
    hot[40, 52] = 60000
    settings = (
        Settings(kernel_prior=Known())
        if prior == "known"
        else Settings(kernel_prior=KERNEL_PRIORS[prior](), kernel_size=(13,))
    )
    given = {"psf": kernel} if prior == "known" else {}
    clean, spoiled = deconvolve(observed, settings, **given), deconvolve(hot, settings, **given)
    y, x = np.indices(observed.shape)
    far = np.hypot(y - 40, x - 52) > 15
    truth = 500 * sharp[6:-6, 6:-6]
    psnr = [10 * np.log10(truth.max() ** 2 / ((r.image - truth)[far] ** 2).mean()) for r in (clean, spoiled)]
    assert abs(psnr[1] - psnr[0]) < 0.1
    assert spoiled.report["defects"] == {"bad": 1}
    assert any("(40, 52)" in sentence for sentence in spoiled.report["warnings"])


@pytest.mark.parametrize("prior", ["known", "gaussian"])
def test_what_lies_outside_the_mask_has_no_influence_inside(prior):
    observed, _ = observation((72, 66))
    mask = np.ones(observed.shape, bool)
    mask[:20, 30:] = False
    spoiled = observed.copy()
    spoiled[~mask] = np.random.default_rng(0).choice([0, 1e3, -50, np.nan], (~mask).sum())
    settings = QUICK if prior == "known" else Settings(kernel_prior=KERNEL_PRIORS[prior](), kernel_size=(9,))
    given = {"psf": KERNEL} if prior == "known" else {}
    one, other = (deconvolve(image, settings, mask=mask, **given) for image in (observed, spoiled))
    np.testing.assert_allclose(other.kernel, one.kernel, atol=1e-6)
    np.testing.assert_allclose(other.image, one.image, atol=1e-5)
    assert other.report["noise_sigma"] == pytest.approx(one.report["noise_sigma"])
    assert one.report["defects"] == {"outside": int((~mask).sum())}
    assert any("are masked" in sentence for sentence in one.report["warnings"])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_not_finite_are_left_out_and_filled(value):
    observed, truth = observation((64, 60))
    holes = observed.copy()
    holes[30:33, 20:24] = value
    whole, mended = deconvolve(observed, QUICK, psf=KERNEL), deconvolve(holes, QUICK, psf=KERNEL)
    assert np.isfinite(mended.image).all()
    assert mended.report["defects"] == {"missing": 12}
    assert any("12 pixels are NaN or infinite" in sentence for sentence in mended.report["warnings"])
    far = np.ones(observed.shape, bool)
    far[20:43, 10:34] = False
    assert np.sqrt(((mended.image - whole.image)[far] ** 2).mean()) < 2e-2 * truth.max()


def test_a_mask_of_another_shape_and_one_that_leaves_nothing_are_refused():
    observed, _ = observation()
    with pytest.raises(InputError, match=r"mask has shape \(3, 3\)"):
        deconvolve(observed, QUICK, psf=KERNEL, mask=np.ones((3, 3)))
    with pytest.raises(InputError, match="no pixel left"):
        deconvolve(observed, QUICK, psf=KERNEL, mask=np.zeros(observed.shape))
