"""The command line ``blind-deconv``."""

import sys

from .faults import OneLine
from .interruption import Interruption
from .shown import shown

DONE, SOME_FAILED, REFUSED, FAULT, INTERRUPTED = 0, 1, 2, 70, 130


def main() -> None:
    """Run ``blind-deconv`` and exit: 0 done, 1 some files failed, 2 bad input or usage, 130 interrupted, 70 a fault."""
    with Interruption(), OneLine(_say) as ended:
        code = FAULT
        try:
            code = _run(sys.argv[1:])
            sys.stdout.flush()
        except KeyboardInterrupt:
            code = INTERRUPTED
    if code == INTERRUPTED:
        _say("interrupted; finished files are kept, no file is half-written")
    sys.exit(code if ended.code is None else ended.code)


def _run(arguments: list[str]) -> int:
    # Imported here so that an interruption while importing ends as cleanly as any other.
    import typer

    from .app import app

    usage_error: type[Exception] = typer.BadParameter.__bases__[0]
    try:
        code = app(arguments or ["--help"], prog_name="blind-deconv", standalone_mode=False)
    except usage_error as error:
        asked = getattr(getattr(error, "ctx", None), "command_path", "blind-deconv")
        _say(f"{error.format_message()} See '{asked} --help'.")  # type: ignore[attr-defined]
        return REFUSED
    except typer.Abort:
        return INTERRUPTED
    except ValueError as error:
        from napari_blind_deconv._types import InputError

        if not isinstance(error, InputError):
            raise
        from .names import refusal_in_options

        _say(refusal_in_options(error))
        return REFUSED
    return code if isinstance(code, int) else DONE


def _say(message: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"blind-deconv: {shown(' '.join(message.split()))}\n")
