"""Trainings with recipes of ours, through the command line, as users train."""

import json
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from benchmarks.accuracy.curve import Curve
from benchmarks.accuracy.training import FOLDS, Cases, Outcome, Point, Training, case_scores
from benchmarks.utils.measuring import run_process
from benchmarks.utils.trainings import fit, main_command
from callbacks.utils.trainer import attributes
from lightning_app import read_scores
from lightning_app.runs.folder import Run

RECORD = "ACCURACY_CURVE"  # environment variable: the file that the callback writes
EXPERIMENT = "attention_unet_t2f"
BASE = (f"{EXPERIMENT}.yaml", "quick.yaml", "cpu.yaml")


class RecordCurve(Callback):
    """Write the CPU times and the Dice of a training into the file that the environment names."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._curve = Curve(attributes(trainer).datamodule, trainer.max_epochs or 0)

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Test the weights that are validated: averaged weights are only in place here."""
        if trainer.sanity_checking:
            return

        def forward(image: Tensor) -> Tensor:
            with trainer.precision_plugin.forward_context():
                logits: Tensor = pl_module(image)
                return logits

        self._curve.test_if_due(forward)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the epoch, which Lightning has validated before."""
        self._curve.epoch_ended()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the file."""
        points = [vars(point) for point in self._curve.points]
        content = {"seconds": self._curve.seconds, "curve": points}
        Path(os.environ[RECORD]).write_text(json.dumps(content), "utf-8")


def train(training: Training, epochs: int, cache: Path) -> Outcome:
    """Train for some epochs and test the weights of the best one; the run is kept."""
    with TemporaryDirectory() as name:
        record = Path(name) / "curve.json"
        environment = {RECORD: str(record)}
        options = _options(training, epochs)
        run = fit(Path(name), training.data, *options, cache=cache, environment=environment)
        cases = tested_cases(run)
        content = json.loads(record.read_text("utf-8"))
        kept = kept_run(cache, training)
        shutil.rmtree(kept, ignore_errors=True)  # with what was tuned for earlier weights
        shutil.copytree(run.path, kept)
    points = [Point(**point) for point in content["curve"]]
    return Outcome(epochs, content["seconds"], points, cases)


def tested_cases(run: Run) -> Cases:
    """Test a run; the scores of its patients."""
    run_process([*main_command("test"), "--run", str(run.path), "--trust", __name__])
    return case_scores(read_scores(run.path).cases)


def kept_run(cache: Path, training: Training) -> Path:
    """Where the run of a training is kept, below a folder of its data, setting and seed."""
    folder = cache / "runs" / f"{training.data.name}-{training.setting}-seed{training.seed}"
    return folder / EXPERIMENT / f"fold{training.fold}"


def _options(training: Training, epochs: int) -> list[str]:
    configs = [option for config in BASE for option in ("--config", config)]
    return [
        *configs,
        *("--data.slices", "all", "--data.split_sizes", "null"),
        *(training.how.options or ()),
        *("--data.folds", str(FOLDS), "--data.fold", str(training.fold)),
        *("--seed_everything", str(training.seed), "--trainer.max_epochs", str(epochs)),
        *("--trainer.logger", "false", "--trust", __name__),
        *("--trainer.callbacks+", f"{__name__}.{RecordCurve.__name__}"),
    ]
