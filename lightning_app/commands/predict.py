"""The ``predict`` command: segment volumes with a run's best weights."""

from pathlib import Path

from lightning.pytorch import Callback, LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningArgumentParser
from torch.utils.data import DataLoader

from data_modules.catalog.cases_to_predict import cases_to_predict
from data_modules.utils.errors import DataError
from data_modules.volume_dataset import VolumeDataset
from lightning_app.commands.shared.ensemble_cli import PostprocessedCLI
from lightning_app.help import predict
from lightning_app.results.predictions.label_map_folder import PROBABILITIES, LabelMapFolder
from lightning_app.results.predictions.label_maps import LabelMapWriter
from lightning_app.results.predictions.next_step import evaluation_command
from lightning_app.results.predictions.prediction_pictures import PredictionPictures
from lightning_app.results.predictions.probability_maps import ProbabilityWriter
from lightning_app.utils.logging import print_on_rank_zero


class PredictCLI(PostprocessedCLI):
    """Segments the volumes of ``--input`` instead of a split of the data module."""

    command = "predict"
    page = predict.PAGE
    makes_volumes = True
    uses_cache = False

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add input and output."""
        super().add_arguments_to_parser(parser)
        parser.add_argument(
            "--input", type=Path, required=True, help="A case, a folder of cases, or an image."
        )
        parser.add_argument(
            "--output", type=Path, required=True, help="Where the label maps are written."
        )
        parser.add_argument(
            "--pictures", action="store_true", help="Draw each case: OUTPUT/pictures/<case>.png."
        )
        parser.add_argument(
            "--probabilities",
            action="store_true",
            help="Write the probabilities of the classes: OUTPUT/probabilities/<case>.nii.gz.",
        )
        parser.add_argument(
            "--overwrite",
            action="store_true",
            help="Replace label maps that predict wrote for another run or another input.",
        )

    def command_callbacks(self) -> list[Callback]:
        """Write the label maps, and what else is asked for."""
        output: Path = self.option("output")
        predictor, overwrite = self.predictor, self.option("overwrite")
        label_maps = LabelMapFolder(output, predictor, overwrite, self.option("pictures"))
        self._writer = LabelMapWriter(label_maps, predictor)
        self._probabilities: list[ProbabilityWriter] = []
        if self.option("probabilities"):
            folder = LabelMapFolder(output / PROBABILITIES, predictor, overwrite)
            self._probabilities = [ProbabilityWriter(folder)]
        pictures = [PredictionPictures(label_maps)] if label_maps.has_pictures else []
        return [self._writer, *self._probabilities, *pictures]

    def after_instantiate_classes(self) -> None:
        """Check the number of devices.

        Raises:
            UsageError: there are several.
        """
        super().after_instantiate_classes()
        self.check_one_device("predict")

    def predict(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Segment.

        Raises:
            UsageError: a file in the output folder would be replaced that is not ours.
            DataError: a case could not be segmented; the others were.
        """
        data = self.datamodule
        cases = cases_to_predict(self.option("input"), data.modalities, data.release)
        writers: list[LabelMapWriter | ProbabilityWriter] = [self._writer, *self._probabilities]
        for writer in writers:  # an error here comes before hours of work
            writer.folder.prepare(cases, data.modalities[0])
        dataset = VolumeDataset(cases, data.modalities, data.cache.size, data.window.size)
        volumes = DataLoader(dataset, batch_size=None)
        self.call_trainer(self.trainer.predict, dataloaders=volumes, return_predictions=False)
        print_on_rank_zero(f"Label maps: {self._writer.folder.path}")
        for of_classes in self._probabilities:
            print_on_rank_zero(f"Probabilities: {of_classes.folder.path}")
        if problems := [problem for writer in writers for problem in writer.problems]:
            raise DataError(
                f"cases that could not be segmented: {len(problems)} ({'; '.join(problems)})"
            )
        masks, source = self._writer.folder.path, self.option("input")
        command = evaluation_command(masks, source, cases, data.release)
        print_on_rank_zero(f"Score them: {command}")


run = PredictCLI.run
