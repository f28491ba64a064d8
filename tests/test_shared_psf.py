"""One PSF for many files: that of all together is better than each file's own, and does not depend on their order."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.shared_psf import noisy_stacks, own_and_shared, relative_error
from napari_blind_deconv import InputError, Settings, deconvolve, io
from napari_blind_deconv._types import finished
from napari_blind_deconv.batch import Batch, FileReport, ReferenceFiles, prepared, run, states
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Gaussian, Known
from napari_blind_deconv.pipeline.teaching import sharing_steps, teaching_steps
from napari_blind_deconv.restoration import RichardsonLucyRestorer

FAST = {"restorer": RichardsonLucyRestorer(steps_taken=2), "image_prior": NoPrior()}
SETTINGS = Settings(kernel_prior=Gaussian(), kernel_size=(9,), **FAST)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    images, _ = noisy_stacks(3, np.random.default_rng(0), shape=(48, 50), support=(9, 9))
    for number, image in enumerate(images):
        io.write(Path(f"in/s{number}.tif"), io.Volume(image, "YX", (0.1, 0.1)), {})
    return tmp_path


def asked(psf_from: str, *names: str, output="out", **others) -> Batch:
    return Batch(names or ("in",), Path(output), others.pop("settings", SETTINGS), psf_from=psf_from, **others)


def reports(batch: Batch) -> list[FileReport]:
    return [event for event in run(prepared(batch)) if isinstance(event, FileReport)]


def kernels(found: list[FileReport]) -> dict[str, np.ndarray]:
    return {r.path.name: io.read(r.outputs[1]).data for r in found}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "photons", "shape", "support"),
    # Of the images of the second draw one has a PSF of a single point, by itself.
    [(1, 60, (20, 56, 56), (9, 13, 13)), (2, 30, (128, 128), (13, 13))],
)
def test_noisy_stacks_together_find_their_psf_twice_as_well_as_each(seed, photons, shape, support):
    images, kernel = noisy_stacks(8, np.random.default_rng(seed), photons=photons, shape=shape, support=support)
    own, shared = own_and_shared(images, kernel.shape)
    assert relative_error(shared, kernel) <= 0.5 * np.mean([relative_error(k, kernel) for k in own])


def test_the_order_of_images_changes_nothing_beyond_rounding():
    images, _ = noisy_stacks(3, np.random.default_rng(2), shape=(48, 50), support=(9, 9))
    taught = [finished(teaching_steps(image, SETTINGS)) for image in images]
    one, other = (finished(sharing_steps(found, SETTINGS)).kernel for found in (taught, taught[::-1]))
    np.testing.assert_allclose(one, other, atol=1e-3 * one.max())


def test_all_files_get_one_psf_whatever_the_order_and_it_is_found_once(folder, monkeypatch):
    found = reports(asked("all"))
    shared = io.read(Path("out/shared_psf.ome.tif"))
    for kernel in kernels(found).values():
        np.testing.assert_allclose(kernel, shared.data, rtol=1e-5, atol=1e-9)
    marks = {r.report["psf"]["sha256"] for r in found}
    assert len(marks) == 1
    assert {r.report["psf_from"] for r in found} == {"all"}
    assert len(shared.description["provenance"]["shared"]["images"]) == 3
    before = Path("out/shared_psf.ome.tif").read_bytes()
    Path("out/shared_psf.ome.tif").unlink()
    reports(asked("all", overwrite=True))
    assert Path("out/shared_psf.ome.tif").read_bytes() == before
    other = reports(asked("all", "in/s2.tif", "in/s0.tif", "in/s1.tif", output="other"))
    assert {r.report["psf"]["sha256"] for r in other} == marks
    # A result that is lost is made again with the PSF that is there.
    for path in found[1].outputs:
        path.unlink()
    monkeypatch.setattr("napari_blind_deconv.batch.night.found_together", lambda *_: pytest.fail("found again"))
    again = reports(asked("all"))
    assert sorted((r.path.name, r.skipped) for r in again) == [("s0.tif", True), ("s1.tif", False), ("s2.tif", True)]
    assert {r.report["psf"]["sha256"] for r in again} == marks
    # Of other images it is another PSF.
    with pytest.raises(InputError, match="is there already"):
        reports(asked("all", "in/s0.tif", "in/s1.tif"))


def test_the_first_file_that_can_be_restored_gives_its_psf(folder):
    Path("in/r.tif").write_text("no image")
    found = reports(asked("first"))
    assert [(r.path.name, r.status) for r in found] == [
        ("r.tif", "failed"), ("s0.tif", "done"), ("s1.tif", "done"), ("s2.tif", "done")
    ]  # fmt: skip
    taken = kernels(found[1:])
    np.testing.assert_allclose(taken["s2.tif"], taken["s0.tif"], rtol=1e-5, atol=1e-9)
    assert found[1].report["settings"]["kernel_prior"]["kind"] == "gaussian"
    assert found[3].report["settings"]["kernel_prior"]["kind"] == "known"
    # What failed gets it as well, once it can be read, and nobody else is done again.
    Path("in/r.tif").write_bytes(Path("in/s1.tif").read_bytes())
    again = {r.path.name: r for r in reports(asked("first"))}
    assert [name for name, r in again.items() if not r.skipped] == ["r.tif"]
    np.testing.assert_allclose(kernels([again["r.tif"]])["r.tif"], taken["s0.tif"], rtol=1e-5, atol=1e-9)


def test_an_image_or_an_earlier_result_gives_its_psf(folder):
    first = reports(asked("each", "in/s0.tif"))
    psf = kernels(first)["s0.tif"]
    for number, source in enumerate(("out/s0_report.json", "out/s0_restored.ome.tif", "out/s0_psf.ome.tif")):
        found = reports(asked(source, "in/s1.tif", output=f"o{number}"))
        np.testing.assert_allclose(kernels(found)["s1.tif"], psf, rtol=1e-5, atol=1e-9)
    found = reports(asked("in/s0.tif", output="o9"))
    assert len(found) == 3
    np.testing.assert_allclose(kernels(found)["s1.tif"], psf, atol=2e-3 * psf.max())
    assert {s.status for s in states(prepared(asked("in/s0.tif", output="o9")))} == {"done"}


def test_what_cannot_be_shared_is_refused(folder):
    known = Settings(kernel_prior=Known(psf="k.tif"), **FAST)
    with pytest.raises(InputError, match="cannot be combined with kernel_prior 'known'"):
        prepared(asked("all", settings=known))
    io.write(Path("in/shared.tif"), io.Volume(np.ones((20, 20)), "YX"), {})
    with pytest.raises(InputError, match="the shared PSF would both write"):
        prepared(asked("all"))
    Path("in/shared.tif").unlink()
    io.write(Path("in/t.tif"), io.Volume(io.read(Path("in/s0.tif")).data, "YX", (0.3, 0.3)), {})
    with pytest.raises(InputError, match=r"PSF has voxels of|another"):
        reports(asked("all"))


def test_channels_have_a_psf_each_that_can_be_given_and_shared(folder):
    rng = np.random.default_rng(0)
    images = np.stack([io.read(Path(f"in/s{i}.tif")).data for i in range(2)])
    psfs = np.stack([np.pad(np.ones((1, 3)), ((1, 1), (0, 0))), np.pad(np.ones((3, 1)), ((0, 0), (1, 1)))]) / 3
    known = Settings(kernel_prior=Known(), **FAST)
    both = deconvolve(images, known, axes="CYX", psf=psfs)
    for channel in range(2):
        alone = deconvolve(images[channel], known, axes="YX", psf=psfs[channel])
        np.testing.assert_allclose(both.kernel[channel], psfs[channel], atol=1e-6)
        np.testing.assert_allclose(both.image[channel], alone.image, rtol=1e-4, atol=1e-4 * alone.image.max())
    for number in range(2):
        noisy = images + rng.normal(size=images.shape).astype(np.float32) * 0.01 * images.max()
        io.write(Path(f"c/c{number}.tif"), io.Volume(noisy, "CYX", (0.1, 0.1)), {})
    found = reports(asked("all", "c"))
    shared = io.read(Path("out/shared_psf.ome.tif"))
    assert (shared.axes, shared.data.shape) == ("CYX", (2, 9, 9))
    for kernel in kernels(found).values():
        np.testing.assert_allclose(kernel, shared.data, rtol=1e-5, atol=1e-9)


def test_references_of_a_report_are_enough_to_run_again(folder):
    found = reports(asked("all"))
    said = json.loads(found[0].outputs[-1].read_text())
    assert said["settings"]["kernel_prior"]["psf"] == "out/shared_psf.ome.tif"
    assert said["references"] == {"psf": "shared_psf.ome.tif"}
    with pytest.raises(InputError, match="other settings"):
        reports(replace(asked("each"), references=ReferenceFiles()))
