"""Laws of the data term: symmetric, equal to dense algebra, blind to what is no data; of the window beside it."""

import torch
from hypothesis import given
from hypothesis import settings as drawn
from hypothesis import strategies as st
from laws import kernel_of, noise, space_and_support

from napari_blind_deconv.crops import informative_window
from napari_blind_deconv.forward import DataTerm, Noise
from napari_blind_deconv.fourier import irfftn, rfftn

SEEDS = st.integers(0, 99)
SMALL = drawn(max_examples=15)


def coloured(space, seed, sigma=0.3) -> Noise:
    """Noise of a random spectrum that is even in frequency."""
    white = torch.fft.fftn(noise(space, seed)).abs() + 0.5
    axes = tuple(range(white.ndim))
    even = white + white.flip(axes).roll((1,) * white.ndim, axes)
    return Noise(sigma, even / even.mean())


@st.composite
def terms(draw, max_ndim=3) -> DataTerm:
    """A term of drawn sizes with or without weights, white or coloured."""
    space, support = draw(space_and_support(max_ndim=max_ndim))
    seed = draw(SEEDS)
    weights = None
    if draw(st.booleans()):
        weights = 2 * torch.rand(space, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        weights = torch.where(weights < 0.5, 0.0, weights)
    law = coloured(space, seed) if draw(st.booleans()) else 0.3
    error = draw(st.sampled_from([0.0, 0.2]))
    return DataTerm.of(noise(space, seed + 1), kernel_of(support, seed), law, model_error=error, weights=weights)


def normal(term, scene):
    return irfftn(term.normal(rfftn(scene, term.frame.ndim)), term.frame.canvas)


def dense(function, shape) -> torch.Tensor:
    """The matrix of a linear function of tensors."""
    units = torch.eye(int(torch.tensor(shape).prod()), dtype=torch.float64)
    return torch.stack([function(u.reshape(shape)).flatten() for u in units], 1)


@given(term=terms(), seed=SEEDS)
def test_the_normal_operator_is_symmetric_and_positive(term, seed):
    x, y = noise(term.frame.canvas, seed), noise(term.frame.canvas, seed + 1)
    left, right = (normal(term, x) * y).sum(), (x * normal(term, y)).sum()
    assert torch.isclose(left, right, rtol=1e-9, atol=1e-9)
    assert float((normal(term, x) * x).sum()) >= 0


@SMALL
@given(term=terms(max_ndim=2))
def test_it_is_what_dense_algebra_makes_of_it(term):
    frame, blur = term.frame, dense(term.blur, term.frame.canvas)
    weights = torch.ones(frame.shape, dtype=torch.float64) if term.weights is None else term.weights
    colour = torch.ones((), dtype=torch.float64) if term.colour is None else term.colour
    undone = dense(lambda r: frame.crop(irfftn(colour * rfftn(frame.place(r), frame.ndim), frame.canvas)), frame.shape)
    root = torch.diag(weights.sqrt().flatten())
    precision = root @ undone @ root
    y = term.observed.flatten()
    close = {"atol": 1e-9, "rtol": 1e-9}
    torch.testing.assert_close(dense(term.weighed, frame.shape), precision, **close)
    explained = irfftn(term.explained, frame.canvas).flatten()
    torch.testing.assert_close(explained, blur.T @ precision @ y, **close)
    torch.testing.assert_close(dense(lambda x: normal(term, x), frame.canvas), blur.T @ precision @ blur, **close)
    scene = noise(frame.canvas, 7)
    missed = y - blur @ scene.flatten()
    torch.testing.assert_close(term.misfit(scene), missed @ precision @ missed / term.sigma**2, **close)


@given(term=terms(), seed=SEEDS, factor=st.floats(0.1, 10))
def test_where_the_scene_is_what_was_seen_nothing_is_missed(term, seed, factor):
    scene = factor * noise(term.frame.canvas, seed)
    seen = DataTerm(term.blur(scene), term.blur, term.sigma, term.weights, term.colour)
    torch.testing.assert_close(seen.explained, term.normal(rfftn(scene, term.frame.ndim)), atol=1e-8, rtol=1e-8)
    assert float(seen.misfit(scene)) < 1e-12
    assert float(term.misfit(scene)) >= 0


@given(drawn_sizes=space_and_support(), seed=SEEDS, value=st.sampled_from([float("nan"), float("inf"), 1e9]))
def test_what_is_no_data_has_no_influence(drawn_sizes, seed, value):
    space, support = drawn_sizes
    observed, kernel = noise(space, seed), kernel_of(support, seed)
    weights = (noise(space, seed + 1) > -0.5).double()
    law = coloured(space, seed)
    ours = DataTerm.of(observed, kernel, law, weights=weights)
    other = DataTerm.of(torch.where(weights > 0, observed, value), kernel, law, weights=weights)
    surround = noise(ours.frame.canvas, seed + 2)
    assert torch.equal(other.explained, ours.explained)
    assert torch.equal(other.filled, ours.filled)
    assert torch.equal(other.completed(surround), ours.completed(surround))
    assert torch.equal(other.misfit(surround), ours.misfit(surround))
    completed = ours.frame.crop(ours.completed(surround))
    assert torch.equal(completed[weights > 0], observed[weights > 0])
    assert torch.equal(completed[weights == 0], ours.frame.crop(surround)[weights == 0])


@given(drawn_sizes=space_and_support(), seed=SEEDS)
def test_a_flat_spectrum_and_even_weights_are_no_colour_and_no_weights(drawn_sizes, seed):
    space, support = drawn_sizes
    observed, kernel = noise(space, seed), kernel_of(support, seed)
    flat = Noise(0.3, torch.ones(space, dtype=torch.float64))
    assert not flat.is_white
    plain = DataTerm.of(observed, kernel, 0.3, model_error=0.1)
    other = DataTerm.of(observed, kernel, flat, model_error=0.1, weights=torch.ones_like(observed))
    assert plain.weights is plain.colour is None
    scene = noise(plain.frame.canvas, seed + 1)
    assert other.sigma == plain.sigma
    torch.testing.assert_close(other.explained, plain.explained, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(normal(other, scene), normal(plain, scene), atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(other.misfit(scene), plain.misfit(scene))
    torch.testing.assert_close(other.typical, plain.typical, atol=1e-9, rtol=1e-9)


@given(term=terms(), seed=SEEDS)
def test_without_a_border_the_typical_operator_is_the_operator(term, seed):
    """One tap and a frame that fills its canvas: nothing is left of the border."""
    space = term.frame.canvas
    whole = DataTerm.of(noise(space, seed), kernel_of((1,) * len(space), 0), coloured(space, seed))
    spectrum = rfftn(noise(space, seed + 1), len(space))
    torch.testing.assert_close(whole.normal(spectrum), whole.typical * spectrum, atol=1e-8, rtol=1e-8)


@given(term=terms(), offset=st.floats(-5, 5))
def test_less_takes_a_constant_off(term, offset):
    torch.testing.assert_close(term.less(offset).observed, term.observed - offset)
    assert term.less(offset).sigma == term.sigma


@drawn(max_examples=4)
@given(seed=SEEDS, with_weights=st.booleans(), with_colour=st.booleans())
def test_drawn_noise_has_the_covariance_of_the_precision(seed, with_weights, with_colour):
    space, draws = (7, 6), 20000
    weights = torch.rand(space, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.2
    law = coloured(space, seed) if with_colour else 0.3
    term = DataTerm.of(noise(space, seed), kernel_of((3, 3), seed), law, weights=weights if with_weights else None)
    found = term.noise_draw(noise((draws, *term.frame.canvas), seed)).flatten(1)
    expected = dense(term.weighed, space)
    # Each entry is a mean of `draws` products: five standard deviations.
    spread = (expected.diag()[:, None] * expected.diag()[None] + expected.square()).div(draws).sqrt()
    assert float(((found.T @ found / draws - expected) / spread).abs().max()) < 5.5


@given(drawn_sizes=space_and_support(), seed=SEEDS, frames=st.integers(1, 4))
def test_a_window_is_the_whole_where_there_is_nothing_to_choose(drawn_sizes, seed, frames):
    space, support = drawn_sizes
    observed = noise((1, *space), seed).repeat(frames, *(1,) * len(space))
    window = informative_window(observed, support)
    assert window.of(observed) is observed
    assert torch.equal(informative_window(observed, support, torch.ones_like(observed)).of(observed), observed)


@given(sides=st.tuples(st.integers(50, 90), st.integers(50, 90)), seed=SEEDS)
def test_bleached_frames_are_left_out_of_the_window(sides, seed):
    first = noise((1, *sides), seed)
    observed = torch.cat([first, 0.9 * first, 0.3 * first])
    assert informative_window(observed, (5, 5)).frames.tolist() == [0, 1]


@given(sides=st.tuples(st.integers(50, 90), st.integers(50, 90)), seed=SEEDS, hole=st.integers(0, 3))
def test_a_window_avoids_what_is_no_data(sides, seed, hole):
    observed, weights = noise((1, *sides), seed), torch.ones(1, *sides)
    half = [n // 2 for n in sides]
    y, x = (slice(0, half[0]), slice(half[0], None))[hole // 2], (slice(0, half[1]), slice(half[1], None))[hole % 2]
    # The busiest part of all is the one that is no data.
    observed[:, y, x] *= 100
    weights[:, y, x] = 0
    window = informative_window(observed, (5, 5), weights, side=24)
    assert float(window.of(weights).mean()) >= 0.98
    assert tuple(window.of(observed).shape[1:]) == (24, 24)
    everywhere = informative_window(observed, (5, 5), side=24)
    assert float(everywhere.of(weights).mean()) < 0.5


@given(seed=SEEDS, busy=st.sets(st.integers(0, 5), min_size=2, max_size=2))
def test_the_busiest_frames_are_taken(seed, busy):
    observed = 0.1 * noise((6, 40, 30), seed)
    observed[sorted(busy)] *= 50
    window = informative_window(observed, (3, 3), frames=2, side=20)
    assert set(window.frames.tolist()) == busy


def test_a_smaller_window_is_taken_where_data_are_few():
    observed, weights = noise((1, 80, 80), 0), torch.zeros(1, 80, 80)
    weights[:, 20:50, 30:60] = 1
    window = informative_window(observed, (5, 5), weights, side=64)
    assert min(window.of(observed).shape[1:]) >= 20
    assert float(window.of(weights).mean()) >= 0.98
