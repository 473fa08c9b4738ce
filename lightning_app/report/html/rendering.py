"""From tables and text to HTML: fills the templates."""

from importlib.metadata import version
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

from lightning_app.metrics.intervals import FEWEST_PATIENTS
from lightning_app.report.tables.display import for_readers
from lightning_app.report.tables.table import Cell, Table, sort_value

_TEMPLATES = Path(__file__).parent / "templates"


def fill_template(name: str, **values: Any) -> str:
    """A page as HTML. Text from files is escaped.

    Args:
        name: of the template.
        values: that it names, besides those of every page.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return templates.get_template(name).render(
        version=version("brats-lightning"), fewest=FEWEST_PATIENTS, **values
    )


def table_context(table: Table, anchor: str) -> dict[str, Any]:
    """A table as the templates take it; ``anchor`` is its id on the page.

    The page has the warnings of all its tables at the top.
    """
    shown, warnings = for_readers(table), table.origin.warnings if table.origin else ()
    numeric = [not shown.is_text(column) for column in range(len(shown.columns))]
    keys = list(takewhile(lambda number: not number, numeric))
    heads = [
        {"title": column.title, "number": number, "key": index < len(keys)}
        for index, (column, number) in enumerate(zip(shown.columns, numeric, strict=True))
    ]
    rows = [
        [_cell(shown, column, cell, number=numeric[column]) for column, cell in enumerate(row)]
        for row in shown.rows
    ]
    return {
        "anchor": anchor,
        "title": shown.title,
        "caption": " ".join(shown.caption),
        "groups": _groups(shown),
        "heads": heads,
        "rows": rows,
        "notes": [note for note in (*shown.footnotes, *shown.notes) if note not in warnings],
        "has_warnings": bool(warnings),
    }


def _groups(table: Table) -> list[dict[str, Any]]:
    """Headings above those of the columns, with the number of columns below; none if none has."""
    groups = [
        {"title": title, "columns": len(list(columns))}
        for title, columns in groupby(table.columns, lambda column: column.group)
    ]
    return groups if any(group["title"] for group in groups) else []


def _cell(table: Table, column: int, cell: Cell, *, number: bool) -> dict[str, Any]:
    value, interval = table.cell_text(column, cell)
    sort = sort_value(cell)
    return {
        "text": value,
        "interval": interval,
        "sort": "" if sort is None else sort,
        "number": number,
    }
