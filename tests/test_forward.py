"""Laws of the blur: both adjoints, shift, scale, border, batch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from laws import assert_adjoint, kernel_of, noise, space_and_support, spaces

from napari_blind_deconv.forward import Blur, Frame, adjoint_kernel, corner_sigma, predict


@given(drawn=space_and_support(), seed=st.integers(0, 99))
def test_adjoint_in_the_scene(drawn, seed):
    space, support = drawn
    frame, kernel = Frame.around(space, support), kernel_of(support, seed)
    assert_adjoint(
        lambda x: predict(x, kernel, frame),
        Blur(kernel, frame).adjoint,
        noise(frame.canvas, seed + 1),
        noise(space, seed + 2),
    )


@given(drawn=space_and_support(), seed=st.integers(0, 99))
def test_adjoint_in_the_kernel(drawn, seed):
    space, support = drawn
    frame = Frame.around(space, support)
    scene = noise((2, *frame.canvas), seed)
    assert_adjoint(
        lambda k: predict(scene, k, frame),
        lambda y: adjoint_kernel(y, scene, frame, support),
        noise(support, seed + 1),
        noise((2, *space), seed + 2),
    )


@given(drawn=space_and_support(), seed=st.integers(0, 99), factor=st.floats(0.1, 10))
def test_brighter_scene_and_weaker_kernel_predict_the_same(drawn, seed, factor):
    space, support = drawn
    frame, kernel = Frame.around(space, support), kernel_of(support, seed)
    scene = noise(frame.canvas, seed)
    ours = predict(factor * scene, kernel / factor, frame)
    assert torch.allclose(ours, predict(scene, kernel, frame), atol=1e-9)


@given(drawn=space_and_support(min_ndim=2), seed=st.integers(0, 99), data=st.data())
def test_axes_are_interchangeable(drawn, seed, data):
    space, support = drawn
    order = data.draw(st.permutations(range(len(space))))
    frame, turned = Frame.around(space, support), Frame.around([space[i] for i in order], [support[i] for i in order])
    scene, kernel = noise(frame.canvas, seed), kernel_of(support, seed)
    ours = predict(scene, kernel, frame).permute(order)
    assert torch.allclose(ours, predict(scene.permute(order), kernel.permute(order), turned), atol=1e-10)


@given(drawn=space_and_support(), seed=st.integers(0, 99))
def test_the_frame_sees_no_wrap_around(drawn, seed):
    """What lies beyond the kernel's reach of the frame does not change the observation."""
    space, support = drawn
    frame, kernel = Frame.around(space, support), kernel_of(support, seed)
    scene = noise(frame.canvas, seed)
    reach = tuple(slice(0, n + 2 * (k // 2)) for n, k in zip(space, support, strict=True))
    other = noise(frame.canvas, seed + 7)
    other[reach] = scene[reach]
    assert torch.allclose(predict(scene, kernel, frame), predict(other, kernel, frame), atol=1e-10)


@given(drawn=space_and_support(), seed=st.integers(0, 99))
def test_crop_and_place_are_adjoint_and_fill_keeps_both(drawn, seed):
    space, support = drawn
    frame = Frame.around(space, support)
    assert_adjoint(frame.crop, frame.place, noise(frame.canvas, seed), noise(space, seed + 1))
    surround, observed = noise(frame.canvas, seed), noise(space, seed + 1)
    filled = frame.fill(observed, surround)
    assert torch.equal(frame.crop(filled), observed)
    assert torch.equal(filled - frame.place(frame.crop(filled)), surround - frame.place(frame.crop(surround)))


@given(drawn=space_and_support(), seed=st.integers(0, 99))
def test_extend_keeps_the_frame_and_its_range(drawn, seed):
    space, support = drawn
    frame, observed = Frame.around(space, support), noise((3, *space), seed)
    extended = frame.extend(observed)
    assert extended.shape == (3, *frame.canvas)
    assert torch.equal(frame.crop(extended), observed)
    assert float(extended.min()) >= float(observed.min()) - 1e-9
    assert float(extended.max()) <= float(observed.max()) + 1e-9


@given(space=spaces(min_ndim=2), seed=st.integers(0, 99))
def test_background_is_an_offset(space, seed):
    frame, kernel = Frame.around(space, [3] * len(space)), kernel_of((3,) * len(space), seed)
    scene = noise(frame.canvas, seed)
    assert torch.allclose(predict(scene, kernel, frame, 2.5), predict(scene, kernel, frame) + 2.5)


@pytest.mark.parametrize("sigma", [0.01, 0.05])
@pytest.mark.parametrize("shape", [(1, 160, 150), (1, 24, 64, 60), (3, 96, 96)])
def test_noise_is_estimated_within_a_fifth(shape, sigma):
    """A smooth scene plus white noise, in two and three dimensions."""
    generator = torch.Generator().manual_seed(4)
    axes = [torch.linspace(0, 9, n) for n in shape[1:]]
    scene = sum(torch.sin(g) for g in torch.meshgrid(*axes, indexing="ij"))
    observed = 0.2 * scene + sigma * torch.randn(shape, generator=generator)
    assert abs(corner_sigma(observed) / sigma - 1) < 0.2
