"""Writes the probabilities of a prediction."""

from lightning.pytorch import Callback, LightningModule, Trainer

from data_modules.volume_dataset import Volume, VolumeDataset
from lightning_app.results.predictions.case_files import write_case_probabilities
from lightning_app.results.predictions.label_map_folder import LabelMapFolder
from lightning_app.results.predictions.label_maps import meaning_of
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
        probabilities = outputs.probabilities.cpu().numpy()
        meaning = meaning_of(pl_module, dataset.modalities)
        write_case_probabilities(self.folder, case, probabilities, meaning)
