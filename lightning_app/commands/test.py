"""The ``test`` command: score a run, or several joined, on the test split, with intervals."""

import logging
from pathlib import Path

from jsonargparse import Namespace
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningArgumentParser

from data_modules.utils.words import counted
from lightning_app.commands.shared.ensemble_cli import PostprocessedCLI
from lightning_app.ensembles.seen_patients import patients_to_test, seen_patients
from lightning_app.help import test
from lightning_app.results.test_results import TestResults
from lightning_app.results.wandb_reporter import WandbTestReport
from lightning_app.runs.compatibility import source_of_training
from lightning_app.runs.folder import DEFAULT_ROOT, find_runs, is_run_name
from lightning_app.runs.status import is_alive, is_finished
from lightning_app.utils.logging import print_on_rank_zero
from lightning_app.utils.next_command import command_line

_log = logging.getLogger(__name__)


class TestCLI(PostprocessedCLI):
    """Tests a run, or several joined."""

    __test__ = False  # for pytest
    command = "test"
    page = test.PAGE
    makes_volumes = False
    uses_wandb = True

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the name of an ensemble."""
        super().add_arguments_to_parser(parser)
        parser.add_argument(
            "--name",
            help="The folder in RUNS/ensembles for the test of several runs or of mirrored images.",
        )

    def check_against_run(self, config: Namespace) -> None:
        """Warn, too, if the test split has patients that another run of an ensemble has seen."""
        super().check_against_run(config)
        first, *others = self.predictor.runs
        if config.data.split_file != first.split:  # other data, or another split
            return
        tested, source = patients_to_test(first), source_of_training(first)
        seen = {p for run in others for p in seen_patients(run).among(tested, source)}
        if seen:
            _log.warning(
                "The test split of '%s' has %s, %d of which other runs of the ensemble were "
                "trained on, or chose their best epoch by: the scores will be optimistic; "
                "--data.root DIR --data.split_sizes all-test tests on other data",
                first.path,
                counted(len(tested), "patient"),
                len(seen),
            )

    def command_callbacks(self) -> list[Callback]:
        """Write the results, and log them to W&B."""
        timing, acceleration = self.option("timing"), self.option("acceleration")
        file = self.postprocessing.file
        self._results = TestResults(self.predictor, timing, acceleration, file)
        return [self._results, WandbTestReport(self.run_folder, self._results)]

    def test(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Score."""
        self.call_trainer(self.trainer.test, datamodule=datamodule, verbose=False)
        runs = self.predictor.runs
        unfinished = [run for run in runs if not is_finished(run) and not is_alive(run)]
        if self._results.is_partial:
            self.print_next("Test all slices", "test", *self.predictor.words)
        elif unfinished:
            self.print_next("Finish its training", "fit", "--resume", str(unfinished[0].path))
        else:
            self._print_report()

    def _print_report(self) -> None:
        """Print the command that compares what was tested with the others in its root.

        A run that was copied to another folder by itself is reported by itself.
        """
        tested, here = self.predictor.folder, Path.cwd()
        trained_in = Path(self.option("trainer").default_root_dir or DEFAULT_ROOT).absolute()
        is_copy = self.predictor.is_plain and not is_run_name(tested.path.name)
        root = tested.path.parent if is_copy else tested.path.parent.parent
        root = trained_in if trained_in in tested.path.parents[:2] else root
        if root != trained_in and find_runs(root) in ([], [tested]):
            print_on_rank_zero(f"Report on it: {command_line('report', str(tested.path))}")
            return
        shown = root.relative_to(here) if root.is_relative_to(here) else root
        words = [] if shown == Path(DEFAULT_ROOT) else [str(shown)]
        print_on_rank_zero(f"Compare the tested runs: {command_line('report', *words)}")


run = TestCLI.run
