"""What became of a batch, for people: one page, a table and JSON, made from what lies in its output folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch.plan import refuse_replacing
from napari_blind_deconv.kernel_priors import Microscope
from napari_blind_deconv.regular_file import read_bytes

from .html import GENERATOR, counts, page
from .outliers import marked
from .reading import Listed, read_records
from .table import MADE_BY, as_csv, as_json
from .theory import with_theory

__all__ = ["FILES", "Listed", "Written", "refuse_foreign", "write_report"]

FILES = ("report.html", "report.csv", "report.json")
"""What is written, in this order; where the last one is, the others are its own."""
_BOM = "\ufeff"  # without it, spreadsheets take UTF-8 for another encoding
_LARGEST = 256 * 2**20  # bytes; no report has more


@dataclass(frozen=True)
class Written:
    """A report that was written.

    Attributes
    ----------
    paths
        Page, table and JSON.
    files, failed, doubtful, differing
        How many files it has, and how many of them failed, raise doubt, or have a PSF that differs from the rest.
    told
        Sentences on what could not be read.
    """

    paths: tuple[Path, ...]
    files: int
    failed: int
    doubtful: int
    differing: int
    told: tuple[str, ...]


def write_report(
    folder: Path,
    *,
    listed: Sequence[Listed] | None = None,
    microscope: Microscope | None = None,
    overwrite: bool = False,
    mark: str = "",
) -> Written:
    """Write ``report.html``, ``report.csv`` and ``report.json`` into an output folder, all of them or none.

    Parameters
    ----------
    folder
        Where `run` has written: reports of files (``*_report.json``) and their PSFs are read, nothing else.
    listed
        What became of the inputs, for those that failed and so have no report; None: what ``batch.json`` there says.
    microscope
        Optics of files of one channel whose settings name none, for the widths of theory.
    overwrite
        Whether files of these names may be replaced that this function has not made; its own are.
    mark
        As of `io.atomic`.

    Raises
    ------
    InputError
        For a folder without a report of a run, files of these names that are another's, and a folder that is full or
        cannot be written to.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> write_report(Path(mkdtemp()))
    Traceback (most recent call last):
    ...
    napari_blind_deconv._types.InputError: ... contains no report of a run...
    """
    paths = tuple(folder / name for name in FILES)
    refuse_foreign(folder, overwrite=overwrite)
    records, told = read_records(folder, listed)
    records = marked([with_theory(record, microscope) for record in records])
    title = folder.resolve().name
    texts = (page(title, records, told), _BOM + as_csv(records), io.to_json(as_json(title, records, told)))
    contents = [text.encode("utf-8") for text in texts]
    with io.atomic(*paths, needed_bytes=sum(map(len, contents)), mark=mark) as temporary:
        for path, content in zip(temporary, contents, strict=True):
            path.write_bytes(content)
    found = counts(records)
    return Written(paths, found["files"], found["failed"], found["doubtful"], found["differing"], tuple(told))


def refuse_foreign(folder: Path, keep: Sequence[Path] = (), *, overwrite: bool = False) -> None:
    """Refuse to replace what has the name of a report's file and is another's, or one of ``keep``.

    Raises
    ------
    InputError
        Naming it.
    """
    foreign = [path for name in FILES if not _is_ours(path := folder / name)]
    refuse_replacing(foreign, keep, overwrite=overwrite)


def _is_ours(path: Path) -> bool:
    """Whether a file was written by `write_report`; a link never was."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        content = read_bytes(path, "report", _LARGEST)
    except InputError:
        return False
    signs = {
        ".html": f'<meta name="generator" content="{GENERATOR}">'.encode(),
        ".csv": f"{_BOM}file,channel,status,message,doubts,psf_differs,".encode(),
        ".json": f'"made_by": "{MADE_BY}"'.encode(),
    }
    return signs[path.suffix] in content[:1000]
