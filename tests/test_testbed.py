"""Testbeds: y is k * x and noise, the same seed gives the same bytes, and nothing is replaced that nobody allowed."""

import hashlib
import json
import math
import signal
import sys
import weakref
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
import yaozarrs
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import assert_kernel
from PIL import Image
from scipy import ndimage

from napari_blind_deconv import InputError, io, testbed
from napari_blind_deconv.cli import main
from napari_blind_deconv.image_priors import FreeField, GaussianField, MovieField
from napari_blind_deconv.kernel_priors import Defocus, Gaussian, Known, Lenslets, Microscope, Motion, drawn
from napari_blind_deconv.restoration.exact_posterior import exact_posterior
from napari_blind_deconv.restoration.movie_posterior import blurred_frames
from napari_blind_deconv.testbed import EvenNoise, PhotonNoise, Recipe, Testbed, limits, listing, write_testbed

STILL = GaussianField(mean=0.5, contrast=0.1, correlation_px=3.0)
MOVING = MovieField(mean=0.5, contrast=0.1, correlation_px=3.0, lifetime_frames=3.0)
IMAGE = Recipe(kind="image", size=(20, 24), kernel_size=(5, 5), field=STILL, count=2)
VIDEO = Recipe(
    kind="video", size=(20, 24), frames=6, kernel_size=(5, 5), field=MOVING, kernel_priors=(Lenslets(count=2),)
)


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("beds") / "video"
    write_testbed(replace(VIDEO, count=2, time_interval_s=0.5, voxel_size_um=(0.2, 0.1)), path)
    return path


@given(
    kind=st.sampled_from(["image", "video"]),
    size=st.lists(st.integers(7, 14), min_size=2, max_size=3).map(tuple),
    noise=st.sampled_from([EvenNoise(sigma=0.05), PhotonNoise(peak=200.0)]),
    drift=st.sampled_from([None, 2]),
    seed=st.integers(0, 99),
)
@settings(max_examples=12, deadline=None)
def test_observations_are_blurred_scenes_and_noise(kind, size, noise, drift, seed):
    recipe = Recipe(
        kind=kind,
        size=size,
        frames=5 if kind == "video" else None,
        field=MOVING if kind == "video" else STILL,
        kernel_priors=(Motion(), Gaussian()),
        kernel_size=(3,) * (len(size) - 1) + (5,),
        kernel_drift_frames=drift,
        noise=noise,
        boundary="periodic",
        seed=seed,
    )
    shots = list(testbed.shots(recipe, 0))
    sharp, kernels, observed = (torch.stack([getattr(s, n) for s in shots]) for n in ("sharp", "kernel", "observed"))
    assert len(shots) == (recipe.frames or 1)
    for kernel in kernels:
        assert_kernel(kernel, recipe.kernel_size)
    assert (drift is None or kind == "image") == bool((kernels == kernels[0]).all())
    expected = blurred_frames(sharp.double(), kernels.double())
    scores = (observed - expected) / (noise.sigma if isinstance(noise, EvenNoise) else expected.clamp(min=1e-3).sqrt())
    assert float(scores.square().mean()) == pytest.approx(1, abs=6 / math.sqrt(scores.numel() / 2))
    assert abs(float(scores.mean())) < 5 / math.sqrt(scores.numel())
    if isinstance(noise, PhotonNoise):
        assert torch.equal(observed, observed.round())


def test_a_scene_goes_on_beyond_the_frame():
    (shot,) = testbed.shots(replace(IMAGE, noise=EvenNoise(sigma=0.0)), 0)
    inner = blurred_frames(shot.sharp[None].double(), shot.kernel.double())[0]
    difference = (shot.observed - inner).abs()
    assert float(difference[2:-2, 2:-2].max()) < 1e-5
    assert float(difference[:2].max()) > 1e-3


@pytest.mark.parametrize("recipe", [IMAGE, VIDEO, Recipe(kind="kernel", kernel_size=(5, 7), count=2)])
def test_the_same_seed_gives_the_same_bytes_and_another_one_others(recipe, tmp_path):
    one, two, other = tmp_path / "one", tmp_path / "two.ome.zarr", tmp_path / "other"
    write_testbed(recipe, one)
    write_testbed(recipe, two)
    write_testbed(replace(recipe, seed=recipe.seed + 1), other)
    assert digest(one) == digest(two)
    assert not torch.equal(Testbed(one)[0].kernel, Testbed(other)[0].kernel)


def test_samples_do_not_depend_on_how_many_there_are():
    few, many = (list(testbed.shots(replace(IMAGE, count=count), 1)) for count in (2, 50))
    assert torch.equal(few[0].observed, many[0].observed)
    longer = list(islice(testbed.shots(replace(VIDEO, frames=40), 0), 6))
    assert all(torch.equal(a.observed, b.observed) for a, b in zip(testbed.shots(VIDEO, 0), longer, strict=True))


