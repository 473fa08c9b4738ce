"""The files that callbacks write in the trainer's root folder."""

from pathlib import Path

from lightning.pytorch import Trainer


def check_file_name(option: str, name: str) -> None:
    """Raise ValueError if a name is a path, with which a callback would write somewhere else."""
    if Path(name).name != name or name in {"", ".."}:
        raise ValueError(f"{option} is '{name}', expected a name, not a path")


def make_root(trainer: Trainer, stage: str) -> None:
    """Make the trainer's root folder before a training; it is not made again while it runs."""
    if stage == "fit" and trainer.is_global_zero:
        Path(trainer.default_root_dir).mkdir(parents=True, exist_ok=True)
