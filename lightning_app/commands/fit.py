"""The ``fit`` command: train a network, or resume a training."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningArgumentParser

from callbacks.checkpoints import BestCheckpoint
from callbacks.graceful_stop import GracefulStop
from callbacks.rng_state import RandomStates
from callbacks.utils.atomic_write import atomic_write
from lightning_app.commands.shared.experiment_cli import ExperimentCLI
from lightning_app.commands.shared.run_selection import RunSelection
from lightning_app.config.diff import COMMAND_OPTIONS
from lightning_app.results.wandb_reporter import WandbFitReport
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.compatibility import (
    check_resumable,
    check_something_left,
    keep_cycle,
    use_saved_split,
)
from lightning_app.runs.model_summary import describe_network
from lightning_app.runs.recorder import RunRecorder
from lightning_app.runs.status import now, read_status, write_status
from lightning_app.runs.weights import load_weights
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import print_on_rank_zero

_log = logging.getLogger(__name__)


class FitCLI(ExperimentCLI):
    """Trains in the folder of a new or a resumed run."""

    command = "fit"
    uses_wandb = True

    def __init__(self, arguments: list[str], selection: RunSelection) -> None:
        # A run that was killed before its first checkpoint starts again.
        self.resumes = selection.run.last.is_file()
        try:
            super().__init__(arguments, selection)  # trains, as every LightningCLI
        except BaseException as error:
            run = selection.run
            trained_here = read_status(run).get("pid") == os.getpid()
            if trained_here and run.last.is_file():
                error.add_note(self._how_to_resume())
            raise

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the run to resume."""
        super().add_arguments_to_parser(parser)
        parser.add_argument(
            "--resume",
            nargs="?",
            const="",
            metavar="RUN",
            help="Resume this run; without a name the newest unfinished run, of the experiment "
            "that --config names.",
        )

    def check_against_run(self, config: Namespace) -> None:
        """Check that a resumed run stays the same run, and keep a copy of the config to save.

        Raises:
            UsageError: an option would make it another run, or nothing is left to train.
        """
        if self.selection.is_new:
            self._check_root(config)
        else:
            for warning in check_resumable(config, self.run_folder, self._parser("fit")):
                _log.warning("warning: %s", warning)
            self._prepare_resume(config)
        self._to_save = config.clone()
        for option in COMMAND_OPTIONS:
            self._to_save.pop(option, None)
        if self.resumes:
            use_saved_split(config, self.run_folder)

    def _check_root(self, config: Namespace) -> None:
        root = config.trainer.default_root_dir
        if root is not None and Path(root) != self.selection.root:
            raise UsageError(
                f"trainer.default_root_dir is '{root}', but the runs are in "
                f"'{self.selection.root}': give it as --trainer.default_root_dir, or in a config "
                "below trainer:"
            )

    def _prepare_resume(self, config: Namespace) -> None:
        if not self.resumes:
            print_on_rank_zero(
                f"No checkpoint in {self.run_folder.checkpoints} yet: the run starts again"
            )
            return
        checkpoint = read_checkpoint(self.run_folder.last, memory_map=True)
        check_something_left(checkpoint, config.trainer.max_epochs, self.run_folder)
        print_on_rank_zero(
            f"Resuming after step {checkpoint['global_step']} of epoch {checkpoint['epoch']}"
        )
        keep_cycle(config, self.run_folder)

    def command_callbacks(self) -> list[Callback]:
        """Record the run, and make it resumable."""
        recorder = RunRecorder(
            self.run_folder,
            self._save_config,
            describe_network(self.model.network, self.datamodule),
            new=self.selection.is_new,
            resumes=self.resumes,
        )
        best, media = self.option("best_checkpoint"), self.option("wandb_media")
        return [
            recorder,
            RandomStates(),
            WandbFitReport(self.run_folder, best, media),
            GracefulStop(self.option("last_checkpoint")),
        ]

    def _save_config(self, path: Path) -> None:
        parser = self._parser("fit")
        # With multifile a network given as a file would be saved as the file's name.
        with atomic_write(path) as temporary:
            parser.save(self._to_save, temporary, skip_none=False, multifile=False, overwrite=True)

    def fit(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Train from random, given or saved weights, and print the result."""
        start: dict[str, Any] = {}
        weights = self.option("weights")
        if self.resumes:
            weights = self.run_folder.last  # its error explains why they do not fit
            start = {"ckpt_path": str(weights), "weights_only": True}
        if weights is not None:
            load_weights(self.model.network, Path(weights))
        self.call_trainer(self.trainer.fit, datamodule=datamodule, **start)

    def rank_failed(self, reason: str) -> None:
        """Record the reason, print it, and how to resume."""
        run = self.run_folder
        if read_status(run).get("pid") == os.getpid():
            write_status(run, "failed", ended=now(), reason=reason)
        super().rank_failed(reason)
        if run.last.is_file():
            print(self._how_to_resume(), file=sys.stderr, flush=True)

    def _how_to_resume(self) -> str:
        return f"To resume: python main.py fit --resume {self.run_folder.path}"

    def after_fit(self) -> None:
        """Print the best epoch and the command that tests it."""
        best: BestCheckpoint = self.option("best_checkpoint")
        if best.best_model_score is None:
            print_on_rank_zero("No best epoch: nothing was validated, so there is nothing to test")
            return
        print_on_rank_zero(f"Best epoch: {best.monitor} {float(best.best_model_score):.4f}")
        print_on_rank_zero(f"Test it: python main.py test --run {self.run_folder.path}")


run = FitCLI.run
