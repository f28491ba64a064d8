"""Laws of kernel statistics: they are the data term, they add, and they know nothing of where they came from."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from laws import kernel_of, noise, space_and_support

from napari_blind_deconv.fourier import embed, irfftn, rfftn, transfer
from napari_blind_deconv.statistics import KernelStatistics, kernel_statistics


def canvas_for(space, support):
    return tuple(n + 2 * k for n, k in zip(space, support, strict=True))


@given(drawn=space_and_support(), seed=st.integers(0, 99))
def test_energy_is_the_residual_up_to_a_constant(drawn, seed):
    space, support = drawn
    canvas = canvas_for(space, support)
    x, y = noise((2, *canvas), seed), noise((2, *canvas), seed + 1)
    statistics = kernel_statistics(x, y, support)

    def residual(kernel):
        blurred = irfftn(rfftn(x, len(support)) * transfer(kernel, canvas), canvas)
        return 0.5 * ((blurred - y) ** 2).sum()

    a, b = kernel_of(support, seed), noise(support, seed + 2)
    difference = statistics.energy(a) - statistics.energy(b)
    assert torch.isclose(difference, residual(a) - residual(b), rtol=1e-8, atol=1e-6)


@given(drawn=space_and_support(), seed=st.integers(0, 99))
def test_gradient_is_the_derivative_of_the_energy(drawn, seed):
    space, support = drawn
    canvas = canvas_for(space, support)
    statistics = kernel_statistics(noise(canvas, seed), noise(canvas, seed + 1), support)
    kernel = kernel_of(support, seed).requires_grad_()
    statistics.energy(kernel).backward()
    assert torch.allclose(kernel.grad, statistics.gradient(kernel.detach()), atol=1e-8)


@given(drawn=space_and_support(), seed=st.integers(0, 99))
def test_statistics_add_over_frames(drawn, seed):
    space, support = drawn
    canvas = canvas_for(space, support)
    x, y = noise((3, *canvas), seed), noise((3, *canvas), seed + 1)
    whole = kernel_statistics(x, y, support)
    parts = [kernel_statistics(x[i], y[i], support) for i in range(3)]
    total = parts[0] + parts[1] + parts[2]
    assert torch.allclose(whole.autocorrelation, total.autocorrelation, atol=1e-8)
    assert torch.allclose(whole.correlation, total.correlation, atol=1e-8)


@given(drawn=space_and_support(), seed=st.integers(0, 99))
def test_the_true_kernel_minimises_noise_free_statistics(drawn, seed):
    space, support = drawn
    canvas = canvas_for(space, support)
    x, kernel = noise(canvas, seed), kernel_of(support, seed)
    y = irfftn(rfftn(x, len(support)) * rfftn(embed(kernel, canvas), len(support)), canvas)
    assert float(kernel_statistics(x, y, support).gradient(kernel).abs().max()) < 1e-8


def test_scaling_scales_both():
    statistics = kernel_statistics(noise((16, 16), 0), noise((16, 16), 1), (3, 3))
    scaled = statistics.scaled(2.0)
    kernel = kernel_of((3, 3), 0)
    assert torch.isclose(scaled.energy(kernel), 2 * statistics.energy(kernel))
    assert isinstance(scaled, KernelStatistics)
    assert scaled.shape == (3, 3)
