"""The changelog, in the form of keep a changelog."""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.version import Version

from release.finding import Finding, to_do, wrong

KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_RELEASE = re.compile(r"(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?) - (\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Section:
    """What one version changed: its lines below each kind of change. The unreleased one has no version."""

    version: str | None
    date: datetime.date | None
    kinds: tuple[str, ...]


def sections(text: str) -> list[Section]:
    """The versions, newest first.

    Raises
    ------
    ValueError
        For a heading that is neither ``Unreleased`` nor ``1.2.3 - 2030-12-31``.
    """
    found = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        kinds = tuple(re.findall(r"^### (.*)$", body, re.MULTILINE))
        if heading.strip() == "Unreleased":
            found.append(Section(None, None, kinds))
            continue
        match = _RELEASE.fullmatch(heading.strip())
        if match is None:
            raise ValueError(f"CHANGELOG.md: '## {heading}' must be '## Unreleased' or like '## 1.2.3 - 2030-12-31'")
        found.append(Section(match[1], datetime.date.fromisoformat(match[2]), kinds))
    return found


def check(text: str, version: Version) -> Iterator[Finding]:
    """Order, kinds and dates, and that this version has a section, the newest."""
    try:
        found = sections(text)
    except ValueError as error:
        yield wrong(str(error))
        return
    for section in found:
        unknown = [kind for kind in section.kinds if kind not in KINDS]
        if unknown:
            yield wrong(f"CHANGELOG.md: {', '.join(unknown)} must be among {', '.join(KINDS)}")
        if len(set(section.kinds)) != len(section.kinds):
            yield wrong(f"CHANGELOG.md: {section.version or 'Unreleased'} has a kind of change twice; join them")
    if [section.version for section in found].count(None) > 1 or (found and None in [s.version for s in found[1:]]):
        yield wrong("CHANGELOG.md: 'Unreleased' must be the first section, and stand once")
    released = [section for section in found if section.version is not None]
    versions = [Version(str(section.version)) for section in released]
    if versions != sorted(set(versions), reverse=True):
        yield wrong("CHANGELOG.md: versions must stand once each, newest first")
    dates = [section.date for section in released if section.date is not None]
    if dates != sorted(dates, reverse=True):
        yield wrong("CHANGELOG.md: dates must not rise towards older versions")
    if version not in versions[:1]:
        yield to_do(f"CHANGELOG.md: name the section of this version, '## {version} - ' and the date")
