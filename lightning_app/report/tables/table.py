"""A table: columns, rows of cells, and what a reader must know about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Optional

from lightning_app.report.tables.estimates import Measure

Cell = str | int | float | Measure | None


def fixed(digits: int) -> Callable[[float], str]:
    """Format numbers with so many digits after the point."""
    return lambda value: f"{value:,.{digits}f}"


two_digits = fixed(2)


def duration(seconds: float) -> str:
    """Format seconds as the paper does: ``141 min 15.6 s``."""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f} min {rest:.1f} s" if minutes else f"{rest:.1f} s"


def p_value(p: float) -> str:
    """Format p; small values as a bound."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        key: its name in the CSV file.
        title: its heading elsewhere.
        form: formats its numbers.
        group: a heading above the title, shared with the columns beside it; empty if there is none.
        remark_on: key of the column that its text is a remark on, for a footnote; else empty.
    """

    key: str
    title: str
    form: Callable[[float], str] = two_digits
    group: str = ""
    remark_on: str = ""

    @property
    def full_title(self) -> str:
        """The title with that of its group."""
        return f"{self.group} {self.title}".lstrip()


@dataclass(frozen=True)
class Origin:
    """What the numbers of a table come from.

    Attributes:
        kind: of the data, phantom or files.
        words: data, cases, patients and split, in a sentence.
        warnings: what a reader of any table about these data must know.
    """

    kind: str
    words: str
    warnings: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Rows of cells, with notes.

    Attributes:
        name: of its files.
        title: above the table.
        columns: one for each cell of a row.
        rows: the cells; None is an empty cell.
        notes: what a reader must know, below the table.
        caption: what applies to all rows, above the table.
        footnotes: remarks on rows, each with its mark, below the table.
        origin: of its numbers; None if it is not about tested data.
        long: the same numbers with one row for each, for the CSV file; None if that is this table.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    caption: Sequence[str] = ()
    footnotes: Sequence[str] = ()
    origin: Origin | None = None
    long: Optional["Table"] = None

    def text(self, column: int, cell: Cell) -> str:
        """A cell as text: ``71.20 ± 1.10 [65.00, 76.20]``."""
        return " ".join(filter(None, self.cell_text(column, cell)))

    def cell_text(self, column: int, cell: Cell) -> tuple[str, str]:
        """A cell's value as text, and its interval, which may be empty.

        An undefined measure is "-".
        """
        form = self.columns[column].form
        if not isinstance(cell, Measure):
            return ("" if cell is None else cell if isinstance(cell, str) else form(cell)), ""
        if cell.value is None:
            return "-", ""
        spread = "" if cell.std is None else f" ± {form(cell.std)}"
        ends = "" if cell.interval is None else "[{}, {}]".format(*map(form, cell.interval))
        return form(cell.value) + spread, ends

    def is_text(self, column: int) -> bool:
        """Whether a column holds text, not numbers."""
        return any(isinstance(row[column], str) for row in self.rows)

    def texts(self) -> list[list[str]]:
        """All cells as text."""
        return [[self.text(i, cell) for i, cell in enumerate(row)] for row in self.rows]


def sort_value(cell: Cell) -> str | int | float | None:
    """The value that a cell is sorted by."""
    return cell.value if isinstance(cell, Measure) else cell
