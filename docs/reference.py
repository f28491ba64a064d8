"""The pages ``reference.md`` and ``commands.md``, made from the unions and the commands whenever the documentation is.

A hook of MkDocs: what it writes is nowhere kept, so that it cannot be stale.
"""

import dataclasses
import inspect
import json
import re
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types as bounds
from pydantic import AfterValidator, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python
from typer.main import get_command

from napari_blind_deconv._napari.field_docs import field_docs
from napari_blind_deconv._napari.words import field_label, kind_label
from napari_blind_deconv.cli.app import app
from napari_blind_deconv.kernel_priors.quantity import Physical
from napari_blind_deconv.settings import FAMILIES, Settings, settings_to_dict

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

_TITLES = {
    "kernel_prior": "Kernel priors",
    "image_prior": "Image priors",
    "estimator": "Estimators",
    "restorer": "Restorers",
    "likelihood": "Likelihoods",
    "variation": "Variations",
}
# Fields with an option whose name does not follow from their path.
_OPTIONS = {("known", "psf"): "psf", ("diffusion", "strength"): "diffusion_strength"}
_UNITS = {"um": "µm", "px": "px", "rad": "rad", "airy": "Airy disks", "frames": "frames"}
_SECTION = re.compile(r"\n\n(?:Examples|Parameters|Attributes|Raises|Notes|References|Methods|See Also)\n-+\n")

_INTRODUCTION = """# Reference: settings

Every setting by its path, with what it means, its default and what is allowed. This page is made from the program
itself whenever the documentation is built.

A path is the same everywhere: `--set kernel_prior.sigma_px=2` in a terminal, `{"kernel_prior": {"kind": "gaussian",
"sigma_px": 2}}` in a settings file, `Settings(kernel_prior=Gaussian(sigma_px=2))` in Python. Where an option is named,
`blind-deconv run` has one for it; every other setting is reached with `--set PATH=VALUE`. `null` in files and after
`--set` is `None` in Python, and *automatic* or an empty field in napari.
"""


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the pages that are made here."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "reference.md", content=settings_page()))
    files.append(File.generated(config, "commands.md", content=commands_page()))
    return files


def settings_page() -> str:
    """All settings, the families first as one choice each, then kind by kind."""
    parts = [
        _INTRODUCTION,
        "## The run\n",
        inspect.getdoc(Settings).partition("\n")[0] + "\n",
        _table("", "", Settings),
    ]
    for family, kinds in FAMILIES.items():
        parts += [f"## {_TITLES[family]}\n", f"`{family}`: {_lower(field_docs(Settings)[family])}\n"]
        for kind, cls in kinds.items():
            parts += [
                f"### {kind}\n",
                f"In napari: *{kind_label(kind)}*.\n",
                _description(cls),
                _table(family, kind, cls),
            ]
    return "\n".join(parts)


def _description(cls: type) -> str:
    """What a class says of itself, without the sections that are for programmers."""
    return _SECTION.split(inspect.getdoc(cls) or "")[0].replace("``", "`") + "\n"


