"""Many files, one after the other: plan and check first, then restore each; one that fails does not stop the rest."""

from collections.abc import Iterator, Sequence

from napari_blind_deconv import io
from napari_blind_deconv.settings import Settings

from .asked import Batch, Prepared, prepared, states
from .attended import Halt, attended, refuse_missing, refuse_too_many
from .cluster import Workers, cluster, needed
from .events import Event, FileProgress, FileReport, FileStarted
from .forecast import Forecast, forecasts, free_bytes_at
from .journal import JOURNAL, read_journal
from .listing import BATCH_REPORT, entry_of
from .night import Engine, one_by_one, run
from .one_file import FileWork, Said, reported, restore_file, restore_steps, restoring
from .plan import Item, Job, plan, refuse_replacing
from .references import ReferenceFiles, References, read_references
from .states import State
from .table import Table, find_inputs, table_of

__all__ = [
    "BATCH_REPORT",
    "JOURNAL",
    "Batch",
    "Engine",
    "Event",
    "FileProgress",
    "FileReport",
    "FileStarted",
    "FileWork",
    "Forecast",
    "Halt",
    "Item",
    "Job",
    "Prepared",
    "ReferenceFiles",
    "References",
    "Said",
    "State",
    "Table",
    "Workers",
    "attended",
    "cluster",
    "entry_of",
    "find_inputs",
    "forecasts",
    "free_bytes_at",
    "needed",
    "one_by_one",
    "plan",
    "prepared",
    "read_journal",
    "read_references",
    "refuse_missing",
    "refuse_replacing",
    "refuse_too_many",
    "restore_file",
    "restore_steps",
    "run",
    "run_batch",
    "states",
    "table_of",
]


def run_batch(
    jobs: Sequence[Job],
    settings: Settings,
    references: References | None = None,
    *,
    axes: str | None = None,
    voxel_size_um: Sequence[float] | None = None,
    max_memory_gb: float | None = None,
) -> Iterator[Event]:
    """Restore file after file; may be closed between any two events, and then leaves nothing half-written.

    Nothing is skipped, and there is no journal: `night` has both.

    Parameters
    ----------
    jobs
        From `plan`.
    settings, references
        Shared by all files.
    axes, voxel_size_um
        Instead of what the files say.
    max_memory_gb
        What this process may hold: a file that needs more is worked on in blocks, and refused where no blocks fit.
        By default a large share of what is free.

    Yields
    ------
    FileStarted, Progress, FileReport
        The start of a file, every step, and its end.

    Raises
    ------
    InputError
        If the output folder cannot be written to. What is wrong with a single file is in its `FileReport`.
    """
    references, said = references or References(), Said(axes, voxel_size_um, max_memory_gb)
    for folder in {job.restored.parent for job in jobs}:
        io.check_folder(folder)
    for index, job in enumerate(jobs, start=1):
        yield FileStarted(job.path, index, len(jobs))
        yield (yield from reported(job, restoring(job, settings, references, said)))
