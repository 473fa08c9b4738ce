"""A table, and the three formats it is written in."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from callbacks.utils.atomic_write import atomic_write
from lightning_app.report.tables.estimates import Measure
from lightning_app.utils.json_csv import write_csv
from lightning_app.utils.text import csv_text

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
    """

    key: str
    title: str
    form: Callable[[float], str] = two_digits


@dataclass(frozen=True)
class Table:
    """Rows of cells, with notes.

    Attributes:
        name: of its files.
        title: above the table.
        columns: one for each cell of a row.
        rows: the cells; None is an empty cell.
        notes: what a reader must know, below the table.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = field(default=())

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


def write_table(table: Table, folder: Path) -> None:
    """Write a table as Markdown, CSV and LaTeX."""
    for ending, text in ((".md", _markdown(table)), (".tex", _latex(table))):
        with atomic_write(folder / f"{table.name}{ending}") as temporary:
            temporary.write_text(text, encoding="utf-8")
    header, rows = _numeric(table)
    write_csv(folder / f"{table.name}.csv", header, rows)


def _markdown(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(_for_markdown(cell) for cell in cells)} |"

    lines = [f"# {_for_markdown(table.title)}", "", line([c.title for c in table.columns])]
    lines += [line(["---"] * len(table.columns)), *map(line, table.texts()), ""]
    lines += [f"- {_for_markdown(note)}" for note in table.notes]
    return "\n".join(lines).rstrip() + "\n"


def _latex(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return " & ".join(_for_latex(cell) for cell in cells) + r" \\"

    alignment = "".join("l" if table.is_text(i) else "r" for i in range(len(table.columns)))
    lines = [
        "% needs \\usepackage{booktabs}",
        rf"\begin{{tabular}}{{{alignment}}}",
        r"\toprule",
        line([column.title for column in table.columns]),
        r"\midrule",
        *map(line, table.texts()),
        r"\bottomrule",
        r"\end{tabular}",
        *(f"% {' '.join(note.split())}" for note in table.notes),
    ]
    return "\n".join(lines) + "\n"


def _numeric(table: Table) -> tuple[list[str], list[list[object]]]:
    """Header and rows with a column for each number: mean, deviation and ends of the interval."""
    measured = [
        any(isinstance(row[i], Measure) for row in table.rows) for i in range(len(table.columns))
    ]
    header = []
    for column, is_measure in zip(table.columns, measured, strict=True):
        endings = ("", "_std", "_low", "_high") if is_measure else ("",)
        header += [column.key + ending for ending in endings]
    rows = []
    for cells in table.rows:
        row: list[object] = []
        for cell, is_measure in zip(cells, measured, strict=True):
            row += _numbers(cell) if is_measure else [_csv_cell(cell)]
        rows.append(row)
    return header, rows


def _csv_cell(cell: Cell) -> Cell:
    return csv_text(cell) if isinstance(cell, str) else cell


def _numbers(cell: Cell) -> list[object]:
    if not isinstance(cell, Measure):
        return [_csv_cell(cell), None, None, None]
    return [cell.value, cell.std, *(cell.interval or (None, None))]


def _for_markdown(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(re.sub(r"([|\\`*_\[\]])", r"\\\1", escaped).split())


_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "<": "$<$", ">": "$>$",
} | {sign: f"\\{sign}" for sign in "&%$#_{}"}  # fmt: skip


def _for_latex(text: str) -> str:
    escaped = "".join(_LATEX.get(sign, sign) for sign in text)
    return f"{{{escaped}}}" if escaped.startswith("[") else escaped  # \\[ would be an option
