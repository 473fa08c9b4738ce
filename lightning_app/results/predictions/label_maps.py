"""Writes the label maps of a prediction."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from numpy.typing import NDArray

from data_modules.catalog.cases import Case
from data_modules.io.writers import write_label_map
from data_modules.volume_dataset import Volume, VolumeDataset
from lightning_app.metrics.volume.masks import MM3_PER_ML
from lightning_app.results.predictions.label_map_folder import LabelMapFolder, Note
from lightning_app.results.predictions.unseen_data import warn_of_spacing, warn_of_unseen_slices
from lightning_app.runs.records import read_environment
from lightning_app.task import Prediction, SegmentationTask


class LabelMapWriter(Callback):
    """Write each case's label map, on the voxel grid of its image file, and a JSON about it.

    Args:
        folder: gets them.

    Attributes:
        problems: why cases could not be segmented.

    Raises:
        RecordError: environment.json of a run is damaged.
    """

    def __init__(self, folder: LabelMapFolder) -> None:
        self.folder = folder
        self.problems: list[str] = []
        runs = folder.predictor.runs
        self._trained_on = [read_environment(run.environment).data for run in runs]

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Warn if a network was trained on some slices only."""
        warn_of_unseen_slices(*self._trained_on)

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Prediction,
        batch: Volume,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write one case."""
        assert isinstance(pl_module, SegmentationTask)
        dataset: VolumeDataset = trainer.predict_dataloaders.dataset  # type: ignore[union-attr]
        if batch["problem"]:
            self.problems.append(batch["problem"])
            return
        case = dataset.cases[int(batch["case"])]
        if reason := self.folder.refusal(case, dataset.modalities[0]):  # another process wrote it
            self.problems.append(reason)
            return
        warn_of_spacing(case.id, batch["spacing"], *self._trained_on)
        voxel_ml = math.prod(batch["spacing"]) / MM3_PER_ML
        self._write(case, outputs.labels.cpu().numpy(), pl_module, dataset.modalities, voxel_ml)

    def _write(
        self,
        case: Case,
        labels: NDArray[np.uint8],
        task: SegmentationTask,
        modalities: Sequence[str],
        voxel_ml: float,
    ) -> None:
        source, target = case.images[modalities[0]], task.target
        done = task.postprocessing

        def write_mask(path: Path) -> Note:
            written = write_label_map(path, labels, source, case.channel(modalities[0]))
            voxels = {str(v): int((written == v).sum()) for v, _ in target.written}
            return {
                "labels": {str(value): name for value, name in target.written},
                "target": target.name,
                "postprocessing": None if done.is_nothing else done.to_json(),
                "modalities": list(modalities),
                "input": str(source),
                "voxels": voxels,
                "ml": {value: round(number * voxel_ml, 3) for value, number in voxels.items()},
            }

        self.folder.write(case.id, write_mask)
