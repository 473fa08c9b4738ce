"""The cases of a split as a network predicts them, one after the other."""

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.data import Dataset

from data_modules.dataset import SliceDataset
from data_modules.volume_dataset import Volume
from data_modules.window import Window
from lightning_app.metrics.volume.cohorts import cohort_of
from lightning_app.task import Prediction, SegmentationTask
from lightning_app.tuning.tuning_case import THRESHOLDS, TuningCase

_WON = THRESHOLDS[-1] + 0.1  # above every threshold


class CaseVolumes(Dataset[Volume]):
    """The slices of each case that a test would run, as a volume.

    Args:
        slices: of a split, whole volumes.
    """

    def __init__(self, slices: SliceDataset) -> None:
        self.slices = slices

    def __len__(self) -> int:
        return len(self.slices.cases)

    def __getitem__(self, index: int) -> Volume:
        """Read a case from the cache."""
        images, _ = self.slices.stored(self.samples(index))
        whole = Window(0, 0, *self.slices.shape[1:])
        windows = self.slices.windows
        return {
            "image": torch.from_numpy(np.stack(images, axis=1)).float(),
            "case": index,
            "spacing": self.slices.spacing(index),
            "window": windows.of_case(index) if windows else whole,
            "problem": None,
        }

    def samples(self, index: int) -> list[int]:
        """The samples of a case."""
        samples: list[int] = np.flatnonzero(self.slices.case_index == index).tolist()
        return samples


class PredictedCases(Callback):
    """Keep what is predicted for each case, beside its ground truth.

    Attributes:
        cases: those that were predicted.
    """

    def __init__(self) -> None:
        self.cases: list[TuningCase] = []

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Prediction,
        batch: Volume,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep one case."""
        assert isinstance(pl_module, SegmentationTask)
        volumes: CaseVolumes = trainer.predict_dataloaders.dataset  # type: ignore[union-attr]
        slices, index, target = volumes.slices, int(batch["case"]), pl_module.target
        samples = volumes.samples(index)
        depth, rows = _rows(slices, index, samples)
        predicted = outputs.probabilities
        if target.exclusive:  # the most probable class wins
            wins = torch.cat([1 - predicted.sum(dim=0, keepdim=True), predicted]).argmax(dim=0)
            classes = torch.arange(1, target.channels, device=wins.device).view(-1, 1, 1, 1)
            predicted = (wins == classes).float() * _WON
        else:  # a voxel of a class belongs to the classes around it, which come before it
            predicted = predicted.flip(0).cummax(dim=0).values.flip(0)
        shape = (len(predicted), depth, *slices.shape[1:])
        probabilities, reference = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
        probabilities[:, rows] = predicted.cpu().numpy()
        labels = torch.from_numpy(slices.stored_labels(samples))
        reference[:, rows] = target.classes_of(labels).numpy().swapaxes(0, 1)
        case = slices.cases[index]
        x, y, z = slices.spacing(index)
        self.cases.append(
            TuningCase.of(
                *(case.id, case.patient, target.class_names, (z, y, x)),
                *(cohort_of(case.release.name), probabilities, reference),
            )
        )


def _rows(
    slices: SliceDataset, case: int, samples: list[int]
) -> tuple[int, "np.ndarray[tuple[int, ...], np.dtype[np.int64]]"]:
    """The depth of a case, and the index of each sample in it."""
    rows = slices.slice_index[samples]
    return len(rows) + len(slices.blank[case]), rows
