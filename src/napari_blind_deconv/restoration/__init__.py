"""Images from kernels: restoration with a PSF that is known or frozen. One file per restorer; the union lists them."""

from collections.abc import Iterator
from typing import Annotated, Protocol, runtime_checkable

from pydantic import Discriminator
from torch import Tensor

from .by_data import ByData
from .by_prior import ByPrior
from .photon_map import PhotonMap
from .richardson_lucy import RichardsonLucyRestorer
from .task import Task

Restorer = Annotated[ByData | ByPrior | PhotonMap | RichardsonLucyRestorer, Discriminator("kind")]

__all__ = ["ByData", "ByPrior", "PhotonMap", "Restorer", "Restores", "RichardsonLucyRestorer", "Task"]


@runtime_checkable
class Restores(Protocol):
    """A way from an observation and its kernel to the scene."""

    def refuse(self, image_prior: object) -> None:
        """Raise an `InputError` that says what to choose instead, unless it can work with this image prior."""
        ...

    def steps(self, task: Task) -> int:
        """How many steps it will take."""
        ...

    def restore(self, task: Task, steps: int) -> Iterator[Tensor]:
        """Scenes on the canvas after every step, the best last, on the observation's scale."""
        ...
