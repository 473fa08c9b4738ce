"""Ensembles and predictions on mirrored images in a report."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from lightning_app.cli import main
from lightning_app.report import write
from lightning_app.report.figures.figures import all_drawings
from lightning_app.report.load.cohorts import Cohort, cohorts
from lightning_app.report.load.folds import pool_folds
from lightning_app.report.load.paper_grid import paper_rows
from lightning_app.report.load.paper_values import NOTHING_PRINTED
from lightning_app.report.load.runs import read_external_tests, read_runs
from lightning_app.report.load.tested_run import TestedRun
from lightning_app.report.tables.caveats import page_warnings
from lightning_app.report.tables.run_tables import network_table, run_table, table_2
from lightning_app.runs.folder import Run
from tests.helpers.runs.external_tests import add_external_test
from tests.helpers.runs.toy_ensembles import write_ensemble
from tests.helpers.runs.toy_folds import FOLDS, write_folds
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun, twelve_cases

CASES = twelve_cases([20 + i % 5 for i in range(12)])
BETTER = twelve_cases([36 + i % 5 for i in range(12)])


def seeds(root: Path, number: int = 3, network: str = UNET) -> list[Run]:
    """Runs of a network that differ in the seed."""
    return [
        ToyRun(
            CASES, network=network, seed=seed, name=f"2026010{seed + 1}-000000-aaaaaa", training=10
        ).write(root)
        for seed in range(number)
    ]


def only_cohort(root: Path) -> Cohort:
    (cohort,) = cohorts(read_runs(root)[0])
    return cohort


def named(root: Path) -> dict[str, int]:
    """The number of runs of each row, by its name."""
    return {entry.name: len(entry.runs) for entry in only_cohort(root).entries}


def ensemble_of(root: Path) -> TestedRun:
    return next(run for run in read_runs(root)[0] if run.run.path.parent.name == "ensembles")


def test_ensembles_are_rows_of_their_own_beside_their_runs(tmp_path: Path) -> None:
    runs = seeds(tmp_path)
    write_ensemble(tmp_path, "unet", runs)
    write_ensemble(tmp_path, "unet-mirror", runs, is_mirrored=True)
    for run in runs[:2]:
        write_ensemble(tmp_path, f"{run.path.name}-x-mirror", [run], is_mirrored=True)

    assert named(tmp_path) == {
        "UNet": 3,
        "UNet, ensemble of 3": 1,
        "UNet, ensemble of 3, mirrored": 1,
        "UNet, mirrored": 2,  # two seeds
    }


def test_an_ensemble_is_named_so_even_if_nothing_else_is_reported(tmp_path: Path) -> None:
    runs = seeds(tmp_path, 2)
    write_ensemble(tmp_path, "unet", runs)
    for run in runs:
        shutil.rmtree(run.test().path)

    assert named(tmp_path) == {"UNet, ensemble of 2": 1}


def test_an_ensemble_of_different_networks_has_the_names_of_all(tmp_path: Path) -> None:
    runs = [*seeds(tmp_path, 1), *seeds(tmp_path, 1, ASPP)]
    write_ensemble(tmp_path, "both", runs)

    names = named(tmp_path)
    assert "UNet and Attention UNet + ASPP, ensemble of 2" in names
    assert {"UNet", "Attention UNet + ASPP"} <= names.keys()


def test_ensembles_of_other_seeds_are_other_rows(tmp_path: Path) -> None:
    runs = seeds(tmp_path)
    write_ensemble(tmp_path, "first", runs[:2])
    write_ensemble(tmp_path, "last", runs[1:])

    assert {
        "UNet, ensemble of 2, seeds 0, 1", "UNet, ensemble of 2, seeds 1, 2"
    } <= named(tmp_path).keys()  # fmt: skip


def test_its_scores_are_those_of_its_own_test_and_are_compared_with_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = seeds(tmp_path / "runs")
    better = ToyRun(BETTER).write(tmp_path / "other")
    write_ensemble(tmp_path / "runs", "unet", runs, of=better.test())
    monkeypatch.setattr(write, "all_drawings", lambda *_: [])

    assert main(["report", str(tmp_path / "runs")]) == 0

    text = (tmp_path / "runs/report/comparisons.csv").read_text("utf-8")
    row = next(row for row in csv.DictReader(text.splitlines()) if row["question"] == "overlap")
    assert (row["first"], row["second"]) == ("UNet", "UNet, ensemble of 3")
    expected = sum(sizes[2] - BETTER[case][2] for case, sizes in CASES.items()) / 40 / 12
    assert float(row["difference"]) == pytest.approx(expected)
    assert row["verdict"] == "these weights of UNet (ensemble of 3) are better at overlap"


def test_time_and_size_are_those_of_all_runs(tmp_path: Path) -> None:
    runs = seeds(tmp_path)
    write_ensemble(tmp_path, "unet-mirror", runs, is_mirrored=True)
    cohort = only_cohort(tmp_path)

    (sizes,) = [row for row in network_table(cohort).rows if row[1]]
    assert sizes[1:4] == ("ensemble of 3, mirrored", 3 * 1000, 3 * 2000 * 4)
    assert ensemble_of(tmp_path).training_time.seconds == 30
    assert any("of an ensemble is that of all its runs" in note for note in table_2(cohort).notes)


def test_the_table_of_runs_names_the_members(tmp_path: Path) -> None:
    first, second = seeds(tmp_path, 2)
    write_ensemble(tmp_path, "unet-mirror", [first, second], is_mirrored=True)

    names = [f"{run.experiment}/{run.path.name}" for run in (first, second)]
    expected = (
        f"ensembles/unet-mirror is the mean probability of {', '.join(names)} on each image and "
        "its three mirror images."
    )
    assert expected in run_table(only_cohort(tmp_path)).notes


def test_the_figures_of_the_paper_are_never_beside_an_ensemble(tmp_path: Path) -> None:
    runs = seeds(tmp_path, 2, ASPP)
    write_ensemble(tmp_path, "aspp", runs)
    for run in runs:
        shutil.rmtree(run.test().path)

    rows = [row for row in paper_rows(only_cohort(tmp_path)) if row.network == ASPP]
    assert [(row.name, row.printed != NOTHING_PRINTED) for row in rows] == [
        ("Attention UNet + ASPP, ensemble of 2", False),
        ("Attention UNet + ASPP (paper)", True),
    ]


def test_an_ensemble_that_was_tested_with_earlier_weights_is_out_of_date(tmp_path: Path) -> None:
    first, second = seeds(tmp_path, 2)
    write_ensemble(tmp_path, "unet", [first, second], epoch=0)  # epoch 2 is better

    warnings = [w for w in page_warnings([only_cohort(tmp_path)]) if "out of date" in w]
    assert len(warnings) == 2
    assert f"weights of epoch 1 of {first.experiment}/{first.path.name}, and its" in warnings[0]
    command = f"test --run {first.path} --run {second.path} --name unet updates them"
    assert command in warnings[0]


def test_one_ensemble_does_not_make_the_seeds_of_a_table_few(tmp_path: Path) -> None:
    write_ensemble(tmp_path, "unet", seeds(tmp_path))
    assert not [w for w in page_warnings([only_cohort(tmp_path)]) if "seed" in w]


def test_joining_is_no_option_of_a_training_that_differs(tmp_path: Path) -> None:
    write_ensemble(tmp_path, "unet", seeds(tmp_path))
    assert not [w for w in page_warnings([only_cohort(tmp_path)]) if "same options" in w]


def test_an_ensemble_whose_run_is_gone_or_not_finished_is_left_out(tmp_path: Path) -> None:
    first, second = seeds(tmp_path, 2)
    write_ensemble(tmp_path, "unet", [first, second])
    second.status.write_text('{"status": "interrupted"}', "utf-8")
    reasons = {left.name: left.reason for left in read_runs(tmp_path)[1]}
    name = f"{second.experiment}/{second.path.name}"
    assert reasons["ensembles/unet"] == (
        f"its member {name} is not finished: its status is interrupted"
    )

    shutil.rmtree(second.path)
    (left,) = read_runs(tmp_path)[1]
    assert (left.name, left.reason) == (
        "ensembles/unet", f"cannot be read: metrics.json: its member {name} is not there any more"
    )  # fmt: skip


@pytest.mark.parametrize("members", [[], {}, [3], [{"path": "a/b"}]])
def test_damaged_members_leave_out_that_ensemble_only(members: object, tmp_path: Path) -> None:
    ensemble = write_ensemble(tmp_path, "unet", seeds(tmp_path, 2))
    content = json.loads(ensemble.test().metrics.read_text("utf-8"))
    ensemble.test().metrics.write_text(json.dumps({**content, "members": members}), "utf-8")

    used, (left,) = read_runs(tmp_path)
    assert len(used) == 2
    assert left.name == "ensembles/unet"
    assert left.reason.startswith("cannot be read: metrics.json: ")


def test_a_test_on_other_data_only_is_in_the_section_of_other_data(tmp_path: Path) -> None:
    runs = seeds(tmp_path, 2)
    other = add_external_test(runs[0], CASES)
    write_ensemble(tmp_path, "unet", runs, folder="test-other-split", of=other)

    used, left_out = read_runs(tmp_path)
    assert (len(used), left_out) == (2, [])
    external, _ = read_external_tests(tmp_path)
    assert [test.name for test in external][1:] == ["ensembles/unet"]


def test_an_ensemble_or_their_folder_can_be_named(tmp_path: Path) -> None:
    ensemble = write_ensemble(tmp_path, "unet", seeds(tmp_path, 2))

    for path in (ensemble.path, ensemble.path.parent):
        (run,), left_out = read_runs(path)
        assert (run.name, left_out) == ("ensembles/unet", [])
    used, _ = read_runs(ensemble.path, tmp_path)
    assert [run.name for run in used].count("ensembles/unet") == 1


def test_only_runs_have_a_line_in_the_figure_of_the_training(tmp_path: Path) -> None:
    runs = seeds(tmp_path, 2)
    write_ensemble(tmp_path, "unet", runs)
    drawings = {drawing.name: drawing for drawing in all_drawings(only_cohort(tmp_path), [])}
    (legend,) = drawings["training"].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["UNet"]

    for run in runs:
        shutil.rmtree(run.test().path)
    names = [drawing.name for drawing in all_drawings(only_cohort(tmp_path), [])]
    assert "training" not in names
    assert "tumour_size" in names


def test_mirrored_tests_of_all_folds_are_pooled_into_a_row(tmp_path: Path) -> None:
    for run in write_folds(tmp_path, CASES):
        write_ensemble(tmp_path, f"{run.path.name}-x-mirror", [run], is_mirrored=True)

    runs, left_out = pool_folds(read_runs(tmp_path)[0])
    (cohort,) = cohorts(runs)

    assert [(e.name, len(e.trainings)) for e in cohort.entries] == [
        ("UNet", FOLDS), ("UNet, mirrored", FOLDS)
    ]  # fmt: skip
    assert (left_out, cohort.folds) == ([], FOLDS)
    assert {tuple(run.table.cases) for run in cohort.runs} == {tuple(sorted(CASES))}
    fold = [column.title for column in run_table(cohort).columns].index("Fold")
    assert [row[fold] for row in run_table(cohort).rows] == [0, 1, 2, 0, 1, 2]
    notes = [note for note in run_table(cohort).notes if "three mirror images" in note]
    assert len(notes) == FOLDS


def test_mirrored_tests_of_some_folds_are_left_out_with_the_reason(tmp_path: Path) -> None:
    first, *_ = write_folds(tmp_path, CASES)
    write_ensemble(tmp_path, "fold0-mirror", [first], is_mirrored=True)

    (run,), (left,) = pool_folds(read_runs(tmp_path)[0])

    assert len(run.folds) == FOLDS
    assert (left.name, left.reason) == (
        "ensembles/fold0-mirror",
        "fold 0 of 3: a row needs all folds, and folds 1, 2 have no finished and tested run",
    )


def test_an_ensemble_of_folds_is_no_fold(tmp_path: Path) -> None:
    folds = write_folds(tmp_path, CASES)
    write_ensemble(tmp_path, "unet", folds)

    runs, left_out = pool_folds(read_runs(tmp_path)[0])

    assert left_out == []
    assert {run.name: (run.fold, len(run.folds)) for run in runs} == {
        "ensembles/unet": (None, 0),
        f"{folds[0].experiment}/{folds[0].path.name}": (None, FOLDS),
    }
    assert len(cohorts(runs)) == 2  # it was tested on the patients of the first fold only


def test_a_test_on_other_data_says_what_all_members_were_trained_on(tmp_path: Path) -> None:
    folds = write_folds(tmp_path, CASES)
    other = add_external_test(folds[0], CASES)
    write_ensemble(tmp_path, "unet", folds, folder="test-other-split", of=other)

    (test,) = [t for t in read_external_tests(tmp_path)[0] if t.is_ensemble]

    assert test.options["training on"] == (
        "phantom (split fold-0, fold 0) and phantom (split fold-1, fold 1) and "
        "phantom (split fold-2, fold 2)"
    )
