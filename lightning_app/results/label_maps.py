"""Volumes in, label maps out."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from callbacks.utils.atomic_write import atomic_write
from data_modules.catalog.cases import Case, find_cases
from data_modules.io.crop_or_pad import crop_or_pad
from data_modules.io.geometry import check_same_grid
from data_modules.io.volumes import read_modality
from data_modules.io.writers import write_label_map
from data_modules.utils.errors import DataError
from lightning_app.runs.folder import Run
from lightning_app.task import SegmentationTask, Volume
from lightning_app.utils.errors import UsageError
from lightning_app.utils.json_csv import read_json, write_json

SPACING_TOLERANCE = 0.1  # share by which a spacing may lie outside those of the training data

_log = logging.getLogger(__name__)

WORTH_SAYING = 0.001  # share of the head outside the slices; a rim of some voxels is nothing


class VolumeDataset(Dataset[Volume]):
    """Whole volumes, each read when it is asked for.

    Args:
        cases: the cases; they need no segmentation.
        modalities: the channels, in the order of the network's.
        size: height and width that the network was trained with.
    """

    def __init__(
        self, cases: Sequence[Case], modalities: Sequence[str], size: tuple[int, int]
    ) -> None:
        self.cases = list(cases)
        self.modalities = list(modalities)
        self.size = size

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> Volume:
        """Read a case; a bad file is said in ``problem``, so that one does not stop the others."""
        try:
            image, spacing = self._read(self.cases[index])
        except DataError as error:
            nothing = torch.zeros(0, len(self.modalities), *self.size)
            return {"image": nothing, "case": index, "spacing": (), "problem": str(error)}
        return {"image": image, "case": index, "spacing": spacing, "problem": None}

    def _read(self, case: Case) -> tuple[torch.Tensor, tuple[float, ...]]:
        files = [(case.images[m], case.channel(m)) for m in self.modalities]
        (first, _), *_ = files
        channels = []
        for path, channel in files:
            volume = read_modality(path, channel)
            if path != first:
                check_same_grid(path, volume.grid, first)
            brain = volume.brain
            lost = 1 - np.count_nonzero(crop_or_pad(brain, self.size)) / np.count_nonzero(brain)
            if lost > WORTH_SAYING:
                _log.warning(
                    "%s: %.1f %% of the head lie outside data.image_size", path, 100 * lost
                )
            channels.append(crop_or_pad(volume.normalised(), self.size))
        return torch.from_numpy(np.stack(channels, axis=1)), volume.grid.lps_spacing


def volumes_to_predict(
    folder: Path, modalities: Sequence[str], size: tuple[int, int], release: str
) -> DataLoader[Volume]:
    """A loader of all cases in or below a folder.

    Raises:
        DataError: no case found.
        UsageError: a case lacks a modality that the network needs.
    """
    cases = find_cases(folder, release, option="--input")
    for case in cases:
        for problem in case.problems:
            if not problem.is_warning:
                raise DataError(f"--input: {problem}")
            _log.warning("%s", problem)
        lacking = [modality for modality in modalities if modality not in case.images]
        if lacking:
            raise UsageError(
                f"case {case.id} has no {lacking[0]} image, the network was trained on: "
                f"{', '.join(modalities)}; the case has: {', '.join(case.images)}"
            )
    return DataLoader(VolumeDataset(cases, modalities, size), batch_size=None)


class LabelMapWriter(Callback):
    """Write the label map of each case on the grid of its own file, and a JSON that explains it.

    Args:
        folder: where to; ``<case>.nii.gz`` and ``<case>.json``.
        run: the run that predicts.
    """

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self.run = run
        self.problems: list[str] = []
        self._trained_on: dict[str, Any] = {}

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what the network has not seen."""
        self._trained_on = read_json(self.run.environment)["data"]
        slices = self._trained_on["slices"]
        if slices == "middle" or isinstance(slices, list):
            _log.warning(
                "This network was trained on %s alone: the ends of the head are new to it",
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
        case = dataset.cases[int(batch["case"])]
        if batch["problem"]:
            self.problems.append(batch["problem"])
            return
        source = case.images[dataset.modalities[0]]
        self._compare_spacing(case.id, batch["spacing"])
        self._write(case, source, outputs.cpu().numpy(), pl_module, dataset.modalities)

    def _write(
        self,
        case: Case,
        source: Path,
        labels: NDArray[np.uint8],
        task: SegmentationTask,
        modalities: Sequence[str],
    ) -> None:
        target = task.target
        label_map = self.folder / f"{case.id}.nii.gz"
        with atomic_write(label_map) as temporary:
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

    def _compare_spacing(self, case: str, spacing: tuple[float, ...]) -> None:
        for axis, value in zip("xyz", spacing, strict=True):
            low, high = self._trained_on["spacing"][axis]
            if not low * (1 - SPACING_TOLERANCE) <= value <= high * (1 + SPACING_TOLERANCE):
                _log.warning(
                    "%s: spacing %g mm along %s, the network was trained on %g to %g mm",
                    case,
                    value,
                    axis,
                    low,
                    high,
                )
