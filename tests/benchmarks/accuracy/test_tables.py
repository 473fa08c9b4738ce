from pathlib import Path

import pytest

from benchmarks.accuracy.plan import INGREDIENT_FOLDS, SEEDS, trainings
from benchmarks.accuracy.settings import INGREDIENTS, MONAI, PAPER, REAL, TRAINED
from benchmarks.accuracy.tables import pooled, rows
from benchmarks.accuracy.training import FOLDS, Outcome, Point, Training, write_outcome

PATIENTS = 4  # of a fold


def _write(folder: Path, setting: str, dice: float, fold: int, seed: int = 0) -> None:
    training = Training(folder, setting, fold, seed, 5.0)
    cases = {
        f"patient-{fold}-{index}": {
            "dice": dice - 0.01 * index - 0.001 * fold,
            "lesion_dice": dice / 2 if index else None,  # without a tumour there is none
            "lesions_invented": float(index),
        }
        for index in range(PATIENTS)
    }
    outcome = Outcome(3, [20.0, 19.0, 19.0], [Point(3, 0.97, dice)], cases)
    write_outcome(folder / f"{training.name}.json", training, outcome)


def _write_folds(folder: Path, setting: str, dice: float, seed: int = 0) -> None:
    for fold in range(FOLDS):
        _write(folder, setting, dice, fold, seed)


def test_every_patient_of_all_folds_counts_once(tmp_path: Path) -> None:
    _write_folds(tmp_path, PAPER, 0.8)

    outcome = pooled(tmp_path, PAPER, FOLDS)

    assert outcome is not None
    assert len(outcome.cases) == FOLDS * PATIENTS
    assert outcome.value == pytest.approx(0.8 - 0.015 - 0.002)


def test_a_setting_without_all_folds_has_no_row(tmp_path: Path) -> None:
    for fold in range(FOLDS - 1):
        _write(tmp_path, PAPER, 0.8, fold)

    assert pooled(tmp_path, PAPER, FOLDS) is None
    texts = {row.result for row in rows(tmp_path)}
    assert texts == {
        f"not measured: {number} of {FOLDS} folds trained" for number in (0, FOLDS - 1)
    }


def test_seeds_are_averaged(tmp_path: Path) -> None:
    _write_folds(tmp_path, PAPER, 0.8)
    _write_folds(tmp_path, PAPER, 0.7, seed=1)

    outcome = pooled(tmp_path, PAPER, FOLDS, seeds=range(2))

    assert outcome is not None
    assert outcome.value == pytest.approx(0.75 - 0.015 - 0.002)


def test_a_setting_has_its_lesion_wise_scores_beside_its_dice(tmp_path: Path) -> None:
    _write_folds(tmp_path, PAPER, 0.8)

    (paper,) = (row for row in rows(tmp_path) if "Dice, recipe of the paper" in row.measurement)

    assert paper.conditions == (
        "20 patients, 3 epochs, 1.0 minutes of CPU; lesion-wise Dice 0.400, "
        "1.5 invented lesions a patient"
    )


def test_goals_are_reached_only_by_a_shown_difference(tmp_path: Path) -> None:
    for setting, dice in ((PAPER, 0.7), (REAL, 0.8), (MONAI, 0.8)):
        _write_folds(tmp_path, setting, dice)

    by_measurement = {row.measurement: row for row in rows(tmp_path)}

    (paper,) = (row for name, row in by_measurement.items() if "- recipe of the paper" in name)
    (monai,) = (row for name, row in by_measurement.items() if "- MONAI" in name)
    assert (paper.reached, monai.reached) == (True, False)
    assert paper.result.startswith("+0.100 [")
    assert paper.conditions.startswith("20 patients")


def test_tune_is_compared_with_the_same_networks_without_it(tmp_path: Path) -> None:
    _write_folds(tmp_path, REAL, 0.4)
    _write_folds(tmp_path, "real_tuned", 0.9)

    (tuned,) = (row for row in rows(tmp_path) if "after tune" in row.measurement)

    assert (tuned.result, tuned.reached) == ("2.25 times", True)
    assert "lesion-wise Dice 0.200 before and 0.450 after" in tuned.conditions


def test_tune_is_compared_over_the_seeds_that_are_tuned(tmp_path: Path) -> None:
    for seed, dice in enumerate((0.8, 0.4, 0.2)):
        _write_folds(tmp_path, REAL, dice, seed)
    for seed in (1, 2):
        _write_folds(tmp_path, "real_tuned", 0.9, seed)

    (tuned,) = (row for row in rows(tmp_path) if "after tune" in row.measurement)

    assert "lesion-wise Dice 0.150 before and 0.450 after" in tuned.conditions
    assert tuned.conditions.endswith("seeds: 1, 2")


def test_settings_on_other_patients_are_not_compared(tmp_path: Path) -> None:
    _write_folds(tmp_path, REAL, 0.8)
    _write_folds(tmp_path, PAPER, 0.7)
    path = tmp_path / f"{PAPER}-fold0-seed0.json"
    path.write_text(path.read_text("utf-8").replace("patient-0-0", "somebody-else"), "utf-8")

    with pytest.raises(ValueError, match="different patients"):
        rows(tmp_path)


def test_the_plan_has_each_training_once() -> None:
    few, many = (list(trainings(Path(name), 5.0)) for name in ("glioma", "lgg"))

    assert len({training.name for training in few}) == len(few) == 5 * FOLDS + INGREDIENT_FOLDS
    assert len({training.name for training in many}) == len(many)
    ingredients = (len(INGREDIENTS) - 1) * INGREDIENT_FOLDS
    assert len(many) == 5 * FOLDS + ingredients + 2 * (SEEDS - 1) * FOLDS
    trained = {training.setting for training in (*few, *many)}
    assert trained == TRAINED.keys()