def test_memory_does_not_grow_with_the_length_of_a_movie():
    alive: list[weakref.ref] = []
    most = 0
    for shot in testbed.shots(replace(VIDEO, frames=200, kernel_drift_frames=7), 0):
        alive = [found for found in alive if found() is not None]
        most = max(most, len(alive))
        alive.append(weakref.ref(shot.sharp))
    assert most <= 2


def test_a_testbed_is_read_back_by_this_program_and_is_ome_zarr(video):
    for folder in ("", "0", "0/sharp", "0/kernel", "1"):
        yaozarrs.validate_zarr_store(str(video / folder))
    assert [path.name for path, _ in io.images(video)] == ["0", "1"]
    header = io.header(video / "0")
    assert (header.axes, header.shape, header.voxel_size_um) == ("TYX", (6, 20, 24), (0.2, 0.1))
    assert header.description["time_interval_s"] == 0.5
    assert io.header(video / "0" / "kernel").axes == "YX"
    card = json.loads((video / "card.json").read_text())
    assert testbed.recipe_from_dict(card["recipe"]).field == MOVING
    assert "6 x 20 x 24" in (video / "README.md").read_text()
    seeds = [sample["seeds"] for sample in Testbed(video).samples]
    assert len({value for sample in seeds for value in sample.values()}) == 6


def test_no_estimate_can_err_less_than_the_least_error(video):
    recipe = replace(IMAGE, boundary="periodic", noise=EvenNoise(sigma=0.05))
    squares, least = [], []
    for index in range(60):
        (shot,) = testbed.shots(recipe, index)
        found = exact_posterior(shot.observed, shot.kernel, STILL, spacing=(1.0, 1.0), noise=0.05)
        squares.append(float((found.mean - shot.sharp).square().mean()))
        least.append(limits.least_error(recipe, shot.kernel) ** 2)
    assert np.mean(squares) == pytest.approx(np.mean(least), rel=0.05)
    samples = Testbed(video).samples
    assert all(0 < sample["least_rms_error"] < sample["sharp"]["sd"] for sample in samples)
    summary = Testbed(video).card["summary"]
    assert summary["mean"]["least_rms_error"] == pytest.approx(
        np.mean([s["least_rms_error"] for s in samples]), rel=1e-4
    )
    assert samples[0]["noise"]["sd"] == pytest.approx(0.01, rel=0.1)


def test_a_data_set_gives_what_was_written_whole_or_in_parts(video):
    whole, parts = Testbed(video), Testbed(video, frames=2)
    assert (len(whole), len(parts)) == (2, 6)
    shots = list(testbed.shots(whole.recipe, 1))
    assert torch.equal(whole[1].sharp, torch.stack([shot.sharp for shot in shots]))
    assert torch.equal(whole[1].kernel, shots[0].kernel)
    assert torch.equal(parts[-1].observed, whole[1].observed[4:])
    batch = next(iter(torch.utils.data.DataLoader(parts, batch_size=4)))
    assert batch.sharp.shape == (4, 2, 20, 24)
    with pytest.raises(IndexError):
        whole[2]
    with pytest.raises(InputError, match="frames 7 must be 1 to 6"):
        Testbed(video, frames=7)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("card.json", "no", "card .*is not valid JSON"),
        ("card.json", "{}", "must be 'napari-blind-deconv testbed', version 1"),
        ("samples.jsonl", "{}\n[", "contains a line that is not a sample"),
    ],
)
def test_a_damaged_testbed_is_refused(name, content, message, tmp_path):
    write_testbed(replace(IMAGE, count=1), tmp_path / "bed")
    (tmp_path / "bed" / name).write_text(content)
    with pytest.raises(InputError, match=message):
        _ = Testbed(tmp_path / "bed").samples
    with pytest.raises(InputError, match=r"holds no card.json"):
        Testbed(tmp_path)


def test_kernels_that_drift_are_kept_frame_by_frame(tmp_path):
    write_testbed(replace(VIDEO, kernel_drift_frames=3), tmp_path / "bed")
    item = Testbed(tmp_path / "bed")[0]
    assert item.kernel.shape == (6, 5, 5)
    assert torch.allclose(item.kernel[1], (2 * item.kernel[0] + item.kernel[3]) / 3, atol=1e-6)


