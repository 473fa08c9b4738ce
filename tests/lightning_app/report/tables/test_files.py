"""Tables as Markdown, LaTeX and CSV."""

import csv
from pathlib import Path

from lightning_app.report.tables.estimates import Measure
from lightning_app.report.tables.files import write_table
from lightning_app.report.tables.table import Cell, Column, Origin, Table

WARNINGS = ["Trained 50_50.", "Tested in bf16."]
ORIGIN = Origin("phantom", "Data: synthetic phantom; 2 cases.", WARNINGS)
GROUPED = Table(
    "t", "Table 7: scores", [Column("name", "Name"), Column("kind", "Kind"),
                             Column("a_x", "x", group="A"), Column("a_y", "y", group="A"),
                             Column("b_x", "x", group="B")],
    [["one", "same", 1.0, Measure(2.0, None, (1.0, 3.0)), 3.0], ["two", "same", 4.0, None, 6.0]],
    [WARNINGS[1]], origin=ORIGIN, long=Table("t", "T", [Column("n", "N")], [["one"], ["two"]]),
)  # fmt: skip


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_table_as_files(tmp_path: Path) -> None:
    table = Table(
        "t", "A & B", [Column("name", "Name"), Column("score", "Score (%)")],
        [["a_b|<c>", Measure(71.234, 1.5, (60.0, 80.0))], ["[d]", None]], ["50 % of it"],
    )  # fmt: skip
    write_table(table, tmp_path)

    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["name", "score", "score_std", "score_low", "score_high"],
            ["a_b|<c>", "71.234", "1.5", "60.0", "80.0"],
            ["[d]", "", "", "", ""],
        ]
    markdown = (tmp_path / "t.md").read_text("utf-8").splitlines()
    assert markdown[0] == "# A &amp; B"
    assert markdown[4] == r"| a\_b\|&lt;c&gt; | 71.23 ± 1.50 \[60.00, 80.00\] |"
    latex = (tmp_path / "t.tex").read_text("utf-8").splitlines()
    start = latex.index(r"\begin{tabular}{lr}")
    assert latex[start + 2] == r"Name & Score (\%) \\"
    assert latex[start + 4] == r"a\_b|$<$c$>$ & 71.23 $\pm$ 1.50 [60.00, 80.00] \\"
    assert latex[start + 5] == r"{[d]} &  \\"
    assert r"\caption{A \& B}" in latex
    assert latex[-1] == "% 50 % of it"


def test_text_in_a_csv_file_is_no_formula_and_numbers_stay(tmp_path: Path) -> None:
    columns = [Column("name", "Name"), Column("score", "Score")]
    rows: list[list[Cell]] = [["=1+1", -0.5], ["-x", Measure(-0.25)], ["plain", "@x"]]
    write_table(Table("t", "T", columns, rows), tmp_path)

    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        _, *written = [row[:2] for row in csv.reader(file)]
    assert written == [["'=1+1", "-0.5"], ["'-x", "-0.25"], ["plain", "'@x"]]


def test_markdown_names_data_and_warnings_before_the_table_and_says_nothing_twice(
    tmp_path: Path,
) -> None:
    write_table(GROUPED, tmp_path)
    assert (tmp_path / "t.md").read_text("utf-8").splitlines() == [
        "# Table 7: scores",
        "",
        "Data: synthetic phantom; 2 cases. Kind: same.",
        "",
        r"**Warning:** Trained 50\_50.",
        "",
        "| Name | A x | A y | B x |",
        "| --- | --- | --- | --- |",
        r"| one | 1.00 | 2.00 \[1.00, 3.00\] | 3.00 |",
        "| two | 4.00 |  | 6.00 |",
        "",
        "- Tested in bf16.",
    ]


def test_latex_names_data_and_warnings_before_the_table_and_groups_columns(tmp_path: Path) -> None:
    write_table(GROUPED, tmp_path)
    latex = (tmp_path / "t.tex").read_text("utf-8").splitlines()

    begin = latex.index(r"\begin{table}")
    assert latex[1:begin] == [
        "% Data: synthetic phantom; 2 cases.", "% Kind: same.", "% Warning: Trained 50_50.",
    ]  # fmt: skip
    assert r"\caption{Scores. Data: synthetic phantom; 2 cases. Kind: same.}" in latex
    start = latex.index(r"\toprule")
    assert latex[start + 1 : start + 6] == [
        r" & \multicolumn{2}{c}{A} & \multicolumn{1}{c}{B} \\",
        r"\cmidrule(lr){2-3}",
        r"\cmidrule(lr){4-4}",
        r"Name & x & y & x \\",
        r"\midrule",
    ]
    assert latex[start + 6] == (
        r"one & 1.00 & \shortstack[r]{2.00\\\scriptsize {[1.00, 3.00]}} & 3.00 \\"
    )


def test_csv_has_the_long_form_with_data_and_all_warnings_in_every_row(tmp_path: Path) -> None:
    write_table(GROUPED, tmp_path)
    assert read(tmp_path / "t.csv") == [
        ["data", "n", "warnings"],
        ["phantom", "one", "Trained 50_50. Tested in bf16."],
        ["phantom", "two", "Trained 50_50. Tested in bf16."],
    ]


def test_a_footnote_is_printed_by_latex(tmp_path: Path) -> None:
    columns = [Column("name", "Name"), Column("remark", "Remark", remark_on="name")]
    write_table(Table("t", "T", columns, [["one", "lost & found"], ["two", ""]]), tmp_path)

    latex = (tmp_path / "t.tex").read_text("utf-8").splitlines()
    assert r"one\textsuperscript{1} \\" in latex
    assert r"\par\footnotesize \textsuperscript{1} lost \& found" in latex
