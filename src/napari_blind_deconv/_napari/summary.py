"""What a run made and found out, in words, for the line below the progress bar."""

from napari_blind_deconv._napari.findings import doubts, parameters, reasons
from napari_blind_deconv._napari.layers import Source
from napari_blind_deconv._napari.map_layers import maps_in_words
from napari_blind_deconv._napari.results import kernel_name, restored_name
from napari_blind_deconv._napari.run import duration
from napari_blind_deconv._types import Result


def summary(source: Source, result: Result) -> str:
    """What a run made, what it found out, and the reasons to doubt it, line by line."""
    report = result.report
    names = f"“{restored_name(source)}” and “{kernel_name(source, report)}”"
    done = f"Done in {duration(report.get('seconds', 0))}: {names}."
    why = [f"{sentence}." for sentence in reasons(report)]
    fitted = "; ".join(f"{name} = {value}" for name, value in parameters(report))
    told = [done, *why, *([f"Fitted: {fitted}."] if fitted else []), *maps_in_words(result.maps)]
    return "\n".join([*told, *doubts(report)])