def test_nothing_is_replaced_but_a_testbed_and_that_when_asked_for(tmp_path):
    bed, folder, file = tmp_path / "bed", tmp_path / "folder", tmp_path / "file"
    write_testbed(IMAGE, bed)
    folder.mkdir()
    file.write_text("mine")
    io.write(tmp_path / "image.ome.zarr", io.Volume(np.ones((4, 5)), "YX"), {})
    before = digest(tmp_path)
    for path in (bed, folder, file, tmp_path / "image.ome.zarr"):
        with pytest.raises(InputError, match="is there already"):
            write_testbed(IMAGE, path)
    for path in (folder, file, tmp_path / "image.ome.zarr"):
        with pytest.raises(InputError, match="is not a testbed"):
            write_testbed(IMAGE, path, overwrite=True)
    stopped = testbed.write_testbed_steps(replace(IMAGE, seed=5), bed, overwrite=True)
    next(stopped)
    stopped.close()
    assert digest(tmp_path) == before
    write_testbed(replace(IMAGE, seed=5), bed, overwrite=True)
    assert digest(tmp_path) != before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel_size": (4, 5)}, "must be odd"),
        ({"kernel_size": (5, 5, 5)}, "one entry per axis"),
        ({"kernel_priors": (Known(),)}, "cannot be drawn"),
        ({"kernel_priors": (Microscope(),)}, "needs the voxel size"),
        ({"frames": 3}, "left out for anything else"),
        ({"field": None}, "field is missing"),
        ({"field": GaussianField()}, "of mean None"),
        ({"field": MOVING}, "change in videos only"),
        ({"boundary": "periodic", "kernel_size": (31, 31)}, "not be larger than a periodic image"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(IMAGE, **changes)


def frames_in(folder, count=12, side=40, seed=0):
    """PNG frames of a field that moves, in colours."""
    folder.mkdir()
    movie = MovieField(mean=0.5, contrast=0.15, correlation_px=2.0, lifetime_frames=4.0).frames(
        (side, side), (1.0, 1.0, 1.0), torch.Generator().manual_seed(seed)
    )
    for number, frame in enumerate(islice(movie, count)):
        grey = (frame.clamp(0, 1) * 255).byte().numpy()
        Image.fromarray(np.stack([grey] * 3, -1)).save(folder / f"frame_{number:03d}.png")
    return folder


def test_fields_are_fitted_to_local_files_and_say_to_which(tmp_path):
    folder = frames_in(tmp_path / "frames")
    moving = testbed.fitted_movies(folder, spectrum="bent", licence="CC0")
    assert isinstance(moving.field, MovieField)
    assert moving.described["licence"] == "CC0"
    assert [len(file["sha256"]) for file in moving.described["files"]] == [64] * 12
    still = testbed.fitted_images(folder)
    assert isinstance(still.field, FreeField)
    draws = still.field.sample((20, 64, 64), (1.0, 1.0), torch.Generator().manual_seed(0))
    real = np.stack([io_like(path) for path in sorted(folder.iterdir())])
    assert float(draws.std()) * still.described["scale"] == pytest.approx(float(real.std()), rel=0.25)
    assert float(draws.mean()) * still.described["scale"] + still.described["offset"] == pytest.approx(
        float(real.mean()), rel=0.1
    )
    io.write(tmp_path / "stack.ome.tif", io.Volume(real, "ZYX"), {})
    assert testbed.fitted_movies(tmp_path / "stack.ome.tif", spectrum="bent", axes="TYX").field.mean is not None
    with pytest.raises(InputError, match="needs TYX"):
        testbed.fitted_movies(tmp_path / "stack.ome.tif")


def io_like(path):
    return np.asarray(Image.open(path).convert("L"), dtype=float)


def test_what_cannot_be_fitted_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        testbed.fitted_images(tmp_path / "empty")
    (tmp_path / "bad.png").write_bytes(b"none")
    with pytest.raises(InputError, match="is no PNG or JPEG"):
        testbed.fitted_images(tmp_path / "bad.png")
    io.write(tmp_path / "even.tif", io.Volume(np.ones((20, 20)), "YX"), {})
    with pytest.raises(InputError, match="is even"):
        testbed.fitted_images(tmp_path / "even.tif")
    with pytest.raises(InputError, match="at least 8"):
        testbed.fitted_movies(frames_in(tmp_path / "short", count=3))


def test_every_movie_on_the_list_has_a_source_a_licence_and_checksums_or_the_reason():
    assert len(testbed.listed()) >= 5
    for name, movie in testbed.listed().items():
        assert movie.source.startswith("https://"), name
        assert movie.licence, name
        assert movie.credit, name
        known = [file.sha256 for file in movie.files]
        assert all(len(found) == 64 for found in known if found), name
        assert (not known or None in known) == bool(movie.why_no_checksum), name


def test_listed_movies_are_opened_from_local_copies_that_are_the_right_ones(tmp_path, monkeypatch):
    folder = frames_in(tmp_path / "frames", count=3, side=20)
    files = [
        listing.ListedFile(name=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.iterdir())
    ]
    own = listing.Listed(
        title="own", source="https://example.org", doi=None, licence="CC0", credit="us", files=tuple(files),
        time_interval_s=0.5,
    )  # fmt: skip
    monkeypatch.setattr(listing, "listed", lambda: {"own": own, "film": replace(own, files=())})
    movie = testbed.open_listed("own", folder)
    assert (movie.axes, movie.shape, movie.description["licence"]) == ("TYX", (3, 20, 20), "CC0")
    assert movie.read((slice(1, 2), slice(0, 5), slice(0, 5))).shape == (1, 5, 5)
    assert "CC0" in listing.licence_of([file.sha256 for file in files])
    with pytest.raises(InputError, match=r"not on the list; did you mean 'own'"):
        testbed.open_listed("owm", folder)
    with pytest.raises(InputError, match="no files that can be read directly"):
        testbed.open_listed("film", folder)
    (folder / files[1].name).write_bytes(b"another")
    with pytest.raises(InputError, match="SHA-256 differs"):
        testbed.open_listed("own", folder)
    (folder / files[0].name).unlink()
    with pytest.raises(InputError, match="is missing; get it from"):
        testbed.open_listed("own", folder)


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_lenslets_are_drawn_by_their_number(count):
    prior, generator = Lenslets(count=count, width_px=0.3, width_spread=0.01), torch.Generator().manual_seed(count)
    pieces = []
    for _ in range(20):
        kernel = drawn(prior, (61, 61), generator)
        assert_kernel(kernel, (61, 61))
        pieces.append(ndimage.label(kernel.numpy() > 1e-3 * float(kernel.max()), np.ones((3, 3)))[1])
    # Spots may touch, but none is made of two.
    assert max(pieces) == count


@pytest.mark.parametrize("prior", [Known(kernel=np.ones((3, 3)) / 9), object()])
def test_what_has_nothing_to_draw_is_refused(prior):
    with pytest.raises(InputError, match="cannot be drawn"):
        drawn(prior, (5, 5), torch.Generator())
    with pytest.raises(InputError, match="must be positive odd"):
        drawn(Defocus(), (4, 5), torch.Generator())


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["blind-deconv", "synthesize", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code, *capsys.readouterr())

    yield run
    signal.signal(signal.SIGTERM, handler)


def test_the_command_draws_images_kernels_and_videos_with_their_figures(call):
    code, out, _ = call(
        "video", "-o", "v", "--frames", 3, "--size", "16,18", "--kernel-prior", "lenslets", "--kernel-prior", "motion",
        "--set", "kernel_prior.count=2", "--set", "image_prior.lifetime_frames=2", "--kernel-size", 5, "--json",
        "--figure", "v.png", "--seed", 4, "--noise", "photons:90", "--kernel-drift", 2,
    )  # fmt: skip
    card = json.loads(out)
    assert code == 0
    assert [sample["kernel_prior"] for sample in Testbed("v").samples] == ["lenslets", "motion"]
    assert card["recipe"]["field"]["lifetime_frames"] == 2
    assert card["recipe"]["kernel_priors"][0]["count"] == 2
    frames_in(Path("frames"))
    assert call("image", "-o", "i", "--fit", "frames", "--size", "8,16,16", "--kernel-size", 3)[0] == 2
    assert (
        call("image", "-o", "i", "--fit", "frames", "--size", "20,16", "--kernel-size", 3, "--figure", "i.png")[0] == 0
    )
    code, out, _ = call(
        "kernel", "-o", "k", "--kernel-prior", "lenslets", "--against", "count=1,4", "--count", 2,
        "--kernel-size", "7,9", "--figure", "k.png",
    )  # fmt: skip
    assert (code, "4 kernels of 7 x 9" in out) == (0, True)
    for name in ("v", "i", "k"):
        assert Image.open(f"{name}.png").size[0] > 100
    assert len(Testbed("k")) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("image", "--noise", "much"), "photons:PEAK"),
        (("image", "--size", "64"), "--size '64' must be two or three"),
        (("image", "--set", "kernel_prior.cont=2"), "unknown"),
        (("image", "--set", "image_prior.contrats=2"), "did you mean 'image_prior.contrast'"),
        (("video", "--set", "image_prior.quickening=9"), "must be at most 4"),
        (("image", "--spectrum", "bent"), "--fit"),
        (("video", "--frames", "0"), "at least 1"),
        (("kernel", "--against", "count"), "--against 'count'"),
        (("kernel",), "voxel size"),
    ],
)
def test_the_command_refuses_in_one_line_and_writes_nothing(call, arguments, message):
    code, out, err = call(arguments[0], "-o", "out", *arguments[1:])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not Path("out").exists()
