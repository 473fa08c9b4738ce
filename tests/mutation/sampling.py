"""A random sample with as many mutants of each package, and of each kind, as possible."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def draw(
    items: Iterable[Item],
    count: int,
    seed: int,
    strata: tuple[Callable[[Item], Hashable], ...],
) -> list[Item]:
    """Draw without replacement, in equal shares.

    Args:
        items: what to draw from.
        count: how many to draw; fewer are drawn if there are not so many.
        seed: the same seed draws the same from the same items.
        strata: each gives the stratum of an item. The sample is shared out equally over the strata
            of the first, each share over those of the second, and so on. What a small stratum
            cannot fill, the others do.
    """
    items = list(items)
    rng = np.random.default_rng(seed)
    shuffled = [items[index] for index in rng.permutation(len(items))]
    return _in_turn(shuffled, strata)[:count]


def _in_turn(items: list[Item], strata: tuple[Callable[[Item], Hashable], ...]) -> list[Item]:
    """Sort so that any beginning of the list has equal shares."""
    if not strata:
        return items
    first, *rest = strata
    groups: dict[Hashable, list[Item]] = {}
    for item in items:
        groups.setdefault(first(item), []).append(item)
    queues = [_in_turn(group, tuple(rest)) for group in groups.values()]
    rounds = range(max(map(len, queues), default=0))
    return [queue[index] for index in rounds for queue in queues if index < len(queue)]
