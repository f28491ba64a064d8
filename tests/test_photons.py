"""Laws of the photon likelihood and of what climbs it."""

from itertools import islice, pairwise

import pytest
import torch

from napari_blind_deconv._types import InputError
from napari_blind_deconv.forward.blur import Frame
from napari_blind_deconv.forward.operator import Blur
from napari_blind_deconv.restoration.edge_penalty import edge_penalty
from napari_blind_deconv.restoration.expectation_maximisation import richardson_lucy
from napari_blind_deconv.restoration.photons import CameraNoise, Photons
from napari_blind_deconv.restoration.poisson_map import poisson_map
from napari_blind_deconv.restoration.thinning import split_gaussian, thin


def drawn(shape, seed=0, batch=()):
    generator = torch.Generator().manual_seed(seed)
    kernel = torch.rand([3, 5, 3][: len(shape)], generator=generator, dtype=torch.float64)
    blur = Blur(kernel / kernel.sum(), Frame.around(shape, kernel.shape))
    scene = 50 * torch.rand(*batch, *blur.frame.canvas, generator=generator, dtype=torch.float64) ** 4
    return blur, torch.poisson(blur(scene) + 2, generator=generator)


def climbed(method, data, steps=6):
    if method == "em":
        return list(islice(richardson_lucy(data), steps))
    return [step.scene for step in islice(poisson_map(data), steps + 1)][1:]


METHODS = pytest.mark.parametrize("method", ["em", "map"])


@METHODS
@pytest.mark.parametrize("shape", [(17,), (14, 19), (9, 12, 10)])
def test_likelihood_rises_and_light_is_positive(method, shape):
    blur, counts = drawn(shape)
    data = Photons(blur, counts, background=2.0)
    scenes = climbed(method, data)
    costs = [float(data.cost(data.predict(x))) for x in (data.flat(), *scenes)]
    assert all(b < a for a, b in pairwise(costs))
    assert all(bool((x >= 0).all()) for x in scenes)


@METHODS
def test_masked_pixels_have_no_influence(method):
    blur, counts = drawn((14, 19))
    weights = torch.ones_like(counts)
    weights[3, 4] = weights[10:12, 8] = 0
    broken = torch.where(weights > 0, counts, torch.nan)
    whole, holed = (climbed(method, Photons(blur, y, weights=weights))[-1] for y in (counts, broken))
    assert torch.equal(whole, holed)


@METHODS
def test_gain_is_a_unit(method):
    blur, counts = drawn((14, 19))
    light, grey = (
        climbed(method, Photons(blur, c * counts, CameraNoise(c, 1.5 * c), background=2.0 * c))[-1] for c in (1.0, 8.0)
    )
    torch.testing.assert_close(light, grey)


@METHODS
def test_batch_equals_each(method):
    blur, counts = drawn((14, 19), batch=(2,))
    counts[1] *= 9
    together = climbed(method, Photons(blur, counts))[-1]
    for one, y in zip(together, counts, strict=True):
        torch.testing.assert_close(one, climbed(method, Photons(blur, y))[-1])


@METHODS
def test_axes_are_alike(method):
    blur, counts = drawn((14, 19))
    turned = Blur(blur.kernel.T.contiguous(), Frame.around((19, 14), (5, 3)))
    straight = climbed(method, Photons(blur, counts))[-1]
    torch.testing.assert_close(straight.T, climbed(method, Photons(turned, counts.T.contiguous()))[-1])


@pytest.mark.parametrize("shape", [(17,), (14, 19), (9, 12, 10)])
def test_momentum_comes_further_and_light_is_not_negative(shape):
    blur, counts = drawn(shape)
    data = Photons(blur, counts, background=2.0)
    *_, plain = islice(richardson_lucy(data), 30)
    *_, found = islice(richardson_lucy(data, accelerated=True), 16)
    assert bool((found >= 0).all())
    assert bool((data.cost(data.predict(found)) < data.cost(data.predict(plain))).all())


def test_momentum_survives_darkness():
    blur, counts = drawn((14, 19))
    *_, found = islice(richardson_lucy(Photons(blur, torch.zeros_like(counts)), accelerated=True), 12)
    assert bool(found.isfinite().all())


def test_em_keeps_the_light():
    blur, counts = drawn((14, 19))
    data = Photons(blur, counts)
    for scene in climbed("em", data):
        assert float((scene * blur.sensitivity()).sum()) == pytest.approx(float(counts.sum()), rel=1e-2)


@pytest.mark.parametrize("exponent", [0.7, 1.0, 2.0])
def test_penalty_has_the_gradient_it_says(exponent):
    scene = torch.rand(5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
    value, gradient = edge_penalty(scene, exponent, 0.1, (2.0, 1.0))
    (expected,) = torch.autograd.grad(value.sum(), scene)
    torch.testing.assert_close(gradient, expected)


def test_thinned_photons_add_up_and_are_independent():
    generator = torch.Generator().manual_seed(0)
    counts = torch.poisson(torch.full((200, 200), 7.0), generator=generator)
    kept, held = thin(counts, 0.3, generator)
    assert torch.equal(kept + held, counts)
    assert float(kept.mean()) == pytest.approx(2.1, rel=0.02)
    assert abs(float(torch.corrcoef(torch.stack([kept.ravel(), held.ravel()]))[0, 1])) < 0.02


def test_split_light_is_uncorrelated():
    generator = torch.Generator().manual_seed(0)
    light = 5 + 2 * torch.randn(200, 200, generator=generator)
    parts = split_gaussian(light, torch.full_like(light, 4.0), generator)
    torch.testing.assert_close(sum(parts) / 2, light)
    assert abs(float(torch.corrcoef(torch.stack([p.ravel() for p in parts]))[0, 1])) < 0.02


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_empty_parts_are_refused(share):
    with pytest.raises(InputError, match="share"):
        thin(torch.ones(3), share, torch.Generator())


def test_impossible_cameras_are_refused():
    with pytest.raises(InputError, match="gain"):
        CameraNoise(gain=0)
    with pytest.raises(InputError, match="read"):
        CameraNoise(read=-1)
