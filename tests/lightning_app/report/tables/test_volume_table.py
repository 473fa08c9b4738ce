"""The table of scores of volumes, and their comparisons."""

import json
from pathlib import Path

import pytest

from lightning_app.report.load.cohorts import Cohort, cohorts
from lightning_app.report.load.runs import read_runs
from lightning_app.report.tables.comparison_table import comparison_tables
from lightning_app.report.tables.estimates import Measure
from lightning_app.report.tables.table import Cell, Table
from lightning_app.report.tables.volume_table import volume_table
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun, twelve_cases

CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8), "C-000": (0, 4, 0)}


def cohort(root: Path, *runs: ToyRun) -> Cohort:
    for run in runs:
        run.write(root)
    (found,) = cohorts(read_runs(root)[0])
    return found


def row(table: Table, number: int) -> dict[str, Cell]:
    return dict(zip((column.key for column in table.columns), table.rows[number], strict=True))


def test_a_row_has_the_means_over_cases_and_how_many_cases_have_a_score(tmp_path: Path) -> None:
    table = volume_table(cohort(tmp_path, ToyRun(CASES)))
    cells = row(table, 0)

    dice, error = cells["dice"], cells["volume_error"]
    assert isinstance(dice, Measure)
    assert isinstance(error, Measure)
    assert dice.value == pytest.approx((10 / 30 + 1 + 0) / 3)
    assert error.value == pytest.approx((10 + 0 + 4) / 3 / 1000)
    assert (cells["sensitivity_n"], cells["hd95_both_n"]) == ("2", "2")
    assert "dice_n" not in cells
    hd95, both = cells["hd95"], cells["hd95_both"]
    assert isinstance(hd95, Measure)
    assert isinstance(both, Measure)
    assert (hd95.value or 0) * 3 == pytest.approx((both.value or 0) * 2 + 374)
    assert cells["lesion_dice"] == Measure(None)
    assert any("single slices in 2-D" in note for note in table.notes)


def test_seeds_that_have_a_score_in_different_numbers_of_cases(tmp_path: Path) -> None:
    finds_nothing = {**CASES, "A-000": (10, 0, 0)}
    runs = (ToyRun(CASES), ToyRun(finds_nothing, seed=1, name="20260101-000001-aaaaaa"))
    assert row(volume_table(cohort(tmp_path, *runs)), 0)["hd95_both_n"] == "1 to 2"


def test_a_test_of_an_earlier_version_gets_its_reason_and_no_comparison(tmp_path: Path) -> None:
    for network in (UNET, ASPP):
        run = ToyRun(CASES, network=network).write(tmp_path)
        content = json.loads(run.test().metrics.read_text("utf-8"))
        del content["volumes"]
        run.test().metrics.write_text(json.dumps(content), "utf-8")
        run.test().volumes.unlink()
    (found,) = cohorts(read_runs(tmp_path)[0])
    table = volume_table(found)

    assert row(table, 0)["dice"] == Measure(None)
    assert sum("was tested before this score existed" in note for note in table.notes) == 2
    assert not any("2-D" in note for note in table.notes)
    assert [made.name for made in comparison_tables(found)] == ["comparisons"]


def test_each_score_is_compared_and_corrected_by_itself(tmp_path: Path) -> None:
    good, bad = (twelve_cases([common] * 12) for common in (38, 20))
    group = cohort(tmp_path, ToyRun(good), ToyRun(bad, network=ASPP))
    _, table = comparison_tables(group)

    by_score = {str(cells[0]): row(table, number) for number, cells in enumerate(table.rows)}
    assert by_score.keys() == {"dice", "hd95", "nsd"}
    for name, cells in by_score.items():
        assert cells["holm_p"] == pytest.approx(2 / 2**12)
        # A patient whose tumour is missed, at 374 mm, could turn the mean distance around.
        better = f"these {group.entries[0].name} weights are better at {name}"
        not_shown = "no difference in hd95 shown: the interval includes 0"
        assert cells["verdict"] == (not_shown if name == "hd95" else better)
    assert group.entries[0].network == UNET
    assert sum("No tests of lesion_" in note for note in table.notes) == 2
