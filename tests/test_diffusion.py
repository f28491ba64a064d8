"""Laws of the diffusion prior: its knob runs from none to the prior alone, and tiles are the whole."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import noise

from napari_blind_deconv import InputError, Settings, deconvolve
from napari_blind_deconv.forward import DataTerm, Frame, predict
from napari_blind_deconv.image_priors import Diffusion, NoPrior, Scored, Splittable, Turning
from napari_blind_deconv.image_priors.diffusion import families
from napari_blind_deconv.kernel_priors import Gaussian
from napari_blind_deconv.networks import Denoiser, UNetShape, in_tiles, reach
from napari_blind_deconv.restoration.half_quadratic import restore
from napari_blind_deconv.settings import ADAPTER
from napari_blind_deconv.synthesis import SAMPLES


def blurred_disks(sigma=0.02):
    """An observation of two disks, its kernel and its frame."""
    frame = Frame.around((40, 44), (5, 5))
    rows, columns = torch.meshgrid(*[torch.arange(float(n)) for n in frame.canvas], indexing="ij")
    scene = 0.2 + 0.6 * (((rows - 20) ** 2 + (columns - 22) ** 2) < 90) + 0.2 * ((rows - 34).abs() + columns < 12)
    kernel = Gaussian(sigma_px=1.2).sample((5, 5), torch.Generator().manual_seed(0))
    observed = predict(scene, kernel, frame)
    return scene[None], observed[None] + sigma * noise((1, 40, 44), 3, torch.float32), kernel, frame


def restored(prior, observed, kernel, frame, sigma=0.02, steps=8):
    data = DataTerm.of(observed, kernel, sigma)
    *_, scene = restore(data, prior, spacing=(1.0, 1.0), levels=prior.levels(steps, sigma))
    return frame.crop(scene)


def test_it_splits_and_has_a_score():
    assert isinstance(Diffusion(), Splittable)
    assert isinstance(Diffusion(), Scored)


def test_how_it_looks_at_a_step_is_no_setting():
    prior = Diffusion()
    assert isinstance(prior, Turning)
    assert prior.at_step(3) == prior
    assert prior.at_step(3).turn != prior.at_step(4).turn
    assert "turn" not in ADAPTER.dump_python(Settings(image_prior=prior.at_step(3)))["image_prior"]


def test_strength_zero_is_no_prior():
    _, observed, kernel, frame = blurred_disks(0.1)
    priors = Diffusion(strength=0.0), NoPrior()
    ours, none = (restored(prior, observed, kernel, frame, sigma=0.1, steps=60) for prior in priors)
    assert float((ours - none).norm() / none.norm()) < 1e-2


def test_strength_is_continuous_and_full_strength_trusts_the_prior():
    """Small steps of the knob are small steps of the image; the data count for less and less."""
    _, observed, kernel, frame = blurred_disks()
    knob = (0.0, 0.001, 0.5, 0.51, 0.999, 1.0)
    images = [restored(Diffusion(strength=s), observed, kernel, frame) for s in knob]
    spread = float((images[0] - images[-1]).norm())
    for one, other in ((0, 1), (2, 3), (4, 5)):
        assert float((images[one] - images[other]).norm()) < 0.35 * spread
    misfits = [float((predict(frame.extend(i), kernel, frame) - observed).norm()) for i in images]
    assert misfits[2] < misfits[4]


def test_it_is_better_than_no_prior_where_there_is_noise():
    scene, observed, kernel, frame = blurred_disks(0.03)
    truth = frame.crop(scene)
    ours, none = (
        float((restored(prior, observed, kernel, frame, 0.03) - truth).square().mean())
        for prior in (Diffusion(), NoPrior())
    )
    assert ours < 0.5 * none


@given(
    strength=st.floats(0, 1), sigma=st.floats(1e-3, 0.5), steps=st.integers(1, 30), weight=st.none() | st.floats(0, 50)
)
def test_levels_are_as_many_as_asked_and_never_rise(strength, sigma, steps, weight):
    levels = Diffusion(strength=strength, weight=weight).levels(steps, sigma)
    assert len(levels) == steps
    assert all(a >= b > 0 for a, b in itertools.pairwise(levels))


@given(strength=st.floats(0.05, 0.95), sigma=st.floats(0.01, 0.3))
@settings(max_examples=8, deadline=None)
def test_a_level_names_the_noise_that_is_denoised(strength, sigma):
    """The level holds the white scene's pull too; what is denoised is still D(x; σ), scaled by its share."""
    prior, values = Diffusion(strength=strength, edges=0.0), 0.5 + 0.1 * noise((1, 1, 24, 24), 0, torch.float32)
    level = (prior.prior_weight / sigma**2 + 0.5) ** -0.5
    share = 1 - 0.5 * level**2
    expected = share * prior.denoiser((1.0, 1.0))(values[0], sigma)
    assert torch.allclose(prior.denoise(values, level, (1.0, 1.0))[0], expected, atol=2e-3)


