"""The ``tune`` command: choose the post-processing of a run on its validation patients."""

from datetime import UTC, datetime
from importlib.metadata import version

from jsonargparse import Namespace
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from torch.utils.data import DataLoader

from data_modules.catalog.split_rule import SplitRule
from data_modules.window import BrainWindow
from lightning_app.commands.shared.trained_run_cli import TrainedRunCLI
from lightning_app.help import tune
from lightning_app.metrics.intervals import FEWEST_PATIENTS
from lightning_app.postprocessing.postprocessing import NOTHING
from lightning_app.runs.environment import git_state
from lightning_app.runs.folder import Run
from lightning_app.runs.records import read_environment
from lightning_app.tuning.candidates import steps_for
from lightning_app.tuning.choice import Choice, choose
from lightning_app.tuning.objectives import objectives_of
from lightning_app.tuning.predicted_cases import CaseVolumes, PredictedCases
from lightning_app.tuning.record import write_choice
from lightning_app.tuning.sources import Source, Sources, sources_of
from lightning_app.tuning.table import print_choice
from lightning_app.tuning.tuning_case import TuningCase
from lightning_app.utils.errors import UsageError


class TuneCLI(TrainedRunCLI):
    """Predicts validation patients, and chooses what is done to the masks."""

    command = "predict"  # of the Trainer
    page = tune.PAGE

    def check_against_run(self, config: Namespace) -> None:
        """Check that whole volumes of the run's own patients are predicted.

        Raises:
            UsageError: they are not.
        """
        super().check_against_run(config)
        data = config.data
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
        if self.trainer.world_size > 1:
            raise UsageError(
                f"tune on {self.trainer.world_size} devices, expected trainer.devices 1"
            )

    def predict(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Choose."""
        run = self.run_folder
        sources = sources_of(run)
        if len(sources.patients) < FEWEST_PATIENTS:
            choice = Choice(NOTHING, len(sources.patients))
        else:
            cases = [case for part in sources.parts for case in self._cases_of(part)]
            choice = self._choice([case for case in cases if case.patient not in sources.tested])
        self._write(run, choice, sources)
        self.print_next("Test it", "test", "--run", str(run.path))

    @property
    def run_with_weights(self) -> Run:
        """The run that predicts its part of the patients."""
        return self._predicting

    def _cases_of(self, source: Source) -> list[TuningCase]:
        """Predict the cases of a split."""
        data = self.datamodule
        if source.run != self.run_folder:
            data.split_rule = SplitRule(seed=data.split_rule.seed, file=source.run.split)
            trained_on = read_environment(source.run.environment).data
            data.window = BrainWindow(trained_on.window, data.cache.size)
        data.prepare_data()
        self._predicted.cases = []
        volumes = DataLoader(CaseVolumes(data.datasets[source.split]), batch_size=None)
        self._predicting = source.run
        self.call_trainer(self.trainer.predict, dataloaders=volumes, return_predictions=False)
        return self._predicted.cases

    def _choice(self, cases: list[TuningCase]) -> Choice:
        target = self.model.target
        steps = steps_for(target.class_names, exclusive=target.exclusive)
        with objectives_of(cases) as objectives:
            return choose(steps, objectives, [case.patient for case in cases])

    def _write(self, run: Run, choice: Choice, sources: Sources) -> None:
        provenance = {
            "run": f"{run.experiment}/{run.path.name}",
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "program": {"version": version("brats-lightning"), "git": git_state()},
        }
        write_choice(run, self.model.target.name, choice, sources, provenance)
        print_choice(run, choice, sources)


run = TuneCLI.run
