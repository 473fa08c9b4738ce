"""Reads YAML files of which nothing is known yet."""

import pickle
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lightning_app.utils.errors import UsageError

MOST_VALUES = 100_000  # of a document with its aliases expanded; a config has some two hundred
MOST_LEVELS = 50
_FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML may lack libyaml
_SECTION = re.compile(r"^(?=\w)", re.MULTILINE)  # a key that is not indented begins one
_TOO_DEEP = f"is nested more than {MOST_LEVELS} levels deep"


def read_typed_yaml(path: Path, what: str) -> Any:
    """The content of a YAML file that the user named.

    Args:
        path: the file.
        what: it is, for errors, such as config.

    Raises:
        UsageError: it cannot be read; names the file.
    """
    try:
        return read_yaml(path)
    except OSError as error:
        raise UsageError(f"{what} '{path}' cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{what} '{path}' {error}") from None


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; None for an empty one.

    Raises:
        ValueError: it is not in UTF-8, or as ``parse_yaml`` does.
        OSError: it cannot be opened.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("is not in UTF-8: save it in that encoding") from error
    return parse_yaml(text)


def read_yaml_sections(path: Path) -> Any:
    """The content of a YAML file, as by ``read_yaml``; sections that were read before are quick.

    A folder of runs holds thousands of configs, most of whose sections are the same.

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


def parse_yaml(text: str) -> Any:
    """The content of a YAML document; None for an empty one.

    Raises:
        ValueError: it is not valid YAML, or too large or too deep once its aliases are expanded.
    """
    is_ordinary = _is_ordinary(text)
    try:
        document = yaml.compose(text, _FastLoader if is_ordinary else _ShallowLoader)
    except yaml.YAMLError as error:
        raise ValueError(f"is not valid YAML: {_in_a_line(error)}") from error
    if document is None:
        return None
    if not is_ordinary:
        _check_size(document, level=1, sizes={})
    try:
        return yaml.SafeLoader("").construct_document(document)
    except Exception as error:  # a malformed number, date or tag may raise any
        raise ValueError(f"is not valid YAML: {_in_a_line(error)}") from error


def _is_ordinary(text: str) -> bool:
    """Whether a document is valid, small and shallow, and so needs no slow loader to limit it.

    A folder may hold a thousand runs, each with a config.
    """
    values = level = 0
    try:
        for event in yaml.parse(text, _FastLoader):
            if isinstance(event, yaml.AliasEvent):
                return False
            values += isinstance(event, yaml.NodeEvent)
            level += isinstance(event, yaml.CollectionStartEvent)
            level -= isinstance(event, yaml.CollectionEndEvent)
            if level > MOST_LEVELS or values > MOST_VALUES:
                return False
    except yaml.YAMLError:
        return False
    return True


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())


class _ShallowLoader(yaml.SafeLoader):
    """Stops at the first value that is too deep: time and stack grow with the depth."""

    _level = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The node that comes next."""
        if self._level == MOST_LEVELS:
            raise ValueError(_TOO_DEEP)
        self._level += 1
        node = super().compose_node(parent, index)
        self._level -= 1
        return node


def _check_size(node: yaml.Node, level: int, sizes: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Refuse a document that is small only because it repeats itself by aliases.

    Args:
        node: of the document.
        level: on which it is; the document is on level 1.
        sizes: of the nodes that were counted before, by their id.

    Returns:
        How many values the node has, and on how many levels.
    """
    if id(node) not in sizes:
        if level > MOST_LEVELS:  # also a node that holds itself
            raise ValueError(_TOO_DEEP)
        below = [_check_size(child, level + 1, sizes) for child in _children(node)]
        levels = 1 + max((levels for _, levels in below), default=0)
        sizes[id(node)] = 1 + sum(count for count, _ in below), levels
    count, levels = sizes[id(node)]
    if count > MOST_VALUES:
        raise ValueError(f"has more than {MOST_VALUES} values once its aliases are expanded")
    if level + levels - 1 > MOST_LEVELS:
        raise ValueError(_TOO_DEEP)
    return count, levels


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def get_option(content: Any, option: str) -> Any:
    """The value of a dotted option in the content of a config; None if it is not there."""
    for key in option.split("."):
        content = content.get(key) if isinstance(content, dict) else None
    return content
