"""What the commands that use a trained run have in common: test, validate, predict and tune."""

from collections.abc import Callable
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from lightning_app.commands.shared.experiment_cli import ExperimentCLI
from lightning_app.commands.shared.run_selection import RunSelection
from lightning_app.config.diff import to_plain
from lightning_app.config.limits import lift, limits, limits_in_words
from lightning_app.runs.checkpoint_io import WeightsIO, read_checkpoint
from lightning_app.runs.compatibility import (
    check_same_experiment,
    use_saved_split,
    use_saved_window,
)
from lightning_app.runs.folder import Run, run_config
from lightning_app.runs.status import is_finished, training_limits
from lightning_app.runs.weights import check_weights
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import print_on_rank_zero


def remark(run: Run) -> str:
    """What to know of a training before its weights are used."""
    if not is_finished(run):
        return " (not trained to its end: its best weights so far)"
    limited = training_limits(run)
    return f" (trained in part: {limited})" if limited else ""


class TrainedRunCLI(ExperimentCLI):
    """Uses the best weights of a run, which ``--run`` names."""

    checkpoint_io = WeightsIO

    def __init__(self, arguments: list[str], selection: RunSelection) -> None:
        # A limit that was meant for the training must not make a score that of a part.
        saved = {} if selection.is_new else run_config(selection.run)
        self._saved_limits = limits(self.command, saved)
        super().__init__([*lift(self._saved_limits), *arguments], selection)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the run."""
        super().add_arguments_to_parser(parser)
        parser.add_argument(
            "--run",
            action="append",
            metavar="RUN",
            help="The run: its folder or name, or an experiment for its newest run. "
            "Default: the newest run with a checkpoint.",
        )

    def check_against_run(self, config: Namespace) -> None:
        """Hold the config to what the weights were trained for, and take the run's split."""
        self.print_runs()
        check_same_experiment(config, self.run_folder)
        use_saved_split(config, self.run_folder)
        use_saved_window(config, self.selection.predictor.runs)
        self._print_limits(config)

    def print_runs(self) -> None:
        """Print which run is used."""
        print_on_rank_zero(f"Run: {self.run_folder.path}{remark(self.run_folder)}")

    def check_one_device(self, command: str) -> None:
        """Raise UsageError if a command that needs one device has several."""
        if self.trainer.world_size > 1:
            raise UsageError(
                f"{command} on {self.trainer.world_size} devices, expected trainer.devices 1"
            )

    def _print_limits(self, config: Namespace) -> None:
        typed = limits(self.command, to_plain(config))
        if ignored := {o: value for o, value in self._saved_limits.items() if o not in typed}:
            print_on_rank_zero(
                f"Ignored: {limits_in_words(ignored)} in '{self.run_folder.config}': only a limit "
                f"that is typed for {self.command} counts"
            )
        if typed:
            print_on_rank_zero(f"Limits in force: {limits_in_words(typed)}")

    def after_instantiate_classes(self) -> None:
        """Check the run's best weights.

        Raises:
            UsageError: they are damaged, or do not fit the network.
        """
        super().after_instantiate_classes()
        best = self.run_folder.best
        check_weights(read_checkpoint(best, memory_map=True), self.model, best)

    def call_trainer(self, method: Callable[..., Any], **arguments: Any) -> None:
        """Call a method of the trainer with the run's best weights."""
        super().call_trainer(method, **self.weights(), **arguments)

    def weights(self) -> dict[str, Any]:
        """The arguments with which the trainer loads the best weights."""
        return {"ckpt_path": str(self.run_folder.best), "weights_only": True}
