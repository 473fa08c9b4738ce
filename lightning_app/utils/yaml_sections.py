"""Reads configs of which a folder of runs holds thousands, most of their sections the same."""

import pickle
import re
from functools import cache
from pathlib import Path
from typing import Any

from lightning_app.utils.yaml_file import parse_yaml, read_yaml

_SECTION = re.compile(r"^(?=\w)", re.MULTILINE)  # a key that is not indented begins one


def read_yaml_sections(path: Path) -> Any:
    """The content of a YAML file, as by ``read_yaml``; sections that were read before are quick.

    Raises:
        ValueError, OSError: as ``read_yaml`` does.
    """
    try:
        sections = [part for part in _SECTION.split(path.read_text(encoding="utf-8")) if part]
        contents = [pickle.loads(_pickled(part)) for part in sections]  # noqa: S301 (our own)
    except ValueError:  # it cannot be split, or is damaged
        return read_yaml(path)
    if len(contents) < 2:
        return read_yaml(path)
    return {key: value for content in contents for key, value in content.items()}


@cache
def _pickled(section: str) -> bytes:
    """The content of a section, in a form of which copies are quick.

    Raises:
        ValueError: it is not a section with one key, or has no meaning without the others.
    """
    content = parse_yaml(section)
    if not isinstance(content, dict) or len(content) != 1:
        raise ValueError("not a section")
    return pickle.dumps(content)
