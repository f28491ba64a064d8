"""The laws of the package as assertions; the test modules apply them over the registries with drawn sizes."""

from collections.abc import Callable

import torch
from hypothesis import strategies as st
from torch import Tensor

Operator = Callable[[Tensor], Tensor]


def spaces(
    min_ndim: int = 1, max_ndim: int = 3, smallest: int = 6, largest: int = 14
) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of odd and even, unequal sizes."""
    return st.lists(st.integers(smallest, largest), min_size=min_ndim, max_size=max_ndim).map(tuple)


def odd_shapes(ndim: int, largest: int = 5) -> st.SearchStrategy[tuple[int, ...]]:
    """Supports of odd size per axis, 1 included."""
    return st.lists(st.integers(0, largest // 2).map(lambda r: 2 * r + 1), min_size=ndim, max_size=ndim).map(tuple)


@st.composite
def space_and_support(
    draw: st.DrawFn, min_ndim: int = 1, max_ndim: int = 3, largest: int = 14
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A frame and a kernel that fits into it."""
    space = draw(spaces(min_ndim, max_ndim, largest=largest))
    return space, draw(odd_shapes(len(space)))


def noise(shape: tuple[int, ...], seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """White noise of a seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def kernel_of(shape: tuple[int, ...], seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """A random kernel: non-negative, unit sum."""
    taps = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return taps / taps.sum()


def assert_adjoint(forward: Operator, adjoint: Operator, x: Tensor, y: Tensor) -> None:
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩."""
    left, right = (forward(x) * y).sum(), (x * adjoint(y)).sum()
    assert torch.isclose(left, right, rtol=1e-9, atol=1e-9), (float(left), float(right))


def assert_kernel(kernel: Tensor, shape: tuple[int, ...]) -> None:
    """A kernel is finite, non-negative, of unit sum and of the asked shape."""
    assert tuple(kernel.shape) == tuple(shape)
    assert bool(torch.isfinite(kernel).all())
    assert float(kernel.min()) >= 0
    assert abs(float(kernel.sum()) - 1) < 1e-4


def assert_proximal(denoise: Operator, energy: Callable[[Tensor], Tensor], values: Tensor, tolerance: float) -> None:
    """A proximal map beats every candidate of a brute-force search, elementwise along the last axis."""
    found = denoise(values)
    grid = torch.linspace(-2.5, 2.5, 2001, dtype=values.dtype)
    best = torch.stack([energy(grid + 0 * v) + 0.5 * (grid - v) ** 2 for v in values]).min(1).values
    ours = energy(found) + 0.5 * (found - values) ** 2
    assert bool((ours <= best + tolerance).all()), float((ours - best).max())
