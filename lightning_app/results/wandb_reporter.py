"""What only this program knows of a run, sent to W&B."""

import csv
from collections.abc import Iterator
from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger

from callbacks.checkpoints import BestCheckpoint
from callbacks.wandb_logger import ForgivingWandbLogger
from callbacks.wandb_media import Slices, WandbMedia
from data_modules.brats import BraTSDataModule
from data_modules.summary import description
from lightning_app.results.plots import to_grey
from lightning_app.results.test_results import TestResults
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.folder import Run, TestFolder, run_config
from lightning_app.utils.json_csv import read_json


def keep_wandb_in(run: Run, loggers: Any) -> None:
    """Tell W&B loggers, among those of a Trainer's option, where a run is."""
    for one in loggers if isinstance(loggers, list) else [loggers]:
        if isinstance(one, ForgivingWandbLogger):
            one.keep_in(run.path, run.wandb_id)


class WandbFitReport(Callback):
    """Send the config, the data's fingerprint, the best score, and its checkpoint if asked.

    Args:
        run: whose.
        best: knows the best score.
        media: is told which slices to show.
    """

    def __init__(self, run: Run, best: BestCheckpoint, media: WandbMedia) -> None:
        self.run = run
        self._best = best
        self._media = media

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Send what is known before the first step; the first process alone has a run folder."""
        if not trainer.is_global_zero:
            return
        data: BraTSDataModule = trainer.datamodule  # type: ignore[attr-defined]
        self._media.choose = lambda count: slices_to_show(data, count)
        described = description(data)
        known = {
            **dict(_dotted(run_config(self.run))),
            **{f"about_data.{name}": described[name] for name in _ABOUT_DATA},
        }
        for logger in _loggers(trainer):
            logger.log_hyperparams(known)
            # The best epoch's in W&B's tables, not the last one's.
            logger.attempt(
                lambda one: one.experiment.define_metric(
                    self._best.monitor, step_metric="trainer/global_step", summary=self._best.mode
                )
            )

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Send the learning rate."""
        for logger in _loggers(trainer):
            rate = float(trainer.optimizers[0].param_groups[0]["lr"])
            logger.log_metrics({"lr": rate}, trainer.global_step)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Send the best score, and its checkpoint."""
        if self._best.best_model_score is None:
            return
        for logger in _loggers(trainer):
            logger.attempt(self._send_best)
            if logger.log_checkpoint:
                logger.attempt(self._send_checkpoint)

    def _send_best(self, logger: WandbLogger) -> None:
        score = float(self._best.best_model_score or 0)
        epoch = read_checkpoint(self.run.best, memory_map=True)["epoch"]
        logger.experiment.summary.update({f"best/{self._best.monitor}": score, "best/epoch": epoch})

    def _send_checkpoint(self, logger: WandbLogger) -> None:
        import wandb

        artifact = wandb.Artifact(f"best-{logger.version}", type="model")
        artifact.add_file(str(self.run.best))
        logger.experiment.log_artifact(artifact, aliases=["best"])


class WandbTestReport(Callback):
    """Send the scores of a test and the table of its cases.

    Args:
        run: that is tested; a test on other data than its own is not sent.
        results: knows where the test is written.
    """

    def __init__(self, run: Run, results: TestResults) -> None:
        self.run = run
        self._results = results

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log nothing of a test on other data: it would be taken for the run's own."""
        data: BraTSDataModule = trainer.datamodule  # type: ignore[attr-defined]
        if self._results.folder(data) != self.run.test():
            for logger in _loggers(trainer):
                logger.keep_silent()

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Send what the files hold."""
        for logger in _loggers(trainer):
            logger.attempt(lambda one: _send_test(one, self.run.test()))


def slices_to_show(data: BraTSDataModule, count: int) -> Slices:
    """Of so many cases of the validation side, spread over it, the slice with most target."""
    dataset = data.datasets["val"]
    most = dataset.most_of(data.target.foreground)
    cases = sorted(most)
    chosen = [cases[i] for i in sorted({round(i) for i in np.linspace(0, len(cases) - 1, count)})]
    batch = dataset.gather([most[case] for case in chosen])
    return Slices(
        captions=[
            f"{dataset.cases[case].id}, slice {dataset.slice_index[most[case]]}" for case in chosen
        ],
        inputs=batch["image"],
        images=np.stack([to_grey(image[0].numpy()) for image in batch["image"]]),
        truth=data.target.classes_of(batch["labels"]).numpy(),
        classes=data.target.class_names,
        predict=data.target.decode,
    )


def _send_test(logger: WandbLogger, folder: TestFolder) -> None:
    scores = read_json(folder.metrics)["scores"]
    numbers = {
        f"test/{name}/{score}": result["value"]
        for name, results in scores.items()
        for score, result in results.items()
        if result["value"] is not None
    }
    logger.experiment.summary.update(numbers)
    with folder.cases.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    logger.log_table("test/cases", columns=header, data=[[_cell(c) for c in row] for row in rows])


def _cell(text: str) -> str | float | None:
    """A cell of a CSV file, as a number where it is one."""
    try:
        return float(text) if text else None
    except ValueError:
        return text


_ABOUT_DATA = ("kind", "fingerprint", "split")


def _dotted(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The options of a config by their dotted names, as a sweep names them."""
    if isinstance(content, dict) and content:
        for key, value in content.items():
            yield from _dotted(value, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, content


def _loggers(trainer: Trainer) -> list[ForgivingWandbLogger]:
    return [one for one in trainer.loggers if isinstance(one, ForgivingWandbLogger)]
