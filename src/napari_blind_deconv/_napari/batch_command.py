"""A batch → one command line that does the same from a terminal, or continues what was begun."""

import shlex
from collections.abc import Iterator

from napari_blind_deconv._napari.command import settings_words
from napari_blind_deconv.batch import Batch, Workers


def batch_command(batch: Batch, workers: Workers | None = None) -> str:
    """The ``blind-deconv run`` line of a batch, with whatever is not the default.

    Parameters
    ----------
    batch
        What the widget asks for.
    workers
        Who works; ``None``: one process.

    Examples
    --------
    >>> from pathlib import Path
    >>> from napari_blind_deconv.settings import Settings
    >>> batch_command(Batch(("in",), Path("out"), Settings(seed=3)), Workers(count=4))
    'blind-deconv run in --output out --kernel-prior uniform --seed 3 --workers 4'
    """
    words = ["blind-deconv", "run", *batch.names, "--output", str(batch.output)]
    words += [*settings_words(batch.settings), *_options(batch), *_workers(workers)]
    return shlex.join(words)


def _options(batch: Batch) -> Iterator[str]:
    said = batch.said
    if said.axes is not None:
        yield from ("--axes", said.axes)
    if said.voxel_size_um is not None:
        yield from ("--voxel-size-um", ",".join(repr(length) for length in said.voxel_size_um))
    if said.crop is not None:
        yield from ("--crop", said.crop)
    if said.max_memory_gb is not None:
        yield from ("--max-memory-gb", repr(said.max_memory_gb))
    if batch.psf_from != "each":
        yield from ("--psf-from", batch.psf_from)
    if batch.form != "ome-tiff":
        yield from ("--format", batch.form)
    if batch.maps:
        yield "--maps"
    if batch.overwrite:
        yield "--overwrite"


def _workers(workers: Workers | None) -> Iterator[str]:
    if workers is None:
        return
    if workers.count is not None:
        yield from ("--workers", str(workers.count))
    if workers.scheduler is not None:
        yield from ("--scheduler", workers.scheduler)
    if workers.scheduler_file is not None:
        yield from ("--scheduler-file", str(workers.scheduler_file))
