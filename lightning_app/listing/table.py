"""A list of runs as a table for a terminal, and as JSON."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import JustifyMethod
from rich.table import Table

from data_modules.utils.disk_usage import size_in_words
from lightning_app.listing.listed_run import ListedRun
from lightning_app.listing.settings import Settings

_COLUMNS = ("name", "age", "status", "val/dice", "epoch", "test/dice", "size")  # and the settings
_ONE_LINE_WIDTH = 120  # of a terminal in which a run takes one line; in a narrower one it takes two
_ONE_LINE = tuple((name,) for name in _COLUMNS)
_TWO_LINES = (("name",), ("status", "age"), ("val/dice", "epoch"), ("test/dice", "size"))
_TEXTS = {"name", "status"}
_EDGES = 2  # characters, of the table
_NARROWEST_SETTINGS = 16  # characters
_NARROWEST_NAMES = 22  # characters of <date>-<time>-<short id>
_NO_BREAK = "\N{NO-BREAK SPACE}"
_UNITS = (("d", 24 * 3600), ("h", 3600), ("min", 60))


def run_table(runs: Sequence[ListedRun], settings: Settings, width: int) -> Table:
    """A line or two for each run, and more if its settings need them.

    Args:
        runs: in their order.
        settings: what distinguishes them.
        width: of the terminal, in characters.
    """
    columns = _ONE_LINE if width >= _ONE_LINE_WIDTH else _TWO_LINES
    now = datetime.now(UTC)
    blocks = [_block(_cells(run, now), columns) for run in runs]
    of_names, *others = (
        max(map(cell_len, (*names, *(line for block in blocks for line in block[index]))))
        for index, names in enumerate(columns)
    )
    shared = width - sum(others) - len(columns) - _EDGES  # of names and settings
    of_names = min(of_names, max(shared - _NARROWEST_SETTINGS, _NARROWEST_NAMES))
    for run, block in zip(runs, blocks, strict=True):
        block[0] = [part for line in block[0] for part in textwrap.wrap(line, of_names)]
        left = max(shared - of_names, _NARROWEST_SETTINGS)
        block.append(_wrapped(settings.unusual(run), left))
    table = Table(box=SIMPLE_HEAD, padding=0, caption=_caption(settings), caption_justify="left")
    for names in columns:
        justify: JustifyMethod = "left" if names[0] in _TEXTS else "right"
        table.add_column("\n".join(names), justify=justify, no_wrap=True)
    table.add_column("settings", no_wrap=True)
    # One row for all runs: with a row for each, rich takes as long as reading them all.
    table.add_row(*("\n".join(lines) for lines in _joined(blocks)))
    return table


def as_json(runs: Sequence[ListedRun], settings: Settings) -> list[dict[str, Any]]:
    """An object for each run."""
    return [
        {
            "name": run.name,
            "path": str(run.run.path),
            "started": run.started and run.started.isoformat(),
            "status": run.status,
            "settings": settings.of(run),
            "val_dice": run.val_dice,
            "epoch": run.best_epoch,
            "test_dice": run.test_dice,
            "size_bytes": run.size,
            "remarks": list(run.remarks),
        }
        for run in runs
    ]


def _cells(run: ListedRun, now: datetime) -> dict[str, str]:
    return {
        "name": run.name,
        "age": _age(run.started, now),
        "status": run.status,
        "val/dice": _score(run.val_dice),
        "epoch": "-" if run.best_epoch is None else str(run.best_epoch + 1),
        "test/dice": _score(run.test_dice),
        "size": size_in_words(run.size),
    }


def _block(cells: Mapping[str, str], columns: Sequence[Sequence[str]]) -> list[list[str]]:
    """The lines of a run in each column; a name is broken if there are two."""
    block = [[cells[name] for name in names] for names in columns]
    if columns is _TWO_LINES:
        block[0] = cells["name"].replace("/", "/\n").split("\n")
    return block


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of settings, broken only between two of them if they fit."""
    unbroken = text.replace(" ", _NO_BREAK).replace(f",{_NO_BREAK}", ", ")
    lines = textwrap.wrap(unbroken, width, break_on_hyphens=False)
    return [line.replace(_NO_BREAK, " ") for line in lines]


def _joined(blocks: Sequence[Sequence[Sequence[str]]]) -> Iterator[list[str]]:
    """The lines of each column, of all runs: each run has the same number in all columns."""
    heights = [max(map(len, block)) for block in blocks]
    for column in zip(*blocks, strict=True):
        yield [
            line
            for lines, height in zip(column, heights, strict=True)
            for line in (*lines, *[""] * (height - len(lines)))
        ]


def _caption(settings: Settings) -> str | None:
    if not settings.usual:
        return None
    most = f"; most have {settings.most}" if settings.most else ""
    return f"Settings: in which a run differs from most of these runs{most}."


def _age(started: datetime | None, now: datetime) -> str:
    """The time since the start, in its largest unit."""
    if started is None:
        return "-"
    seconds = max(0, (now - started).total_seconds())
    unit, length = next((u for u in _UNITS if seconds >= u[1]), _UNITS[-1])
    return f"{seconds // length:.0f} {unit}"


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
