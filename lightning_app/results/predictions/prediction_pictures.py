"""Draws the cases of a prediction."""

from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer

from data_modules.volume_dataset import Volume, VolumeDataset
from lightning_app.results.predictions.case_picture import draw_case
from lightning_app.task import Prediction, SegmentationTask


class PredictionPictures(Callback):
    """Draw each case.

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
        draw_case(self.folder, case, image, labels, pl_module.target.written)
