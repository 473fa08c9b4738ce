"""The segmentation task: it is given its network and its loss, and knows neither by name."""

import math
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Adam

from callbacks.utils.trainer import attributes, stops_here
from data_modules.batch_dataset import Batch
from data_modules.brats import BraTSDataModule
from data_modules.targets import TARGETS, TargetName
from data_modules.volume_dataset import Volume
from data_modules.window import Window
from lightning_app.metrics.confusion_counts import SliceCounts
from lightning_app.metrics.count_table import COUNTS, CountTable, with_background, with_outside
from lightning_app.metrics.evaluate import case_dice, evaluate, monitored_dice
from lightning_app.metrics.mean_loss import MeanLoss
from lightning_app.metrics.predicted_masks import PackedMasks, PredictedMasks
from lightning_app.metrics.split_loss import LossSums, pooled
from lightning_app.postprocessing.postprocessing import NOTHING
from lightning_app.schedules import CosineAnnealing
from lightning_app.scoring.postprocessed import postprocessed, postprocessed_volume
from lightning_app.scoring.test_scores import TestScores, logged_values
from lightning_app.scoring.tested_cases import TestedCases

MONITOR = "val/dice"
LEARNING_RATE = 0.001  # of configs/base.yaml
SLICES_PER_FORWARD = 16  # bounds the memory that predicting a volume needs


class Prediction(NamedTuple):
    """What ``predict_step`` gives for a volume.

    Attributes:
        labels: the label map to be written, uint8 (D, H, W).
        probabilities: of each class, float32 (classes, D, H, W).
    """

    labels: Tensor
    probabilities: Tensor


