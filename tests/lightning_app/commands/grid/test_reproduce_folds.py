"""`reproduce` trains and tests every fold of a cross-validation."""

import shutil
from pathlib import Path

import pytest

from lightning_app.cli import main
from lightning_app.commands.grid.cells import cells
from lightning_app.runs.folder import find_runs
from lightning_app.runs.records import read_split
from lightning_app.runs.status import read_status
from lightning_app.utils.json_csv import write_json
from tests.conftest import Program
from tests.lightning_app.commands.grid.conftest import TWO, Calls, names, only_run


def test_each_fold_is_trained_and_tested_once(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    folds = ["reproduce", *TWO[:2], *TWO[4:], "--folds", "3"]
    assert main(folds) == 0
    assert names(calls) == 3 * ["fit", "test"] + ["report"]
    assert "[3/3] unet_t1c, seed 0, fold 2 of 3" in capsys.readouterr().out
    runs = find_runs(Path("runs"))
    assert {run.experiment for run in runs} == {f"unet_t1c_fold{number}" for number in range(3)}
    tested = [case for run in runs for case, _, side in read_split(run.split) if side == "test"]
    assert len(tested) == len(set(tested)) == 14

    calls.clear()
    assert main(folds) == 0
    assert names(calls) == ["report"]

    calls.clear()
    shutil.rmtree(next(run.path for run in runs if run.experiment == "unet_t1c_fold1"))
    assert main(folds) == 0
    assert names(calls) == ["fit", "test", "report"]


def test_an_interrupted_fold_is_resumed(calls: Calls) -> None:
    one = ["--config", "unet_t1c.yaml", "--config", "toy.yaml", "--data.folds", "3"]
    assert main(["fit", *one, "--data.fold", "1", "--trainer.max_epochs", "2"]) == 0
    by_hand = only_run()
    write_json(by_hand.status, {**read_status(by_hand), "status": "interrupted"})

    assert main(["reproduce", *TWO[:2], *TWO[4:], "--folds", "3", "--trainer.max_epochs", "2"]) == 0

    resumed = [call for call in calls if call[1:3] == ("--resume", str(by_hand.path))]
    assert len(resumed) == 1
    assert names(calls).count("fit") == 3
    assert len(find_runs(Path("runs"))) == 3


def test_seeds_and_folds_multiply_and_the_folds_of_an_experiment_follow_each_other() -> None:
    grid = cells(["unet_t1c", "aspp_t2f"], 2, [], 3)

    assert [str(cell) for cell in grid[:4]] == [
        "unet_t1c, seed 0, fold 0 of 3", "unet_t1c, seed 0, fold 1 of 3",
        "unet_t1c, seed 0, fold 2 of 3", "aspp_t2f, seed 0, fold 0 of 3",
    ]  # fmt: skip
    assert len(set(grid)) == 2 * 2 * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--folds", "2"], "--folds: 2, expected a whole number from 3 up"),
        (["--folds", "3", "--data.fold", "1"], "--data.fold follows from --folds"),
        (["--data.folds", "3"], "--data.folds follows from --folds"),
        (["--folds", "3", "--data.split_sizes", "[8,3,3]"], "expected only one of them"),
    ],
)
def test_bad_folds_are_refused(
    options: list[str], message: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["reproduce", *TWO, *options])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert message in capsys.readouterr().err
    assert find_runs(Path("runs")) == []
