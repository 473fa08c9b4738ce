"""The methods paragraph: what the records hold, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from lightning_app.report.html.methods import methods
from lightning_app.report.load.cohorts import cohorts
from lightning_app.report.load.runs import read_runs
from tests.helpers.runs.toy_runs import ATTENTION, UNET, ToyRun, twelve_cases

FEW = {"A-000": (10, 20, 5), "B-000": (8, 8, 8)}
RECIPE: dict[str, Any] = {
    "model": {
        "network": {"class_path": UNET},
        "loss": {"class_path": "lightning_app.losses.DiceCrossEntropy"},
    },
    "data": {
        "modalities": ["t2f"], "batch_size": 16, "image_size": [192, 160], "flip": True,
        "augmentation": "light", "augmentations": [],
    },
    "optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.002}},
    "lr_scheduler": {"class_path": "lightning_app.schedules.CosineAnnealing"},
    "trainer": {"max_epochs": 9, "precision": "bf16-mixed"},
    "best_checkpoint": {"monitor": "val/dice", "mode": "max"},
}  # fmt: skip


def of(root: Path, *runs: ToyRun) -> str:
    for number, run in enumerate(runs):
        run.name = f"20260101-000000-{number:06}"
        run.write(root)
    (group,) = cohorts(read_runs(root)[0])
    return methods(group)


def test_options_of_the_training_are_those_of_the_runs(tmp_path: Path) -> None:
    text = of(tmp_path, ToyRun(FEW, settings=RECIPE))
    assert (
        "Networks were trained for at most 9 epochs in batches of 16 slices on images cropped or "
        "padded to [192, 160] pixels (height, width). Training: loss DiceCrossEntropy, optimizer "
        "Adam, learning rate 0.002, schedule CosineAnnealing, precision bf16-mixed, light "
        "augmentation, random left-right flips, seed 0. The weights of the epoch with the "
        "highest val/dice were tested."
    ) in text


def test_what_no_run_recorded_is_left_out(tmp_path: Path) -> None:
    text = of(tmp_path, ToyRun(FEW))
    assert "for at most 3 epochs. Training: seed 0. Scores:" in text
    for word in ("batches", "loss", "flips", "weights of the epoch", "Tests were", "torch", "None"):
        assert word not in text, word


def test_augmentation_that_is_off_in_some_runs_is_said(tmp_path: Path) -> None:
    for number, augmentation in enumerate(("strong", "none")):
        data = {"modalities": ["t2f"], "augmentation": augmentation}
        name = f"20260101-000000-00000{number}"
        ToyRun(twelve_cases([30] * 12), settings={"data": data}, name=name).write(tmp_path)
    (group,) = cohorts(read_runs(tmp_path)[0])
    assert "no or strong augmentation" in methods(group)


def test_augmentation_that_is_off_is_left_out(tmp_path: Path) -> None:
    data = {"modalities": ["t2f"], "flip": False, "augmentation": "none", "augmentations": []}
    text = of(tmp_path, ToyRun(FEW, settings={"data": data}))
    assert "augmentation" not in text
    assert "flips" not in text


def test_data_and_split_are_those_of_the_records(tmp_path: Path) -> None:
    text = of(tmp_path, ToyRun(FEW), ToyRun(FEW, modality="t1c"))
    assert text.startswith(
        "All images are of a synthetic phantom, not of patients. The images are T1c and FLAIR; "
        "the target is whole. The split has 1 case for training, 0 cases for validation and 2 "
        "cases for test (fingerprint split-a). Trained slices: middle; tested slices: middle, "
        "2 cases of 2 patients, 2 slices. No tested patient was used to train a network"
    )
    assert "phantom" not in of(tmp_path / "real", ToyRun(FEW, data={"kind": "files"}))


def test_options_that_differ_have_all_their_values(tmp_path: Path) -> None:
    longer = {"trainer": {"max_epochs": 5}, "model": {"network": {"class_path": ATTENTION}}}
    weighted = {"optimizer": {"class_path": "torch.optim.Adam", "init_args": {"eps": 0.1}}}
    other = {"optimizer": {"class_path": "torch.optim.Adam", "init_args": {"eps": 0.2}}}
    text = of(
        tmp_path,
        ToyRun(FEW, settings=weighted),
        ToyRun(FEW, network=ATTENTION, settings=longer | other, seed=4),
    )
    assert "for at most 3 or 5 epochs" in text
    assert "seed 0 or 4" in text
    assert "Trainings also differ in optimizer.init_args.eps (0.1 or 0.2)." in text


@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_and_tests_are_described_if_there_are_any(seeds: int, tmp_path: Path) -> None:
    few = of(tmp_path / "few", ToyRun(FEW), ToyRun(FEW, network=ATTENTION))
    assert "No intervals are given: they need at least 10 patients." in few
    assert "Wilcoxon" not in few

    cases = twelve_cases(range(20, 32))
    others = twelve_cases([*range(18, 29), 35])
    runs = [
        ToyRun(table, network=network, seed=seed)
        for seed in range(seeds)
        for network, table in ((UNET, cases), (ATTENTION, others))
    ]
    many = of(tmp_path / "many", *runs)
    assert "Intervals are 95 % intervals over patients" in many
    assert "half a patient with the worst and half a patient with the best possible value" in many
    assert "(HD95: 374 and 0 mm)" in many
    assert "Wilcoxon's signed-rank test (two-sided)" in many
    assert ("a t test over patients and seeds" in many) == (seeds == 3)
    assert "Wilcoxon" not in of(tmp_path / "single", ToyRun(cases))


@pytest.mark.parametrize(
    ("others", "subject"),
    [
        ([{"network": ATTENTION}], "Networks"),
        ([{"modality": "t1c"}], "Modalities"),
        ([{"network": ATTENTION}, {"modality": "t1c"}], "Networks and modalities"),
    ],
)
def test_what_was_compared_is_said(
    others: list[dict[str, Any]], subject: str, tmp_path: Path
) -> None:
    cases = twelve_cases(range(20, 32))
    text = of(tmp_path, ToyRun(cases), *(ToyRun(cases, **other) for other in others))
    assert f" {subject} were compared in pairs" in text