class SegmentationTask(LightningModule):
    """Train a network to segment slices, and score it.

    Validation counts pixels slice by slice. A test keeps the predicted masks, so that whole cases
    can be scored when it has ended.

    Args:
        network: Maps images (N, modalities, H, W) to logits (N, channels, H, W).
        loss: Maps logits and masks of that shape to a scalar.
        target: What is segmented; follows data.target.
        lr_interval: Whether the learning rate schedule is stepped after each epoch or after each
            optimizer step. The command line sets step for OneCycleLR and CyclicLR.

    Attributes:
        val_table: the counts of the last validation; None before.
        test_scores: of the last test, on rank 0; None before.
        postprocessing: of a test, whose slices must be those of whole volumes, and of a prediction.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        target: TargetName = "whole",
        lr_interval: Literal["epoch", "step"] = "epoch",
    ) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.lr_interval = lr_interval
        self.target = TARGETS[target]
        self.val_counts = SliceCounts()
        self.postprocessing = NOTHING
        self.test_masks = PredictedMasks()
        self.raw_masks = PredictedMasks()  # of a test with post-processing
        self.val_table: CountTable | None = None
        self.test_scores: TestScores | None = None
        # Not left to self.log: its mean over an epoch is lost if the training is interrupted.
        self.train_loss = MeanLoss()
        self.train_loss.persistent(mode=True)
        self.val_loss = LossSums()

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, channels, H, W) of images (N, modalities, H, W)."""
        logits: Tensor = self.network(image)
        return logits

    def setup(self, stage: str) -> None:
        """Check that the data are for the task, and note the size of their slices.

        Raises:
            ValueError: they have another target.
        """
        data = attributes(self.trainer).datamodule
        if not isinstance(data, BraTSDataModule):
            return
        self.test_masks.frame = self.raw_masks.frame = data.cache.size
        if data.target != self.target:
            raise ValueError(
                f"the target of the data is '{data.target.name}', that of the task is "
                f"'{self.target.name}': expected the same"
            )

    def configure_optimizers(self) -> Any:
        """Adam and cosine annealing over the whole training, as in configs/base.yaml.

        The rate stays as it is if the trainer's max_epochs says no length. The command line has
        options of its own instead.
        """
        optimizer = Adam(self.parameters(), lr=LEARNING_RATE)
        epochs = self.trainer.max_epochs
        if epochs is None or epochs < 1:
            return optimizer
        return [optimizer], [CosineAnnealing(optimizer, T_0=epochs)]

    def on_train_epoch_start(self) -> None:
        """Reset the mean loss; not called if a training is resumed in the middle of an epoch."""
        self.train_loss.reset()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch."""
        loss: Tensor = self.loss(self(batch["image"]), self.target.encode(batch["labels"]))
        self.train_loss.update(loss, len(batch["image"]))
        return loss * self._weight_of_share(len(batch["image"]))

    def on_train_batch_end(self, outputs: object, batch: Batch, batch_idx: int) -> None:
        """Log the mean loss of the epoch, at its last batch or if the training ends before.

        In this hook, because every device runs it. A metric left to self.log is reduced over the
        devices when it is first read; if only rank 0 reads it, for its progress bar, it waits for
        ever.
        """
        if self.trainer.is_last_batch or stops_here(self.trainer):
            mean = self.train_loss.compute()
            self.log("train/loss", mean, on_step=False, on_epoch=True, batch_size=1)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Count the pixels of a batch and add what its loss consists of."""
        logits = self(batch["image"])
        self.val_loss.update(pooled(self.loss).sums(logits, self.target.encode(batch["labels"])))
        reference = self.target.classes_of(batch["labels"])
        self.val_counts.update(self.target.decode(logits), reference, batch["sample"])

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the epoch, ``val/dice`` among them."""
        table = self.val_table = self._validation_table()
        self.val_counts.reset()
        self.log("val/loss", pooled(self.loss).of_sums(self.val_loss.compute()).float())
        self.val_loss.reset()
        self.log(MONITOR, monitored_dice(table), prog_bar=True)
        several, results = len(table.classes) > 1, evaluate(table)
        if several:  # one number for a checkpoint to follow, as val/dice
            self.log("val/dice_case", float(case_dice(table.by_case()).mean()))
        for name, scores in results.items():
            for score, value in scores.items():
                if several or score != "dice":
                    key = f"val/{name}/{score}" if several else f"val/{score}"
                    # Logged even if undefined: Lightning would show the last epoch's value again.
                    self.log(key, math.nan if value is None else value)

    def test_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Keep the predicted masks of a batch; returns them, bool (N, classes, H, W).

        They are those at the threshold of the post-processing, whose operations need whole cases.
        """
        logits = self(batch["image"])
        prediction = self.target.decode(logits, self.postprocessing.threshold)
        self.test_masks.update(prediction, batch["sample"])
        if not self.postprocessing.is_nothing:
            self.raw_masks.update(self.target.decode(logits), batch["sample"])
        return prediction

    def on_test_epoch_end(self) -> None:
        """Join the masks of all devices; score them and log the scores on rank 0."""
        masks, raw = _joined(self.test_masks), None
        if not self.postprocessing.is_nothing:
            raw = _joined(self.raw_masks)
        if self.trainer.is_global_zero:
            if raw is not None:
                masks = postprocessed(self._data(), masks, self.postprocessing)
            self.test_scores = self._scores(masks)
            if raw is not None:
                self.test_scores = replace(self.test_scores, raw=self._scores(raw))
            values = logged_values(self.test_scores.scores, self.test_scores.volumes)
            self.log_dict(values, rank_zero_only=True)

    def predict_step(self, volume: Volume) -> Prediction:
        """The label map, after post-processing, and the probabilities of a volume.

        Slices without brain become background (0) and are not run.
        """
        image, window = volume["image"], Window(*volume["window"]).pixels
        shape = (len(image), len(self.target.class_names), *image.shape[2:])
        masks = image.new_zeros(shape, dtype=torch.bool)
        probabilities = image.new_zeros(shape, dtype=torch.float32)
        with_brain = image.flatten(1).any(dim=1).nonzero().flatten()  # all other slices are 0
        if len(with_brain):
            for slices in torch.split(with_brain, SLICES_PER_FORWARD):
                logits = self(image[slices, :, *window])
                decoded = self.target.decode(logits, self.postprocessing.threshold)
                masks[slices, :, *window] = decoded
                probabilities[slices, :, *window] = self.target.probabilities(logits)
        masks = postprocessed_volume(masks, self.target, self.postprocessing, volume["spacing"])
        return Prediction(self.target.write(masks), probabilities.transpose(0, 1))

    def _scores(self, masks: PackedMasks) -> TestScores:
        has_bars = self.trainer.progress_bar_callback is not None
        return TestScores.of(TestedCases(self._data(), masks), show_progress=has_bars)

    def _data(self) -> BraTSDataModule:
        """The data, whose cases are scored.

        Raises:
            TypeError: the trainer was given others.
        """
        data: Any = attributes(self.trainer).datamodule
        if not isinstance(data, BraTSDataModule):
            raise TypeError(
                f"the trainer's data are a {type(data).__name__}, expected a BraTSDataModule, "
                "which knows the cases that are scored: trainer.fit(task, data)"
            )
        return data

    def _validation_table(self) -> CountTable:
        """The counts since the last reset, with the names of what was counted.

        Raises:
            RuntimeError: a slice was counted twice.
        """
        rows = np.asarray(self.val_counts.compute().cpu())
        dataset = self._data().datasets["val"]
        samples, counts = rows[:, 0], rows[:, 1:].reshape(len(rows), -1, len(COUNTS))
        scored = dataset.cases_of(samples)
        blank = [dataset.blank[index] for index in scored]
        case_of = [*dataset.case_index[samples], *np.repeat(scored, [len(part) for part in blank])]
        slices = np.concatenate([dataset.slice_index[samples], *blank])
        _, height, width = dataset.shape
        outside = self.target.pixels_of(dataset.labels_outside[samples])
        counts = with_outside(counts, outside, height * width)
        return CountTable(
            classes=self.target.class_names,
            cases=[dataset.cases[index].id for index in case_of],
            patients=[dataset.cases[index].patient for index in case_of],
            slices=slices.tolist(),
            counts=with_background(counts, len(slices), height * width),
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write the validation Dice beside the epoch that Lightning writes."""
        score = self.trainer.callback_metrics.get(MONITOR)
        checkpoint["scores"] = {MONITOR: None if score is None else float(score)}
        with self.train_loss.sync_context():  # summed over all devices
            sums = self.train_loss.state_dict(prefix="train_loss.")
        for state in _states(checkpoint):
            state.update(sums)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Give the sums of the mean loss, which a checkpoint holds for all devices, to rank 0."""
        if self.global_rank > 0:
            for state in _states(checkpoint):
                for name in self.train_loss.state_dict(prefix="train_loss."):
                    state[name] = torch.zeros_like(state[name])

    def _weight_of_share(self, samples: int) -> Tensor | float:
        """The factor for the loss of this device's share: DDP averages gradients over devices.

        With it each sample of the global batch has the same weight, even if the shares differ.
        """
        if self.trainer.world_size == 1:
            return 1.0
        # Not torch.tensor, whose copy to a GPU the host waits for.
        total = torch.full((), float(samples), device=self.device)
        torch.distributed.all_reduce(total)
        return samples * self.trainer.world_size / total


def _joined(masks: PredictedMasks) -> PackedMasks:
    """The masks of all devices, of which the metric keeps none."""
    packed = masks.compute()
    masks.reset()
    return packed


def _states(checkpoint: dict[str, Any]) -> list[dict[str, Any]]:
    """The states of the task in a checkpoint: two if weights are averaged.

    Lightning's callback for that has put the averaged ones into ``state_dict`` by then, and loads
    the others, which are trained further, after ``on_load_checkpoint``.
    """
    names = ("state_dict", "current_model_state")
    return [checkpoint[name] for name in names if name in checkpoint]
