"""What the commands that use a trained run have in common: test, validate, predict and tune."""

from collections.abc import Callable
from typing import Any, ClassVar

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from data_modules.targets import TARGETS
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
from lightning_app.tuning.used import AUTO, chosen_postprocessing
from lightning_app.utils.logging import print_on_rank_zero


def _remark(run: Run) -> str:
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
            help="The run: its folder or name, or an experiment for its newest run. "
            "Default: the newest run with a checkpoint.",
        )

    def check_against_run(self, config: Namespace) -> None:
        """Hold the config to what the weights were trained for, and take the run's split."""
        print_on_rank_zero(f"Run: {self.run_folder.path}{_remark(self.run_folder)}")
        check_same_experiment(config, self.run_folder)
        use_saved_split(config, self.run_folder)
        use_saved_window(config, self.run_folder)
        self._print_limits(config)

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

    @property
    def run_with_weights(self) -> Run:
        """The run whose best weights are used."""
        return self.run_folder

    def call_trainer(self, method: Callable[..., Any], **arguments: Any) -> None:
        """Call a method of the trainer with the run's best weights."""
        best = str(self.run_with_weights.best)
        super().call_trainer(method, ckpt_path=best, weights_only=True, **arguments)


class PostprocessedCLI(TrainedRunCLI):
    """Makes masks that are post-processed as ``tune`` has chosen.

    Attributes:
        postprocessing: what is done, and the file that says so.
    """

    makes_volumes: ClassVar[bool]

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the post-processing."""
        super().add_arguments_to_parser(parser)
        parser.add_argument(
            "--postprocess",
            default=AUTO,
            metavar="auto|none|FILE",
            help="auto: as tune has chosen for the run, if it has; none; or a file of tune.",
        )

    def check_against_run(self, config: Namespace) -> None:
        """Choose the post-processing, too.

        Raises:
            UsageError: its file cannot be used.
        """
        super().check_against_run(config)
        data = config.data
        slices = data.slices if data.eval_slices is None else data.eval_slices
        are_volumes = self.makes_volumes or slices == "all"
        self.postprocessing = chosen_postprocessing(
            config.postprocess, self.run_folder, TARGETS[data.target], are_volumes=are_volumes
        )
        if note := self.postprocessing.note:
            print_on_rank_zero(note)

    def after_instantiate_classes(self) -> None:
        """Give it to the task."""
        super().after_instantiate_classes()
        self.model.postprocessing = self.postprocessing.operations
