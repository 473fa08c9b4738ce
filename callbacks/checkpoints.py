"""The two checkpoints of a run: the best epoch, and where it stands."""

import time
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint

from callbacks.utils.distributed import any_says_so, is_time_to_ask


class BestCheckpoint(ModelCheckpoint):
    """Keep the epoch with the best score as ``best.ckpt``.

    Args:
        monitor: The logged score that decides.
        mode: Whether a higher (max) or a lower (min) score is better.
    """

    def __init__(self, monitor: str = "val/dice", mode: Literal["max", "min"] = "max") -> None:
        super().__init__(
            filename="best",
            monitor=monitor,
            mode=mode,
            save_top_k=1,
            save_on_train_epoch_end=False,
            # A best.ckpt that a restored state does not know is replaced, not joined by a second.
            enable_version_counter=False,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best score, also where the folder has been moved since it was saved."""
        here = {**state_dict, "dirpath": self.dirpath}
        for name in ("best_model_path", "kth_best_model_path"):
            here[name] = self._moved(state_dict[name])
        here["best_k_models"] = {self._moved(k): v for k, v in state_dict["best_k_models"].items()}
        super().load_state_dict(here)

    def _moved(self, path: str) -> str:
        return str(Path(str(self.dirpath)) / Path(path).name) if path else path


class LastCheckpoint(Checkpoint):
    """Keep where the training stands as ``last.ckpt``, whatever the score, to go on from there.

    Lightning's ``save_last`` would keep the last epoch that was the best one. Saved at the end of
    the first and the last epoch, and whenever the last one was saved long enough ago, in the middle
    of an epoch too.

    Args:
        every_n_minutes: At most so much work is lost when the process is killed. With 0 it is saved
            after every batch.
        dirpath: Folder; null for ``checkpoints`` below the trainer's root folder.
    """

    def __init__(self, every_n_minutes: float = 1.0, dirpath: str | None = None) -> None:
        if not every_n_minutes >= 0:
            raise ValueError(f"every_n_minutes is {every_n_minutes}, expected 0 or more")
        self.every_n_minutes = every_n_minutes
        self.dirpath = dirpath
        self._saved_at = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count the minutes from here."""
        self._saved_at = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Save where it is time to."""
        asks = can_go_on_after(trainer, batch_idx) and is_time_to_ask(trainer)
        if asks and self._is_due(trainer):
            self.save(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save after the first and the last epoch, and where it is time to."""
        if trainer.current_epoch == 0 or _is_last_epoch(trainer) or self._is_due(trainer):
            self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Save now; to be called on every process, since they meet there."""
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self.path(trainer))
        self._saved_at = time.monotonic()

    def path(self, trainer: Trainer) -> Path:
        """Where it is kept."""
        folder = self.dirpath or Path(trainer.default_root_dir) / "checkpoints"
        return Path(folder) / "last.ckpt"

    def _is_due(self, trainer: Trainer) -> bool:
        due = time.monotonic() - self._saved_at >= 60 * self.every_n_minutes
        return any_says_so(trainer, due)


def can_go_on_after(trainer: Trainer, batch_idx: int) -> bool:
    """Whether a checkpoint made at the end of a batch can be gone on from exactly.

    Not in the middle of an accumulation, whose gradients are not saved. Not where a validation
    follows, as after the last batch of an epoch: Lightning would leave it out.
    """
    done = batch_idx + 1
    validates = trainer.val_check_batch is not None and done % trainer.val_check_batch == 0
    last = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
    return done % trainer.accumulate_grad_batches == 0 and not validates and not last


def _is_last_epoch(trainer: Trainer) -> bool:
    loop = trainer.fit_loop
    epochs: Any = loop.epoch_progress.current
    out_of_epochs = epochs.processed == trainer.max_epochs
    return trainer.should_stop or out_of_epochs or trainer.global_step == trainer.max_steps
