"""Sends to W&B what the generic callbacks do not know about a run."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer

from callbacks.checkpoints import BestCheckpoint
from callbacks.utils.trainer import attributes
from callbacks.wandb_logger import ForgivingWandbLogger, forgiving_loggers
from callbacks.wandb_media import Slices, WandbMedia
from data_modules.brats import BraTSDataModule
from data_modules.summary import description
from lightning_app.results.plots import to_grey
from lightning_app.results.test_record import read_test
from lightning_app.results.test_results import TestResults
from lightning_app.results.test_tables import CASE_COLUMNS, case_rows, read_slices
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.folder import Run, TestFolder, run_config
from lightning_app.scoring.test_scores import logged_values

_ABOUT_DATA = ("kind", "fingerprint", "split")


def keep_wandb_in(run: Run, loggers: Any) -> None:
    """Make W&B loggers, among those in the Trainer's option ``logger``, write to a run's folder."""
    for logger in loggers if isinstance(loggers, list) else [loggers]:
        if isinstance(logger, ForgivingWandbLogger):
            logger.keep_in(run.path, run.wandb_id)


class WandbFitReport(Callback):
    """Send the config, the data's fingerprint, the best score, and its checkpoint if requested.

    Args:
        run: the run that is trained.
        best: has the best score.
        media: is given the validation slices to log.
    """

    def __init__(self, run: Run, best: BestCheckpoint, media: WandbMedia) -> None:
        self.run = run
        self._best = best
        self._media = media

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Send the config and the data's fingerprint; only rank 0 has a run folder."""
        if not trainer.is_global_zero:
            return
        data: BraTSDataModule = attributes(trainer).datamodule
        self._media.choose = lambda count: slices_to_show(data, count)
        described = description(data)
        config = {
            **dict(_dotted(run_config(self.run))),
            **{f"about_data.{name}": described[name] for name in _ABOUT_DATA},
        }
        for logger in forgiving_loggers(trainer):
            logger.log_hyperparams(config)
            logger.attempt(self._summarise_by_best)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Send the learning rate."""
        for logger in forgiving_loggers(trainer):
            rate = float(trainer.optimizers[0].param_groups[0]["lr"])
            logger.log_metrics({"lr": rate}, trainer.global_step)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Send the best score, and its checkpoint if requested."""
        if self._best.best_model_score is None:
            return
        for logger in forgiving_loggers(trainer):
            logger.attempt(self._send_best)
            if logger.log_checkpoint:
                logger.attempt(self._send_checkpoint)

    def _summarise_by_best(self, logger: ForgivingWandbLogger) -> None:
        """Show the score of the best epoch in W&B's tables, not that of the last one."""
        logger.experiment.define_metric(
            self._best.monitor, step_metric="trainer/global_step", summary=self._best.mode
        )

    def _send_best(self, logger: ForgivingWandbLogger) -> None:
        score = float(self._best.best_model_score or 0)
        epoch = read_checkpoint(self.run.best, memory_map=True)["epoch"]
        logger.experiment.summary.update({f"best/{self._best.monitor}": score, "best/epoch": epoch})

    def _send_checkpoint(self, logger: ForgivingWandbLogger) -> None:
        import wandb

        artifact = wandb.Artifact(f"best-{logger.experiment.id}", type="model")
        artifact.add_file(str(self.run.best))
        logger.experiment.log_artifact(artifact, aliases=["best"])


class WandbTestReport(Callback):
    """Send the scores of a test and the table of its cases.

    Args:
        run: the run that is tested. A test on other data or another split is not sent.
        results: determines the folder of the test.
    """

    def __init__(self, run: Run, results: TestResults) -> None:
        self.run = run
        self._results = results

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Do not log a test on other data: it would be mistaken for the test of the run."""
        data: BraTSDataModule = attributes(trainer).datamodule
        if self._results.folder(data) != self.run.test():
            for logger in forgiving_loggers(trainer):
                logger.keep_silent()

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Send the scores in the test's files."""
        for logger in forgiving_loggers(trainer):
            logger.attempt(partial(_send_test, folder=self.run.test()))


def slices_to_show(data: BraTSDataModule, count: int) -> Slices:
    """The slice with the largest target of each of ``count`` evenly spaced validation cases."""
    dataset = data.datasets["val"]
    largest = dataset.most_of(data.target.foreground)
    cases = sorted(largest)
    chosen = [cases[i] for i in sorted({round(i) for i in np.linspace(0, len(cases) - 1, count)})]
    batch = dataset.gather([largest[case] for case in chosen])
    return Slices(
        captions=[
            f"{dataset.cases[case].id}, slice {dataset.slice_index[largest[case]]}"
            for case in chosen
        ],
        inputs=batch["image"],
        images=np.stack([to_grey(image[0].numpy()) for image in batch["image"]]),
        reference=data.target.classes_of(batch["labels"]).numpy(),
        classes=data.target.class_names,
        predict=data.target.decode,
    )


def _send_test(logger: ForgivingWandbLogger, folder: TestFolder) -> None:
    test = read_test(folder)
    logger.experiment.summary.update(logged_values(test.scores, test.volumes))
    rows = case_rows(read_slices(folder, tuple(test.scores)).by_case())
    logger.log_table("test/cases", columns=[*CASE_COLUMNS], data=[[*row] for row in rows])


def _dotted(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The options of a config by their dotted names, as in sweeps."""
    if isinstance(content, dict) and content:
        for key, value in content.items():
            yield from _dotted(value, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, content
