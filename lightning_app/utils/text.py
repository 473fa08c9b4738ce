"""Text from folders, records and data, made harmless where it is shown or written."""

import re
from collections.abc import Collection
from typing import TextIO

LONGEST_FILE_NAME = 100  # characters, so that an ending and four bytes each fit into 255 bytes
_FORMULA = re.compile(r"[=+\-@\t\r\n]")  # OWASP, "CSV injection"
_SEPARATORS = frozenset("/\\:")


def printable(text: str) -> str:
    """Text in one line, without control characters that a file name may bring in."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def print_lines(*lines: str, file: TextIO | None = None, flush: bool = False) -> None:
    """Print lines, by default to stdout; control characters in them are shown, not obeyed."""
    for line in lines:
        print(printable(line), file=file, flush=flush)


def is_file_name(name: str) -> bool:
    """Whether a name can be part of a file name, and leads to no other folder."""
    is_plain = name.isprintable() and not _SEPARATORS & set(name) and ".." not in name
    return is_plain and 0 < len(name) <= LONGEST_FILE_NAME and name[0] not in "=+-@."


def csv_text(text: str) -> str:
    """Text for a cell of a CSV file, which a spreadsheet must not take for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def low_to_high(numbers: Collection[int]) -> str | None:
    """The range of some numbers: "3", "1 to 3"; None if there are none."""
    if not numbers:
        return None
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
