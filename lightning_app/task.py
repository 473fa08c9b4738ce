"""The one segmentation task: it is handed its network and its loss, and knows neither by name."""

import math
from typing import Any, TypedDict

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from data_modules.batch_dataset import Batch
from data_modules.dataset import SliceDataset
from data_modules.targets import TARGETS, TargetName
from lightning_app.metrics.confusion_counts import SliceCounts
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.mean_loss import MeanLoss
from lightning_app.metrics.scores import evaluate, monitored_dice

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
        # Not left to self.log, whose mean over an epoch is lost when a training is interrupted.
        self.train_loss = MeanLoss()
        self.train_loss.persistent(mode=True)
        self.val_loss = MeanLoss()

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, channels, H, W) of images (N, modalities, H, W)."""
        logits: Tensor = self.network(image)
        return logits

    def on_train_epoch_start(self) -> None:
        """Begin the mean loss anew; not called where a resumed training is amid an epoch."""
        self.train_loss.reset()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch."""
        loss: Tensor = self.loss(self(batch["image"]), self.target.encode(batch["labels"]))
        self.train_loss.update(loss, len(batch["image"]))
        return loss * self._weight_of_share(len(batch["image"]))

    def on_train_batch_end(self, outputs: object, batch: Batch, batch_idx: int) -> None:
        """Log the mean loss of the epoch, at its last batch.

        Here, where all devices come by: a metric left to self.log is added up over the devices when
        somebody looks at it, and where only the first one looks, as for its progress bar, it waits
        for ever.
        """
        if self.trainer.is_last_batch:
            mean = self.train_loss.compute()
            self.log("train/loss", mean, on_step=False, on_epoch=True, batch_size=1)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Count a batch and its loss."""
        logits = self(batch["image"])
        loss = self.loss(logits, self.target.encode(batch["labels"]))
        self.val_loss.update(loss, len(batch["image"]))
        self._count(logits, batch)

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the epoch, ``val/dice`` among them."""
        table = self.count_table("val")
        self.counts.reset()
        self.log("val/loss", self.val_loss.compute())
        self.val_loss.reset()
        self.log(MONITOR, monitored_dice(table), prog_bar=True)
        several = len(table.classes) > 1
        for name, scores in evaluate(table).items():
            for score, value in scores.items():
                if several or score != "dice":
                    key = f"val/{name}/{score}" if several else f"val/{score}"
                    # Not left out: Lightning would show the last epoch's value again.
                    self.log(key, math.nan if value is None else value)

    def test_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Count a batch; returns its predicted masks, bool (N, classes, H, W)."""
        return self._count(self(batch["image"]), batch)

    def predict_step(self, volume: Volume) -> Tensor:
        """Label map to be written, uint8 (D, H, W), of a volume.

        Slices without brain hold background (0) and are not run; a test runs them.
        """
        image = volume["image"]
        label_map = image.new_zeros((len(image), *image.shape[2:]), dtype=torch.uint8)
        with_brain = image.flatten(1).any(dim=1).nonzero().flatten()  # all else is 0 in it
        if len(with_brain):
            for some in torch.split(with_brain, PREDICTED_AT_ONCE):
                label_map[some] = self.target.write(self.target.decode(self(image[some])))
        return label_map

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
        with self.train_loss.sync_context():  # of all devices
            checkpoint["state_dict"] |= self.train_loss.state_dict(prefix="train_loss.")

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave the mean loss of all devices, which a checkpoint holds, to the first of them."""
        if self.global_rank > 0:
            for name in self.train_loss.state_dict(prefix="train_loss."):
                checkpoint["state_dict"][name] = torch.zeros_like(checkpoint["state_dict"][name])

    def _weight_of_share(self, samples: int) -> Tensor | float:
        """What the loss of this device's share is multiplied by: several average their gradients.

        With it each sample of the global batch weighs the same, also where the shares differ.
        """
        if self.trainer.world_size == 1:
            return 1.0
        everywhere = torch.tensor(float(samples), device=self.device)
        torch.distributed.all_reduce(everywhere)
        return samples * self.trainer.world_size / everywhere

    def _count(self, logits: Tensor, batch: Batch) -> Tensor:
        prediction = self.target.decode(logits)
        self.counts.update(prediction, self.target.classes_of(batch["labels"]), batch["sample"])
        return prediction
