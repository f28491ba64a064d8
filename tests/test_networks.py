"""Laws of the networks: scale, shift, denoising at every level, draws, and weights that are what their card says."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from laws import assert_kernel, noise

import napari_blind_deconv
from napari_blind_deconv import InputError
from napari_blind_deconv.image_priors.patch_mixture import SHIPPED_MIXTURES
from napari_blind_deconv.kernel_priors import Gaussian, Learned, Motion
from napari_blind_deconv.networks import (
    ORIENTATIONS,
    SHIPPED,
    Denoiser,
    UNetShape,
    heun_draw,
    load,
    noise_levels,
    over_planes,
    parameter_count,
    save,
    seen_turned,
    shipped,
)


def untrained(ndim=2, surround="zero", widths=(4, 8)):
    """A network whose last convolution is no longer zero, in double precision."""
    torch.manual_seed(ndim)
    denoiser = Denoiser(UNetShape(ndim=ndim, widths=widths, surround=surround)).double()
    torch.nn.init.normal_(denoiser.network.tail.weight, std=0.1)
    return denoiser.requires_grad_(False)


@given(ndim=st.integers(1, 3), seed=st.integers(0, 99), factor=st.floats(1e-3, 1e3))
def test_a_brighter_image_is_denoised_alike(ndim, seed, factor):
    denoiser, noisy = untrained(ndim), noise((3, 11, 9, 7)[: ndim + 1], seed)
    assert torch.allclose(denoiser(factor * noisy, factor * 0.3), factor * denoiser(noisy, 0.3), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("surround", ["zero", "replicate"])
@given(step=st.integers(-3, 3), seed=st.integers(0, 99))
def test_a_moved_image_is_denoised_alike_away_from_the_border(surround, step, seed):
    """By multiples of the coarsest level's pixel."""
    denoiser, noisy = untrained(surround=surround), noise((64, 56), seed)
    moved = torch.roll(noisy, (2 * step, -2 * step), (0, 1))
    inner = (slice(20, -20), slice(20, -20))
    expected = torch.roll(denoiser(noisy, 0.2), (2 * step, -2 * step), (0, 1))
    assert torch.allclose(denoiser(moved, 0.2)[inner], expected[inner], atol=1e-9)


@given(ndim=st.integers(1, 3), size=st.integers(1, 9), surround=st.sampled_from(["zero", "replicate"]))
def test_every_size_goes_in_and_comes_out(ndim, size, surround):
    noisy = noise((2, *[size + axis for axis in range(ndim)]), size)
    assert untrained(ndim, surround)(noisy, 0.1).shape == noisy.shape


def test_noise_may_differ_from_place_to_place():
    denoiser, noisy = untrained(), noise((2, 12, 10), 0)
    level = torch.full((12, 10), 0.3, dtype=noisy.dtype)
    assert torch.equal(denoiser(noisy, level), denoiser(noisy, 0.3))
    assert torch.allclose(denoiser.score(noisy, level), (denoiser(noisy, 0.3) - noisy) / 0.09)


@given(turn=st.integers(0, 7), rows=st.integers(1, 9), columns=st.integers(1, 9), seed=st.integers(0, 99))
def test_planes_come_back_as_they_lay_however_they_are_seen(turn, rows, columns, seed):
    planes = noise((2, rows, columns), seed)
    assert torch.equal(seen_turned(lambda seen, sigma: sigma * seen, turn)(planes, 2.0), 2 * planes)


def test_a_denoiser_sees_planes_from_eight_sides():
    def first_tap(seen, sigma):
        corner = torch.zeros_like(seen)
        corner[:, 0, 0], corner[:, 0, 1] = seen[:, 0, 0], 2 * seen[:, 0, 1]
        return corner

    planes = 1 + noise((1, 5, 7), 0).abs()
    seen = {tuple((seen_turned(first_tap, t)(planes, 1.0) > 0).flatten().tolist()) for t in range(ORIENTATIONS)}
    assert len(seen) == ORIENTATIONS == 8


def test_volumes_are_denoised_in_all_planes_and_axes_are_interchangeable():
    def smoothed(planes, sigma):
        return planes.mean((-2, -1), keepdim=True).expand_as(planes)

    volume = noise((4, 5, 6), 1)
    turned = over_planes(smoothed, volume.permute(2, 0, 1), 1.0).permute(1, 2, 0)
    assert torch.allclose(over_planes(smoothed, volume, 1.0), turned)
    assert torch.allclose(over_planes(smoothed, noise((7,), 2), 1.0), noise((7,), 2).mean().expand(7))


