"""Testbeds: p(x) and p(k) that are known exactly, what a camera makes of their draws, and files to keep them in."""

from .dataset import Item, Testbed
from .drawing import Seeds, Shot, shots
from .fitting import Fit, fitted_images, fitted_movies
from .listing import Listed, listed, open_listed
from .noise import EvenNoise, PhotonNoise, noise_of
from .recipe import Recipe, recipe_from_dict, recipe_to_dict
from .small import default_field, example
from .writing import refuse_taken, write_testbed, write_testbed_steps

__all__ = [
    "EvenNoise",
    "Fit",
    "Item",
    "Listed",
    "PhotonNoise",
    "Recipe",
    "Seeds",
    "Shot",
    "Testbed",
    "default_field",
    "example",
    "fitted_images",
    "fitted_movies",
    "listed",
    "noise_of",
    "open_listed",
    "recipe_from_dict",
    "recipe_to_dict",
    "refuse_taken",
    "shots",
    "write_testbed",
    "write_testbed_steps",
]
