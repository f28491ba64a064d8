"""Training: a run in parts is the run in one, draws are kernels, and what is learnt is exported with its card."""

import dataclasses
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from napari_blind_deconv.image_priors import PatchMixture
from napari_blind_deconv.networks import UNetShape, load
from training import kernels, loop, patches
from training.__main__ import app
from training.images import ImageScenes
from training.photographs import PHOTOGRAPHS
from training.recipe import IMAGES, KERNELS, RECIPES

TINY_IMAGES = dataclasses.replace(IMAGES, network=UNetShape(widths=(4, 8)), draws=6, held_out=5, batch=4, steps=12)
SMALL = dataclasses.replace(KERNELS, network=UNetShape(widths=(4, 8)), draws=5, held_out=3, batch=4, steps=12)


@pytest.fixture(scope="module")
def draws():
    return kernels.KernelDraws.drawn(0, 5, held_out=False)


def final(recipe, folder, stops):
    for stop in stops:
        for _ in loop.train(recipe, folder, stop_at=stop):
            pass
    state = loop.start(recipe, 0, "cpu")
    loop.checkpoint.restore(state, folder / "checkpoint.safetensors", loop.identified(recipe, 0))
    return state


@pytest.mark.parametrize("recipe", [SMALL, TINY_IMAGES], ids=lambda r: r.name)
def test_a_training_in_parts_is_the_training_in_one(tmp_path, recipe):
    whole, parts = final(recipe, tmp_path / "whole", [None]), final(recipe, tmp_path / "parts", [5, None])
    assert whole.step == parts.step == recipe.steps
    for name, value in whole.average.items():
        assert torch.allclose(value, parts.average[name], atol=1e-6), name
    fresh = loop.start(recipe, 0, "cpu").average
    assert any(not torch.allclose(value, fresh[name], atol=1e-3) for name, value in whole.average.items())


def test_training_lowers_the_remaining_error(tmp_path):
    recipe = dataclasses.replace(SMALL, steps=150, batch=16)
    *_, last = loop.train(recipe, tmp_path)
    errors = list(last["remaining_error"].values())
    assert max(errors[2:]) < 0.7


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    final(SMALL, tmp_path, [1])
    with pytest.raises(ValueError, match=r"another training: batch differ"):
        list(loop.train(dataclasses.replace(SMALL, batch=5), tmp_path))


@given(seed=st.integers(0, 999))
@settings(max_examples=15)
def test_batches_are_kernels_of_unit_norm_that_the_generator_decides(draws, seed):
    first, again = (draws.batch(6, torch.Generator().manual_seed(seed)) for _ in range(2))
    assert torch.equal(first, again)
    assert float(first.min()) >= 0
    assert all(n % 2 for n in first.shape[1:])
    assert torch.allclose(first.flatten(1).norm(dim=1), torch.ones(6), atol=1e-4)


def test_scenes_fill_their_range_and_those_held_out_are_others():
    seen, unseen = (ImageScenes.drawn(0, 10, held_out=apart).arrays["scenes"] for apart in (False, True))
    assert seen.dtype == torch.uint8
    assert all(int(scene.max()) - int(scene.min()) > 25 for scene in seen)
    assert not any(torch.equal(a, b) for a in seen for b in unseen)
    batch = ImageScenes({"scenes": seen}).batch(8, torch.Generator().manual_seed(0))
    assert float(batch.min()) >= 0
    assert float(batch.max()) <= 1


def test_what_is_shown_in_experiments_is_not_learnt_from():
    assert not {"camera", "chelsea", "cat", "grass"} & set(PHOTOGRAPHS)


def test_all_rungs_that_can_be_drawn_are_learnt_from():
    assert {"gaussian", "motion", "sparse", "uniform"} <= set(kernels.rungs())
    assert not {"known", "auto", "learned"} & set(kernels.rungs())
    assert all(kind in kernels.KernelDraws.description() for kind in kernels.rungs())


def test_the_command_trains_in_two_calls_and_exports(tmp_path, monkeypatch):
    monkeypatch.setattr("training.__main__.RECIPES", {"kernels": SMALL})
    arguments = ["kernels", "--folder", str(tmp_path), "--threads", "1", "--device", "cpu"]
    first = CliRunner().invoke(app, [*arguments, "--stop-at", "4"])
    assert first.exit_code == 0, first.output
    assert "4 of 12 steps done" in first.output
    assert not (tmp_path / "kernels.safetensors").exists()
    second = CliRunner().invoke(app, arguments)
    assert second.exit_code == 0, second.output
    denoiser, card = load(tmp_path / "kernels.safetensors")
    assert card.training["steps"] == SMALL.steps
    assert denoiser(torch.zeros(5, 5), 0.1).shape == (5, 5)
    assert (tmp_path / "picture.png").stat().st_size > 0
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert entries[-1]["step"] == SMALL.steps


FEW_PATCHES = patches.PatchRecipe(side=3, components=3, draws=6, held_out=5, rounds=4)


def test_patches_learnt_in_parts_are_those_learnt_in_one_and_ever_likelier(tmp_path, monkeypatch):
    monkeypatch.setattr("training.patches._MEASURED", 1)
    whole = list(patches.train(FEW_PATCHES, tmp_path / "whole"))
    parts = [
        *patches.train(FEW_PATCHES, tmp_path / "parts", stop_at=2),
        *patches.train(FEW_PATCHES, tmp_path / "parts"),
    ]
    nats = [entry["nats_per_patch"] for entry in whole]
    assert nats == [entry["nats_per_patch"] for entry in parts]
    assert nats[-1] > nats[0]


def test_the_command_fits_patches_and_exports_them(tmp_path, monkeypatch):
    monkeypatch.setattr("training.patches.PATCHES", FEW_PATCHES)
    arguments = ["patches", "--folder", str(tmp_path), "--threads", "1"]
    first = CliRunner().invoke(app, [*arguments, "--stop-at", "1"])
    assert first.exit_code == 0, first.output
    assert "the same command continues" in first.output
    assert CliRunner().invoke(app, arguments).exit_code == 0
    prior = PatchMixture(weights=str(tmp_path / "patches.safetensors"))
    assert prior.mixture()[1] == FEW_PATCHES.side
    assert prior.denoiser((1.0, 1.0))(torch.zeros(5, 6), 0.1).shape == (5, 6)


def test_an_unknown_name_is_answered_with_the_known_ones():
    result = CliRunner().invoke(app, ["images2"])
    assert result.exit_code == 2
    assert all(name in result.output for name in RECIPES)
