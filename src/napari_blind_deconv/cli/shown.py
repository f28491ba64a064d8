"""Text for a terminal: names of files may hold anything, and a terminal obeys some of it."""


def shown(text: object) -> str:
    r"""The text with what cannot be printed escaped: control characters, changes of direction, bytes that are no text.

    Examples
    --------
    >>> shown("caf\udce9\x1b[31m.tif µm")
    'caf\\xe9\\x1b[31m.tif µm'
    """
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in str(text))


def _escaped(letter: str) -> str:
    code = ord(letter)
    # Python stands bytes that are no UTF-8 in for by these.
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")
