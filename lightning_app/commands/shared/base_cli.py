"""What all commands that take configs understand in the same way."""

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
from data_modules.brats import PHANTOM
from lightning_app.config.import_allowlist import check_trust
from lightning_app.config.linked_arguments import LINKS, refuse_linked
from lightning_app.config.parser import NamedConfigFile
from lightning_app.config.validation import check_numbers

ROOT_VARIABLE = "BRATS_ROOT"  # the folder of the data where --data.root names none


class BaseCLI(LightningCLI):
    """A LightningCLI that knows every key of our configs."""

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """A parser that knows configs by bare names and does not guess at half an option."""
        parser = self.parser_class(allow_abbrev=False, **kwargs)
        parser.add_argument(
            "-c",
            "--config",
            action=NamedConfigFile,
            help="A config: a path, or a bare name in configs/ or configs/overlays/.",
        )
        return parser

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Our callbacks as keys of their own, and what follows from the data."""
        parser.add_lightning_class_args(Acceleration, "acceleration")
        parser.add_lightning_class_args(BestCheckpoint, "best_checkpoint")
        parser.add_lightning_class_args(LastCheckpoint, "last_checkpoint")
        parser.add_lightning_class_args(MetricsCSV, "metrics_csv")
        parser.add_lightning_class_args(FiniteLoss, "finite_loss")
        parser.add_lightning_class_args(Timing, "timing")
        parser.add_lightning_class_args(TrainingPicture, "training_picture")
        parser.add_lightning_class_args(WandbMedia, "wandb_media")
        parser.add_argument(
            "--weights",
            help="For fit: begin from the trained weights of a run (its best epoch) or of a "
            "checkpoint file, for fine-tuning.",
        )
        parser.add_argument(
            "--trust",
            action="append",
            metavar="NAME",
            help="A module or class of your own that configs and flags may name, such as "
            "monai.networks.nets; may be given several times. Its code will run.",
        )
        for target, link in LINKS.items():
            parser.link_arguments(link.source, target, compute_fn=link.compute)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse and refuse; LightningCLI's own method warns of arguments not from sys.argv.

        Raises:
            UsageError: an option that is linked, a class that is not trusted, a number that is
                none.
        """
        refuse_linked(args)
        self.config = parser.parse_args(args)
        config = self.config.get(self.config.get("subcommand"), self.config)
        check_trust(config, args)
        check_numbers(config)

    def _parse_ckpt_path(self) -> None:
        """Nothing: a checkpoint never overrides what was typed."""


def resolve_paths(data: Namespace) -> None:
    """Make the paths of the data's options absolute, and fill in a root that was left open."""
    root = data.root or os.environ.get(ROOT_VARIABLE) or PHANTOM
    data.root = root if root == PHANTOM else Path(root).absolute()
    data.cache_dir = data.cache_dir.absolute()
    if data.split_file is not None:
        data.split_file = data.split_file.absolute()
