"""Text for people: names of files may hold anything, and a terminal or a browser obeys some of it."""

import shlex


def shown(text: object) -> str:
    r"""The text with what cannot be printed escaped: control characters, changes of direction, bytes that are no text.

    Examples
    --------
    >>> shown("caf\udce9\x1b[31m.tif µm")
    'caf\\xe9\\x1b[31m.tif µm'
    """
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in str(text))


def quoted(text: str) -> str:
    r"""The text as one word of a shell: as it is, between quotes, or, where it cannot be printed, with escapes.

    Examples
    --------
    >>> quoted("cell.tif"), quoted("it's.tif"), quoted("caf\udce9.tif")
    ('cell.tif', '\'it\'"\'"\'s.tif\'', "$'caf\\xe9.tif'")
    """
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + shown(text.replace("\\", "\\\\").replace("'", "\\'")) + "'"


def _escaped(letter: str) -> str:
    code = ord(letter)
    # Python stands bytes that are no UTF-8 in for by these.
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")
