"""The LightningCLI behind fit, validate, test and predict."""

import logging
import signal
from functools import partial
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.strategies.launchers.subprocess_script import _SubprocessScriptLauncher

from callbacks.checkpoints import BestCheckpoint
from callbacks.graceful_stop import GracefulStop
from callbacks.rng_state import RandomStates
from callbacks.utils.atomic_write import atomic_write
from data_modules.brats import BraTSDataModule
from data_modules.summary import summary
from data_modules.utils.errors import DataError
from data_modules.utils.malloc import keep_freed_memory
from data_modules.volume_dataset import volumes_to_predict
from lightning_app.commands.shared.base_cli import BaseCLI, resolve_paths
from lightning_app.commands.shared.error_hints import failures_in_words
from lightning_app.commands.shared.run_selection import RunSelection
from lightning_app.config.diff import COMMAND_OPTIONS
from lightning_app.config.lookup import BASE
from lightning_app.config.parser import ExperimentParser
from lightning_app.results.label_maps import LabelMapWriter
from lightning_app.results.test_results import TestResults
from lightning_app.results.wandb_reporter import WandbFitReport, WandbTestReport, keep_wandb_in
from lightning_app.runs.checkpoint_io import DurableCheckpointIO, read_checkpoint
from lightning_app.runs.compatibility import (
    check_resumable,
    check_same_experiment,
    keep_cycle,
    use_saved_split,
)
from lightning_app.runs.folder import Run
from lightning_app.runs.model_summary import describe_network
from lightning_app.runs.recorder import RunRecorder
from lightning_app.runs.resume import check_something_left
from lightning_app.runs.status import is_finished
from lightning_app.runs.weights import load_weights, weights_file
from lightning_app.task import SegmentationTask
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import print_on_rank_zero

_log = logging.getLogger(__name__)


