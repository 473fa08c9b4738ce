"""The ``validate`` command: score a run on its validation split, without intervals."""

from lightning.pytorch import LightningDataModule, LightningModule

from data_modules.summary import summary
from lightning_app.commands.shared.trained_run_cli import TrainedRunCLI
from lightning_app.help import validate
from lightning_app.utils.logging import print_on_rank_zero


class ValidateCLI(TrainedRunCLI):
    """Validates a run."""

    command = "validate"
    page = validate.PAGE

    def validate(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Score, and describe the data, which Lightning's table does not."""
        self.call_trainer(self.trainer.validate, datamodule=datamodule)
        print_on_rank_zero(f"Data: {self.datamodule.source.in_words}; {summary(self.datamodule)}")
        self.print_next("Test it", "test", "--run", str(self.run_folder.path))


run = ValidateCLI.run
