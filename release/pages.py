"""The README, which is also the page of the package index and of the napari hub."""

import io
import re
from collections.abc import Iterator, Mapping

from release.finding import Finding, to_do, wrong

_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)|<img[^>]*\ssrc=[\"']([^\"']+)")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def pictures(text: str) -> list[str]:
    """Where the pictures are.

    Examples
    --------
    >>> pictures('![a](docs/a.png) <img alt="b" src="https://example.org/b.png">')
    ['docs/a.png', 'https://example.org/b.png']
    """
    return [found[1] or found[2] for found in _PICTURE.finditer(text)]


def relative(addresses: list[str]) -> list[str]:
    """Those that mean something in the repository only."""
    return [one for one in addresses if not re.match(r"(https://|mailto:|#)", one)]


def check(text: str, urls: Mapping[str, str]) -> Iterator[Finding]:
    """It renders, and nothing in it needs the repository beside it.

    Parameters
    ----------
    text
        Of the README.
    urls
        The project's addresses in pyproject.toml. Without one there is nothing that relative links could become.
    """
    try:
        from readme_renderer import markdown
    except ImportError:
        yield to_do("README.md: readme-renderer is not installed, so nothing has rendered it; make release-check does")
    else:
        messages = io.StringIO()
        if not markdown.render(text, stream=messages):
            yield wrong(f"README.md does not render: {messages.getvalue().strip() or 'no reason given'}")
    report = wrong if urls else to_do
    if urls and not any("github.com" in urls.get(name, "") for name in ("Homepage", "Source Code")):
        yield to_do("pyproject.toml: the hub reads the repository's address from 'Homepage' or 'Source Code'")
    if not urls:
        yield to_do("pyproject.toml: [project.urls], once there is a public address; README.md's links need it")
    if found := relative(pictures(text)):
        yield report(f"README.md: the package index and the hub show no picture by a relative link: {', '.join(found)}")
    if found := relative(_LINK.findall(text)):
        yield report(f"README.md: {len(found)} links are relative and lead nowhere on the package index: {found[0]} …")
