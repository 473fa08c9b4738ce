"""The ``mode`` of whatever monitors a score follows from the score."""

from collections.abc import Iterator
from typing import Any

from jsonargparse import Namespace

from lightning_app.metrics.directions import higher_is_better

_MODES = ("min", "max")


def follow_scores(config: Namespace, typed: Namespace) -> list[str]:
    """Set each ``mode`` that was not typed to the direction of its score.

    Every class with the arguments ``monitor`` and ``mode`` is meant: checkpoints, early stopping,
    schedules and callbacks of users. A score that is not ours leaves the mode as it is.

    Args:
        config: the options; changed.
        typed: those of them that were typed.

    Returns:
        A line for each typed mode that contradicts its score.
    """
    contradictions = []
    for option, arguments, given in _monitors(config, typed):
        higher = higher_is_better(str(arguments["monitor"]))
        if higher is None or arguments["mode"] == (mode := "max" if higher else "min"):
            continue
        if "mode" in given:
            contradictions.append(
                f"{option}.mode is {arguments['mode']}, but {arguments['monitor']} is better when "
                f"it is {'higher' if higher else 'lower'}: expected {mode}, or leave mode out"
            )
        else:
            arguments["mode"] = mode
    return contradictions


def _monitors(config: Any, typed: Any, option: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The arguments of each class that monitors a score, after its option, before those typed."""
    if isinstance(config, Namespace | dict):
        members, given = _members(config), _members(typed)
        if members.get("monitor") is not None and members.get("mode") in _MODES:
            yield option, config, given
        for key, member in members.items():
            yield from _monitors(member, given.get(key), f"{option}.{key}" if option else str(key))
    elif isinstance(config, list):
        items = typed if isinstance(typed, list) else []
        for index, member in enumerate(config):
            yield from _monitors(member, items[index] if index < len(items) else None, option)


def _members(value: Any) -> dict[str, Any]:
    if isinstance(value, Namespace):
        return vars(value)
    return value if isinstance(value, dict) else {}
