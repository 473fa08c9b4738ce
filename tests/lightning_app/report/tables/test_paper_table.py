"""Table 1 in the layout of the paper."""

from pathlib import Path

import pytest

from lightning_app.report.load.cohorts import Cohort, cohorts
from lightning_app.report.load.runs import read_runs
from lightning_app.report.tables.estimates import Measure
from lightning_app.report.tables.paper_table import paper_table
from lightning_app.report.tables.score_tables import table_1
from lightning_app.report.tables.table import Cell, Table
from tests.helpers.runs.toy_runs import ASPP, ATTENTION, UNET, ToyRun, rate

CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8)}
OTHERS = {"A-000": (10, 10, 9), "B-000": (8, 8, 8)}


def cohort(root: Path, *runs: ToyRun) -> Cohort:
    for number, run in enumerate(runs):
        run.name = f"20260101-000000-{number:06}"
        run.write(root)
    (found,) = cohorts(read_runs(root)[0])
    return found


def cells(table: Table, name: str) -> dict[str, Cell]:
    (row,) = (row for row in table.rows if row[1] == name)
    return {column.key: cell for column, cell in zip(table.columns, row, strict=True)}


def percent(cell: Cell) -> float:
    assert isinstance(cell, Measure)
    assert cell.value is not None
    return cell.value


def test_networks_are_rows_and_modalities_columns(tmp_path: Path) -> None:
    table = paper_table(
        cohort(tmp_path, ToyRun(CASES, modality="t2f"), ToyRun(OTHERS, modality="t1c"))
    )

    groups = [column.group for column in table.columns]
    assert groups == ["", "", "", *["T1c"] * 4, *["FLAIR"] * 4]
    assert [c.title for c in table.columns][3:7] == ["DSC", "mIoU", "mIoU, empty as 0", "Acc"]
    unet = cells(table, "UNet")
    assert percent(unet["t2f_dsc"]) == pytest.approx(100 * 2 * 13 / (18 + 28))
    assert percent(unet["t1c_dsc"]) == pytest.approx(100 * 2 * 17 / (18 + 18))
    assert percent(unet["t1c_accuracy"]) == pytest.approx(100 * (512 - 2) / 512)
    nothing = cells(table, "(predicting nothing)")
    assert nothing["t1c_accuracy"] == nothing["t2f_accuracy"] == pytest.approx(100 * 494 / 512)
    assert nothing["t1c_dsc"] is None


def test_the_papers_figures_are_rows_of_their_own_if_it_prints_any(tmp_path: Path) -> None:
    table = paper_table(cohort(tmp_path, ToyRun(CASES, network=ATTENTION)))

    assert [row[1] for row in table.rows] == [
        "Attention UNet", "Attention UNet (paper)", "Attention UNet + ASPP (paper)",
        "(predicting nothing)",
    ]  # fmt: skip
    paper = cells(table, "Attention UNet (paper)")
    assert (paper["t2f_dsc"], paper["t2f_miou"], paper["t2f_accuracy"]) == (78.30, 44.31, 99.15)
    assert (paper["t2f_miou_empty0"], paper["seeds"]) == (None, None)
    assert "'(paper)'" in table.notes[-1]


def test_there_is_no_row_of_the_paper_for_what_it_did_not_do(tmp_path: Path) -> None:
    table = paper_table(cohort(tmp_path, ToyRun(CASES, modality="t1n")))
    assert [row[1] for row in table.rows] == ["UNet", "(predicting nothing)"]
    assert not any("(paper)" in note for note in table.notes)


def test_settings_have_a_row_each_over_all_modalities_before_the_paper(tmp_path: Path) -> None:
    table = paper_table(
        cohort(
            tmp_path,
            ToyRun(CASES, network=ASPP, settings=rate(0.01)),
            ToyRun(OTHERS, network=ASPP, settings=rate(0.001)),
            ToyRun(CASES, network=ASPP, modality="t2w", settings=rate(0.01)),
        )
    )

    rows = [row[:3] for row in table.rows]
    name = "Attention UNet + ASPP"
    assert rows[-4:-1] == [
        ["whole", name, "lr 0.001"], ["whole", name, "lr 0.01"], ["whole", f"{name} (paper)", ""],
    ]  # fmt: skip
    slow, fast = ([cell is None for cell in row[4:]] for row in table.rows[-4:-2])
    assert slow == [False] * 4 + [True] * 4
    assert not any(fast)


def test_different_numbers_of_seeds_are_a_range(tmp_path: Path) -> None:
    seeds = [ToyRun(CASES, seed=seed) for seed in range(3)]
    table = paper_table(cohort(tmp_path, *seeds, ToyRun(CASES, modality="t2w")))
    assert cells(table, "UNet")["seeds"] == "1 to 3"
    table = paper_table(cohort(tmp_path / "same", ToyRun(CASES), ToyRun(CASES, network=ATTENTION)))
    assert cells(table, "UNet")["seeds"] == 1


def test_the_csv_file_keeps_the_long_form(tmp_path: Path) -> None:
    group = cohort(tmp_path, ToyRun(CASES, network=UNET))
    long, expected = paper_table(group).long, table_1(group)
    assert long is not None
    assert long.rows == expected.rows
    assert [column.key for column in long.columns] == [column.key for column in expected.columns]
