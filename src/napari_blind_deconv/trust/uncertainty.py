"""Whether the width of the uncertainty was learnt where it is used."""

from napari_blind_deconv.trust.check import Check, judged


def uncertainty_check(factor: float, doubt: str) -> Check:
    """Doubt where the uncertainty is used outside of what it was learnt in.

    Parameters
    ----------
    factor
        By which the spread of the draws was multiplied.
    doubt
        Why that is doubtful, a clause; empty where it is not.

    Examples
    --------
    >>> uncertainty_check(1.5, "").verdict
    'ok'
    """
    return judged(
        "uncertainty",
        factor,
        factor,
        fine=f"the uncertainty is {factor:.2g} times the spread of the draws, so 90 % intervals contain about 90 %",
        doubt=f"the uncertainty is {factor:.2g} times the spread of the draws, but {doubt}: the map shows where the "
        "image is uncertain, not by how much",
        holds=not doubt,
    )
