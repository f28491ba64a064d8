"""Lists of what there is to choose from, written into pages and help texts: the unions are the only list.

    python docs/lists.py

rewrites what stands between ``<!-- kinds: FAMILY -->`` (names) or ``<!-- classes: FAMILY -->`` (sections of the Python
page) and ``<!-- /kinds -->``, and the file of names that the command line's help shows. A test holds all to the unions.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from napari_blind_deconv.presets import SOLVERS
from napari_blind_deconv.settings import FAMILIES

ROOT = Path(__file__).parents[1]
PAGES = ("docs/cli.md", "docs/how-to-choose.md", "docs/python.md")
HELP = "src/napari_blind_deconv/cli/kinds.py"
CHOICES: Mapping[str, Sequence[str]] = MappingProxyType(
    {**{family: tuple(kinds) for family, kinds in FAMILIES.items()}, "solver": tuple(SOLVERS)}
)
_LIST = re.compile(r"(<!-- (kinds|classes): (\w+) -->).*?(<!-- /kinds -->)", re.DOTALL)


def names(family: str) -> str:
    """The kinds of a family, in the union's order."""
    return ", ".join(f"`{kind}`" for kind in CHOICES[family])


def sections(family: str) -> str:
    """One section of generated documentation per class."""
    classes = FAMILIES[family].values()
    paths = [f"::: {'.'.join(cls.__module__.split('.')[:2])}.{cls.__name__}" for cls in classes]
    return "\n\n" + "\n\n".join(paths) + "\n\n"


def page(text: str) -> str:
    """A page with its lists written anew."""
    make = {"kinds": names, "classes": sections}
    return _LIST.sub(lambda found: found[1] + make[found[2]](found[3]) + found[4], text)


def help_texts() -> str:
    """The source of the names in the command line's help, which must not wait for PyTorch."""
    lines = [
        '"""What there is to choose from, for help texts that do not wait for PyTorch; written by docs/lists.py."""',
        "",
        "from typing import Final",
        "",
    ]
    for family, kinds in CHOICES.items():
        lines += [f"{family.upper()}S: Final = (", *(f'    "{kind}",' for kind in kinds), ")"]
    return "\n".join(lines) + "\n"


def written() -> dict[Path, str]:
    """Every file that holds a list, as it should be."""
    pages = {ROOT / name: page((ROOT / name).read_text(encoding="utf-8")) for name in PAGES}
    return pages | {ROOT / HELP: help_texts()}


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
