"""How long training and testing take, and what the time goes into."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.data import extract_batch_size

from callbacks.timing.clocks import clock_of
from callbacks.timing.data_wait import listen, stop_listening
from callbacks.timing.forward_times import ForwardTimes
from callbacks.timing.stopwatch import Kind, Stopwatch, Times, of_all_processes
from callbacks.utils.atomic_write import atomic_write

KEY = "timing"


class Timing(Callback):
    """Measure without slowing: marks around every batch, read when an epoch has ended.

    On CUDA the marks are events, on other devices readings of the host's clock. Written to a file
    in the trainer's root folder after every epoch, and logged as ``timing/...``. What a test took
    is in ``test_record`` after it, for whoever writes it down.

    A training that goes on from a checkpoint adds to what the checkpoint holds: work that was lost
    by a kill, because no checkpoint was made of it, is not counted. Of several processes the
    slowest counts.

    Args:
        warmup_batches: First batches of every process, of training, validation and test each, whose
            time is counted apart; compilation is in it.
        filename: Name of the file.

    Attributes:
        epochs: the times of every epoch that has ended.
        test_record: what the last test took; None before.
    """

    def __init__(self, warmup_batches: int = 1, filename: str = "timing.json") -> None:
        if warmup_batches < 0:
            raise ValueError(f"warmup_batches is {warmup_batches}, expected 0 or more")
        self.warmup_batches = warmup_batches
        self.filename = filename
        self.test_record: dict[str, Any] | None = None
        self._parts = 0
        self.epochs: list[Times] = []
        self._before = Times()  # of the epoch under way, up to the last checkpoint
        self._seen = dict.fromkeys(("train", "val", "test"), 0)
        self._stopwatch: Stopwatch | None = None
        self._forward: ForwardTimes | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Listen for the fetching of batches."""
        listen(trainer)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop listening."""
        self._stop(trainer)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Stop listening."""
        self._stop(trainer)

    # Training ------------------------------------------------------------------------------------

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the first lap."""
        self._parts += 1
        self._stopwatch = _stopwatch(trainer)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int
    ) -> None:
        """Between two steps."""
        self._lap("train", Kind.BETWEEN)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """A step."""
        self._lap("train", Kind.STEP, extract_batch_size(batch))
        self._seen["train"] += 1

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """From the last step to the validation."""
        if self._stopwatch is not None:
            self._stopwatch.lap(Kind.BETWEEN)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *_: object
    ) -> None:
        """Tell the warm-up of the validation from the rest."""
        if self._stopwatch is not None and self._seen["val"] < self.warmup_batches:
            self._lap("val", Kind.VALIDATION)
            self._seen["val"] += 1

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The validation."""
        if self._stopwatch is not None:
            self._stopwatch.lap(Kind.VALIDATION)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the clock, write and log."""
        assert self._stopwatch is not None
        self._stopwatch.lap(Kind.BETWEEN)
        self.epochs.append(self._up_to_now(trainer))
        self._before = Times()
        _log(trainer, self.epochs[-1].record())
        if trainer.is_global_zero and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            _write(Path(trainer.default_root_dir) / self.filename, self._record(trainer))

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add what has been measured so far, of all processes."""
        if self._stopwatch is not None:
            self._before = self._up_to_now(trainer)
        checkpoint[KEY] = {
            "parts": self._parts,
            "epochs": [asdict(times) for times in self.epochs],
            "before": asdict(self._before),
        }

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Go on adding."""
        if KEY in checkpoint:
            self._parts = checkpoint[KEY]["parts"]
            self.epochs = [Times(**times) for times in checkpoint[KEY]["epochs"]]
            self._before = Times(**checkpoint[KEY]["before"])

    # Test ----------------------------------------------------------------------------------------

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin; the first batch is read next."""
        self._stopwatch = _stopwatch(trainer)
        self._forward = ForwardTimes(pl_module, self._stopwatch.clock)

    def on_test_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: object) -> None:
        """Between two batches."""
        self._lap("test", Kind.BETWEEN)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: Any,
        *_: object,
    ) -> None:
        """A batch's masks."""
        assert self._forward is not None
        images = extract_batch_size(batch)
        self._lap("test", Kind.STEP, images)
        self._forward.end_batch(images, counts=self._seen["test"] >= self.warmup_batches)
        self._seen["test"] += 1

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the clock and log."""
        assert self._stopwatch is not None
        assert self._forward is not None
        record = of_all_processes(self._stopwatch.read(), trainer).record()
        del record["training_seconds"], record["validation_seconds"]
        network = self._forward.read(trainer)
        around = _surroundings(trainer, trainer.test_dataloaders)
        self.test_record = {**around, **record, **network}
        _log(trainer, {f"test/{name}": value for name, value in self.test_record.items()})

    # Helpers -------------------------------------------------------------------------------------

    def _lap(self, what: str, kind: Kind, images: int = 0) -> None:
        assert self._stopwatch is not None
        warm = self._seen[what] >= self.warmup_batches
        self._stopwatch.lap(kind if warm else Kind.WARMUP, images)

    def _up_to_now(self, trainer: Trainer) -> Times:
        """The epoch under way; to be called on every process, since they meet there."""
        assert self._stopwatch is not None
        return self._before + of_all_processes(self._stopwatch.read(), trainer)

    def _record(self, trainer: Trainer) -> dict[str, Any]:
        return {
            **_surroundings(trainer, trainer.train_dataloader),
            "parts": self._parts,
            "epochs": len(self.epochs),
            "run": sum(self.epochs, Times()).record(),
            "by_epoch": [times.record() for times in self.epochs],
        }

    def _stop(self, trainer: Trainer) -> None:
        stop_listening(trainer)
        if self._forward is not None:
            self._forward.stop()
        self._stopwatch = self._forward = None


def _stopwatch(trainer: Trainer) -> Stopwatch:
    return Stopwatch(clock_of(trainer.strategy.root_device), listen(trainer))


def _surroundings(trainer: Trainer, loader: Any) -> dict[str, Any]:
    """What the times depend on; the batch size is null where the loader does not say it."""
    device = trainer.strategy.root_device
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else device.type,
        "devices": trainer.world_size,
        "precision": str(trainer.precision),
        "batch_size": getattr(getattr(loader, "batch_sampler", None), "batch_size", None),
    }


def _log(trainer: Trainer, record: dict[str, Any]) -> None:
    """To the loggers alone: what is logged by the module would be taken for a score."""
    numbers = {f"timing/{k}": v for k, v in record.items() if isinstance(v, int | float)}
    for logger in trainer.loggers:
        logger.log_metrics(numbers, step=max(trainer.global_step - 1, 0))


def _write(path: Path, record: dict[str, Any]) -> None:
    """Write the whole file anew, so that it is never half written."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
