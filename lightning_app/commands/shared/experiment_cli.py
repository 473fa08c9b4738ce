"""The LightningCLI behind fit, validate, test and predict: it works in the folder of a run."""

import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from jsonargparse import Namespace
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, ReduceLROnPlateau
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from callbacks.progress.bar import TransientProgressBar
from data_modules.dataloaders import check_divides
from data_modules.utils.malloc import keep_freed_memory
from lightning_app.commands.shared.base_cli import BaseCLI, resolve_paths
from lightning_app.commands.shared.error_hints import explained_failures, explained_refusals
from lightning_app.commands.shared.precision_check import use_native_precision
from lightning_app.commands.shared.run_selection import RunSelection, select_run
from lightning_app.commands.shared.session import run_session
from lightning_app.config.import_allowlist import trusted_names, typed_trust
from lightning_app.config.lookup import BASE
from lightning_app.config.monitor_mode import follow_scores
from lightning_app.config.parser import default_configs
from lightning_app.config.schedule_options import fill_cycle
from lightning_app.help.shared.page import Page
from lightning_app.results.wandb_reporter import keep_wandb_in
from lightning_app.runs.checkpoint_io import DurableCheckpointIO
from lightning_app.runs.compatibility import (
    add_callbacks_once,
    lower_workers,
    use_own_cache,
)
from lightning_app.runs.folder import run_config
from lightning_app.runs.output_paths import OutputFolders
from lightning_app.runs.ranks import RankWatch, share_run
from lightning_app.runs.weights import weights_file
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import print_on_rank_zero
from lightning_app.utils.next_command import command_line
from lightning_app.utils.weight_limit import WeightLimit

_log = logging.getLogger(__name__)


