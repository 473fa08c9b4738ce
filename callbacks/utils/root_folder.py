"""The folder in which callbacks write."""

from pathlib import Path

from lightning.pytorch import Trainer


def make_root(trainer: Trainer, stage: str) -> None:
    """Make the trainer's root folder before a training; it is not made again while it runs."""
    if stage == "fit" and trainer.is_global_zero:
        Path(trainer.default_root_dir).mkdir(parents=True, exist_ok=True)
