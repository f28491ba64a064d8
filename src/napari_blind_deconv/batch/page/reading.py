"""Reports of a folder as records. What a report lacks, or has of another type, is left out rather than believed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, whole
from napari_blind_deconv.batch.plan import PSF, REPORT
from napari_blind_deconv.metrics import psf_figures
from napari_blind_deconv.printable import quoted

from .records import Channel, Checked, Detail, Family, Figure, Record

BATCH = "batch.json"
_LIMITS = ("light", "pixels", "nothing")
# Option of `run` by what of a report's references it names.
_OPTIONS = {
    "psf": "--psf",
    "truth": "--truth",
    "true_psf": "--true-psf",
    "mask": "--mask",
    "leave_out": "--leave-out",
    "region": "--region",
}


@dataclass(frozen=True)
class Listed:
    """What a batch says became of an input."""

    input: str
    status: str
    message: str = ""
    report: str = ""


def read_records(folder: Path, listed: Sequence[Listed] | None = None) -> tuple[list[Record], list[str]]:
    """Records of all reports in a folder, by name, then the inputs that failed; and sentences on what was not read.

    Parameters
    ----------
    folder
        Where `run` has written.
    listed
        What became of the inputs; None: what ``batch.json`` in the folder says, where there is one.

    Raises
    ------
    InputError
        For a folder that is none, or contains no report of a run.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.name.endswith(REPORT))
    except OSError as error:
        raise InputError(
            subject=f"folder {folder}",
            value=f"cannot be read ({(error.strerror or 'unknown reason').lower()})",
            remedy="give the output folder of a run",
        ) from error
    records: list[Record] = []
    told: list[str] = []
    inputs = listed_in(folder, told) if listed is None else listed
    by_report = {entry.report: entry for entry in inputs if entry.report}
    for path in found:
        try:
            report = io.read_json(path)
        except InputError as error:
            told.append(f"{path.name} was left out: {error.about(path.name)}")
            continue
        # Measured PSFs have reports of the same ending, and no settings.
        if isinstance(report.get("settings"), Mapping) and isinstance(report.get("input"), Mapping):
            records.append(_record(path, report, by_report.get(path.name), told))
    failed = [Record(Path(e.input).name, "failed", e.message) for e in inputs if e.status == "failed"]
    if not records and not failed:
        raise InputError(
            subject=f"folder {folder}",
            value="contains no report of a run",
            allowed=f"whose name ends in {REPORT}",
            remedy="give the output folder of `blind-deconv run`",
        )
    return records + failed, told


def listed_in(folder: Path, told: list[str]) -> list[Listed]:
    """What ``batch.json`` of a folder says, where there is one; that it cannot be read is ``told``."""
    path = folder / BATCH
    if not path.is_file():
        return []
    try:
        files = io.read_json(path).get("files")
    except InputError as error:
        told.append(f"{BATCH} was left out: {error.about(BATCH)}")
        return []
    found = []
    for entry in _items(files):
        reports = [Path(str(name)).name for name in _list(entry.get("outputs")) if str(name).endswith(REPORT)]
        name, status, message = (_text(entry, key) for key in ("input", "status", "message"))
        found.append(Listed(name, status, message, reports[0] if reports else ""))
    return found


def _record(path: Path, report: Mapping[str, Any], listed: Listed | None, told: list[str]) -> Record:
    source = report["input"]
    stem = path.name.removesuffix(REPORT)
    name = listed.input if listed else _text(source, "file") or stem
    return Record(
        name=Path(name).name,
        report=path.name,
        command=_command(name, path, report),
        sha256=_text(source, "sha256"),
        shape=tuple(int(n) for n in _numbers(source.get("shape"))),
        axes=_text(source, "axes"),
        dtype=_text(source, "dtype"),
        device=_text(report, "device"),
        version=_text(_mapping(report.get("versions")), "napari-blind-deconv"),
        plan=_text(_mapping(report.get("plan")), "words"),
        seconds=_number(report, "seconds"),
        peak_memory_mb=_number(report, "peak_memory_mb"),
        warnings=tuple(str(sentence) for sentence in _list(report.get("warnings"))),
        settings=report["settings"],
        # Never a name that the report gives: it could lead anywhere.
        channels=tuple(_channels(path.with_name(f"{stem}{PSF}"), report, told)),
    )


def _command(name: str, path: Path, report: Mapping[str, Any]) -> str:
    references = _mapping(report.get("references"))
    given = [part for key, option in _OPTIONS.items() if key in references for part in (option, str(references[key]))]
    words = ["blind-deconv", "run", name, "--output", "again", "--settings", str(path), *given]
    return " ".join(quoted(word) for word in words)


