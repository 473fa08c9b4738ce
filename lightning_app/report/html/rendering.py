"""From tables and text to HTML: fills the templates."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning_app.metrics.intervals import FEWEST_PATIENTS
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
    """A table as the templates take it; ``anchor`` is its id on the page."""
    numeric = [not table.is_text(column) for column in range(len(table.columns))]
    heads = [
        {"title": column.title, "number": number}
        for column, number in zip(table.columns, numeric, strict=True)
    ]
    rows = [
        [_cell(table, column, cell, number=numeric[column]) for column, cell in enumerate(row)]
        for row in table.rows
    ]
    notes = list(table.notes)
    return {"anchor": anchor, "title": table.title, "heads": heads, "rows": rows, "notes": notes}


def _cell(table: Table, column: int, cell: Cell, *, number: bool) -> dict[str, Any]:
    value, interval = table.cell_text(column, cell)
    sort = sort_value(cell)
    return {
        "text": value,
        "interval": interval,
        "sort": "" if sort is None else sort,
        "number": number,
    }
