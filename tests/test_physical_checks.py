"""Physical checks: silent where all is well, one sentence with numbers and a way out where it is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.physical_checks import (
    index_doubts,
    microscope_doubts,
    nyquist_doubts,
    nyquist_um,
    psf_doubts,
    support_doubts,
    voxel_doubts,
    wavelength_doubts,
)

OIL = {"na": 1.3, "emission_um": 0.52, "immersion_index": 1.515}
objectives = st.tuples(st.floats(0.2, 0.95), st.floats(0.4, 0.8), st.floats(1.0, 1.52)).map(
    lambda t: {"na": t[0] * t[2], "emission_um": t[1], "immersion_index": t[2]}
)


def bell(shape=(15, 15), sigma=2.0, centre=(0, 0)) -> np.ndarray:
    grids = np.meshgrid(*[np.arange(n) - n // 2 - c for n, c in zip(shape, centre, strict=True)], indexing="ij")
    psf = np.exp(-sum(g**2 for g in grids) / 2 / sigma**2)
    return psf / psf.sum()


@given(objectives, st.floats(0.5, 0.99), st.sampled_from(["widefield", "confocal", "light-sheet"]))
def test_fine_voxels_are_silent_and_coarse_ones_are_told(optics, fraction, modality):
    axial, lateral = nyquist_um(modality=modality, **optics)
    assert nyquist_doubts((fraction * axial, fraction * lateral, fraction * lateral), modality=modality, **optics) == []
    both = nyquist_doubts((axial / fraction * 1.1, lateral / fraction * 1.1, lateral), modality=modality, **optics)
    assert [sentence.split(" ")[0] for sentence in both] == ["pixels", "planes"]
    assert nyquist_doubts((lateral, lateral), modality=modality, **optics) == []


@given(objectives)
def test_nyquist_follows_wavelength_and_modality(optics):
    wide = nyquist_um(**optics)
    longer = nyquist_um(**optics | {"emission_um": 2 * optics["emission_um"]})
    confocal = nyquist_um(modality="confocal", excitation_um=optics["emission_um"], **optics)
    sheet = nyquist_um(modality="light-sheet", sheet_um=1.0, **optics)
    assert longer == pytest.approx([2 * v for v in wide])
    assert confocal == pytest.approx([v / 2 for v in wide])
    assert sheet[0] < wide[0]
    assert sheet[1] == wide[1]
    assert wide[1] == pytest.approx(optics["emission_um"] / 4 / optics["na"])


def test_the_axial_interval_of_a_low_aperture_is_the_paraxial_one():
    axial, _ = nyquist_um(na=0.1, emission_um=0.5, immersion_index=1.33)
    assert axial == pytest.approx(1.33 * 0.5 / 0.1**2, rel=0.01)


@pytest.mark.parametrize(
    ("doubts", "said"),
    [
        (index_doubts(1.4, 1.33), "NA 1.4 must be below the index of the immersion, 1.33"),
        (index_doubts(1.5, 1.515), "within 3 % of the index of the immersion, 1.515"),
        (index_doubts(1.4, 1.515, 1.33), "works like one with NA 1.33"),
        (wavelength_doubts("emission_um", 520.0), "looks like nanometres; give 0.52"),
        (wavelength_doubts("excitation_um", 0.05), "outside the range of light microscopes"),
        (voxel_doubts((300.0, 100.0, 100.0)), "in nanometres it would be 0.3 µm"),
        (voxel_doubts((1e-7, 1e-7)), "metres or millimetres"),
        (voxel_doubts((5.0, 0.1, 0.1)), "50 times longer than wide"),
        (voxel_doubts((0.2, 0.1)), "not square in the plane"),
        (support_doubts((5, 5, 5), (0.25, 0.1, 0.1), **OIL), "choose a `kernel_size` of 7 x 7 x 7 or more"),
        (psf_doubts(np.pad(bell((11, 11)), ((0, 8), (4, 4)))), "peaks (-4.0, +0.0) pixels away from its centre"),
        (psf_doubts(bell() + 0.01), "69% of the light of the given PSF is a constant background"),
        (psf_doubts(bell((5, 5), 3.0)), "the PSF is cut off"),
        (psf_doubts(np.pad(np.ones((1, 1)), 5)), "is a single pixel"),
    ],
)
def test_each_fault_is_one_sentence(doubts, said):
    assert len(doubts) == 1
    assert said in doubts[0]


def test_sound_numbers_and_psfs_are_silent():
    voxels, shape = (0.25, 0.1, 0.1), (29, 63, 63)
    assert microscope_doubts(voxel_size_um=voxels, kernel_shape=shape, sample_index=1.33, **OIL) == []
    assert microscope_doubts(voxel_size_um=None) == []
    assert microscope_doubts(voxel_size_um=voxels, na=1.3) == []
    assert psf_doubts(bell()) == []


def test_a_curved_path_that_peaks_off_its_centre_is_no_fault():
    path = np.zeros((21, 21))
    path[3, 3:17] = path[3:17, 3] = 1
    path[3, 3] = 3
    path = np.pad(path, ((6, 0), (6, 0)))
    assert not any("away from its centre" in sentence for sentence in psf_doubts(path))


def test_wrong_numbers_hide_what_would_follow_from_them():
    told = microscope_doubts(voxel_size_um=(0.25, 0.1, 0.1), **OIL | {"emission_um": 520.0})
    assert told == ["emission_um is 520 µm, which looks like nanometres; give 0.52"]


def test_a_run_says_what_is_strange_about_its_psf_and_voxels():
    scene = np.random.default_rng(0).random((40, 40)).astype(np.float32)
    psf = np.pad(bell((5, 5), 1.0), ((0, 6), (3, 3)))
    settings = Settings(kernel_prior=Known(), iterations=1)
    report = deconvolve(scene, settings, psf=psf, voxel_size_um=(100.0, 100.0)).report
    assert any("away from its centre" in sentence for sentence in report["warnings"])
    assert any("in nanometres it would be 0.1 µm" in sentence for sentence in report["warnings"])
