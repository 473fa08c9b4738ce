"""What the tables say about several settings of a network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_app.report.load.cohorts import Cohort, cohorts
from lightning_app.report.load.runs import read_runs
from lightning_app.report.tables.caveats import page_warnings
from lightning_app.report.tables.comparison_table import comparison_tables
from lightning_app.report.tables.run_tables import network_table, run_table, table_2
from lightning_app.report.tables.score_tables import (
    all_scores,
    size_table,
    table_1,
)
from lightning_app.report.tables.table import Table
from lightning_app.report.tables.volume_table import volume_table
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun, rate, twelve_cases

CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8)}
# Common pixels of twelve cases with 40 true and 40 predicted ones.
HIGH = [38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27]
LOW = [20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9]


def cohort(root: Path, *runs: ToyRun) -> Cohort:
    for run in runs:
        run.write(root)
    (found,) = cohorts(read_runs(root)[0])
    return found


def column(made: Table, key: str) -> list[Any]:
    index = [column.key for column in made.columns].index(key)
    return [row[index] for row in made.rows]


def variants(root: Path) -> Cohort:
    """Two rates of a UNet, and an ASPP."""
    return cohort(
        root,
        ToyRun(CASES, settings=rate(0.001)),
        ToyRun(CASES, settings=rate(0.01), name="20260101-000000-bbbbbb"),
        ToyRun(CASES, network=ASPP, settings=rate(0.001)),
    )


@pytest.mark.parametrize(
    "make", [table_1, table_2, all_scores, volume_table, size_table, run_table]
)
def test_every_table_of_rows_has_a_column_of_settings(
    make: Callable[[Cohort], Table], tmp_path: Path
) -> None:
    table = make(variants(tmp_path))
    keys = [column.key for column in table.columns]
    network = keys.index("network")
    assert keys[network + 1] == "settings"
    assert {len(cells) for cells in table.rows} == {len(keys)}
    found = [(cells[network], cells[network + 1]) for cells in table.rows if cells[network + 1]]
    assert found == [
        ("UNet", "lr 0.001"), ("UNet", "lr 0.01"), ("Attention UNet + ASPP", "lr 0.001")
    ]  # fmt: skip


def test_without_settings_there_is_no_column_of_them(tmp_path: Path) -> None:
    group = cohort(tmp_path, ToyRun(CASES), ToyRun(CASES, network=ASPP))
    for make in (table_1, table_2, all_scores, volume_table, size_table, run_table, network_table):
        assert "settings" not in [column.key for column in make(group).columns]
        assert not any("Settings" in note for note in make(group).notes)


def test_the_table_of_networks_has_the_settings_that_change_their_size(tmp_path: Path) -> None:
    assert [cells[:2] for cells in network_table(variants(tmp_path / "rates")).rows] == [
        ("UNet", 1000), ("Attention UNet + ASPP", 1000)
    ]  # fmt: skip

    def wide(width: int) -> dict[str, Any]:
        return {"model": {"network": {"class_path": UNET, "init_args": {"widths": [width]}}}}

    group = cohort(
        tmp_path / "widths",
        ToyRun(CASES, settings=wide(8) | rate(0.001)),
        ToyRun(CASES, settings=wide(16) | rate(0.01), name="20260101-000000-bbbbbb"),
    )
    assert {cells[:3] for cells in network_table(group).rows} == {
        ("UNet", "widths [8]", 1000), ("UNet", "widths [16]", 1000)
    }  # fmt: skip


def test_hardware_that_differs_is_a_warning_and_settings_are_rows(tmp_path: Path) -> None:
    runs = [
        ToyRun(
            CASES,
            settings=rate(1 / n) | {"trainer": {"devices": n}},
            name=f"20260101-000000-{n:06}",
        )
        for n in range(1, 9)
    ]
    group = cohort(tmp_path, *runs)
    warnings = " ".join(page_warnings([group]))
    assert len(group.entries) == 8
    assert "trainer.devices is one of 8 values." in warnings
    assert "optimizer.init_args.lr" not in warnings


def test_two_settings_of_a_network_are_compared_and_named(tmp_path: Path) -> None:
    runs = [
        ToyRun(twelve_cases([both + by for both in common]), settings=rate(lr), seed=seed,
               name=f"2026010{seed + 1}-000000-{name}")
        for lr, common, name in ((0.001, HIGH, "aaaaaa"), (0.0005, LOW, "bbbbbb"))
        for seed, by in enumerate((0, 1, -1))
    ]  # fmt: skip
    made = comparison_tables(cohort(tmp_path, *runs))[0]

    assert column(made, "first") == ["UNet, lr 0.0005"]
    assert column(made, "second") == ["UNet, lr 0.001"]
    assert column(made, "verdict") == ["UNet with lr 0.001 is better at overlap"]
    assert "Settings are the options in which the runs differ." in made.notes


def test_the_weights_of_one_of_two_settings_are_named(tmp_path: Path) -> None:
    runs = [
        ToyRun(twelve_cases(HIGH), settings=rate(0.001)),
        ToyRun(twelve_cases(LOW), settings=rate(0.0005), name="20260101-000000-bbbbbb"),
    ]
    assert column(comparison_tables(cohort(tmp_path, *runs))[0], "verdict") == [
        "these weights of UNet with lr 0.001 are better at overlap"
    ]
