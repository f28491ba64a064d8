"""What the command line calls the settings that a refusal names."""

from napari_blind_deconv._types import InputError, worded


def refusal_in_options(error: InputError) -> str:
    """A refusal with the options of ``blind-deconv`` in place of the settings' paths.

    Examples
    --------
    >>> refusal_in_options(InputError(subject="kernel_prior=known", value="has no PSF", remedy="give one with `psf`"))
    '--kernel-prior known has no PSF; give one with --psf'
    """
    return error.worded(_option)


def in_options(sentence: str) -> str:
    """A warning with the options in place of the settings' paths.

    Examples
    --------
    >>> in_options("27% of the PSF lies on its border; try a larger `kernel_size`")
    '27% of the PSF lies on its border; try a larger --kernel-size'
    """
    return worded(sentence, _option)


def _option(path: str) -> str:
    setting, chosen, kind = path.partition("=")
    options = _options()
    option = options.get(setting)
    if option is None:
        return f"--set {path}" if "." in setting and setting.partition(".")[0] in options else path
    return f"{option} {kind}" if chosen else option


def _options() -> dict[str, str]:
    """Parameter of ``run``: its option; typer's own list is the only one."""
    from typer.main import get_command

    from .app import app

    parameters = get_command(app).commands["run"].params  # type: ignore[attr-defined]
    return {p.name: p.opts[0] for p in parameters if p.opts[0].startswith("--")}
