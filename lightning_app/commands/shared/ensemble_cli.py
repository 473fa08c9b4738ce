"""What test and predict have in common: a run, or several joined, and what is done to masks."""

from typing import Any, ClassVar

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from data_modules.targets import TARGETS
from data_modules.utils.words import counted
from lightning_app.commands.shared.trained_run_cli import TrainedRunCLI, remark
from lightning_app.ensembles.network import joined_network
from lightning_app.ensembles.predictor import Augmentation, Predictor
from lightning_app.tuning.used import AUTO, chosen_postprocessing
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import print_on_rank_zero


class EnsembleCLI(TrainedRunCLI):
    """Uses the best weights of a run, or the mean probability of several, or of mirror images."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add what joins runs and mirror images."""
        super().add_arguments_to_parser(parser)
        parser.add_argument(
            "--ensemble",
            metavar="EXPERIMENT",
            help="Join all finished runs of an experiment: seeds and folds.",
        )
        parser.add_argument(
            "--tta",
            type=Augmentation | None,
            help="mirror: take the mean over an image and its three mirror images.",
        )

    @property
    def predictor(self) -> Predictor:
        """The runs whose weights are used."""
        return self.selection.predictor

    def check_against_run(self, config: Namespace) -> None:
        """Hold the config to what the weights were trained for.

        Raises:
            UsageError: a config names an ensemble or mirroring, which are read before configs are.
        """
        super().check_against_run(config)
        used = {"ensemble": len(self.predictor.runs) > 1, "tta": self.predictor.is_mirrored}
        for option, is_used in used.items():
            if config[option] is not None and not is_used:
                raise UsageError(
                    f"{option} is '{config[option]}' in a config: give it as --{option}"
                )

    def print_runs(self) -> None:
        """Print which runs are used, and which are not."""
        if self.predictor.is_plain:
            super().print_runs()
            return
        runs = self.predictor.runs
        mirrored = ", on each image and its three mirror images" * self.predictor.is_mirrored
        print_on_rank_zero(f"Mean probability of {counted(len(runs), 'run')}{mirrored}:")
        for run in runs:
            print_on_rank_zero(f"  {run.path}{remark(run)}")
        for left_out in self.selection.left_out:
            print_on_rank_zero(f"  Left out: {left_out}")

    def after_instantiate_classes(self) -> None:
        """Check the weights, and join the networks.

        Raises:
            UsageError: weights are damaged, or do not fit their network.
        """
        super().after_instantiate_classes()
        if not self.predictor.is_plain:
            self.model.network = joined_network(self.predictor, self.model, self._trusted)

    def weights(self) -> dict[str, Any]:
        """None for joined networks, which have theirs already."""
        return super().weights() if self.predictor.is_plain else {}


class PostprocessedCLI(EnsembleCLI):
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
            config.postprocess, self.predictor, TARGETS[data.target], are_volumes=are_volumes
        )
        if note := self.postprocessing.note:
            print_on_rank_zero(note)

    def after_instantiate_classes(self) -> None:
        """Give it to the task."""
        super().after_instantiate_classes()
        self.model.postprocessing = self.postprocessing.operations
