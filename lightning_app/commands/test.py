"""The ``test`` command: score a run on its test split, with intervals."""

from lightning.pytorch import Callback, LightningDataModule, LightningModule

from lightning_app.commands.shared.trained_run_cli import TrainedRunCLI
from lightning_app.help import test
from lightning_app.results.test_results import TestResults
from lightning_app.results.wandb_reporter import WandbTestReport


class TestCLI(TrainedRunCLI):
    """Tests a run."""

    __test__ = False  # for pytest
    command = "test"
    page = test.PAGE
    uses_wandb = True

    def command_callbacks(self) -> list[Callback]:
        """Write the results, and log them to W&B."""
        results = TestResults(self.run_folder, self.option("timing"), self.option("acceleration"))
        return [results, WandbTestReport(self.run_folder, results)]

    def test(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Score."""
        self.call_trainer(self.trainer.test, datamodule=datamodule, verbose=False)


run = TestCLI.run
