import json
import os
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from lightning.pytorch import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel

from benchmarks.profiling.cpu_clock import FOLDER, CpuClock

EPOCHS, BUSY_S = 3, 0.05


class BusyModel(BoringModel):
    """Needs some CPU time for each batch of training and validation, and before the first."""

    def on_fit_start(self) -> None:
        be_busy()

    def training_step(self, *batch: Any) -> Any:
        be_busy()
        return super().training_step(*batch)

    def on_validation_epoch_end(self) -> None:
        be_busy()


def be_busy() -> None:
    start = process_time()
    while process_time() < start + BUSY_S:
        pass


def test_steps_and_validation_are_work_and_the_start_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    trainer = Trainer(
        max_epochs=EPOCHS, limit_train_batches=2, limit_val_batches=1, callbacks=[CpuClock()],
        num_sanity_val_steps=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    start = process_time()
    trainer.fit(BusyModel())
    end = process_time()

    times = json.loads((tmp_path / f"{os.getpid()}.json").read_text("utf-8"))
    # The start and Lightning's check of the validation come before the first batch.
    assert start + 2 * BUSY_S <= times["first_batch"] <= end
    assert len(times["epochs"]) == EPOCHS
    assert min(times["epochs"]) >= 2 * BUSY_S
    work = EPOCHS * 3 + 1  # each epoch has two steps and a validation
    assert work * BUSY_S <= times["work"] <= end - start - BUSY_S
