"""The ``test`` command: score a run on its test split, with intervals."""

from pathlib import Path

from lightning.pytorch import Callback, LightningDataModule, LightningModule

from lightning_app.commands.shared.trained_run_cli import PostprocessedCLI
from lightning_app.help import test
from lightning_app.results.test_results import TestResults
from lightning_app.results.wandb_reporter import WandbTestReport
from lightning_app.runs.folder import DEFAULT_ROOT, find_runs, is_run_name
from lightning_app.runs.status import is_alive, is_finished
from lightning_app.utils.logging import print_on_rank_zero
from lightning_app.utils.next_command import command_line


class TestCLI(PostprocessedCLI):
    """Tests a run."""

    __test__ = False  # for pytest
    command = "test"
    page = test.PAGE
    makes_volumes = False
    uses_wandb = True

    def command_callbacks(self) -> list[Callback]:
        """Write the results, and log them to W&B."""
        timing, acceleration = self.option("timing"), self.option("acceleration")
        file = self.postprocessing.file
        self._results = TestResults(self.run_folder, timing, acceleration, file)
        return [self._results, WandbTestReport(self.run_folder, self._results)]

    def test(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Score."""
        self.call_trainer(self.trainer.test, datamodule=datamodule, verbose=False)
        run = self.run_folder
        if self._results.is_partial:
            self.print_next("Test all slices", "test", "--run", str(run.path))
        elif not is_finished(run) and not is_alive(run):
            self.print_next("Finish its training", "fit", "--resume", str(run.path))
        else:
            self._print_report()

    def _print_report(self) -> None:
        """Print the command that compares the run with the others in its root.

        A run that was copied to another folder by itself is reported by itself.
        """
        run, here = self.run_folder, Path.cwd()
        trained_in = Path(self.option("trainer").default_root_dir or DEFAULT_ROOT).absolute()
        root = run.path.parent.parent if is_run_name(run.path.name) else run.path.parent
        root = trained_in if trained_in in run.path.parents[:2] else root
        if root != trained_in and find_runs(root) in ([], [run]):
            print_on_rank_zero(f"Report on it: {command_line('report', str(run.path))}")
            return
        shown = root.relative_to(here) if root.is_relative_to(here) else root
        words = [] if shown == Path(DEFAULT_ROOT) else [str(shown)]
        print_on_rank_zero(f"Compare the tested runs: {command_line('report', *words)}")


run = TestCLI.run