class ExperimentCLI(BaseCLI):
    """Builds task, data and trainer, and calls the trainer. Each command is a subclass.

    A subclass has a method with the name of its command, which LightningCLI calls.

    Args:
        arguments: the options.
        selection: the run.
    """

    command: ClassVar[str]
    page: ClassVar[Page]
    uses_wandb: ClassVar[bool] = False
    uses_cache: ClassVar[bool] = True
    checkpoint_io: ClassVar[type[DurableCheckpointIO]] = DurableCheckpointIO

    @classmethod
    def run(cls, arguments: list[str]) -> int:
        """Carry out the command.

        Args:
            arguments: the options.

        Returns:
            The exit code.
        """
        return run_session(cls._run, arguments)

    @classmethod
    def _run(cls, arguments: list[str]) -> int:
        selection = select_run(cls.command, arguments)
        with share_run(selection.run):
            cls(arguments, selection)
        return 0

    def __init__(self, arguments: list[str], selection: RunSelection) -> None:
        self.selection = selection
        self._arguments = arguments
        self._trusted = trusted_names(arguments)
        self._typed_trust = typed_trust(arguments)
        self.run_folder = selection.run
        configs = [BASE] if selection.is_new else [BASE, self.run_folder.config]
        settings = {
            "description": self.page.summary,
            "default_config_files": default_configs(configs),
        }
        super().__init__([self.command, *arguments], parser_kwargs={self.command: settings})

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]
        """The command, and the arguments of the trainer's method that are not options."""
        skipped = {"ckpt_path", "weights_only", "verbose", "return_predictions"}
        return {self.command: LightningCLI.subcommands()[self.command] | skipped}

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse as the command that was typed: ``tune`` is not named as the Trainer's method is."""
        self._parser(self.command).prog = f"python main.py {self.page.command}"
        super().parse_arguments(parser, args)

    def follow(self, config: Namespace, typed: Namespace) -> None:
        """Keep what an existing run was started with, also by an earlier version.

        Raises:
            UsageError: a typed option of a new run contradicts another.
        """
        if self.selection.is_new:
            super().follow(config, typed)
            return
        for contradiction in follow_scores(config, typed):
            if self.command == "fit":
                _log.warning("warning: %s", contradiction)

    def before_instantiate_classes(self) -> None:
        """Resolve paths and the length of the schedule's cycle.

        Raises:
            UsageError: an option does not fit the run or leads out of its root, or the cycle has
                no length.
        """
        config: Namespace = self.config[self.command]
        if not self.selection.is_new:
            add_callbacks_once(config)
        OutputFolders(self.selection.root, self.run_folder).check(config, self._trusted)
        resolve_paths(config.data)
        if config.weights is not None:
            config.weights = str(weights_file(config.weights, self.selection.root))
        resumes = self.command == "fit" and not self.selection.is_new
        resumed = run_config(self.run_folder) if resumes else None
        if note := use_native_precision(config, self._arguments, resumed):
            print_on_rank_zero(note)
        self.check_against_run(config)
        if not self.selection.is_new:
            for adapt in (lower_workers, *([use_own_cache] if self.uses_cache else [])):
                if note := adapt(config, self.run_folder):
                    print_on_rank_zero(note)
        fill_cycle(config)

    @staticmethod
    def configure_optimizers(
        lightning_module: LightningModule,
        optimizer: Optimizer,
        lr_scheduler: LRScheduler | None = None,
    ) -> Any:
        """What the task's ``configure_optimizers`` returns: how often the schedule is stepped.

        Args:
            lightning_module: the task, with its trainer.
            optimizer: the optimizer.
            lr_scheduler: the schedule, if there is one.
        """
        if lr_scheduler is None:
            return optimizer
        stepped: dict[str, Any] = {
            "scheduler": lr_scheduler,
            "interval": lightning_module.lr_interval,
        }
        if isinstance(lr_scheduler, ReduceLROnPlateau):
            stepped["monitor"] = lr_scheduler.monitor
            # In the epochs between two validations there is no score, or an old one.
            stepped["frequency"] = lightning_module.trainer.check_val_every_n_epoch or 1
        return {"optimizer": optimizer, "lr_scheduler": stepped}

    def check_against_run(self, config: Namespace) -> None:
        """Compare the config with that of the run, and take over what the run must keep."""

    def instantiate_classes(self) -> None:
        """Build task, data and trainer.

        Raises:
            UsageError: one of them refuses an option.
        """
        with explained_refusals(self.config[self.command]), WeightLimit():
            super().instantiate_classes()

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer, working in the run's folder, with the callbacks of the command."""
        trainer = self.option("trainer")
        for key in ("best_checkpoint", "last_checkpoint"):
            # Lightning would put them into the folder of a logger.
            self.option(key).dirpath = str(self.run_folder.checkpoints)
        if self.uses_wandb:
            keep_wandb_in(self.run_folder, trainer.logger)
        checkpoint_io = self.checkpoint_io(self.run_folder.checkpoints)
        return super().instantiate_trainer(
            default_root_dir=self.run_folder.path,
            callbacks=[
                *_as_list(trainer.callbacks),
                *_progress_bar(trainer),
                *self.command_callbacks(),
            ],
            plugins=[*_as_list(trainer.plugins), checkpoint_io],
            **kwargs,
        )

    def command_callbacks(self) -> list[Callback]:
        """The callbacks that only this command has."""
        return []

    def after_instantiate_classes(self) -> None:
        """Check that the devices can share a batch, before any work.

        Raises:
            DataError: they cannot.
            UsageError: Lightning is to shard the batches once more.
        """
        devices = self.trainer.world_size
        check_divides(self.datamodule.batch_size, devices)
        if devices > 1 and self.option("trainer").use_distributed_sampler:
            raise UsageError(
                f"trainer.use_distributed_sampler is true on {devices} devices, expected false: "
                "our own samplers shard the slices"
            )

    def option(self, key: str) -> Any:
        """The value of a key of the config, with its classes built; before that, the options."""
        return self._get(getattr(self, "config_init", self.config), key)

    def call_trainer(self, method: Callable[..., Any], **arguments: Any) -> None:
        """Call a method of the trainer; on failure explain it and stop the other ranks.

        Raises:
            UsageError: the loss diverged, or the memory does not suffice.
        """
        if self.trainer.strategy.root_device.type == "cpu":
            keep_freed_memory()
        try:
            with (
                RankWatch(self._other_ranks, self.rank_failed),
                explained_failures(
                    self.run_folder, self.option("data").batch_size, self.datamodule
                ),
            ):
                method(self.model, **arguments)
        except Exception:
            if self.trainer.strategy.launcher is not None:
                # The other ranks would wait for this one for half an hour.
                self.trainer.strategy.launcher.kill(signal.SIGTERM)
            raise

    def print_next(self, purpose: str, *words: str) -> None:
        """Print a command that may be typed next, with the trust that this one was given.

        Args:
            purpose: what it does.
            words: the command and its options.
        """
        print_on_rank_zero(f"{purpose}: {self.command_about_run(*words)}")

    def command_about_run(self, *words: str) -> str:
        """A command that reads the run's config, with the trust that this one was given."""
        trust = [word for name in self._typed_trust for word in ("--trust", name)]
        return command_line(*words, *trust)

    def rank_failed(self, reason: str) -> None:
        """Print that another rank has failed."""
        print(f"error: {reason}: no rank can continue without it", file=sys.stderr, flush=True)

    def _other_ranks(self) -> Sequence["subprocess.Popen[Any]"]:
        """The ranks that this process has started."""
        return getattr(self.trainer.strategy.launcher, "procs", ())


def _progress_bar(trainer: Namespace) -> list[ProgressBar]:
    """Our progress bar, unless bars are turned off or a config names another one."""
    named = any(isinstance(callback, ProgressBar) for callback in _as_list(trainer.callbacks))
    is_off = trainer.enable_progress_bar is False
    return [] if named or is_off else [TransientProgressBar()]


def _as_list(value: Any) -> list[Any]:
    """The value of an option that takes one object, several or none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
