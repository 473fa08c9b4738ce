"""Writes the probabilities of a prediction."""

from pathlib import Path

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from numpy.typing import NDArray

from data_modules.catalog.cases import Case
from data_modules.io.writers import write_probabilities
from data_modules.targets import Target
from data_modules.volume_dataset import Volume, VolumeDataset
from lightning_app.results.predictions.label_map_folder import LabelMapFolder, Note
from lightning_app.task import Prediction, SegmentationTask


class ProbabilityWriter(Callback):
    """Write each case's probabilities, on the voxel grid of its image file, and a JSON about it.

    Voxels outside the network's height and width, and slices without brain, have 0.

    Args:
        folder: gets them.

    Attributes:
        problems: why probabilities could not be written.
    """

    def __init__(self, folder: LabelMapFolder) -> None:
        self.folder = folder
        self.problems: list[str] = []

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Prediction,
        batch: Volume,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write one case; why one could not be read is said with the label maps."""
        if batch["problem"]:
            return
        assert isinstance(pl_module, SegmentationTask)
        dataset: VolumeDataset = trainer.predict_dataloaders.dataset  # type: ignore[union-attr]
        case = dataset.cases[int(batch["case"])]
        if reason := self.folder.refusal(case, dataset.modalities[0]):  # another process wrote it
            self.problems.append(reason)
            return
        self._write(case, outputs.probabilities.cpu().numpy(), pl_module.target, dataset)

    def _write(
        self,
        case: Case,
        probabilities: NDArray[np.float32],
        target: Target,
        dataset: VolumeDataset,
    ) -> None:
        first = dataset.modalities[0]
        source = case.images[first]

        def write(path: Path) -> Note:
            write_probabilities(path, probabilities, source, case.channel(first))
            return {
                "labels": {str(index): name for index, name in enumerate(target.class_names)},
                "target": target.name,
                "modalities": dataset.modalities,
                "input": str(source),
                "voxels": {
                    str(index): int((of_class > 0.5).sum())
                    for index, of_class in enumerate(probabilities)
                },
            }

        self.folder.write(case.id, write)
