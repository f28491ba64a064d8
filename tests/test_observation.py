"""Bad input is refused in one clear sentence; good input is arranged and put back without loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_blind_deconv import InputError, Settings, deconvolve
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.observation import (
    arrangement,
    checked_image,
    checked_voxel_size,
)
from napari_blind_deconv.support import checked_psf, kernel_shape


def refused(function, *arguments):
    with pytest.raises(InputError) as error:
        function(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


@given(data=st.data(), planes=st.booleans())
def test_split_and_join_are_inverse(data, planes):
    axes = "".join(data.draw(st.permutations("TCZYXS")))[: data.draw(st.integers(2, 6))]
    axes = "".join(dict.fromkeys(axes + "YX"))
    shape = tuple(data.draw(st.integers(3, 5)) for _ in axes)
    image = np.arange(np.prod(shape), dtype=float).reshape(shape)
    layout = arrangement(shape, axes, planes)
    parts = layout.split(image)
    assert len(parts) == (shape[axes.index("C")] if "C" in axes else 1)
    assert all(p.ndim == len(layout.space) + 1 for p in parts)
    np.testing.assert_array_equal(layout.join(parts, shape), image)


@pytest.mark.parametrize("shape", [(8, 9), (4, 8, 9)])
def test_two_and_three_axes_are_understood(shape):
    assert arrangement(shape, None, False).space == "ZYX"[-len(shape) :]


@pytest.mark.parametrize(
    ("shape", "axes", "sentence"),
    [
        ((5,), None, "1 axes"),
        ((2, 3, 4, 5), None, "whose meaning is not known"),
        ((8, 9), "YXZ", "name 3 axes"),
        ((8, 9, 9), "YXX", "twice"),
        ((8, 9), "ZT", "must contain Y and X"),
        ((2, 9), "YX", "2 pixels along Y"),
        ((1, 9, 9), "ZYX", "treat the stack as planes with planes"),
    ],
)
def test_axes_that_cannot_be(shape, axes, sentence):
    assert sentence in refused(arrangement, shape, axes, False)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.zeros((0, 5)), "empty"),
        (np.full((8, 8), 7), "constant, every pixel is 7"),
        (np.full((8, 8), np.nan), "no finite value"),
        (np.where(np.eye(8) > 0, np.nan, 5.0), "constant, every pixel is 5"),
        (np.ones((8, 8), complex), "complex128"),
        (np.ones((8, 8), bool), "bool"),
        (np.full((8, 8), None), "object"),
        (np.full((8, 8), "a"), "<U1"),
    ],
)
def test_images_that_cannot_be(image, sentence):
    assert sentence in refused(checked_image, image, False)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_to_be_left_out_later(value):
    image = np.where(np.eye(8) > 0, value, np.arange(64.0).reshape(8, 8))
    kept, said = checked_image(image, False)
    np.testing.assert_array_equal(kept, image)
    assert said == []


def test_fill_nan_fills_and_says_so():
    image = np.arange(64.0).reshape(8, 8)
    image[3, 4] = np.nan
    filled, said = checked_image(image, True)
    assert np.isfinite(filled).all()
    assert "1 pixels" in said[0]
    assert filled[3, 4] in image[2:5, 3:6]


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ((0.1, 0.0), "along X is 0"),
        ((-1.0, 0.1), "along Y is -1"),
        ((0.1,), "1 lengths"),
        ((np.nan, 1.0), "must be positive"),
    ],
)
def test_voxel_sizes_that_cannot_be(size, sentence):
    assert sentence in refused(checked_voxel_size, size, "YX", False)


@pytest.mark.parametrize(
    ("psf", "ours", "theirs", "sentence"),
    [
        (np.zeros((3, 3)), None, None, "zero everywhere"),
        (-np.ones((3, 3)), None, None, "9 negative values"),
        (np.ones((3, 3, 3)), None, None, "3 axes"),
        (np.eye(1, 65 * 65).reshape(65, 65), None, None, "no light in its middle"),
        (np.full((3, 3), np.nan), None, None, "NaN or infinite"),
        (np.ones((3, 3), bool), None, None, "bool"),
        (np.ones((3, 3)), (0.1, 0.1), (0.2, 0.1), "resample the PSF"),
        (np.ones((3, 3)), (0.1, 0.1), (0.2, 0.1, 0.1), "another number of axes"),
    ],
)
def test_psfs_that_cannot_be(psf, ours, theirs, sentence):
    assert sentence in refused(checked_psf, psf, (32, 32), ours, theirs)


@given(shape=st.tuples(st.integers(1, 8), st.integers(1, 8)))
def test_a_psf_becomes_odd_and_of_unit_sum_and_keeps_its_taps(shape):
    psf = np.random.default_rng(0).random(shape) + 0.1
    out, said = checked_psf(psf[None], (32, 32), None, None)
    assert all(n % 2 for n in out.shape)
    assert abs(out.sum() - 1) < 1e-5
    np.testing.assert_allclose(out[: shape[0], : shape[1]], psf / psf.sum(), rtol=1e-5)
    assert bool(said) == any(n % 2 == 0 for n in shape)


@given(shape=st.tuples(st.integers(1, 24), st.integers(1, 24)), space=st.tuples(st.integers(3, 12), st.integers(3, 12)))
def test_a_psf_as_large_as_the_image_or_larger_keeps_its_middle_and_says_what_it_cost(shape, space):
    psf = np.random.default_rng(0).random(shape) + 0.1
    out, said = checked_psf(psf, space, None, None)
    assert all(n % 2 and n <= m for n, m in zip(out.shape, space, strict=True))
    assert abs(out.sum() - 1) < 1e-5
    assert out[tuple(n // 2 for n in out.shape)] / out.max() == pytest.approx(
        psf[tuple(n // 2 for n in shape)] / out_of(psf, out.shape).max(), rel=1e-5
    )
    trimmed = [sentence for sentence in said if "trimmed" in sentence]
    lost = 1 - out_of(psf, out.shape).sum() / psf.sum()
    assert bool(trimmed) == any(k < n for k, n in zip(out.shape, shape, strict=True))
    assert not trimmed or f"cut {100 * lost:.2g} % of its light" in trimmed[0]


@pytest.mark.parametrize(
    ("space", "taps"),
    [
        ((24, 24), (24, 24)),
        ((9, 16, 16), (9, 16, 16)),
        ((7, 16, 16), (15, 5, 5)),
        ((24, 24), (49, 3)),
        ((9, 9), (10, 10)),
    ],
)
def test_a_psf_of_any_size_is_used(space, taps):
    grid = np.meshgrid(*[np.arange(n) - n // 2 for n in taps], indexing="ij")
    psf = np.exp(-sum(g.astype(float) ** 2 for g in grid) / 2)
    result = deconvolve(
        np.random.default_rng(0).poisson(100, space), Settings(kernel_prior=Known(), iterations=1), psf=psf
    )
    assert all(k % 2 and k <= n for k, n in zip(result.kernel.shape, space, strict=True))
    assert np.unravel_index(result.kernel.argmax(), result.kernel.shape) == tuple(k // 2 for k in result.kernel.shape)
    assert any("trimmed" in sentence and "of its light" in sentence for sentence in result.report["warnings"])


def out_of(psf, shape):
    """Its middle, as far as it goes."""
    places = [range(n // 2 - k // 2, n // 2 + k // 2 + 1) for n, k in zip(psf.shape, shape, strict=True)]
    inside = [[i for i in place if 0 <= i < n] for place, n in zip(places, psf.shape, strict=True)]
    return psf[np.ix_(*inside)]


@pytest.mark.parametrize(("factor", "words"), [(1.01, None), (0.97, "3.0% too narrow"), (1.03, "3.0% too narrow")])
def test_voxels_that_are_nearly_the_images_are_used_and_said(factor, words):
    _, said = checked_psf(np.ones((3, 3)), (9, 9), (0.1, 0.1), (0.1, 0.1 * factor))
    assert [words in sentence for sentence in said] == [True] * bool(words)
    assert "resample" in refused(checked_psf, np.ones((3, 3)), (9, 9), (0.1, 0.1), (0.1, 0.106))


def test_unknown_lengths_are_kept_and_compared_with_nothing():
    assert checked_voxel_size((None, 0.1, 0.2), "ZYX", False) == (None, 0.1, 0.2)
    assert checked_voxel_size((None, 0.1, 0.2), "YX", True) == (0.1, 0.2)
    assert checked_voxel_size((None, None), "YX", False) is None
    checked_psf(np.ones((3, 3, 3)), (9, 9, 9), (None, 0.1, 0.2), (0.3, 0.1, None))
    assert "resample" in refused(checked_psf, np.ones((3, 3, 3)), (9, 9, 9), (None, 0.1, 0.2), (0.3, 0.2, None))


def test_kernel_shape_follows_the_wish_or_the_image():
    assert kernel_shape((5,), (20, 30)) == (5, 5)
    assert kernel_shape((5, 7), (20, 30)) == (5, 7)
    assert all(n % 2 for n in kernel_shape(None, (20, 30, 400)))
    assert "larger than the image" in refused(kernel_shape, (21,), (20, 30))
    assert "names 3 axes" in refused(kernel_shape, (5, 5, 5), (20, 30))