@given(seed=st.integers(0, 99), mean=st.floats(-2, 2), spread=st.floats(0.1, 2))
def test_draws_follow_the_distribution_whose_score_they_are_given(seed, mean, spread):
    """A normal distribution, whose denoiser is known: the draw is affine in the first noise."""

    def denoise(noisy, sigma):
        return mean + (noisy - mean) * spread**2 / (spread**2 + sigma**2)

    levels = noise_levels(100.0, 1e-3, 100)
    draw = heun_draw(denoise, (64,), levels, torch.Generator().manual_seed(seed))
    start = 100.0 * torch.randn(64, generator=torch.Generator().manual_seed(seed))
    expected = mean + (start - mean) * spread / (spread**2 + 100.0**2) ** 0.5
    assert torch.allclose(draw, expected, atol=0.02 * spread)


@pytest.mark.parametrize("sigma", [0.003, 0.01, 0.03, 0.1, 0.3])
@pytest.mark.parametrize("prior", [Gaussian(), Gaussian(sigma_px=4.0), Motion(), Motion(turn_rad=3.0)])
def test_the_shipped_network_takes_most_of_the_noise_from_kernels(sigma, prior):
    denoiser, card = shipped("kernels")
    assert card.sigma_range[0] <= sigma <= card.sigma_range[1]
    draws = torch.stack([prior.sample((23, 21), torch.Generator().manual_seed(900 + i)) for i in range(8)])
    clean = draws / draws.flatten(1).norm(dim=1)[:, None, None]
    noisy = clean + sigma * noise(clean.shape, 5, torch.float32)
    assert float((denoiser(noisy, sigma) - clean).norm()) < 0.7 * float((noisy - clean).norm())


def test_shipped_networks_are_listed_and_small():
    folder = Path(napari_blind_deconv.__file__).parent / "weights"
    assert {path.name for path in folder.iterdir()} == {
        f"{n}{end}" for n in (*SHIPPED, *SHIPPED_MIXTURES) for end in (".safetensors", ".json")
    }
    for name in SHIPPED:
        denoiser, card = shipped(name)
        assert 4 * parameter_count(denoiser) < 5 * 10**6
        assert card.licence == "BSD-3-Clause"


def test_more_weight_pulls_the_update_towards_what_kernels_look_like():
    from test_kernel_priors import statistics_of

    truth = Motion().sample((15, 15), torch.Generator().manual_seed(4))
    statistics = statistics_of(truth, sigma=2.0)
    start = torch.full((15, 15), 1 / 225)
    errors = [float((Learned().update(statistics, start, weight) - truth).norm()) for weight in (1e-6, 0.01, 1.0)]
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] < 0.85 * errors[0]


@pytest.fixture
def stored(tmp_path):
    """A small network on disk, and its card's fields."""
    path = tmp_path / "own.safetensors"
    card = {"name": "own", "network": {"widths": (4, 8)}, "sigma_range": (0.01, 0.5), "unit": "the norm"}
    save(path, untrained().float().state_dict(), card)
    return path


def test_an_own_network_is_read_as_it_was_written(stored):
    denoiser, card = load(stored)
    noisy = noise((9, 9), 0, torch.float32)
    assert torch.equal(denoiser(noisy, 0.1), untrained().float()(noisy, 0.1))
    assert card.unit == "the norm"
    assert load(stored)[0] is denoiser


def test_an_own_network_makes_a_prior(stored):
    assert_kernel(Learned(weights=str(stored)).sample((7, 5), torch.Generator().manual_seed(0)), (7, 5))


def change_card(path, **fields):
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | fields))


def test_changed_weights_are_refused(stored):
    content = bytearray(stored.read_bytes())
    content[-1] ^= 1
    stored.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"SHA-256 .* damaged or belongs to another network"):
        load(stored)


def test_weights_of_another_architecture_are_refused(stored):
    change_card(stored, network={"widths": [4, 16]})
    with pytest.raises(InputError, match="does not fit its model card"):
        load(stored)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [({"sha256": "abc"}, "sha256"), ({"network": {"ndim": 7}}, "network.ndim"), ({"licenze": "?"}, "licenze")],
)
def test_an_unusable_card_is_named_with_its_field(stored, fields, complaint):
    change_card(stored, **fields)
    with pytest.raises(InputError, match=rf"own\.json' is not usable: {complaint}"):
        load(stored)


def test_a_missing_file_says_what_is_needed(stored, tmp_path):
    with pytest.raises(InputError, match=r"model card, a \.json file"):
        load(tmp_path / "none.safetensors")
    shutil.copy(stored, tmp_path / "alone.safetensors")
    with pytest.raises(InputError, match=r"model card, a \.json file"):
        load(tmp_path / "alone.safetensors")


def test_a_file_that_is_no_safetensors_is_refused(stored):
    import hashlib

    stored.write_bytes(b"not weights")
    change_card(stored, sha256=hashlib.sha256(b"not weights").hexdigest())
    with pytest.raises(InputError, match="does not fit its model card"):
        load(stored)
