"""Draws the cases of a prediction."""

from pathlib import Path

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from numpy.typing import NDArray

from data_modules.volume_dataset import Volume, VolumeDataset
from lightning_app.results.plots import draw_batch
from lightning_app.task import Prediction, SegmentationTask

SLICES = 8


class PredictionPictures(Callback):
    """Draw up to eight slices of each case, the predicted classes outlined.

    The slices are evenly spaced over those with predicted tumour, or over those with brain if there
    is no tumour.

    Args:
        folder: gets ``<case>.png``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Prediction,
        batch: Volume,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw one case."""
        if batch["problem"]:
            return
        assert isinstance(pl_module, SegmentationTask)
        dataset: VolumeDataset = trainer.predict_dataloaders.dataset  # type: ignore[union-attr]
        case = dataset.cases[int(batch["case"])].id
        image, labels = batch["image"].cpu().numpy(), outputs.labels.cpu().numpy()
        chosen = _spread(labels)
        if not len(chosen):
            chosen = _spread(image)
        written = pl_module.target.written
        masks = np.stack([labels[chosen] == value for value, _ in written], axis=1)
        self.folder.mkdir(parents=True, exist_ok=True)
        draw_batch(
            self.folder / f"{case}.png",
            image[chosen],
            masks,
            [f"slice {index}" for index in chosen],
            [name for _, name in written],
            case,
        )


def _spread(volume: NDArray[np.generic]) -> NDArray[np.intp]:
    """Up to eight of the slices of a volume (D, ...) that are not 0, evenly spaced."""
    indices = np.flatnonzero(volume.reshape(len(volume), -1).any(axis=1))
    shown = np.linspace(0, len(indices) - 1, min(SLICES, len(indices)))
    chosen: NDArray[np.intp] = indices[shown.round().astype(int)]
    return chosen
