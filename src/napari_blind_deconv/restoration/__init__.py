"""Images from kernels: restoration with a PSF that is known or frozen. One file per restorer; the union lists them."""

from collections.abc import Iterator
from typing import Annotated, Protocol, runtime_checkable

from pydantic import Discriminator

from .by_data import ByData
from .by_prior import ByPrior
from .in_time import Order
from .photon_map import PhotonMap
from .posterior_sampling import PosteriorSampling
from .richardson_lucy import RichardsonLucyRestorer
from .task import Restored, Task

Restorer = Annotated[ByData | ByPrior | PhotonMap | RichardsonLucyRestorer | PosteriorSampling, Discriminator("kind")]

__all__ = [
    "ByData",
    "ByPrior",
    "Order",
    "PhotonMap",
    "PosteriorSampling",
    "Restored",
    "Restorer",
    "Restores",
    "RichardsonLucyRestorer",
    "Task",
]


@runtime_checkable
class Restores(Protocol):
    """A way from an observation and its kernel to the scene."""

    def refuse(self, image_prior: object) -> None:
        """Raise an `InputError` that says what to choose instead, unless it can work with this image prior."""
        ...

    def steps(self, task: Task) -> int:
        """How many steps it will take, as far as that is known before the first."""
        ...

    def restore(self, task: Task) -> Iterator[Restored]:
        """Scenes after every step, the best last."""
        ...
