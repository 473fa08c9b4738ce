"""The two checkpoints of a run: of its best epoch, and of its latest state."""

import time
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint

from callbacks.utils.distributed import any_rank, is_time_to_vote
from callbacks.utils.trainer import attributes, stops_here


class BestCheckpoint(ModelCheckpoint):
    """Keep the epoch with the best score as ``best.ckpt``.

    Args:
        monitor: The logged score to compare.
        mode: Whether a higher (max) or a lower (min) score is better.
    """

    def __init__(self, monitor: str = "val/dice", mode: Literal["max", "min"] = "max") -> None:
        super().__init__(
            filename="best",
            monitor=monitor,
            mode=mode,
            save_top_k=1,
            save_on_train_epoch_end=False,
            # If best.ckpt is not in the restored state, replace it, do not add best-v1.ckpt.
            enable_version_counter=False,
        )

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the best epoch.

        A training that is ended within an epoch is validated there. Resumed, it is as if it had not
        been, so the weights of that moment only count if there are no others.
        """
        if not is_extra_validation(trainer):
            super().on_validation_end(trainer, pl_module)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best score, also if the folder has been moved since the state was saved."""
        moved = {**state_dict, "dirpath": self.dirpath}
        for name in ("best_model_path", "kth_best_model_path"):
            moved[name] = self._moved(state_dict[name])
        moved["best_k_models"] = {self._moved(k): v for k, v in state_dict["best_k_models"].items()}
        super().load_state_dict(moved)

    def _moved(self, path: str) -> str:
        return str(Path(str(self.dirpath)) / Path(path).name) if path else path


class LastCheckpoint(Checkpoint):
    """Save the latest state as ``last.ckpt``, whatever its score, for resuming.

    Lightning's ``save_last`` would only save epochs whose score is the best so far. This callback
    saves at the end of the first and the last epoch, and at regular intervals, also within an
    epoch. A training that is ended within an epoch is saved there, so that it can be resumed with
    the next batch.

    Args:
        every_n_minutes: Interval between two saves, and so the most work that is lost in a crash.
            With 0 the state is saved after every batch.
        dirpath: Folder; null for ``checkpoints`` in the trainer's root folder.
    """

    def __init__(self, every_n_minutes: float = 1.0, dirpath: str | None = None) -> None:
        if not every_n_minutes >= 0:
            raise ValueError(f"every_n_minutes is {every_n_minutes}, expected 0 or more")
        self.every_n_minutes = every_n_minutes
        self.dirpath = dirpath
        self._saved_at = 0.0
        self._stop_waits = False
        self._ended_within = False  # an epoch

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the first interval."""
        self._saved_at = time.monotonic()
        self._stop_waits = self._ended_within = False

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Save if the interval has passed, or the training ends within the epoch."""
        self._let_stop_wait(trainer, batch_idx)
        if not can_resume_after(trainer, batch_idx):
            return
        self._ended_within = stops_here(trainer)
        if self._ended_within or (is_time_to_vote(trainer) and self._is_due(trainer)):
            self.save(trainer)

    def _let_stop_wait(self, trainer: Trainer, batch_idx: int) -> None:
        """Put off a stop until the gradients that are accumulated have made their step."""
        self._stop_waits |= trainer.should_stop
        trainer.should_stop = self._stop_waits and not _accumulates(trainer, batch_idx)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save if the training ends with a validation within the epoch."""
        is_in_training = not trainer.sanity_checking and trainer.state.fn == "fit"
        if is_in_training and not self._ended_within and not _is_last_batch(trainer):
            self._ended_within = stops_here(trainer)
            if self._ended_within:
                self.save(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save after the first and the last epoch, and if the interval has passed."""
        if trainer.current_epoch == 0 or _is_last_epoch(trainer) or self._is_due(trainer):
            self.save_unless_ended_within(trainer)

    def save_unless_ended_within(self, trainer: Trainer) -> None:
        """Save now, but keep the state with which a training was ended within an epoch."""
        if not self._ended_within:
            self.save(trainer)

    @property
    def has_ended_within(self) -> bool:
        """Whether the training was ended within an epoch, and ``last.ckpt`` is of that moment."""
        return self._ended_within

    def save(self, trainer: Trainer) -> None:
        """Save now; all ranks must call this."""
        if not attributes(trainer).fast_dev_run:
            trainer.save_checkpoint(self.path(trainer))
        self._saved_at = time.monotonic()

    def path(self, trainer: Trainer) -> Path:
        """The path of ``last.ckpt``."""
        folder = self.dirpath or Path(trainer.default_root_dir) / "checkpoints"
        return Path(folder) / "last.ckpt"

    def _is_due(self, trainer: Trainer) -> bool:
        has_passed = time.monotonic() - self._saved_at >= 60 * self.every_n_minutes
        return any_rank(trainer, vote=has_passed)


def can_resume_after(trainer: Trainer, batch_idx: int) -> bool:
    """Whether a training resumed from the end of a batch equals an uninterrupted one.

    It does not while gradients are accumulated, since they are not saved. Nor if a validation
    follows, as after the last batch of an epoch, since a resumed training would skip it.
    """
    batches, counted = batch_idx + 1, batch_idx + 1
    if trainer.check_val_every_n_epoch is None:  # the batches of all epochs count
        counted = trainer.fit_loop.total_batch_idx + 1
    validates = trainer.val_check_batch is not None and counted % trainer.val_check_batch == 0
    accumulates = batches % trainer.accumulate_grad_batches != 0
    return not accumulates and not validates and not _is_last_batch(trainer)


def is_extra_validation(trainer: Trainer) -> bool:
    """Whether Lightning only validates because the training is ended within an epoch.

    Not if no epoch was validated before: then there is nothing else to choose.
    """
    if not (stops_here(trainer) and can_resume_after(trainer, trainer.fit_loop.batch_idx)):
        return False
    callbacks = attributes(trainer).callbacks
    return any(isinstance(c, ModelCheckpoint) and bool(c.best_model_path) for c in callbacks)


def _accumulates(trainer: Trainer, batch_idx: int) -> bool:
    """Whether a batch is followed by one whose gradients are added to its own."""
    return (batch_idx + 1) % trainer.accumulate_grad_batches != 0 and not _is_last_batch(trainer)


def _is_last_batch(trainer: Trainer) -> bool:
    """Whether the current batch is the last of its epoch."""
    return trainer.fit_loop.epoch_loop.batch_progress.is_last_batch


def _is_last_epoch(trainer: Trainer) -> bool:
    epochs: Any = trainer.fit_loop.epoch_progress.current
    has_all_epochs = epochs.processed == trainer.max_epochs
    return trainer.should_stop or has_all_epochs or trainer.global_step == trainer.max_steps
