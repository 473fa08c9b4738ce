"""The ``fit`` command: train a network, or resume a training."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningArgumentParser
from lightning.pytorch.utilities import rank_zero_only

from callbacks.checkpoints import BestCheckpoint
from callbacks.epoch_resume import EpochResume
from callbacks.graceful_stop import GracefulStop
from callbacks.gradient_check import GradientCheck
from callbacks.network.compiled import uncompiled
from callbacks.progress.epoch_lines import EpochLines
from callbacks.progress.slow_training import SlowTraining
from callbacks.rng_state import RandomStates
from callbacks.utils.atomic_write import atomic_write
from lightning_app.commands.shared.experiment_cli import ExperimentCLI
from lightning_app.commands.shared.experiment_name import name_remark
from lightning_app.commands.shared.loss_check import check_loss
from lightning_app.commands.shared.precision_check import check_precision
from lightning_app.commands.shared.run_selection import NEWEST, RunSelection
from lightning_app.commands.shared.schedule_length import ScheduleLength
from lightning_app.config.diff import COMMAND_OPTIONS, to_plain
from lightning_app.config.limits import end_limits, limits, limits_in_words
from lightning_app.config.saved_config import config_text
from lightning_app.help import fit
from lightning_app.results.wandb_reporter import WandbFitReport
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.compatibility import (
    check_resumable,
    check_something_left,
    keep_cycle,
    use_saved_split,
    use_saved_window,
)
from lightning_app.runs.model_summary import describe_network
from lightning_app.runs.recorder import RunRecorder
from lightning_app.runs.restorable import check_restorable
from lightning_app.runs.status import now, read_status, training_limits, write_status
from lightning_app.runs.weights import load_weights
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import print_on_rank_zero
from lightning_app.utils.text import print_lines

_QUICK = "quick.yaml"
_LEFT_OUT = "Reports leave this run out"

_log = logging.getLogger(__name__)


class FitCLI(ExperimentCLI):
    """Trains in the folder of a new or a resumed run."""

    command = "fit"
    page = fit.PAGE
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
        """Add the name of a new run, and the run to resume."""
        super().add_arguments_to_parser(parser)
        parser.add_argument(
            "--name",
            help="The experiment that the run belongs to, the folder NAME below "
            "trainer.default_root_dir; by default the name of the first --config.",
        )
        parser.add_argument(
            "--resume",
            nargs="?",
            const=NEWEST,
            metavar="RUN",
            help="Resume this run; without a name the newest unfinished run, of the experiment "
            "that --name or --config names.",
        )

    def check_against_run(self, config: Namespace) -> None:
        """Check that a resumed run stays the same run, and keep a copy of the config to save.

        Raises:
            UsageError: an option would make it another run, or cannot be saved, or nothing is left
                to train.
        """
        if self.selection.is_new:
            self._check_root(config)
            self._check_name(config)
        else:
            for warning in check_resumable(config, self.run_folder, self._parser("fit")):
                _log.warning("warning: %s", warning)
        if self.resumes:
            keep_cycle(config, self.run_folder)
        to_save = config.clone()
        for option in COMMAND_OPTIONS:
            to_save.pop(option, None)
        self._config_text = config_text(self._parser("fit"), to_save)
        if self.resumes:
            use_saved_split(config, self.run_folder)
            use_saved_window(config, [self.run_folder])

    def _check_root(self, config: Namespace) -> None:
        root = config.trainer.default_root_dir
        if root is not None and Path(root) != self.selection.root:
            raise UsageError(
                f"trainer.default_root_dir is '{root}', but the runs are in "
                f"'{self.selection.root}': give it as --trainer.default_root_dir, or in a config "
                "below trainer:"
            )

    def _check_name(self, config: Namespace) -> None:
        experiment = self.run_folder.experiment
        if config.name is None:
            configs = [str(file) for file in config.config or ()]
            if remark := name_remark(experiment, configs, config, self._parser("fit")):
                print_on_rank_zero(remark)
        elif config.name != experiment:
            raise UsageError(f"name is '{config.name}' in a config: give it as --name")

    def after_instantiate_classes(self) -> None:
        """Check that there is something to learn, and the state to resume from.

        Raises:
            UsageError: the loss, the precision or an option of the trainer is of no use, or the
                state is damaged, or nothing is left to train.
        """
        super().after_instantiate_classes()
        every = self.option("trainer").reload_dataloaders_every_n_epochs
        if every and self.option("data").num_workers:
            raise UsageError(
                f"trainer.reload_dataloaders_every_n_epochs is {every}, expected 0 with "
                "data.num_workers: restarted workers would skip the batches of an epoch"
            )
        optimizer = to_plain(self.config[self.command].get("optimizer")) or {}
        clip = self.trainer.gradient_clip_val
        check_precision(self.trainer.precision, optimizer.get("init_args") or {}, clip)
        if self.selection.is_new:
            loss = self.config[self.command].model.loss.class_path
            check_loss(loss, self.model.loss, self.model.target)
        if self.resumes:
            self._check_saved_state()
        elif not self.selection.is_new:
            print_on_rank_zero(
                f"No checkpoint in {self.run_folder.checkpoints} yet: the run starts again"
            )

    def _check_saved_state(self) -> None:
        run = self.run_folder
        checkpoint = read_checkpoint(run.last, memory_map=True)
        check_restorable(checkpoint, self.trainer, self.model, run.last)
        check_something_left(checkpoint, self.trainer.max_epochs, self.trainer.max_steps, run)
        try:
            self.option("metrics_csv").check(run.path)
        except ValueError as error:
            raise UsageError(str(error)) from error
        print_on_rank_zero(
            f"Resuming after step {checkpoint['global_step']}, in epoch {checkpoint['epoch'] + 1}"
        )

    def command_callbacks(self) -> list[Callback]:
        """Record the run, and make it resumable."""
        # A network that cannot take the slices is refused before any work.
        self._network = describe_network(self.model.network, self.datamodule)
        recorder = RunRecorder(
            self.run_folder,
            self._save_config,
            self._describe_network,
            new=self.selection.is_new,
            resumes=self.resumes,
        )
        best, media = self.option("best_checkpoint"), self.option("wandb_media")
        return [
            *([EpochResume()] if self.resumes else []),
            ScheduleLength(),  # before the recorder makes the run's folder
            recorder,
            RandomStates(),
            GradientCheck(),
            EpochLines(best),
            *self._slow_training(),
            WandbFitReport(self.run_folder, best, media),
            GracefulStop(self.option("last_checkpoint")),
        ]

    def _describe_network(self) -> dict[str, Any]:
        """The network's size, for the window that ``auto`` has found in the data."""
        if self._network["image_size"] == list(self.datamodule.window.input_size):
            return self._network
        with uncompiled(self.model):  # by now it may be compiled, for batches
            return describe_network(self.model.network, self.datamodule)

    def _slow_training(self) -> list[Callback]:
        """What advises a narrower network, as long as the network can still be chosen."""
        typed = self.config[self.command].config or []
        if not self.selection.is_new or any(Path(str(file)).name == _QUICK for file in typed):
            return []
        return [SlowTraining(f"--config {_QUICK} trains a narrow network in minutes")]

    def _save_config(self, path: Path) -> None:
        with atomic_write(path) as temporary:
            temporary.write_text(self._config_text, "utf-8")

    def fit(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Train from random, given or saved weights, and print the result."""
        start: dict[str, Any] = {}
        if self.resumes:
            start = {"ckpt_path": str(self.run_folder.last), "weights_only": True}
        elif (weights := self.option("weights")) is not None:
            load_weights(self.model.network, Path(weights))
        config = to_plain(self.config["fit"])
        if limited := limits("fit", config):
            print_on_rank_zero(f"Partial training: {limits_in_words(limited)}. {_LEFT_OUT}")
        if ends := end_limits(config):
            print_on_rank_zero(
                f"The training may end before its last epoch: {limits_in_words(ends)}"
            )
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
        return f"To resume: {self.command_about_run('fit', '--resume', str(self.run_folder.path))}"

    @rank_zero_only  # another node has not got the folder of the run
    def after_fit(self) -> None:
        """Print what was limited, the best epoch and the command that tests it."""
        if limited := training_limits(self.run_folder):
            print_lines(f"Trained in part: {limited}. {_LEFT_OUT}")
        best: BestCheckpoint = self.option("best_checkpoint")
        if best.best_model_score is None:
            print_lines("No best epoch was saved, so there is nothing to test")
            return
        number = read_checkpoint(self.run_folder.best, memory_map=True)["epoch"] + 1
        print_lines(
            f"Best epoch: {number} of {self.trainer.current_epoch}, {best.monitor} "
            f"{float(best.best_model_score):.4f}"
        )
        self.print_next("Test it", "test", "--run", str(self.run_folder.path))


run = FitCLI.run
