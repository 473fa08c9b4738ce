"""The settings that are compared: recipes of ours, and networks of others in a plain loop."""

from collections.abc import Sequence
from dataclasses import dataclass

PAPER, REAL, MONAI, SMP = "paper", "real", "monai", "smp"
REAL_THIRD = "real_third"
WIDTHS = [8, 16, 32, 64, 128]
BATCH, LEARNING_RATE = 4, 0.002  # of quick.yaml


@dataclass(frozen=True)
class Setting:
    """What is trained.

    Attributes:
        title: in tables.
        options: of ``fit``, after the recipe of the paper; None for a loop of its own.
        share: of the minutes that all others get.
        package: of others that its loop imports.
    """

    title: str
    options: Sequence[str] | None = None
    share: float = 1.0
    package: str | None = None


_REAL = ("--config", "real.yaml")

SETTINGS = {
    PAPER: Setting("recipe of the paper, all slices", ()),
    REAL: Setting("real.yaml", _REAL),
    MONAI: Setting("MONAI's AttentionUnet with MONAI's transforms", package="monai"),
    SMP: Setting(
        "segmentation_models_pytorch's Unet, resnet18", package="segmentation_models_pytorch"
    ),
    REAL_THIRD: Setting("real.yaml, a third of the minutes", _REAL, share=1 / 3),
}
_EMA = '{"class_path": "callbacks.weight_averaging.WarmedUpAverage", "init_args": {"decay": 0.99}}'
# Each is the paper's recipe with one thing changed. Not all are in real.yaml.
INGREDIENTS = {
    "batch": Setting("with batches of 16", ("--data.batch_size", "16")),
    "average": Setting("with averaged weights", ("--trainer.callbacks+", _EMA)),
    "strong": Setting("with strong augmentation", ("--data.augmentation", "strong")),
    "tumour_share": Setting("with half of each batch tumour", ("--data.tumour_share", "0.5")),
    "light": Setting("with light augmentation", ("--data.augmentation", "light")),
    "window": Setting("with the window", ("--data.window", "auto")),
}
TRAINED = {**SETTINGS, **INGREDIENTS}
# The networks of these settings once more, with the post-processing that ``tune`` chooses.
TUNED_FROM = {"paper_tuned": PAPER, "real_tuned": REAL}
TUNED = {
    name: Setting(f"{SETTINGS[source].title}, after tune") for name, source in TUNED_FROM.items()
}
EVERY_SETTING = {**TRAINED, **TUNED}
