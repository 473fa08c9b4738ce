"""Progress bars on standard error."""

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def tracked(items: Iterable[Item], what: str, total: int) -> Iterable[Item]:
    """Items, with a progress bar that is text in notebooks too.

    Args:
        items: what is waited for.
        what: the bar's description.
        total: number of items.
    """
    # In a notebook rich would ask for ipywidgets, and show an empty output for each bar without.
    console = Console(stderr=True, force_jupyter=False)
    return track(items, description=what, total=total, console=console)
