"""How long training and testing take, and what the time is spent on."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.data import extract_batch_size

from callbacks.timing import data_wait
from callbacks.timing.clocks import clock_of
from callbacks.timing.forward_times import ForwardTimes
from callbacks.timing.record import write_timing
from callbacks.timing.stopwatch import IntervalSums, Kind, Stopwatch, over_ranks
from callbacks.utils.file_names import check_file_name
from callbacks.utils.root_folder import make_root
from callbacks.utils.trainer import attributes

KEY = "timing"


class Timing(Callback):
    """Take timestamps around every batch, and read them at the end of an epoch.

    On CUDA the timestamps are events, on other devices readings of the host's clock, so that no
    step waits for the measurement. After every epoch the times are written to a file in the
    trainer's root folder, and logged as ``timing/...``. After a test they are in ``test_record``.

    A resumed training adds to the times in its checkpoint. Work that was lost in a crash, because
    no checkpoint was saved after it, is not counted. With several ranks, the times are those of the
    slowest.

    Args:
        warmup_batches: Number of first batches in training, validation and test of every process
            whose time is counted separately; it includes compilation.
        filename: Name of the file.

    Raises:
        ValueError: An argument is out of range, or ``filename`` is a path.

    Attributes:
        epochs: the times of every completed epoch.
        test_record: the times of the last test; None before.

    Raises:
        ValueError: ``warmup_batches`` is negative, or ``filename`` is a path.
    """

    def __init__(self, warmup_batches: int = 1, filename: str = "timing.json") -> None:
        if warmup_batches < 0:
            raise ValueError(f"warmup_batches is {warmup_batches}, expected 0 or more")
        self.warmup_batches = warmup_batches
        self.filename = check_file_name("timing.filename", filename)
        self.test_record: dict[str, Any] | None = None
        self.epochs: list[IntervalSums] = []
        self._parts = 0
        self._current_epoch = IntervalSums()  # up to the last checkpoint
        self._batches = dict.fromkeys(("train", "val", "test"), 0)
        self._stopwatch: Stopwatch | None = None
        self._forward: ForwardTimes | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Make the trainer's root folder, and measure how long the host waits for data."""
        make_root(trainer, stage)
        data_wait.install(trainer)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Remove the profiler and the hooks."""
        self._stop(trainer)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Remove the profiler and the hooks."""
        self._stop(trainer)

    # Training ------------------------------------------------------------------------------------

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the first interval."""
        self._parts += 1
        self._stopwatch = _stopwatch(trainer)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int
    ) -> None:
        """End the time between two steps."""
        self._end_interval("train", Kind.BETWEEN)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """End a step."""
        self._end_interval("train", Kind.STEP, extract_batch_size(batch))
        self._batches["train"] += 1

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the time between the last step and the validation."""
        if self._stopwatch is not None:
            self._stopwatch.end_interval(Kind.BETWEEN)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *_: object
    ) -> None:
        """End a batch of the warm-up; later batches are measured together."""
        if self._stopwatch is not None and self._batches["val"] < self.warmup_batches:
            self._end_interval("val", Kind.VALIDATION)
            self._batches["val"] += 1

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the validation."""
        if self._stopwatch is not None:
            self._stopwatch.end_interval(Kind.VALIDATION)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the stopwatch, write the file and log."""
        assert self._stopwatch is not None
        self._stopwatch.end_interval(Kind.BETWEEN)
        self.epochs.append(self._read_current_epoch(trainer))
        self._current_epoch = IntervalSums()
        _log(trainer, self.epochs[-1].record())
        if trainer.is_global_zero and not attributes(trainer).fast_dev_run:
            write_timing(Path(trainer.default_root_dir) / self.filename, self._record(trainer))

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Save the times of all ranks up to now."""
        if self._stopwatch is not None:
            self._current_epoch = self._read_current_epoch(trainer)
        checkpoint[KEY] = {
            "parts": self._parts,
            "epochs": [asdict(sums) for sums in self.epochs],
            "before": asdict(self._current_epoch),
        }

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Restore the times. Raises TypeError, ValueError or KeyError if they are damaged."""
        if KEY in checkpoint:
            self._parts = int(checkpoint[KEY]["parts"])
            self.epochs = [IntervalSums(**sums) for sums in checkpoint[KEY]["epochs"]]
            self._current_epoch = IntervalSums(**checkpoint[KEY]["before"])
            sum(self.epochs, self._current_epoch).record()  # fails if one is not a number

    # Test ----------------------------------------------------------------------------------------

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin, before the first batch is loaded."""
        self._stopwatch = _stopwatch(trainer)
        self._forward = ForwardTimes(pl_module, self._stopwatch.clock)

    def on_test_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: object) -> None:
        """End the time between two batches."""
        self._end_interval("test", Kind.BETWEEN)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: Any,
        *_: object,
    ) -> None:
        """End a batch."""
        assert self._forward is not None
        images = extract_batch_size(batch)
        self._end_interval("test", Kind.STEP, images)
        self._forward.end_batch(images, is_warmup=self._is_warmup("test"))
        self._batches["test"] += 1

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the stopwatch and log."""
        assert self._stopwatch is not None
        assert self._forward is not None
        record = over_ranks(self._stopwatch.read(), trainer).record()
        del record["training_seconds"], record["validation_seconds"]
        network = self._forward.read(trainer)
        self.test_record = {**_conditions(trainer, trainer.test_dataloaders), **record, **network}
        _log(trainer, {f"test/{name}": value for name, value in self.test_record.items()})

    # Helpers -------------------------------------------------------------------------------------

    def _is_warmup(self, loop: str) -> bool:
        return self._batches[loop] < self.warmup_batches

    def _end_interval(self, loop: str, kind: Kind, images: int = 0) -> None:
        assert self._stopwatch is not None
        self._stopwatch.end_interval(Kind.WARMUP if self._is_warmup(loop) else kind, images)

    def _read_current_epoch(self, trainer: Trainer) -> IntervalSums:
        """The times of the current epoch up to now; all ranks must call this."""
        assert self._stopwatch is not None
        return self._current_epoch + over_ranks(self._stopwatch.read(), trainer)

    def _record(self, trainer: Trainer) -> dict[str, Any]:
        return {
            **_conditions(trainer, trainer.train_dataloader),
            "parts": self._parts,
            "epochs": len(self.epochs),
            "run": sum(self.epochs, IntervalSums()).record(),
            "by_epoch": [sums.record() for sums in self.epochs],
        }

    def _stop(self, trainer: Trainer) -> None:
        data_wait.uninstall(trainer)
        if self._forward is not None:
            self._forward.stop()
        self._stopwatch = self._forward = None


def _stopwatch(trainer: Trainer) -> Stopwatch:
    return Stopwatch(clock_of(trainer.strategy.root_device), data_wait.install(trainer))


def _conditions(trainer: Trainer, loader: Any) -> dict[str, Any]:
    """What the times depend on; the batch size is None if the loader does not report it."""
    device = trainer.strategy.root_device
    is_cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if is_cuda else device.type,
        "devices": trainer.world_size,
        "precision": str(trainer.precision),
        "batch_size": getattr(getattr(loader, "batch_sampler", None), "batch_size", None),
    }


def _log(trainer: Trainer, record: dict[str, Any]) -> None:
    """Log to the loggers only: what the module logs is treated as a score."""
    numbers = {f"timing/{k}": v for k, v in record.items() if isinstance(v, int | float)}
    for logger in trainer.loggers:
        logger.log_metrics(numbers, step=max(trainer.global_step - 1, 0))