def _table(family: str, kind: str, cls: Any) -> str:
    rows = list(_rows(family, kind, cls))
    if not rows:
        return "It has no settings of its own.\n"
    head = ["| path | default | allowed | meaning | in napari | option |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *("| " + " | ".join(cells) + " |" for cells in rows)]) + "\n"


def _rows(family: str, kind: str, cls: Any) -> Iterator[list[str]]:
    hints, docs, options = get_type_hints(cls, include_extras=True), field_docs(cls), _options()
    for field in dataclasses.fields(cls):
        if field.name == "kind" or _is_bound_at_run_time(hints[field.name]):
            continue
        path = f"{family}.{field.name}" if family else field.name
        option = options.get(_OPTIONS.get((kind, field.name), path.replace(".", "_")), "")
        unit = _UNITS.get(field.name.rpartition("_")[2], "")
        allowed = (
            _family_kinds(field.name) if not family and field.name in FAMILIES else _allowed(hints[field.name], unit)
        )
        label = field_label(field.name, kind)
        yield [f"`{path}`", _default(field.name, field.default), allowed, _cell(docs[field.name]), label, _code(option)]


def _is_bound_at_run_time(hint: Any) -> bool:
    """Such fields are never part of the settings' JSON."""
    return any(isinstance(one, FieldInfo) and one.exclude for one in getattr(hint, "__metadata__", ()))


def _family_kinds(family: str) -> str:
    return "one of the [" + _TITLES[family].lower() + f"](#{_TITLES[family].lower().replace(' ', '-')}) below"


def _default(name: str, value: Any) -> str:
    """As JSON; a component by its kind."""
    if name in FAMILIES:
        return _code(settings_to_dict(Settings())[name]["kind"])
    return _code(value if isinstance(value, str) else json.dumps(to_jsonable_python(value)))


def _allowed(hint: Any, unit: str, conditions: tuple[Any, ...] = ()) -> str:
    """What a type and its conditions allow, in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _allowed(inner[0], unit, tuple(hint.__metadata__))
    physics = [one.func for one in conditions if isinstance(one, BeforeValidator) and isinstance(one.func, Physical)]
    if physics:
        return f"number, [low, high] or `null`, {_physics(physics[0])}"
    if origin in (Union, types.UnionType):
        return _either(inner, unit, conditions)
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inner)
    if origin is tuple:
        return f"list of {_length(conditions)}{_plural(_allowed(inner[0], unit))}"
    name = {bool: "`true`, `false`", int: "whole number", float: "number", str: "path of a file"}[hint]
    odd = [one.func.__name__.strip("_") for one in conditions if isinstance(one, AfterValidator)]
    return ", ".join(part for part in (" ".join([*odd, name]), _range(conditions, unit)) if part)


def _either(inner: tuple[Any, ...], unit: str, conditions: tuple[Any, ...]) -> str:
    others = [one for one in inner if one is not type(None)]
    words = [_allowed(one, unit, conditions) for one in others if get_origin(one) is not tuple or len(others) == 1]
    words += ["[low, high]"] * (len(words) < len(others)) + ["`null`"] * (len(others) < len(inner))
    return f"{', '.join(words[:-1])}{'; ' if ',' in words[0] else ' '}or {words[-1]}" if len(words) > 1 else words[0]


def _physics(physics: Physical) -> str:
    return f"{physics.low:g} to {physics.high:g}{' ' + physics.unit if physics.unit else ''}"


def _plural(words: str) -> str:
    first, comma, rest = words.partition(",")
    return f"{first}s{comma}{rest}" if first.endswith("number") else words


def _length(conditions: tuple[Any, ...]) -> str:
    return next((f"{c.min_length} to {_number(c.max_length)} " for c in conditions if isinstance(c, bounds.Len)), "")


def _range(conditions: tuple[Any, ...], unit: str) -> str:
    """``0 to 1``, ``above 0, at most 5``; with the unit."""
    least = next((f"{_number(c.ge)}" for c in conditions if isinstance(c, bounds.Ge)), None)
    above = next((f"above {_number(c.gt)}" for c in conditions if isinstance(c, bounds.Gt)), None)
    most = next((f"{_number(c.le)}" for c in conditions if isinstance(c, bounds.Le)), None)
    words = f"{least} to {most}" if least is not None and most is not None else ""
    words = words or ", ".join(part for part in (above, most and f"at most {most}") if part)
    return f"{words} {unit}".strip() if words else ""


def _number(value: float) -> str:
    if isinstance(value, int) and value > 10**12:
        return f"2^{value.bit_length()} − 1"
    return f"{value:g}".replace("e+", "e").replace("-", "−") if abs(value) >= 1e6 else f"{value}".replace("-", "−")


def _options() -> dict[str, str]:
    """Parameter of ``run``: its option."""
    parameters = get_command(app).commands["run"].params  # type: ignore[attr-defined]
    return {p.name: p.opts[0] for p in parameters if p.opts[0].startswith("--")}


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


_COMMANDS = """# Reference: commands

Every command of `blind-deconv` with its options, as `--help` lists them. How they are used is on
[Command line](cli.md); what `--set` reaches is on [Reference: settings](reference.md).
"""


def commands_page() -> str:
    """Every command with its arguments and options, as ``--help`` lists them."""
    return "\n".join([_COMMANDS, *(_section(*found) for found in _commands("blind-deconv", get_command(app)))])


def _section(path: str, command: Any) -> str:
    parts = [f"## {path}\n", inspect.cleandoc(command.help or "") + "\n"]
    arguments = [p.metavar or p.name.upper() for p in command.params if p.param_type_name == "argument"]
    if arguments:
        parts.append("    " + " ".join([path, *arguments, "[OPTIONS]"]) + "\n")
    context = command.context_class(command, info_name=path)
    records = filter(None, (p.get_help_record(context) for p in command.params if p.name != "help"))
    rows = [f"| {_code(re.sub(' <list.*>$', '', left))} | {_cell(right)} |" for left, right in records]
    return "\n".join([*parts, *["| option | meaning |", "|---|---|"] * bool(rows), *rows]) + "\n"


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """A command, or those of a group."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, inner in command.commands.items():
        yield from _commands(f"{path} {name}", inner)
