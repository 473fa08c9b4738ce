"""The two checkpoints of a run: the best epoch and the last one."""

from typing import Literal

from lightning.pytorch.callbacks import ModelCheckpoint


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


class LastCheckpoint(ModelCheckpoint):
    """Keep the last epoch as ``last.ckpt``, whatever its score.

    Lightning's ``save_last`` would keep the last epoch that was the best one.

    Args:
        every_n_epochs: Epochs between two writes.
    """

    def __init__(self, every_n_epochs: int = 1) -> None:
        super().__init__(
            filename="last",
            monitor=None,
            save_top_k=1,
            every_n_epochs=every_n_epochs,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
