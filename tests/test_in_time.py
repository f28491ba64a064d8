"""Neighbours in time: which frames follow each other, what ties are, and that they help where nothing moves."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.image_priors import SparseGradients
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.observation import Arrangement
from napari_blind_deconv.pipeline.parts import order_of
from napari_blind_deconv.restoration import ByPrior
from napari_blind_deconv.restoration.in_time import Order, Ties, still, times_seen
from napari_blind_deconv.synthesis import gaussian_kernel
from tests import laws


@given(st.integers(1, 3), st.integers(1, 6), st.integers(1, 3), st.integers(0, 9), st.integers(1, 20))
def test_chains_are_frames_of_one_place_one_after_the_other(
    before: int, times: int, after: int, start: int, count: int
) -> None:
    sizes = (before, times, after)
    count = min(count, before * times * after - start)
    seen: set[int] = set()
    for chain in Order(*sizes, start=start).chains(count):
        b, t, a = np.unravel_index(chain.numpy() + start, sizes)
        assert (np.diff(t) == 1).all()
        assert len(set(b)) == len(set(a)) == 1
        assert 0 <= int(chain.min()) <= int(chain.max()) < count
        assert not seen & set(chain.tolist())
        seen |= set(chain.tolist())


@pytest.mark.parametrize(("axes", "expected"), [("TYX", (1, 4, 1)), ("TCYX", (1, 4, 1)), ("YX", None)])
def test_time_is_found_among_the_axes(axes: str, expected: tuple[int, int, int] | None) -> None:
    found = order_of([4 if a == "T" else 2 for a in axes], Arrangement(axes))
    assert found == (None if expected is None else Order(*expected))


@settings(deadline=None)
@given(laws.spaces(smallest=3), st.integers(2, 6), st.floats(0.01, 100), st.integers(0, 99))
def test_ties_are_solved_exactly(space: tuple[int, ...], count: int, weight: float, seed: int) -> None:
    values = torch.complex(laws.noise((count, *space), seed), laws.noise((count, *space), seed + 1)).to(
        torch.complex128
    )
    diagonal = 0.1 + laws.noise(space, seed + 2).double().abs()
    ties = Ties([torch.arange(count)], [torch.ones(count - 1, *space)], torch.zeros(count, *space))
    solved = ties.solved(values, diagonal, weight)
    assert torch.allclose(diagonal * solved + weight * ties.pull(solved), values, atol=1e-6)


@given(st.integers(2, 7), st.integers(0, 99))
def test_how_often_a_place_is_seen_is_the_information_of_all_frames(count: int, seed: int) -> None:
    precisions = laws.noise((count - 1, 1), seed).double().square() * 5
    steps = torch.eye(count, dtype=torch.float64).diff(dim=0)
    covariance = torch.linalg.inv(torch.eye(count) + steps.T @ torch.diag(precisions[:, 0]) @ steps)
    assert torch.allclose(times_seen(precisions)[:, 0], 1 / covariance.diagonal())


@given(st.integers(0, 20), st.floats(0.01, 0.2))
@settings(max_examples=10, deadline=None)
def test_changes_are_seen_where_they_are(seed: int, sigma: float) -> None:
    frames = sigma * laws.noise((2, 64, 64), seed)
    frames[1, 12:22, 20:30] += 5 * sigma
    found = still(frames, Noise.white(sigma))[0]
    assert not found[14:20, 22:28].any()
    assert float(found[44:].mean()) > 0.4


@given(st.integers(0, 20))
@settings(max_examples=5, deadline=None)
def test_what_changes_slowly_is_seen_over_more_frames(seed: int) -> None:
    frames = laws.noise((8, 64, 64), seed)
    frames[:, 12:28, 20:36] += 0.6 * torch.arange(8.0)[:, None, None]
    assert float(still(frames, Noise.white(1.0))[3, 16:24, 24:32].mean()) < 0.2


def restored(observed: NDArray[np.floating], psf: NDArray[np.floating], weight: float) -> NDArray[np.float32]:
    asked = Settings(kernel_prior=Known(), image_prior=SparseGradients(time_weight=weight), restorer=ByPrior())
    return np.asarray(deconvolve(observed.astype(np.float32), asked, axes="TYX", psf=psf).image)


def test_what_does_not_move_gains_and_what_moves_all_over_stays_as_it_is() -> None:
    rng, psf = np.random.default_rng(2), gaussian_kernel((7, 7), 1.2**2 * np.eye(2)).astype(np.float32)
    scenes = ndimage.gaussian_filter(rng.random((5, 48, 48)) < 0.02, (0, 2, 2), output=float)
    scenes = np.clip(scenes / scenes.max() * 3, 0, 1)

    def error(movie: NDArray[np.floating], weight: float) -> float:
        noisy = ndimage.convolve(movie, psf[None], mode="nearest") + 0.05 * np.random.default_rng(3).standard_normal(
            movie.shape
        )
        return float(np.square(restored(noisy, psf, weight) - movie)[:, 4:-4, 4:-4].mean())

    same = np.repeat(scenes[:1], 5, axis=0)
    assert error(same, 1.0) < 0.75 * error(same, 0.0)
    assert error(scenes, 1.0) == error(scenes, 0.0)
