"""The paper's recipe, written a second time: every experiment resolves to it."""

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from data_modules.catalog.splits import split_patients
from data_modules.phantom import case_ids
from lightning_app.commands.shared.data_cli import DataCLI
from lightning_app.runs.folder import find_runs
from tests.conftest import Program
from tests.helpers.resolved import resolved

WIDTHS = {"widths": [64, 128, 256, 512, 1024]}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "unet": ("models.UNet", WIDTHS),
    "attention_unet": ("models.AttentionUNet", WIDTHS),
    "spp": ("models.AttentionUNetSPP", {**WIDTHS, "sizes": [1, 2, 3, 6], "branch_width": None}),
    "aspp": (
        "models.AttentionUNetASPP",
        {**WIDTHS, "rates": [6, 12, 18], "blocks": 3, "branch_width": None},
    ),
}
MODALITIES = ("t1c", "t2f", "t2w")
RECIPE = {
    "seed_everything": 0,
    "trainer.max_epochs": 100,
    "trainer.max_steps": -1,
    "trainer.max_time": None,
    "trainer.precision": "32-true",
    "trainer.devices": 1,
    "trainer.accumulate_grad_batches": 1,
    "trainer.gradient_clip_val": None,
    "trainer.check_val_every_n_epoch": 1,
    "trainer.limit_train_batches": None,
    "trainer.limit_val_batches": None,
    "trainer.overfit_batches": 0.0,
    "model.target": "whole",
    "model.loss.class_path": "lightning_app.losses.DiceCrossEntropy",
    "model.loss.init_args": {
        "exclusive": False, "dice_weight": 1.0, "cross_entropy_weight": 1.0,
    },
    "model.lr_interval": "epoch",
    "optimizer.class_path": "torch.optim.Adam",
    "optimizer.init_args.lr": 0.001,
    "optimizer.init_args.betas": [0.9, 0.999],
    "optimizer.init_args.weight_decay": 0.0,
    "lr_scheduler.class_path": "lightning_app.schedules.CosineAnnealing",
    # null: one cycle over the whole training
    "lr_scheduler.init_args": {"T_0": None, "T_mult": 1, "eta_min": 0.0},
    "data.target": "whole",
    "data.slices": "middle",
    "data.eval_slices": None,
    "data.split_sizes": None,
    "data.split_seed": 0,
    "data.split_file": None,
    "data.folds": None,
    "data.fold": 0,
    "data.image_size": [240, 240],
    "data.batch_size": 32,
    "data.flip": False,
    "data.augmentations": [],
    "data.seed": 0,
    "best_checkpoint.monitor": "val/dice",
    "best_checkpoint.mode": "max",
    "weights": None,
}  # fmt: skip


def option(config: dict[str, Any], name: str) -> Any:
    value: Any = config
    for key in name.split("."):
        value = value[key]
    return value


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("network", NETWORKS)
def test_an_experiment_is_the_recipe_with_its_network_and_modality(
    network: str, modality: str
) -> None:
    config = resolved(f"--config={network}_{modality}.yaml")

    assert {name: option(config, name) for name in RECIPE} == RECIPE
    class_path, init_args = NETWORKS[network]
    assert config["model"]["network"] == {
        "class_path": class_path, "init_args": {"in_channels": 1, "out_channels": 1, **init_args},
    }  # fmt: skip
    assert config["data"]["modalities"] == [modality]


def test_the_split_of_1251_scans_is_1000_125_and_126_by_patient() -> None:
    config = resolved("--config=unet_t1c.yaml")["data"]
    patient_of = {str(case): str(case)[:-4] for case in case_ids(0, 1251)}
    split = split_patients(patient_of, config["split_sizes"], config["split_seed"])

    assert [len(split[name]) for name in ("train", "val", "test")] == [1000, 125, 126]
    patients = [{patient_of[case] for case in cases} for cases in split.values()]
    assert sum(map(len, patients)) == len(set().union(*patients)) == 1133


def test_the_images_are_middle_slices_with_z_scores_over_the_brain(
    toy_root: Path, tmp_path: Path
) -> None:
    flags = [f"--data.root={toy_root}", f"--data.cache_dir={tmp_path}", "--data.image_size=[40,40]"]
    data = DataCLI(["--config=unet_t2f.yaml", *flags], "prepare").datamodule
    data.prepare_data()
    data.setup("test")

    (batch,) = data.test_dataloader()
    dataset = data.datasets["test"]
    for image, case in zip(batch["image"], dataset.cases, strict=True):
        path = toy_root / case.id / f"{case.id}-t2f.nii.gz"
        volume = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(np.float64)
        brain = volume > 0
        expected = np.where(brain, (volume - volume[brain].mean()) / volume[brain].std(), 0)
        np.testing.assert_allclose(image[0], expected[len(volume) // 2], atol=2e-3)


def test_the_learning_rate_falls_in_one_cycle_over_the_whole_training(program: Program) -> None:
    assert program("fit", "--trainer.max_epochs=4") == 0
    (run,) = find_runs(Path("runs"))
    with run.metrics.open(newline="", encoding="utf-8") as file:
        rates = [float(row["lr"]) for row in csv.DictReader(file)]

    cosines = [math.cos(math.pi * epoch / 4) for epoch in range(4)]
    assert rates == pytest.approx([0.001 * (1 + cosine) / 2 for cosine in cosines])
