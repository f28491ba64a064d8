"""Steps that are not counted, as progress: their total is 0."""

from collections.abc import Generator

from napari_blind_deconv._types import Progress, Value, translated


def said(steps: Generator[str, None, Value], stage: str) -> Generator[Progress, None, Value]:
    """Steps that say what is being done, as progress of a stage; gives what they give.

    Examples
    --------
    >>> def looking():
    ...     yield "for defects"
    ...     return 3
    >>> [(p.stage, p.message, p.total) for p in said(looking(), "preparing")]
    [('preparing', 'for defects', 0)]
    """
    return (yield from translated(steps, lambda message: Progress(stage, 0, 0, message=message)))