class ExperimentCLI(BaseCLI):
    """A LightningCLI whose runs have folders, and whose tests know them.

    Args:
        arguments: the command and its options.
        early: what was read from them ahead.
        run_folder: the run that the command makes, goes on with, or uses.
    """

    def __init__(self, arguments: list[str], early: RunSelection, run_folder: Run) -> None:
        self.early = early
        self.run_folder = run_folder
        # A run that was killed before its first checkpoint begins anew.
        self.checkpoint = run_folder.last if early.command == "fit" else run_folder.best
        self.goes_on = early.command == "fit" and self.checkpoint.is_file()
        files = [str(BASE), *([str(early.run.config)] if early.run else [])]
        super().__init__(
            SegmentationTask,
            BraTSDataModule,
            save_config_callback=None,  # the run recorder writes it
            seed_everything_default=0,
            parser_class=ExperimentParser,
            parser_kwargs={early.command: {"default_config_files": files}},
            args=arguments,
            load_from_checkpoint_support=False,
        )

    # Building the parser -------------------------------------------------------------------------

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]
        """The one command that was typed, and the arguments of its method that we fill in."""
        filled = {"ckpt_path", "weights_only", "verbose", "return_predictions"}
        return {self.early.command: LightningCLI.subcommands()[self.early.command] | filled}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Which run, and for predict from where to where."""
        super().add_arguments_to_parser(parser)
        if self.early.command == "fit":
            parser.add_argument(
                "--resume",
                nargs="?",
                const="",
                metavar="RUN",
                help="Go on with this run; without a name with the newest unfinished one, of the "
                "experiment that --config names.",
            )
        else:
            parser.add_argument(
                "--run",
                help="The run: its folder or name, or an experiment for its newest run. "
                "Default: the newest run with a checkpoint.",
            )
        if self.early.command == "predict":
            parser.add_argument(
                "--input", type=Path, required=True, help="A case, or a folder of cases."
            )
            parser.add_argument(
                "--output", type=Path, required=True, help="Where the label maps are written."
            )

    # Before the classes are built ----------------------------------------------------------------

    def before_instantiate_classes(self) -> None:
        """Resolve what the config leaves to the surroundings, so that it can be fed back.

        Raises:
            UsageError: an option that makes the run another one, or its weights something else.
        """
        config: Namespace = self.config[self.early.command]
        resolve_paths(config.data)
        if config.weights is not None:
            config.weights = str(weights_file(config.weights, self.early.root))
        self._to_save = config.clone()  # with a null T_0, which follows a change of max_epochs
        for option in COMMAND_OPTIONS:
            self._to_save.pop(option, None)
        if self.early.command != "fit":
            unfinished = not is_finished(self.run_folder)
            so_far = " (not trained to its end: its best weights so far)" if unfinished else ""
            print_on_rank_zero(f"Run: {self.run_folder.path}{so_far}")
            check_same_experiment(config, self.run_folder)
        elif self.early.run is not None:
            self._keep_going(config)
        self._fill_cycle(config)

    def _keep_going(self, config: Namespace) -> None:
        """Hold a training to the run that it goes on with."""
        for warning in check_resumable(config, self.run_folder, self._parser(self.early.command)):
            _log.warning("warning: %s", warning)
        if not self.goes_on:
            print_on_rank_zero(
                f"No checkpoint in {self.run_folder.checkpoints} yet: the run begins anew"
            )
            return
        saved = read_checkpoint(self.checkpoint, memory_map=True)
        check_something_left(saved, config.trainer.max_epochs, self.run_folder)
        print_on_rank_zero(f"Going on after step {saved['global_step']} of epoch {saved['epoch']}")
        for changed in (config, self._to_save):
            keep_cycle(changed, self.run_folder)
        use_saved_split(config, self.run_folder)

    def _fill_cycle(self, config: Namespace) -> None:
        """One cycle of the schedule over the whole training, where no other was asked for."""
        scheduler = config.get("lr_scheduler")
        if scheduler and "T_0" in scheduler.init_args and scheduler.init_args.T_0 is None:
            epochs = config.trainer.max_epochs
            if epochs is None or epochs < 1:
                raise UsageError(
                    f"trainer.max_epochs is {epochs}, so lr_scheduler.init_args.T_0 must be given: "
                    "expected the number of epochs of a cycle"
                )
            scheduler.init_args.T_0 = epochs

    def instantiate_classes(self) -> None:
        """Build task, data and trainer; what they refuse is an error in the options."""
        try:
            super().instantiate_classes()
        except MisconfigurationException as error:  # names no option
            trainer = self._get(self.config, "trainer")
            raise UsageError(
                f"{' '.join(str(error).split())} trainer.accelerator is {trainer.accelerator}, "
                f"trainer.devices is {trainer.devices}"
            ) from error
        except (ValueError, TypeError) as error:
            raise UsageError(" ".join(str(error).split())) from error

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer, working in the run's folder, with the callback that the command needs."""
        callbacks = self._get(self.config_init, "trainer").callbacks or []
        for name in ("best_checkpoint", "last_checkpoint"):
            # Not left to Lightning, which would follow a logger to its folder.
            self._get(self.config_init, name).dirpath = str(self.run_folder.checkpoints)
        if self.early.command in {"fit", "test"}:
            keep_wandb_in(self.run_folder, self._get(self.config_init, "trainer").logger)
        plugins = self._get(self.config_init, "trainer").plugins or []
        return super().instantiate_trainer(
            default_root_dir=self.run_folder.path,
            callbacks=[*callbacks, *self._command_callbacks()],
            plugins=[*(plugins if isinstance(plugins, list) else [plugins]), DurableCheckpointIO()],
            **kwargs,
        )

    def after_instantiate_classes(self) -> None:
        """Hold the data to the number of devices, before any work.

        Raises:
            UsageError: a prediction on several.
            DataError: a batch that cannot be dealt out to them.
        """
        devices = self.trainer.world_size
        self.datamodule.check_devices(devices)
        if self.early.command == "predict" and devices > 1:
            raise UsageError(f"predict on {devices} devices, expected trainer.devices 1")

    def _command_callbacks(self) -> list[Any]:
        own = partial(self._get, self.config_init)
        match self.early.command:
            case "fit":
                network = describe_network(self.model.network, self.datamodule)
                return [
                    RunRecorder(
                        self.run_folder,
                        self._save_config,
                        network,
                        new=self.early.run is None,
                        goes_on=self.goes_on,
                    ),
                    RandomStates(),
                    WandbFitReport(self.run_folder, own("best_checkpoint"), own("wandb_media")),
                    GracefulStop(own("last_checkpoint")),
                ]
            case "test":
                results = TestResults(self.run_folder, own("timing"), own("acceleration"))
                return [results, WandbTestReport(self.run_folder, results)]
            case "predict":
                self._label_map_writer = LabelMapWriter(own("output"), self.run_folder)
                return [self._label_map_writer]
        return []

    def _save_config(self, path: Path) -> None:
        parser = self._parser(self.early.command)
        # Without multifile=False a network given as a file of its own would be saved as its name.
        with atomic_write(path) as temporary:
            parser.save(self._to_save, temporary, skip_none=False, multifile=False, overwrite=True)

    # Carrying out the command --------------------------------------------------------------------

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        """What the trainer's method is called with; never untrained weights but in fit."""
        arguments = super()._prepare_subcommand_kwargs(subcommand)
        if subcommand != "fit" or self.goes_on:
            arguments |= {"ckpt_path": str(self.checkpoint), "weights_only": True}
        if subcommand == "test":
            arguments["verbose"] = False
        return arguments

    def _run_subcommand(self, subcommand: str) -> None:
        weights = self._get(self.config_init, "weights")
        if subcommand != "fit" or self.goes_on:
            load_weights(self.model.network, self.checkpoint)  # for its words where they do not fit
        elif weights is not None:
            load_weights(self.model.network, Path(weights))
        data = self._get(self.config_init, "data")
        if self.trainer.strategy.root_device.type == "cpu":
            keep_freed_memory()
        try:
            with failures_in_words(self.run_folder, data.batch_size, self.datamodule):
                super()._run_subcommand(subcommand)
        except Exception:
            self._end_other_processes()
            raise

    def _end_other_processes(self) -> None:
        """End those that Lightning started, which would wait for this one for half an hour."""
        launcher = self.trainer.strategy.launcher
        if isinstance(launcher, _SubprocessScriptLauncher):
            launcher.kill(signal.SIGTERM)

    def after_fit(self) -> None:
        """Say what came out and what to do next."""
        best: BestCheckpoint = self._get(self.config_init, "best_checkpoint")
        if best.best_model_score is None:
            print_on_rank_zero("No best epoch: nothing was validated, so there is nothing to test")
            return
        print_on_rank_zero(f"Best epoch: {best.monitor} {float(best.best_model_score):.4f}")
        print_on_rank_zero(f"Test it: python main.py test --run {self.run_folder.path}")

    def after_validate(self) -> None:
        """Say what the data are, which Lightning's table does not."""
        assert isinstance(self.datamodule, BraTSDataModule)
        print_on_rank_zero(f"Data: {self.datamodule.kind}; {summary(self.datamodule)}")

    def predict(
        self,
        model: LightningModule,
        datamodule: LightningDataModule,
        **kwargs: Any,
    ) -> None:
        """Segment the volumes of ``--input`` instead of a side of the data module."""
        assert isinstance(datamodule, BraTSDataModule)
        volumes = volumes_to_predict(
            self._get(self.config_init, "input"),
            datamodule.modalities,
            datamodule.cache.size,
            datamodule.release,
        )
        writer = self._label_map_writer
        writer.folder.mkdir(parents=True, exist_ok=True)  # before hours of work, not after
        self.trainer.predict(model, dataloaders=volumes, return_predictions=False, **kwargs)
        print_on_rank_zero(f"Label maps: {writer.folder}")
        if writer.problems:
            raise DataError(
                f"cases that could not be segmented: {len(writer.problems)} "
                f"({'; '.join(writer.problems)})"
            )
