"""What distinguishes runs, in few words."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lightning_app.listing.listed_run import ListedRun
from lightning_app.listing.settings import settings_of
from lightning_app.runs.folder import Run

LR, LOSS = "optimizer.init_args.lr", "model.loss.class_path"


def listed(options: Mapping[str, str]) -> ListedRun:
    run = Run(Path("runs/unet_t2f/20260101-000000-aaaaaa"))
    return ListedRun(run, None, "finished", options, None, None, None, 0, ())


def words(*options: Mapping[str, str]) -> list[str]:
    runs = [listed(of_run) for of_run in options]
    return [settings_of(runs).unusual(run) for run in runs]


def test_a_run_shows_in_what_it_differs_from_most() -> None:
    usual = {LR: "0.001", "data.flip": "False"}
    assert words(usual, usual, {LR: "0.01", "data.flip": "True"}) == ["", "", "flip, lr 0.01"]


def test_without_a_majority_every_value_is_shown() -> None:
    assert words({LR: "0.001"}, {LR: "0.01"}) == ["lr 0.001", "lr 0.01"]


def test_an_option_that_a_run_does_not_have_is_no_difference() -> None:
    assert words({LR: "0.001"}, {LR: "0.001", "data.flip": "False"}, {}) == ["", "", ""]


def test_what_changes_no_result_is_no_difference() -> None:
    free = [{"data.num_workers": n, "data.cache_dir": n, "trainer.logger": n} for n in "01"]
    assert words(*free) == ["", ""]


def test_folds_are_listed_beside_runs_without_them() -> None:
    plain = {"data.folds": "None", "data.fold": "0"}
    folds = [{"data.folds": "5", "data.fold": str(number)} for number in (0, 1)]
    assert words({}, plain, plain, plain, *folds) == ["", "", "", "", "folds 5", "folds 5, fold 1"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({LOSS: "torch.nn.BCEWithLogitsLoss"}, "loss BCEWithLogitsLoss"),
        ({"seed_everything": "3"}, "seed 3"),
        ({"data.split_seed": "3"}, "split_seed 3"),
        ({"best_checkpoint.mode": "x", "other.mode": "y"}, "best_checkpoint.mode x, other.mode y"),
        ({"data.augmentations": 40 * "a"}, f"augmentations {25 * 'a'}…"),
    ],
)
def test_names_and_values_are_short(options: dict[str, str], expected: str) -> None:
    usual = dict.fromkeys(options, "1")
    assert words(usual, usual, options)[2] == expected


def test_the_values_that_most_runs_have_are_named_once() -> None:
    usual = {LR: "0.001", "data.flip": "False"}
    runs = [listed(options) for options in (usual, usual, {LR: "0.01", "data.flip": "True"})]
    assert settings_of(runs).most == "no flip, lr 0.001"
    assert settings_of(runs).of(runs[2]) == {"data.flip": "True", LR: "0.01"}
