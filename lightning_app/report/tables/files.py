"""A table as Markdown, CSV and LaTeX."""

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from callbacks.utils.atomic_write import atomic_write
from lightning_app.report.tables.display import for_readers
from lightning_app.report.tables.estimates import Measure
from lightning_app.report.tables.table import Cell, Table
from lightning_app.utils.json_csv import write_csv
from lightning_app.utils.text import csv_text

_PRINTED_NUMBER = re.compile(r"^Table \d+: ")  # LaTeX numbers tables itself


def write_table(table: Table, folder: Path, section: str = "") -> None:
    """Write a table as Markdown, CSV and LaTeX; all three name its data and its warnings.

    Args:
        table: the table.
        folder: of the files.
        section: of the report, for the label of the LaTeX table; empty for the first.
    """
    shown = for_readers(table)
    label = "-".join(filter(None, (section, table.name)))
    for ending, text in ((".md", _markdown(shown)), (".tex", _latex(shown, label))):
        with atomic_write(folder / f"{table.name}{ending}") as temporary:
            temporary.write_text(text, encoding="utf-8")
    header, rows = _with_origin(table, *_numeric(table.long or table))
    write_csv(folder / f"{table.name}.csv", header, rows)


def _warnings(table: Table) -> list[str]:
    """The warnings that are not among its notes."""
    warnings = table.origin.warnings if table.origin else ()
    return [warning for warning in warnings if warning not in table.notes]


def _markdown(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(_for_markdown(cell) for cell in cells)} |"

    lines = [f"# {_for_markdown(table.title)}", ""]
    if table.caption:
        lines += [_for_markdown(" ".join(table.caption)), ""]
    for warning in _warnings(table):
        lines += [f"**Warning:** {_for_markdown(warning)}", ""]
    lines += [line([column.full_title for column in table.columns])]
    lines += [line(["---"] * len(table.columns)), *map(line, table.texts()), ""]
    lines += [f"- {_for_markdown(note)}" for note in (*table.footnotes, *table.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _latex(table: Table, label: str) -> str:
    title = _PRINTED_NUMBER.sub("", table.title)
    caption = ". ".join(filter(None, (title[0].upper() + title[1:], " ".join(table.caption))))
    alignment = "".join("l" if table.is_text(i) else "r" for i in range(len(table.columns)))
    lines = [
        "% needs \\usepackage{booktabs,graphicx}",
        *(f"% {_in_one_line(words)}" for words in table.caption),
        *(f"% Warning: {_in_one_line(warning)}" for warning in _warnings(table)),
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_for_latex(caption)}}}",
        rf"\label{{tab:{label}}}",
        r"\par\smallskip",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{alignment}}}",
        r"\toprule",
        *_latex_head(table),
        r"\midrule",
        *(_latex_line(_latex_cells(table, row)) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}}",
        *(rf"\par\footnotesize {_for_latex(note)}" for note in table.footnotes),
        r"\end{table}",
        *(f"% {_in_one_line(note)}" for note in table.notes),
    ]
    return "\n".join(lines) + "\n"


def _latex_head(table: Table) -> list[str]:
    titles = _latex_line([_for_latex(column.title) for column in table.columns])
    if not any(column.group for column in table.columns):
        return [titles]
    cells, rules, first = [], [], 1
    for group, columns in groupby(column.group for column in table.columns):
        number = len(list(columns))
        if group:
            cells.append(rf"\multicolumn{{{number}}}{{c}}{{{_for_latex(group)}}}")
            rules.append(rf"\cmidrule(lr){{{first}-{first + number - 1}}}")
        else:
            cells += [""] * number
        first += number
    return [_latex_line(cells), *rules, titles]


def _latex_cells(table: Table, row: Sequence[Cell]) -> list[str]:
    """Cells; in a table whose columns are grouped, which is wide, intervals stand below values."""
    is_wide = any(column.group for column in table.columns)
    cells = []
    for index, cell in enumerate(row):
        value, interval = map(_for_latex, table.cell_text(index, cell))
        if interval and is_wide:
            cells.append(rf"\shortstack[r]{{{value}\\\scriptsize {interval}}}")
        else:
            cells.append(_for_latex(table.text(index, cell)))
    return cells


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _with_origin(
    table: Table, header: list[str], rows: list[list[object]]
) -> tuple[list[str], list[list[object]]]:
    """Header and rows with the kind of the data first, and the warnings last."""
    if table.origin is None:
        return header, rows
    kind, warnings = table.origin.kind, " ".join(table.origin.warnings)
    return ["data", *header, "warnings"], [[kind, *row, warnings] for row in rows]


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


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _for_markdown(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _in_one_line(re.sub(r"([|\\`*_\[\]])", r"\\\1", escaped))


_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "<": "$<$", ">": "$>$",
} | {sign: f"\\{sign}" for sign in "&%$#_{}"} | {
    mark: rf"\textsuperscript{{{digit}}}" for digit, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")
}  # fmt: skip


def _for_latex(text: str) -> str:
    escaped = "".join(_LATEX.get(sign, sign) for sign in _in_one_line(text))
    return f"{{{escaped}}}" if escaped.startswith("[") else escaped  # \\[ would be an option
