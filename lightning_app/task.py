"""The one segmentation task: it is handed its network and its loss, and knows neither by name."""

import math
from typing import Any, TypedDict

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torchmetrics import MeanMetric

from data_modules.dataset import Batch, SliceDataset
from data_modules.targets import TARGETS, TargetName
from lightning_app.counts import CountTable
from lightning_app.scores import evaluate, monitored_dice
from lightning_app.slice_counts import SliceCounts

MONITOR = "val/dice"
PREDICTED_AT_ONCE = 16  # slices; bounds the memory of a volume


class Volume(TypedDict):
    """One case to predict.

    ``image`` is float32 (D, modalities, H, W) and ``spacing`` its voxels' distance in mm, x first.
    ``problem`` says why a case could not be read, and is None where it could.
    """

    image: Tensor
    case: int
    spacing: tuple[float, ...]
    problem: str | None


class SegmentationTask(LightningModule):
    """Train a network to segment slices, and count what it gets right.

    Args:
        network: Maps images (N, modalities, H, W) to logits (N, channels, H, W).
        loss: Maps logits and masks of that shape to a scalar.
        target: What is segmented; follows data.target.
    """

    def __init__(self, network: nn.Module, loss: nn.Module, target: TargetName = "whole") -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.target = TARGETS[target]
        self.counts = SliceCounts()
        # Not left to self.log, whose mean over an epoch is lost when a training is interrupted; and
        # without its check for NaN, which would wait for the device in every step.
        self.train_loss = MeanMetric(nan_strategy="disable")
        self.train_loss.persistent(mode=True)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, channels, H, W) of images (N, modalities, H, W)."""
        logits: Tensor = self.network(image)
        return logits

    def on_train_epoch_start(self) -> None:
        """Begin the mean loss anew; not called where a resumed training is amid an epoch."""
        self.train_loss.reset()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """The loss of a batch."""
        loss: Tensor = self.loss(self(batch["image"]), self.target.encode(batch["labels"]))
        self.train_loss.update(loss.detach(), len(batch["image"]))
        self.log("train/loss", self.train_loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Count a batch and log its loss."""
        logits = self(batch["image"])
        loss = self.loss(logits, self.target.encode(batch["labels"]))
        self.log("val/loss", loss, batch_size=len(batch["image"]))
        self._count(logits, batch)

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the epoch, ``val/dice`` among them."""
        table = self.count_table("val")
        self.counts.reset()
        self.log(MONITOR, monitored_dice(table), prog_bar=True)
        several = len(table.classes) > 1
        for name, scores in evaluate(table).items():
            for score, value in scores.items():
                if several or score != "dice":
                    key = f"val/{name}/{score}" if several else f"val/{score}"
                    # Not left out: Lightning would show the last epoch's value again.
                    self.log(key, math.nan if value is None else value)

    def test_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Count a batch; returns its predicted masks, bool (N, classes, H, W)."""
        return self._count(self(batch["image"]), batch)

    def predict_step(self, volume: Volume) -> Tensor:
        """Label map to be written, uint8 (D, H, W), of a whole volume."""
        if volume["problem"]:
            return volume["image"].new_zeros(0, dtype=torch.uint8)
        slices = torch.split(volume["image"], PREDICTED_AT_ONCE)
        return torch.cat([self.target.write(self.target.decode(self(some))) for some in slices])

    def count_table(self, side: str) -> CountTable:
        """The table of what has been counted on a side since the last reset.

        Raises:
            RuntimeError: a slice was counted twice.
        """
        rows = np.asarray(self.counts.compute().cpu())
        dataset: SliceDataset = self.trainer.datamodule.datasets[side]  # type: ignore[attr-defined]
        cases = [dataset.cases[index] for index in dataset.case_index[rows[:, 0]]]
        return CountTable(
            classes=self.target.class_names,
            cases=[case.id for case in cases],
            patients=[case.patient for case in cases],
            slices=dataset.slice_index[rows[:, 0]].tolist(),
            counts=rows[:, 1:].reshape(len(rows), -1, 4),
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write the validation Dice beside the epoch that Lightning writes."""
        score = self.trainer.callback_metrics.get(MONITOR)
        checkpoint["scores"] = {MONITOR: None if score is None else float(score)}

    def _count(self, logits: Tensor, batch: Batch) -> Tensor:
        prediction = self.target.decode(logits)
        self.counts.update(prediction, self.target.classes_of(batch["labels"]), batch["sample"])
        return prediction
