"""A progress bar for work that takes a while."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def tracked(values: Iterable[T], description: str, total: int, *, show: bool = True) -> Iterator[T]:
    """Yield values, and show on standard error how many there were; log files get nothing.

    The bar leaves nothing behind in the terminal.

    Args:
        values: to yield.
        description: what is done, before the bar.
        total: the number of values.
        show: whether to show anything.
    """
    console = Console(stderr=True)
    yield from track(
        values,
        description=description,
        total=total,
        console=console,
        transient=True,
        disable=not (show and console.is_interactive),
    )