def _channels(path: Path, report: Mapping[str, Any], told: list[str]) -> Iterator[Channel]:
    several = isinstance(report.get("kernel"), list)
    count = len(report["kernel"]) if several else 1

    def of(key: str, index: int) -> Any:
        """An entry of a channel: entries are lists where there are several channels."""
        value = report.get(key)
        if not several:
            return value
        return value[index] if isinstance(value, list) and index < len(value) else None

    psfs = _psfs(path, count, report.get("psf_at"), told)
    names = [str(name) for name in _list(report.get("psf_of"))]
    for index in range(count):
        taps, voxels = psfs[index]
        noise = _mapping(of("noise", index))
        yield Channel(
            number=index + 1 if several else 0,
            name=names[index] if index < len(names) else "",
            noise_sigma=_number(noise, "sigma"),
            noise_words=_text(noise, "words"),
            flux_ratio=_finite(of("flux_ratio", index)),
            choice=_text({"choice": of("choice", index)}, "choice"),
            varying=_text(_mapping(of("field", index)), "reason"),
            families=tuple(_families(of("ranking", index))),
            fitted=tuple(_fitted(_mapping(of("kernel", index)).get("parameters"))),
            checks=tuple(_checks(of("trust", index))),
            detail=_detail(_mapping(of("frc", index))),
            taps=taps,
            voxel_size_um=voxels,
            figures=None if taps is None else psf_figures(taps, voxels),
        )


def _psfs(path: Path, count: int, places: Any, told: list[str]) -> list[tuple[Any, tuple[float, ...] | None]]:
    """PSF and voxel size of every channel; None for what cannot be read, which is said."""
    try:
        stack, voxels = _stack(path, count, places)
    except InputError as error:
        told.append(f"{path.name} was not read: {error.about(path.name)}")
        return [(None, None)] * count
    # Planes of a stack share a PSF that has no z.
    return [(taps, None if voxels is None else tuple(voxels[-taps.ndim :])) for taps in stack]


def _stack(path: Path, count: int, places: Any) -> tuple[NDArray[np.float64], tuple[float, ...] | None]:
    """The PSFs of a file, one after the other, and their voxel size; ``places``: where each lies, else channels."""
    volume = io.read(path)
    stack = np.asarray(volume.data, np.float64)
    space = "".join(axis for axis in volume.axes if axis in "ZYX")
    if isinstance(places, list) and volume.axes.endswith(space):
        stack = np.stack([stack[_index(place, stack.shape[: -len(space)], path)] for place in places[:count]])
    elif "C" in volume.axes:
        stack = np.moveaxis(stack, volume.axes.index("C"), 0)
    elif count == 1:
        stack = stack[None]
    if len(stack) != count or stack.ndim != 1 + len(space) or not (np.isfinite(stack).all() and (stack > 0).any()):
        raise _other(path)
    return stack, whole(volume.voxel_size_um)


def _index(place: Any, shape: tuple[int, ...], path: Path) -> tuple[int, ...]:
    numbers = tuple(int(n) for n in _numbers(place))
    if len(numbers) != len(shape) or not all(0 <= i < n for i, n in zip(numbers, shape, strict=True)):
        raise _other(path)
    return numbers


def _other(path: Path) -> InputError:
    return InputError(subject=path.name, value="is not the PSF of its report", remedy="run it again")


def _families(found: Any) -> Iterator[Family]:
    for entry in _items(found):
        gain, penalty = _number(entry, "gain_nats"), _number(entry, "penalty_nats")
        if gain is not None:
            yield Family(_text(entry, "kind"), gain, penalty or 0.0)


def _fitted(found: Any) -> Iterator[Figure]:
    for name, entry in _mapping(found).items():
        value = _number(_mapping(entry), "value")
        if value is not None:
            yield Figure(str(name), value, _number(entry, "error"), _text(entry, "unit"))


def _checks(found: Any) -> Iterator[Checked]:
    for entry in _items(found):
        value, limit = _number(entry, "value"), _number(entry, "limit")
        doubt = entry.get("verdict") == "doubt"
        nan = math.nan
        yield Checked(
            _text(entry, "check"),
            nan if value is None else value,
            nan if limit is None else limit,
            doubt,
            _text(entry, "sentence"),
        )


def _detail(found: Mapping[str, Any]) -> Detail | None:
    curves = [tuple(_numbers(found.get(key))) for key in ("frequency", "before", "after")]
    if not curves[0] or len({len(curve) for curve in curves}) > 1:
        return None
    limits = [word if (word := _text(found, f"limited_{when}")) in _LIMITS else "" for when in ("before", "after")]
    values = [_number(found, f"resolution_{when}") for when in ("before", "after")]
    unit = "µm" if found.get("unit") == "µm" else "px"
    return Detail(unit, values[0], values[1], limits[0], limits[1], *curves)


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _number(entry: Mapping[str, Any], key: str) -> float | None:
    return _finite(entry.get(key))


def _numbers(values: Any) -> list[float]:
    found = [_finite(value) for value in _list(values)]
    return [value for value in found if value is not None]


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in _list(value) if isinstance(entry, Mapping)]
