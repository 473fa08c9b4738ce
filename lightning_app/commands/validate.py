"""The ``validate`` command: score a run on its validation split, without intervals."""

from lightning.pytorch import LightningDataModule, LightningModule

from lightning_app.commands.shared.trained_run_cli import TrainedRunCLI
from lightning_app.help import validate
from lightning_app.results.validation_summary import print_validation


class ValidateCLI(TrainedRunCLI):
    """Validates a run."""

    command = "validate"
    page = validate.PAGE

    def validate(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Score, and print the scores as a test does, without intervals."""
        self.call_trainer(self.trainer.validate, datamodule=datamodule, verbose=False)
        if self.trainer.is_global_zero:
            print_validation(self.datamodule, self.model.val_table, self.trainer.callback_metrics)
        self.print_next("Test it", "test", "--run", str(self.run_folder.path))


run = ValidateCLI.run
