"""Writes the label maps of a prediction."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from numpy.typing import NDArray

from callbacks.utils.atomic_write import atomic_write
from data_modules.catalog.cases import Case
from data_modules.io.writers import write_label_map
from data_modules.targets import Target
from data_modules.volume_dataset import Volume, VolumeDataset
from lightning_app.runs.folder import Run
from lightning_app.runs.records import RecordError, read_environment
from lightning_app.task import SegmentationTask
from lightning_app.utils.json_csv import write_json

SPACING_TOLERANCE = 0.1  # share by which a spacing may lie outside those of the training data

_log = logging.getLogger(__name__)


class LabelMapWriter(Callback):
    """Write the label map of each case on the grid of its own file, and a JSON that explains it.

    Args:
        folder: gets ``<case>.nii.gz`` and ``<case>.json``.
        run: the run that predicts.

    Attributes:
        problems: why cases could not be read.

    Raises:
        RecordError: environment.json of the run is damaged.
    """

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self.run = run
        self.problems: list[str] = []
        self._trained_on = read_environment(run.environment).data
        self._spacing = _ranges(self._trained_on.spacing, run.environment)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Warn of what the network has not seen."""
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
        self._check_spacing(case.id, batch["spacing"])
        self._write(case, outputs.cpu().numpy(), pl_module.target, dataset.modalities)

    def _write(
        self, case: Case, labels: NDArray[np.uint8], target: Target, modalities: Sequence[str]
    ) -> None:
        source = case.images[modalities[0]]
        with atomic_write(self.folder / f"{case.id}.nii.gz") as temporary:
            written = write_label_map(temporary, labels, source, case.channel(modalities[0]))
        write_json(
            self.folder / f"{case.id}.json",
            {
                "labels": {str(value): name for value, name in target.written},
                "target": target.name,
                "modalities": list(modalities),
                "input": str(source),
                "run": str(self.run.path),
                "voxels": {str(v): int((written == v).sum()) for v, _ in target.written},
            },
        )

    def _check_spacing(self, case: str, spacing: tuple[float, ...]) -> None:
        for axis, value in zip("xyz", spacing, strict=True):
            if axis not in self._spacing:
                continue  # a run of an earlier version
            low, high = self._spacing[axis]
            if not low * (1 - SPACING_TOLERANCE) <= value <= high * (1 + SPACING_TOLERANCE):
                _log.warning(
                    "%s: spacing %g mm along %s, the network was trained on %g to %g mm",
                    case,
                    value,
                    axis,
                    low,
                    high,
                )


def _ranges(spacing: Mapping[str, Sequence[float]], path: Path) -> dict[str, tuple[float, float]]:
    """Lowest and highest spacing of the training data along each axis.

    Raises:
        RecordError: they are not numbers.
    """
    try:
        return {axis: (float(low), float(high)) for axis, (low, high) in spacing.items()}
    except (AttributeError, TypeError, ValueError):
        raise RecordError(
            f"{path.name}: data.spacing is {spacing}, expected two numbers for each axis"
        ) from None
