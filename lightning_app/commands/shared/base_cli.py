"""The options that all commands with configs share."""

import os
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from callbacks.acceleration import Acceleration
from callbacks.checkpoints import BestCheckpoint, LastCheckpoint
from callbacks.metrics_csv import MetricsCSV
from callbacks.nan_guard import FiniteLoss
from callbacks.timing.timing import Timing
from callbacks.training_curves import TrainingPicture
from callbacks.wandb_media import WandbMedia
from data_modules.brats import PHANTOM, BraTSDataModule
from lightning_app.config.import_allowlist import check_trust
from lightning_app.config.linked_arguments import add_links, refuse_linked, typed_options
from lightning_app.config.monitor_mode import follow_scores
from lightning_app.config.parser import ExperimentParser, NamedConfigFile
from lightning_app.config.schedule_options import check_schedule, follow_schedule
from lightning_app.config.validation import check_numbers, check_switches
from lightning_app.task import SegmentationTask
from lightning_app.utils.errors import UsageError
from lightning_app.utils.private_api import try_int_first

ROOT_VARIABLE = "BRATS_ROOT"  # folder of the data if --data.root is not given

CALLBACKS = {
    "acceleration": Acceleration,
    "best_checkpoint": BestCheckpoint,
    "last_checkpoint": LastCheckpoint,
    "metrics_csv": MetricsCSV,
    "finite_loss": FiniteLoss,
    "timing": Timing,
    "training_picture": TrainingPicture,
    "wandb_media": WandbMedia,
}


class BaseCLI(LightningCLI):
    """A LightningCLI that knows every key of our configs.

    Args:
        arguments: the options.
        settings: more arguments of LightningCLI.
    """

    def __init__(self, arguments: list[str], **settings: Any) -> None:
        super().__init__(
            SegmentationTask,
            BraTSDataModule,
            save_config_callback=None,  # the run recorder saves it
            seed_everything_default=0,
            parser_class=ExperimentParser,
            args=arguments,
            load_from_checkpoint_support=False,
            **settings,
        )

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """A parser that finds configs by bare names and does not complete option names."""
        # lightning_app/help has what --help prints.
        parser = self.parser_class(allow_abbrev=False, add_help=False, **kwargs)
        parser.add_argument("--help-all", action="help", help="List every option.")
        parser.add_argument(
            "-c",
            "--config",
            action=NamedConfigFile,
            help="A config: a path, or a bare name in configs/ or its variants/ or overlays/.",
        )
        return parser

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add our callbacks as keys of their own, and the links between options."""
        for key, callback in CALLBACKS.items():
            parser.add_lightning_class_args(callback, key)
        parser.add_argument(
            "--weights",
            help="For fit: start from the trained weights of a run (its best epoch) or of a "
            "checkpoint file, for fine-tuning.",
        )
        parser.add_argument(
            "--trust",
            action="append",
            metavar="NAME",
            help="A module or class of your own that configs and flags may name, such as "
            "monai.networks.nets; may be given several times. Its code will run.",
        )
        add_links(parser)
        try_int_first(parser)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse and check; LightningCLI's method would warn of arguments not from sys.argv.

        Raises:
            UsageError: a linked option, a class that is not trusted, a number that is not finite,
                no checkpoints, or options that contradict each other.
        """
        self.config = parser.parse_args(args)
        command = self.config.get("subcommand")
        typed = typed_options(self._parser(command), args[1:] if command else args)
        refuse_linked(typed)
        config = self.config.get(command, self.config)
        check_trust(config, args)
        check_numbers(config)
        check_switches(config)
        self.follow(config, typed)
        check_schedule(config)

    def follow(self, config: Namespace, typed: Namespace) -> None:
        """Set the options that follow from others unless they were typed.

        Args:
            config: the options; changed.
            typed: those of them that were typed.

        Raises:
            UsageError: a typed option contradicts another.
        """
        for contradiction in follow_scores(config, typed):
            raise UsageError(contradiction)
        follow_schedule(config, typed)

    def _parse_ckpt_path(self) -> None:
        """Nothing: a checkpoint never overrides what was typed."""


def resolve_paths(data: Namespace) -> None:
    """Make the paths in the data's options absolute, and fill in a root that was not given."""
    root = data.root or os.environ.get(ROOT_VARIABLE) or PHANTOM
    data.root = PHANTOM if Path(root) == PHANTOM else Path(root).absolute()
    data.cache_dir = Path(data.cache_dir).absolute()
    if data.split_file is not None:
        data.split_file = Path(data.split_file).absolute()