@given(
    widths=st.lists(st.integers(2, 4), min_size=1, max_size=3),
    blocks=st.integers(1, 2),
    rows=st.integers(60, 150),
    columns=st.integers(60, 150),
)
@settings(max_examples=6, deadline=None)
def test_tiles_are_the_whole(widths, blocks, rows, columns):
    torch.manual_seed(rows)
    denoiser = Denoiser(UNetShape(widths=tuple(widths), blocks=blocks, surround="replicate")).double()
    torch.nn.init.normal_(denoiser.network.tail.weight, std=0.3)
    denoiser.requires_grad_(False)
    noisy = noise((2, rows, columns), columns)
    whole = denoiser(noisy, 0.2)
    assert torch.allclose(in_tiles(denoiser, noisy, 0.2, at_once=80**2), whole, atol=1e-9)


def test_what_the_network_reaches_is_not_overstated_without_bound():
    """Beyond its reach nothing depends; well within it something does."""
    shape = UNetShape(widths=(3, 3, 3), blocks=1, surround="replicate")
    torch.manual_seed(1)
    denoiser = Denoiser(shape).double()
    torch.nn.init.normal_(denoiser.network.tail.weight, std=0.5)
    noisy = noise((120, 120), 0).requires_grad_()
    denoiser(noisy, 0.1)[60, 60].backward()
    seen = noisy.grad.abs() > 0
    extent = max(abs(int(i) - 60) for i in seen.nonzero().flatten())
    assert reach(shape) / 3 < extent <= reach(shape)


def test_volumes_are_denoised_along_all_planes_or_in_coarse_sections():
    assert families((1.0, 1.0)) is None
    assert families((1.5, 1.0, 1.0)) is None
    assert families((1.0, 4.0, 1.0)) == [(0, 2)]
    volume = 0.5 + 0.1 * noise((1, 5, 16, 17), 2, torch.float32)
    plane = Diffusion().denoiser((1.0, 1.0))
    along = [plane(volume.movedim(axis, 1), 0.1).movedim(1, axis) for axis in (3, 2, 1)]
    assert torch.allclose(Diffusion().denoiser((1.0, 1.0, 1.0))(volume, 0.1), sum(along) / 3, atol=1e-5)
    sections = Diffusion().denoiser((4.0, 1.0, 1.0))(volume, 0.1)
    assert torch.allclose(sections[0, 2], plane(volume[0, 2], 0.1), atol=1e-5)
    prior = Diffusion(edges=0.0)
    cubes, coarse = (prior.denoise(volume[None], 0.1, (z, 1.0, 1.0)) for z in (1.0, 4.0))
    assert not torch.allclose(cubes, coarse)


@pytest.mark.parametrize(("name", "value"), [("strength", 1.1), ("weight", -1.0), ("denoising", 0.0)])
def test_ingredients_beyond_their_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        Diffusion(**{name: value})


def test_a_network_that_is_missing_is_named(tmp_path):
    sample = SAMPLES["fluorescence"]()
    prior = Diffusion(weights=str(tmp_path / "none.safetensors"))
    with pytest.raises(InputError, match=r"none\.safetensors"):
        deconvolve(sample.observed[:48, :48], Settings(image_prior=prior, kernel_size=(5,), kernel_prior=Gaussian()))
