"""A region for the PSF: the estimate is that of the image cropped to it, and nothing that lies elsewhere has a say."""

import json

import numpy as np
import pytest

from napari_blind_deconv import InputError, Settings, deconvolve
from napari_blind_deconv.estimation import BlindRichardsonLucy, ByEvidence, Joint
from napari_blind_deconv.kernel_priors import Gaussian, Known, Sparse
from napari_blind_deconv.synthesis import beads, blurred, fibres, gaussian_kernel

KERNEL = gaussian_kernel((7, 7), 1.5 * np.eye(2))
GAUSSIAN = Settings(kernel_prior=Gaussian(), kernel_size=(7,), iterations=2)
SPARSE = Settings(
    kernel_prior=Sparse(), kernel_size=(5,), iterations=2, estimator=ByEvidence(starts=1, rounds=1, refinements=1)
)
JOINT = Settings(kernel_prior=Gaussian(), kernel_size=(7,), iterations=2, estimator=Joint(rounds=2))

BASELINE = Settings(kernel_size=(7,), iterations=2, estimator=BlindRichardsonLucy(rounds=3))


def observation(shape, seed):
    rng = np.random.default_rng(seed)
    sharp = 0.1 + fibres(tuple(n + 6 for n in shape), rng, 8, 0.7) + beads(tuple(n + 6 for n in shape), rng, 16)
    return (blurred(sharp, KERNEL)[0] + rng.normal(0, 0.004, shape)).astype(np.float32)


def drawn_box(rng, shape, smallest):
    starts = [int(rng.integers(0, n - smallest)) for n in shape]
    stops = [int(rng.integers(start + smallest, n + 1)) for start, n in zip(starts, shape, strict=True)]
    return tuple(slice(a, b) for a, b in zip(starts, stops, strict=True))


@pytest.mark.parametrize("settings", [GAUSSIAN, SPARSE, JOINT, BASELINE], ids=["gauss", "sparse", "joint", "base"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_kernel_is_that_of_the_image_cropped_to_the_box(settings, seed):
    observed, rng = observation((70, 82), seed), np.random.default_rng(seed)
    box = drawn_box(rng, observed.shape, 36)
    one, other = deconvolve(observed, settings, region=box), deconvolve(observed[box], settings)
    np.testing.assert_array_equal(one.kernel, other.kernel)
    assert one.image.shape == observed.shape
    assert one.report["region"]["start"] == [part.start for part in box]
    assert one.report["region"]["pixels"] == other.image.size
    json.dumps(one.report, allow_nan=False)


def test_what_lies_outside_the_outline_has_no_say_in_the_kernel():
    observed, rng = observation((64, 72), 3), np.random.default_rng(3)
    y, x = np.ogrid[:64, :72]
    disk = (y - 30) ** 2 + (x - 38) ** 2 < 26**2
    spoilt = np.where(disk, observed, rng.choice([-30, 0, 40, np.nan], observed.shape)).astype(np.float32)
    one, other = (deconvolve(image, GAUSSIAN, region=disk) for image in (observed, spoilt))
    np.testing.assert_array_equal(one.kernel, other.kernel)
    assert one.report["region"]["pixels"] == disk.sum()


def test_a_mask_counts_within_the_region_too():
    observed = observation((64, 72), 4)
    mask = np.ones(observed.shape, bool)
    mask[20:26, 30:36] = False
    box = np.s_[8:56, 8:64]
    spoilt = np.where(mask, observed, 50).astype(np.float32)
    kernels = [deconvolve(image, GAUSSIAN, region=box, mask=mask).kernel for image in (observed, spoilt)]
    np.testing.assert_array_equal(*kernels)
    np.testing.assert_array_equal(kernels[0], deconvolve(spoilt[box], GAUSSIAN, mask=mask[box]).kernel)


def test_frames_and_channels_have_regions_of_their_own():
    frames = np.stack([observation((56, 60), seed) for seed in range(4)]).reshape(2, 2, 56, 60)
    region = np.zeros(frames.shape, bool)
    region[0, 0, 4:52, 6:50], region[0, 1, 4:52, 2:46] = True, True
    found = deconvolve(frames, GAUSSIAN, axes="TCYX", region=region)
    for channel, box in enumerate((np.s_[4:52, 6:50], np.s_[4:52, 2:46])):
        alone = deconvolve(frames[(0, channel, *box)], GAUSSIAN)
        np.testing.assert_array_equal(found.kernel[channel], alone.kernel)
        assert found.report["region"][channel]["frames"] == [0]


def test_a_kernel_found_in_a_region_is_trusted_no_more_than_any_other():
    observed = observation((64, 72), 5)
    everywhere, within = (
        deconvolve(observed, GAUSSIAN, **given) for given in ({}, {"region": np.ones(observed.shape)})
    )
    np.testing.assert_array_equal(within.kernel, everywhere.kernel)
    np.testing.assert_array_equal(within.image, everywhere.image)
    assert within.report["trust"] == everywhere.report["trust"]


@pytest.mark.parametrize(
    ("settings", "region", "sentence"),
    [
        (GAUSSIAN, np.zeros((40, 44)), "region holds no pixel of the image; draw one"),
        (GAUSSIAN, np.ones((3, 3)), r"region has shape \(3, 3\)"),
        (GAUSSIAN, np.s_[0:4, :], "region is 4 × 44 pixels large, but must be 8 or more"),
        (GAUSSIAN, np.s_[0:41, :], "region 0:41 along Y must lie within 0:40"),
        (GAUSSIAN, np.s_[2:30:2, :], "region 2:30 along Y must"),
        (GAUSSIAN, np.s_[2:30], "region has 1 ranges"),
        (Settings(kernel_size=(21,)), np.s_[0:20, 0:44], r"larger than the region of \(20, 44\) pixels"),
        (Settings(kernel_prior=Known()), np.s_[0:20, 0:20], "region cannot be used with kernel_prior 'known'"),
        (Settings(background=0.9), np.s_[0:20, 0:20], "brightest pixel of the region is"),
        (GAUSSIAN, np.s_[20:40, 20:44], "region is constant"),
    ],
)
def test_regions_that_cannot_be_are_refused(settings, region, sentence):
    observed = np.random.default_rng(0).random((40, 44), np.float32) * 0.5
    observed[20:, 20:], observed[0, 43] = 0.25, 1.0
    given = {"psf": KERNEL} if isinstance(settings.kernel_prior, Known) else {}
    with pytest.raises(InputError, match=sentence) as refused:
        deconvolve(observed, settings, region=region, **given)
    assert "\n" not in str(refused.value)
