"""Task and data with a Trainer that knows nothing of the command line."""

import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer, seed_everything

import lightning_app
from lightning_app import BraTSDataModule, SegmentationTask
from lightning_app.losses import DiceCrossEntropy
from lightning_app.runs.folder import find_runs
from models import UNet
from tests.conftest import Program


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Lightning's advice about loaders and log intervals is no error here."""
    level = logging.getLogger("lightning.pytorch").level
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.getLogger("lightning.pytorch").setLevel(level)


def trainer(folder: Path, **options: int) -> Trainer:
    return Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=folder, **options,  # type: ignore[arg-type]
    )  # fmt: skip


def toy_data(root: Path, folder: Path, **options: Any) -> BraTSDataModule:
    cache = str(folder / "cache")
    return BraTSDataModule(str(root), cache_dir=cache, image_size=(32, 32), batch_size=4, **options)


def new_task() -> SegmentationTask:
    seed_everything(0)
    return SegmentationTask(UNet(widths=[4, 4, 4, 4, 8]), DiceCrossEntropy())


def test_it_trains_and_tests_as_the_command_line_does(
    program: Program, toy_root: Path, tmp_path: Path
) -> None:
    assert program("fit", "--trainer.max_epochs", "3") == 0
    (run,) = find_runs(Path("runs"))
    task, data, ours = new_task(), toy_data(toy_root, tmp_path), trainer(tmp_path, max_epochs=3)
    ours.fit(task, data)

    saved = torch.load(run.last, weights_only=True)["state_dict"]
    for name, weight in task.network.state_dict().items():
        assert torch.equal(weight, saved[f"network.{name}"]), name

    best = torch.load(run.best, weights_only=True)["state_dict"]
    task.load_state_dict(best)
    (scores,) = ours.test(task, data, verbose=False)
    assert program("test") == 0
    recorded = json.loads(run.test().metrics.read_text("utf-8"))
    for group, key in (("", "scores"), ("volumes/", "volumes")):
        for score, result in recorded[key]["whole"].items():
            logged = scores.get(f"test/whole/{group}{score}")
            assert logged == (result["value"] and pytest.approx(result["value"], rel=1e-6)), score
    assert task.test_scores is not None
    dice = recorded["scores"]["whole"]["dice"]["value"]
    assert task.test_scores.scores["whole"]["dice"].value == dice


def test_without_a_number_of_epochs_the_rate_is_constant(tmp_path: Path, toy_root: Path) -> None:
    task, ours = new_task(), trainer(tmp_path, max_epochs=-1, max_steps=5)
    ours.fit(task, toy_data(toy_root, tmp_path))

    assert ours.global_step == 5
    assert [group["lr"] for group in ours.optimizers[0].param_groups] == [0.001]
    assert ours.lr_scheduler_configs == []


def test_data_for_another_target_are_refused(tmp_path: Path, toy_root: Path) -> None:
    data = toy_data(toy_root, tmp_path, target="core")
    with pytest.raises(ValueError, match="of the data is 'core', that of the task is 'whole'"):
        trainer(tmp_path).fit(new_task(), data)


def test_the_path_of_a_split_may_be_text(tmp_path: Path, toy_root: Path) -> None:
    cases = sorted(path.name for path in toy_root.iterdir())
    sides = ["train"] * 12 + ["val", "test"]
    lines = [f"{case},{side}" for case, side in zip(cases, sides, strict=True)]
    (tmp_path / "split.csv").write_text("\n".join(["case,side", *lines]), "utf-8")

    data = toy_data(toy_root, tmp_path, split_file=str(tmp_path / "split.csv"))
    data.prepare_data()

    assert [case.id for case in data.splits["test"]] == cases[-1:]


def test_other_data_are_refused_in_words(tmp_path: Path, toy_root: Path) -> None:
    data = toy_data(toy_root, tmp_path)
    data.prepare_data()
    data.setup("test")
    loader = data.test_dataloader()

    with pytest.raises(TypeError, match="expected a BraTSDataModule"):
        trainer(tmp_path).test(new_task(), loader, verbose=False)


def test_the_package_lists_what_it_exports() -> None:
    names = {"BraTSDataModule", "SegmentationTask", "load_run", "read_scores"}
    assert names <= {*dir(lightning_app)}
    with pytest.raises(AttributeError, match="module 'lightning_app' has no attribute 'load_runs'"):
        _ = lightning_app.load_runs  # type: ignore[attr-defined]
