"""Draws the cases of a prediction."""

from lightning.pytorch import Callback, LightningModule, Trainer

from data_modules.volume_dataset import Volume, VolumeDataset
from lightning_app.results.predictions.case_picture import draw_case
from lightning_app.results.predictions.label_map_folder import LabelMapFolder
from lightning_app.task import Prediction, SegmentationTask


class PredictionPictures(Callback):
    """Draw each case whose label map is of this prediction.

    Args:
        folder: of the label maps; gets the pictures.
    """

    def __init__(self, folder: LabelMapFolder) -> None:
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
        case = dataset.cases[int(batch["case"])]
        if self.folder.refusal(case, dataset.modalities[0]):  # LabelMapWriter has said why
            return
        image, labels = batch["image"].cpu().numpy(), outputs.labels.cpu().numpy()
        path = self.folder.picture(case.id)
        draw_case(path, case.id, image, labels, pl_module.target.written)
