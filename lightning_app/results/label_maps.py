"""Writes the label maps of a prediction."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from numpy.typing import NDArray

from data_modules.catalog.cases import Case
from data_modules.io.writers import write_label_map
from data_modules.targets import Target
from data_modules.utils.words import number_range
from data_modules.volume_dataset import Volume, VolumeDataset
from lightning_app.metrics.volume.masks import MM3_PER_ML
from lightning_app.results.label_map_folder import LabelMapFolder, Note
from lightning_app.runs.records import read_environment
from lightning_app.task import SegmentationTask

SPACING_TOLERANCE = 0.1  # share by which a spacing may lie outside those of the training data

_log = logging.getLogger(__name__)


class LabelMapWriter(Callback):
    """Write each case's label map, on the voxel grid of its image file, and a JSON about it.

    Args:
        folder: gets them.

    Attributes:
        problems: why cases could not be segmented.

    Raises:
        RecordError: environment.json of the run is damaged.
    """

    def __init__(self, folder: LabelMapFolder) -> None:
        self.folder = folder
        self.problems: list[str] = []
        self._trained_on = read_environment(folder.run.environment).data

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Warn if the network was trained on some slices only."""
        slices = self._trained_on.slices
        if slices == "middle" or isinstance(slices, list):
            _log.warning(
                "This network was trained on %s only: it has not seen the ends of the head",
                "middle slices" if slices == "middle" else f"slices {slices}",
            )

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
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
        self._check_spacing(case.id, batch["spacing"])
        voxel_ml = math.prod(batch["spacing"]) / MM3_PER_ML
        self._write(case, outputs.cpu().numpy(), pl_module.target, dataset.modalities, voxel_ml)

    def _write(
        self,
        case: Case,
        labels: NDArray[np.uint8],
        target: Target,
        modalities: Sequence[str],
        voxel_ml: float,
    ) -> None:
        source = case.images[modalities[0]]

        def write_mask(path: Path) -> Note:
            written = write_label_map(path, labels, source, case.channel(modalities[0]))
            voxels = {str(v): int((written == v).sum()) for v, _ in target.written}
            return {
                "labels": {str(value): name for value, name in target.written},
                "target": target.name,
                "modalities": list(modalities),
                "input": str(source),
                "voxels": voxels,
                "ml": {value: round(number * voxel_ml, 3) for value, number in voxels.items()},
            }

        self.folder.write(case.id, write_mask)

    def _check_spacing(self, case: str, spacing: tuple[float, ...]) -> None:
        for axis, value in zip("xyz", spacing, strict=True):
            if axis not in self._trained_on.spacing:  # an earlier version did not record it
                continue
            low, high = self._trained_on.spacing[axis]
            if not low * (1 - SPACING_TOLERANCE) <= value <= high * (1 + SPACING_TOLERANCE):
                _log.warning(
                    "%s: spacing %g mm along %s, the network was trained on %s mm",
                    case,
                    value,
                    axis,
                    number_range(f"{low:g}", f"{high:g}"),
                )
