"""Writes the label maps of a prediction."""

from collections.abc import Sequence

from lightning.pytorch import Callback, LightningModule, Trainer

from data_modules.volume_dataset import Volume, VolumeDataset
from lightning_app.ensembles.predictor import Predictor
from lightning_app.results.predictions.case_files import Meaning, write_case_labels
from lightning_app.results.predictions.label_map_folder import LabelMapFolder
from lightning_app.results.predictions.unseen_data import warn_of_spacing, warn_of_unseen_slices
from lightning_app.runs.records import read_environment
from lightning_app.task import Prediction, SegmentationTask


class LabelMapWriter(Callback):
    """Write each case's label map, on the voxel grid of its image file, and a JSON about it.

    Args:
        folder: gets them.
        predictor: whose weights predict.

    Attributes:
        problems: why cases could not be segmented.

    Raises:
        RecordError: environment.json of a run is damaged.
    """

    def __init__(self, folder: LabelMapFolder, predictor: Predictor) -> None:
        self.folder = folder
        self.problems: list[str] = []
        self._trained_on = [read_environment(run.environment).data for run in predictor.runs]

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
        meaning = meaning_of(pl_module, dataset.modalities)
        labels = outputs.labels.cpu().numpy()
        write_case_labels(self.folder, case, labels, batch["spacing"], meaning)


def meaning_of(task: SegmentationTask, modalities: Sequence[str]) -> Meaning:
    """What the predictions of a task mean."""
    target = task.target
    return Meaning(target.name, target.class_names, target.written, task.postprocessing, modalities)
