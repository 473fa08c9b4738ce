"""Progress bars on standard error."""

import sys
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
    # In a notebook rich would ask for ipywidgets, or redraw the bar although it is no terminal.
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    console = Console(stderr=True, force_jupyter=False, force_terminal=is_terminal)
    return track(items, description=what, total=total, console=console)
