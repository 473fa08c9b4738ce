"""What test and predict have in common: they use a run, or several joined."""

from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from data_modules.utils.words import counted
from lightning_app.commands.shared.trained_run_cli import TrainedRunCLI, remark
from lightning_app.ensembles.network import joined_network
from lightning_app.ensembles.predictor import Augmentation, Predictor
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
