"""Richardson-Lucy for photons with a mask: x ← x · Hᵀ(W u / m) / HᵀW1."""

from collections.abc import Iterator

from torch import Tensor

from napari_blind_deconv.restoration.photons import Photons


def richardson_lucy(data: Photons, start: Tensor | None = None) -> Iterator[Tensor]:
    """Scenes of rising likelihood, in photons on the canvas, without end; the first yield is one step from the start.

    Richardson 1972 (doi:10.1364/JOSA.62.000055), Lucy 1974 (doi:10.1086/111605), the mask after Bertero & Boccacci 2005
    (doi:10.1051/0004-6361:20052717).
    """
    scene = data.flat() if start is None else start
    while True:
        scene = scene * data.ratio(data.predict(scene)) / data.sensitivity
        yield scene
