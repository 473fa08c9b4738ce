"""What moves from the rows of a table into its caption and its footnotes."""

from collections.abc import Sequence

import pytest

from lightning_app.report.tables.display import for_readers
from lightning_app.report.tables.estimates import Measure
from lightning_app.report.tables.table import Cell, Column, Origin, Table

NAME = Column("name", "Name")


def shown(*cells: Cell, column: Column | None = None) -> Table:
    """A table of rows with different names and these cells, as readers see it."""
    rows = [[f"row {number}", cell] for number, cell in enumerate(cells)]
    return for_readers(Table("t", "T", [NAME, column or Column("x", "X")], rows))


@pytest.mark.parametrize(
    ("cells", "caption"),
    [
        (["a", "a"], ["X: a."]),
        ([1200, 1200, 1200], ["X: 1,200.00."]),
        (["a", None, "a"], ["X: a."]),
        (["", ""], []),
    ],
)
def test_what_is_the_same_in_all_rows_moves_to_the_caption(
    cells: Sequence[Cell], caption: list[str]
) -> None:
    table = shown(*cells)
    assert [column.key for column in table.columns] == ["name"]
    assert table.caption == caption
    assert [list(row) for row in table.rows] == [[f"row {n}"] for n in range(len(cells))]


@pytest.mark.parametrize(
    "cells",
    [
        ["a", "b"],
        ["a", ""],
        ["a"],
        [None, None],
        [0.5, 0.5],
        [Measure(0.5), Measure(0.5)],
        [1, Measure(1.0)],
        [1, 1.0, 2.0],
    ],
    ids=[
        "different",
        "an empty text",
        "one row",
        "nothing",
        "numbers",
        "measures",
        "mixed",
        "more",
    ],
)
def test_everything_else_stays(cells: Sequence[Cell]) -> None:
    table = shown(*cells)
    assert [column.key for column in table.columns] == ["name", "x"]
    assert list(table.caption) == []


def test_remarks_become_footnotes_each_once() -> None:
    remark = Column("remark", "Remark", remark_on="name")
    table = shown("lost", "", "torn", "lost", column=remark)

    assert [row[0] for row in table.rows] == ["row 0¹", "row 1", "row 2²", "row 3¹"]
    assert table.footnotes == ["¹ lost", "² torn"]
    assert [column.key for column in table.columns] == ["name"]


def test_the_caption_begins_with_the_data_and_keeps_what_it_has() -> None:
    origin = Origin("files", "Data: files.", [])
    table = Table("t", "T", [NAME, Column("x", "X")], [["a", "c"], ["b", "c"]], (), ["In %."],
                  origin=origin)  # fmt: skip
    assert for_readers(table).caption == ["Data: files.", "In %.", "X: c."]
