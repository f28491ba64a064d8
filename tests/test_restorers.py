"""Laws of every restorer and every likelihood in the registries: one that is added is tested from the first day."""

from dataclasses import replace

import numpy as np
import pytest

from napari_blind_deconv import InputError, Settings, deconvolve
from napari_blind_deconv.forward import CameraNoiseModel
from napari_blind_deconv.image_priors import Diffusion, TotalVariation
from napari_blind_deconv.kernel_priors import Gaussian, Known
from napari_blind_deconv.restoration import PhotonMap, RichardsonLucyRestorer
from napari_blind_deconv.settings import LIKELIHOODS, RESTORERS, default_of, settings_from_dict, settings_to_dict
from napari_blind_deconv.synthesis import beads, cells, gaussian_kernel, photon_counts

KERNEL = gaussian_kernel((9, 9), np.array([[2.0, 0.4], [0.4, 1.2]]))


def counts(scene=None, peak=200, seed=0):
    rng = np.random.default_rng(seed)
    scene = cells((144 + 8, 128 + 8), np.random.default_rng(1)) if scene is None else scene
    return photon_counts(scene, KERNEL, peak, rng)


def with_kinds(restorer="by-data", likelihood="camera", **changes):
    values = settings_to_dict(Settings(kernel_prior=Known(), iterations=6))
    chosen = {"restorer": default_of("restorer", restorer), "likelihood": default_of("likelihood", likelihood)}
    if restorer == "posterior-sampling":
        chosen |= {"image_prior": default_of("image_prior", "gaussian-field")}
        chosen["restorer"] |= {"samples": 4}
    if likelihood == "camera":
        chosen["likelihood"] |= {"gain": 1.0}
    return replace(settings_from_dict({**values, **chosen}), **changes)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("restorer", RESTORERS)
def test_every_restorer_works_with_every_likelihood_or_says_why_not(restorer, likelihood):
    observed, truth = counts()
    settings = with_kinds(restorer, likelihood)
    if restorer == "photon-map" and likelihood == "even-noise":
        with pytest.raises(InputError, match="needs counts of light"):
            deconvolve(observed, settings, psf=KERNEL)
        return
    if restorer == "photon-map" and likelihood == "from-image":
        # Whether so small an image shows how its noise grows is chance.
        settings = replace(settings, likelihood=CameraNoiseModel(gain=1.0))
    image = deconvolve(observed, settings, psf=KERNEL).image
    assert image.shape == observed.shape
    assert np.isfinite(image).all()
    inner = (slice(9, -9), slice(9, -9))
    assert np.mean((image - truth)[inner] ** 2) < np.mean((observed - truth)[inner] ** 2)


@pytest.mark.parametrize("restorer", [k for k in RESTORERS if k != "posterior-sampling"])  # whose draws differ
def test_axes_are_interchangeable(restorer):
    observed, _ = counts()
    settings = with_kinds(restorer)
    one = deconvolve(observed, settings, psf=KERNEL).image
    other = deconvolve(observed.T.copy(), settings, psf=KERNEL.T.copy()).image.T
    assert np.abs(one - other).max() < 0.02 * np.ptp(one)


@pytest.mark.parametrize("restorer", RESTORERS)
def test_what_is_masked_has_no_influence(restorer):
    observed, _ = counts()
    mask = np.ones(observed.shape, bool)
    mask[30:33, 20:24] = False
    spoilt = np.where(mask, observed, 1e5).astype(np.float32)
    settings = with_kinds(restorer)
    one, other = (deconvolve(image, settings, psf=KERNEL, mask=mask).image for image in (observed, spoilt))
    assert np.abs(one - other).max() < 1e-3 * np.ptp(one)


@pytest.mark.parametrize(("family", "registry"), [("restorer", RESTORERS), ("likelihood", LIKELIHOODS)])
def test_settings_round_trip(family, registry):
    for kind, cls in registry.items():
        prior = default_of("image_prior", "gaussian-field" if kind == "posterior-sampling" else "sparse-gradients")
        settings = settings_from_dict({family: default_of(family, kind), "image_prior": prior})
        assert isinstance(getattr(settings, family), cls)
        assert settings_from_dict(settings_to_dict(settings)) == settings


def test_any_estimator_may_come_before_richardson_lucy():
    observed, truth = counts()
    settings = Settings(kernel_prior=Gaussian(), kernel_size=(9, 9), restorer=RichardsonLucyRestorer(), iterations=10)
    result = deconvolve(observed, settings)
    inner = (slice(9, -9), slice(9, -9))
    assert np.mean((result.image - truth)[inner] ** 2) < np.mean((observed - truth)[inner] ** 2)


@pytest.mark.parametrize("restorer", [RichardsonLucyRestorer(), PhotonMap()])
@pytest.mark.parametrize("prior", [TotalVariation(), Diffusion()])
def test_an_image_prior_that_was_chosen_is_refused_where_it_has_no_say(restorer, prior):
    with pytest.raises(ValueError, match=f"cannot use image_prior '{prior.kind}'"):
        Settings(kernel_prior=Known(), restorer=restorer, image_prior=prior)


def test_photons_keep_the_flux_of_sparse_light():
    scene = 0.01 + beads((144 + 8, 128 + 8), np.random.default_rng(3), count=40)
    observed, truth = counts(scene, peak=1000)
    image = deconvolve(observed, with_kinds("photon-map", iterations=18, background=0.0), psf=KERNEL).image
    inner = (slice(9, -9), slice(9, -9))
    assert abs(image[inner].sum() / truth[inner].sum() - 1) < 0.05
