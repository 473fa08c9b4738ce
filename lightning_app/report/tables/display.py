"""How a table is shown to readers: what is the same in all rows above it, remarks below it."""

from collections.abc import Sequence
from dataclasses import replace

from lightning_app.report.tables.table import Cell, Table

_MARKS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def for_readers(table: Table) -> Table:
    """The table with its origin and constant columns in the caption, and remarks as footnotes."""
    shown = _without_constants(_with_footnotes(table))
    origin = [table.origin.words] if table.origin else []
    return replace(shown, caption=[*origin, *shown.caption])


def _with_footnotes(table: Table) -> Table:
    """Remarks become footnotes, whose marks stand in the cells that they are about."""
    keys = [column.key for column in table.columns]
    rows = [list(row) for row in table.rows]
    marks: dict[str, str] = {}
    for index, column in enumerate(table.columns):
        for row in rows if column.remark_on else ():
            if remark := str(row[index] or ""):
                mark = marks.setdefault(remark, str(len(marks) + 1).translate(_MARKS))
                row[keys.index(column.remark_on)] = f"{row[keys.index(column.remark_on)]}{mark}"
    kept = [index for index, column in enumerate(table.columns) if not column.remark_on]
    notes = [f"{mark} {remark}" for remark, mark in marks.items()]
    return replace(_only(replace(table, rows=rows), kept), footnotes=notes)


def _without_constants(table: Table) -> Table:
    """Texts and whole numbers that are the same in all of several rows move to the caption."""
    constant = [
        (column, table.text(index, cell))
        for index, column in enumerate(table.columns)
        if (cell := _constant([row[index] for row in table.rows])) is not None
    ]
    if not constant:
        return table
    moved = [column for column, _ in constant]
    kept = [index for index, column in enumerate(table.columns) if column not in moved]
    said = "; ".join(f"{column.title}: {text}" for column, text in constant if text)
    return replace(_only(table, kept), caption=[*table.caption, *([f"{said}."] if said else [])])


def _constant(cells: Sequence[Cell]) -> str | int | None:
    """The text or whole number in all of several cells; None if they differ.

    Empty cells, in rows that the column does not apply to, are left aside.
    """
    found = {cell for cell in cells if isinstance(cell, str | int)}
    others = [cell for cell in cells if cell is not None and not isinstance(cell, str | int)]
    return found.pop() if len(cells) > 1 and len(found) == 1 and not others else None


def _only(table: Table, kept: Sequence[int]) -> Table:
    """The table with some of its columns."""
    rows = [[row[index] for index in kept] for row in table.rows]
    return replace(table, columns=[table.columns[index] for index in kept], rows=rows)
