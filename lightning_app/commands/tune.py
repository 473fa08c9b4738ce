"""The ``tune`` command: choose the post-processing of runs on their validation patients."""

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningArgumentParser
from torch.utils.data import DataLoader

from data_modules.catalog.split_rule import SplitRule
from data_modules.window import BrainWindow
from lightning_app.commands.shared.trained_run_cli import TrainedRunCLI, remark
from lightning_app.config.diff import to_plain
from lightning_app.config.limits import limits, limits_in_words
from lightning_app.help import tune
from lightning_app.metrics.intervals import FEWEST_PATIENTS
from lightning_app.postprocessing.postprocessing import NOTHING
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.environment import git_state
from lightning_app.runs.folder import Run
from lightning_app.runs.records import read_environment
from lightning_app.runs.weights import check_weights
from lightning_app.tuning.candidates import steps_for
from lightning_app.tuning.choice import Choice, choose
from lightning_app.tuning.objectives import objectives_of
from lightning_app.tuning.predicted_cases import CaseVolumes, PredictedCases
from lightning_app.tuning.record import EPOCH_KEY, write_choice
from lightning_app.tuning.sources import Source, Sources, sources_of
from lightning_app.tuning.table import print_choice
from lightning_app.tuning.tuning_case import TuningCase
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import print_on_rank_zero


class TuneCLI(TrainedRunCLI):
    """Predicts validation patients, and chooses what is done to the masks."""

    command = "predict"  # of the Trainer
    page = tune.PAGE

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add all runs of an experiment."""
        super().add_arguments_to_parser(parser)
        parser.add_argument(
            "--ensemble",
            metavar="EXPERIMENT",
            help="All finished runs of an experiment: folds and seeds, each for itself.",
        )

    def print_runs(self) -> None:
        """Print for which runs is chosen, and for which not."""
        for run in self.selection.predictor.runs:
            print_on_rank_zero(f"Run: {run.path}{remark(run)}")
        for left_out in self.selection.left_out:
            print_on_rank_zero(f"Left out: {left_out}")

    def check_against_run(self, config: Namespace) -> None:
        """Check that whole volumes of the run's own patients are predicted.

        Raises:
            UsageError: they are not.
        """
        super().check_against_run(config)
        data, runs = config.data, self.selection.predictor.runs
        if limited := limits(self.command, to_plain(config)):
            raise UsageError(
                f"{limits_in_words(limited)}: tune chooses on all patients, leave out the limit"
            )
        if config.ensemble is not None and len(runs) == 1:
            raise UsageError(f"ensemble is '{config.ensemble}' in a config: give it as --ensemble")
        if data.split_file != self.run_folder.split:
            raise UsageError(
                "tune uses the patients and the split of the run: leave out options that change "
                "its data"
            )
        slices = data.slices if data.eval_slices is None else data.eval_slices
        if slices != "all":
            raise UsageError(
                f"data.eval_slices is {slices}, expected all: components are those of whole "
                "volumes (--data.eval_slices all)"
            )

    def command_callbacks(self) -> list[Callback]:
        """Keep what is predicted."""
        self._predicted = PredictedCases()
        return [self._predicted]

    def after_instantiate_classes(self) -> None:
        """Check the number of devices.

        Raises:
            UsageError: there are several.
        """
        super().after_instantiate_classes()
        self.check_one_device("tune")

    def predict(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Choose for every run, and write what was chosen once all is known."""
        runs = self.selection.predictor.runs
        sources = {run: sources_of(run) for run in runs}
        provenance = {run: _provenance(run) for run in runs}  # of the weights before they predict
        predicted: dict[Source, list[TuningCase]] = {}
        choices = {run: self._choice(of_run, predicted) for run, of_run in sources.items()}
        for run, choice in choices.items():
            write_choice(run, self.model.target.name, choice, sources[run], provenance[run])
            print_choice(run, choice, sources[run])
        for run in choices:
            self.print_next("Test it", "test", "--run", str(run.path))

    def weights(self) -> dict[str, Any]:
        """Those of the run that predicts its part of the patients."""
        return {"ckpt_path": str(self._predicting.best), "weights_only": True}

    def _choice(self, sources: Sources, predicted: dict[Source, list[TuningCase]]) -> Choice:
        """Choose on some sources, whose cases are predicted unless they are there already."""
        tested = sources.tested
        if len(sources.patients) < FEWEST_PATIENTS:
            return Choice(NOTHING, len(sources.patients))
        own_parts = (sources.own,) if sources.own else ()
        for part in (*sources.parts, *own_parts):
            if part not in predicted:
                predicted[part] = self._cases_of(part)
        cases, own = (
            [case for part in parts for case in predicted[part] if case.patient not in tested]
            for parts in (sources.parts, own_parts)
        )
        target = self.model.target
        steps = steps_for(target.class_names, exclusive=target.exclusive)
        with objectives_of(cases) as objectives, objectives_of(own) as of_own:
            patients = [case.patient for case in cases]
            return choose(steps, objectives, patients, of_own if own else None)

    def _cases_of(self, source: Source) -> list[TuningCase]:
        """Predict the cases of a split, as a test of its run does."""
        run, data = source.run, self.datamodule
        check_weights(read_checkpoint(run.best, memory_map=True), self.model, run.best)
        data.split_rule = SplitRule(seed=data.split_rule.seed, file=run.split)
        data.window = BrainWindow(read_environment(run.environment).data.window, data.cache.size)
        data.prepare_data()
        self._predicting, self._predicted.cases = run, []
        volumes = DataLoader(CaseVolumes(data.datasets[source.split]), batch_size=None)
        self.call_trainer(self.trainer.predict, dataloaders=volumes, return_predictions=False)
        return self._predicted.cases


def _provenance(run: Run) -> dict[str, Any]:
    """For which weights something was chosen, when, and with which version of the program."""
    return {
        "run": f"{run.experiment}/{run.path.name}",
        EPOCH_KEY: read_checkpoint(run.best, memory_map=True).get(EPOCH_KEY),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "program": {"version": version("brats-lightning"), "git": git_state()},
    }


run = TuneCLI.run
