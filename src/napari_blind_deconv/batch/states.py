"""What has become of a file in earlier runs: done, and then skipped; not there yet; or in the way, and then refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.failures import OTHER_PIXELS
from napari_blind_deconv.settings import settings_from_dict

from .fingerprints import digest_of, fingerprint, network_files
from .one_file import FileWork
from .plan import Job


@dataclass(frozen=True)
class State:
    """A file, and what is to be done with it.

    Attributes
    ----------
    work
        The file.
    status
        ``to do``; ``done`` by an earlier run, with the same settings, references and bytes; ``refused``, as what is
        there is something else.
    why
        In words, where it is refused.
    report
        What the earlier run reported.
    """

    work: FileWork
    status: Literal["to do", "done", "refused"]
    why: str = ""
    report: Mapping[str, Any] | None = None


def recorded(work: FileWork) -> dict[str, Any]:
    """What is put into a file's report so that a later run knows it again: a digest of all but the image itself.

    That is settings, the bytes of references and networks, axes, voxels and a part that were said, which maps and which
    format; the memory that may be held is not part of it.
    """
    settings = settings_from_dict(work.settings)
    files = {**work.references.paths, **{str(path): path for path in network_files(settings)}}
    settings_said, prior = dict(work.settings), dict(work.settings["kernel_prior"])
    if "psf" in work.references.paths and "psf" in prior:
        # Its bytes count, whatever path leads to them.
        settings_said["kernel_prior"] = {**prior, "psf": None}
    facts = {
        "settings": settings_said,
        "files": {name: (fingerprint(path) or {}).get("sha256") for name, path in files.items()},
        "region": work.references.to_dict().get("region") if "region" not in work.references.paths else None,
        "axes": work.said.axes,
        "voxel_size_um": None if work.said.voxel_size_um is None else list(work.said.voxel_size_um),
        "maps": sorted(work.job.maps),
        "form": work.job.form,
        "image": work.job.image,
        **({} if work.said.crop is None else {"crop": work.said.crop}),
    }
    return {"work_sha256": digest_of(facts)}


def state_of(work: FileWork, *, overwrite: bool) -> State:
    """What is to be done with a file; ``work.recorded`` is as of `recorded`."""
    job = work.job
    there = [path for path in (*job.written(job.maps), *job.outdated(job.maps)) if path.exists() or path.is_symlink()]
    if not there:
        return State(work, "to do")
    report = _report(job)
    why = "there is no report beside it" if report is None else _difference(report, work)
    if report is not None and not why:
        return State(work, "done", report=report)
    if overwrite:
        return State(work, "to do")
    return State(work, "refused", f"{there[0]} is there already, {why}")


def refuse_some(states: Sequence[State]) -> None:
    """Refuse a run that would replace what nobody allowed to be replaced.

    Raises
    ------
    InputError
        Naming the first of such files, and how many there are.
    """
    refused = [state for state in states if state.status == "refused"]
    if refused:
        subject, _, value = refused[0].why.partition(" is there already, ")
        others = len(refused) - 1
        more = f" (and so {'is' if others == 1 else 'are'} {others} more)" if others else ""
        raise InputError(
            subject=subject,
            value=f"is there already, from an earlier run{more}, but {value}",
            remedy="choose another output folder, or allow it to be replaced with `overwrite`",
        )


def _difference(report: Mapping[str, Any], work: FileWork) -> str:
    """How the run of a report differs from what is to be done; nothing where it does not."""
    folder, recorded_source = work.job.report.parent, report.get("source")
    names = report.get("outputs")
    if not isinstance(names, list) or not isinstance(recorded_source, Mapping):
        return "its report does not say which image it was made from"
    if report.get("work_sha256") != work.recorded.get("work_sha256"):
        return "with other settings or references"
    if not all(isinstance(name, str) and (folder / name).exists() for name in names):
        return "without some of its files"
    found = fingerprint(work.job.path, recorded_source)
    same = found is not None and found["sha256"] == recorded_source.get("sha256")
    return "" if same else f"its image {OTHER_PIXELS}"


def _report(job: Job) -> dict[str, Any] | None:
    try:
        return io.read_json(job.report)
    except InputError:
        return None


def skipped_outputs(state: State) -> tuple[Path, ...]:
    """The files of a result that is done."""
    names = (state.report or {}).get("outputs", [])
    return tuple(state.work.job.report.parent / str(name) for name in names)
