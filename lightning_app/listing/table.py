"""A list of runs as a table for a terminal, and as JSON."""

import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from data_modules.utils.disk_usage import size_in_words
from lightning_app.listing.listed_run import ListedRun
from lightning_app.listing.settings import Settings

_TITLES = {
    "name": "name", "age": "age", "status": "status", "val_dice": "val dice", "epoch": "epoch",
    "test_dice": "test dice", "size": "size", "settings": "settings",
}  # fmt: skip
_ONE_LINE_WIDTH = 120  # of a terminal in which a run takes one line; in a narrower one it takes two
_ONE_LINE = tuple((name,) for name in _TITLES)
_TWO_LINES = (("name",), ("status", "age"), ("val_dice", "epoch"), ("test_dice", "size"),
              ("settings",))  # fmt: skip
_TEXTS = {"name", "status", "settings"}
_LONGEST_IN_TWO_LINES = 50  # characters of settings
_UNITS = (("d", 24 * 3600), ("h", 3600), ("min", 60))


def run_table(runs: Sequence[ListedRun], settings: Settings, width: int) -> Table:
    """A row for each run.

    Args:
        runs: in the order of the rows.
        settings: what distinguishes them.
        width: of the terminal, in characters.
    """
    is_wide = width >= _ONE_LINE_WIDTH
    columns = _ONE_LINE if is_wide else _TWO_LINES
    table = Table(box=SIMPLE_HEAD, padding=0, caption=_caption(settings), caption_justify="left")
    for names in columns:
        table.add_column(
            "\n".join(_TITLES[name] for name in names),
            justify="left" if names[0] in _TEXTS else "right",
            no_wrap=is_wide or names != ("settings",),
            overflow="ellipsis",
        )
    now = datetime.now(UTC)
    for run in runs:
        cells = _cells(run, settings, now)
        if not is_wide:
            cells["name"] = cells["name"].replace("/", "/\n")
            cells["settings"] = textwrap.shorten(
                cells["settings"], _LONGEST_IN_TWO_LINES, placeholder=" …"
            )
        table.add_row(*("\n".join(cells[name] for name in names) for names in columns))
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


def _cells(run: ListedRun, settings: Settings, now: datetime) -> dict[str, str]:
    return {
        "name": run.name,
        "age": _age(run.started, now),
        "status": run.status,
        "val_dice": _score(run.val_dice),
        "epoch": "-" if run.best_epoch is None else str(run.best_epoch),
        "test_dice": _score(run.test_dice),
        "size": size_in_words(run.size),
        "settings": settings.unusual(run),
    }


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
