"""Laws of the transforms, of embedding and of moving kernels."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from laws import assert_adjoint, kernel_of, noise, space_and_support, spaces
from scipy import ndimage

from napari_blind_deconv.fourier import (
    centred,
    centroid,
    embed,
    extract,
    fast_shape,
    frequencies,
    irfftn,
    rfftn,
    shifted,
    transfer,
)


@given(space=spaces(), seed=st.integers(0, 99))
def test_inverse_transform_undoes_the_transform(space, seed):
    x = noise((2, *space), seed)
    assert torch.allclose(irfftn(rfftn(x, len(space)), space), x, atol=1e-12)


@given(space=spaces(), seed=st.integers(0, 99))
def test_both_backends_agree(space, seed):
    x = noise(space, seed)
    with_gradient = x.clone().requires_grad_()
    assert torch.allclose(rfftn(x, len(space)), rfftn(with_gradient, len(space)).detach(), atol=1e-12)


def test_transforms_pass_gradients_on():
    x = noise((5, 6), 0).requires_grad_()
    irfftn(rfftn(x, 2), (5, 6)).sum().backward()
    assert torch.allclose(x.grad, torch.ones_like(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_follows_the_input(dtype):
    x = noise((6, 7), 0, dtype)
    assert irfftn(rfftn(x, 2), (6, 7)).dtype == dtype


@given(drawn=space_and_support(), seed=st.integers(0, 99))
def test_extract_is_the_adjoint_and_left_inverse_of_embed(drawn, seed):
    space, support = drawn
    kernel = kernel_of(support, seed)
    assert torch.equal(extract(embed(kernel, space), support), kernel)
    assert_adjoint(lambda k: embed(k, space), lambda x: extract(x, support), kernel, noise(space, seed + 1))


@given(drawn=space_and_support(), seed=st.integers(0, 99))
def test_convolution_agrees_with_scipy_in_orientation_and_centre(drawn, seed):
    space, support = drawn
    x, kernel = noise(space, seed), kernel_of(support, seed + 1)
    ours = irfftn(rfftn(x, len(space)) * transfer(kernel, space), space)
    theirs = ndimage.convolve(x.numpy(), kernel.numpy(), mode="wrap")
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-10)


def test_a_kernel_larger_than_the_canvas_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        embed(torch.ones(7, 3), (5, 9))


@given(space=spaces())
def test_fast_shape_is_never_smaller(space):
    assert all(f >= n for f, n in zip(fast_shape(space), space, strict=True))


@given(space=spaces(min_ndim=1, max_ndim=3))
def test_frequencies_fit_the_spectrum(space):
    like = noise(space, 0)
    axes = frequencies(space, [1.0] * len(space), like)
    assert torch.broadcast_shapes(*[a.shape for a in axes]) == rfftn(like, len(space)).shape


@given(drawn=space_and_support(), seed=st.integers(0, 99), data=st.data())
def test_shifting_forth_and_back_loses_only_what_left_the_support(drawn, seed, data):
    _, support = drawn
    shift = [data.draw(st.integers(-n, n)) for n in support]
    kernel = kernel_of(support, seed)
    back = shifted(shifted(kernel, shift), [-s for s in shift])
    assert bool(((back == kernel) | (back == 0)).all())


def test_centred_moves_the_centroid_to_the_centre_tap():
    kernel = torch.zeros(9, 7)
    kernel[1:4, 4:6] = 1.0
    assert all(abs(c) <= 0.5 for c in centroid(centred(kernel)))
