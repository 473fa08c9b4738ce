"""The ``predict`` command: segment volumes with a run's best weights."""

from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch import Callback, LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningArgumentParser
from torch.utils.data import DataLoader

from data_modules.catalog.cases import Case
from data_modules.utils.errors import DataError
from data_modules.volume_dataset import VolumeDataset, cases_to_predict
from lightning_app.commands.shared.trained_run_cli import PostprocessedCLI
from lightning_app.help import predict
from lightning_app.results.label_map_folder import PICTURES, LabelMapFolder
from lightning_app.results.label_maps import LabelMapWriter
from lightning_app.results.prediction_pictures import PredictionPictures
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import print_on_rank_zero
from lightning_app.utils.next_command import command_line


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
            "--overwrite",
            action="store_true",
            help="Replace label maps that predict wrote for another run or another input.",
        )

    def command_callbacks(self) -> list[Callback]:
        """Write the label maps."""
        folder = LabelMapFolder(self.option("output"), self.run_folder, self.option("overwrite"))
        self._writer = LabelMapWriter(folder)
        if not self.option("pictures"):
            return [self._writer]
        return [self._writer, PredictionPictures(folder.path / PICTURES)]

    def after_instantiate_classes(self) -> None:
        """Check the number of devices.

        Raises:
            UsageError: there are several.
        """
        super().after_instantiate_classes()
        if self.trainer.world_size > 1:
            raise UsageError(
                f"predict on {self.trainer.world_size} devices, expected trainer.devices 1"
            )

    def predict(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Segment.

        Raises:
            UsageError: a file in the output folder would be replaced that is not ours.
            DataError: a case could not be segmented; the others were.
        """
        data, folder = self.datamodule, self._writer.folder
        cases = cases_to_predict(self.option("input"), data.modalities, data.release)
        folder.prepare(cases, data.modalities[0])  # an error here comes before hours of work
        dataset = VolumeDataset(cases, data.modalities, data.cache.size, data.window.size)
        volumes = DataLoader(dataset, batch_size=None)
        self.call_trainer(self.trainer.predict, dataloaders=volumes, return_predictions=False)
        print_on_rank_zero(f"Label maps: {folder.path}")
        if problems := self._writer.problems:
            raise DataError(
                f"cases that could not be segmented: {len(problems)} ({'; '.join(problems)})"
            )
        print_on_rank_zero(f"Score them: {self._evaluation(cases)}")

    def _evaluation(self, cases: Sequence[Case]) -> str:
        """The command that scores the label maps; ground truth elsewhere is left to be named."""
        masks = self._writer.folder.path
        with_truth = all(case.segmentation is not None for case in cases)
        reference = str(self.option("input")) if with_truth else "GROUND_TRUTH"
        scores = f"{masks}-scores" if masks.name else "scores"
        words = ["--input", str(masks), "--reference", reference, "--output", scores]
        if self.datamodule.release != "auto":
            words += ["--data.release", self.datamodule.release]
        return command_line("evaluate", *words)


run = PredictCLI.run
