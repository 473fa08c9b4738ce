"""Trainings of other libraries' networks in a plain loop, on the same slices of the same folds."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.optim.lr_scheduler import CosineAnnealingLR

from benchmarks.accuracy.curve import Curve, mean_dice
from benchmarks.accuracy.settings import BATCH, LEARNING_RATE, MONAI, SMP, WIDTHS
from benchmarks.accuracy.training import FOLDS, Outcome, Training, case_scores
from benchmarks.utils.precision import PRECISION, autocast
from data_modules.brats import BraTSDataModule
from data_modules.utils.malloc import keep_freed_memory
from lightning_app.losses import DiceCrossEntropy
from lightning_app.results.test_tables import CASE_COLUMNS, case_rows
from lightning_app.task import SegmentationTask

Augment = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Loss = Callable[[Tensor, Tensor], Any]


@dataclass(frozen=True)
class Parts:
    """What a library's user puts together.

    Attributes:
        network: of images (N, 1, H, W).
        loss: of logits and masks of that shape.
        augment: changes images and masks of a batch.
    """

    network: nn.Module
    loss: Loss
    augment: Augment


def train(training: Training, epochs: int, cache: Path) -> Outcome:
    """Train for some epochs and test the weights of the best one.

    Memory is kept, convolutions run in the precision and channels_last, as with cpu.yaml.
    """
    keep_freed_memory()
    torch.manual_seed(training.seed)
    data = BraTSDataModule(
        training.data, modalities=["t2f"], slices="all", folds=FOLDS, fold=training.fold,
        batch_size=BATCH, cache_dir=cache, seed=training.seed,
    )  # fmt: skip
    data.prepare_data()
    data.setup("fit")
    parts = PARTS[training.setting](training.seed)
    convert_conv2d_weight_memory_format(parts.network, torch.channels_last)
    curve = Curve(data, epochs)
    _fit(parts, data, epochs, curve)
    return Outcome(epochs, curve.seconds, curve.points, _test(parts.network, data))


def _fit(parts: Parts, data: BraTSDataModule, epochs: int, curve: Curve) -> None:
    """Train, and leave the network with the weights of the epoch that is best on validation."""
    network, batches = parts.network, data.train_dataloader()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = CosineAnnealingLR(optimizer, T_max=epochs)
    best, weights = -1.0, network.state_dict()
    for _ in range(epochs):
        network.train()
        for batch in batches:
            image, mask = parts.augment(batch["image"], data.target.encode(batch["labels"]))
            optimizer.zero_grad()
            with autocast():
                logits = network(image)
            parts.loss(logits.float(), mask).backward()
            optimizer.step()
        schedule.step()
        network.eval()
        curve.test_if_due(_forward(network))
        if (score := mean_dice(_forward(network), data.val_dataloader(), data, "val")) > best:
            best, weights = score, deepcopy(network.state_dict())
        curve.epoch_ended()
    network.load_state_dict(weights)


def _forward(network: nn.Module) -> Callable[[Tensor], Tensor]:
    def forward(image: Tensor) -> Tensor:
        with autocast():
            logits: Tensor = network(image)
        return logits

    return forward


def _test(network: nn.Module, data: BraTSDataModule) -> dict[str, dict[str, float | None]]:
    """The scores of each test patient, by the code that scores ours."""
    task = SegmentationTask(network, DiceCrossEntropy())
    trainer = Trainer(
        accelerator="cpu", precision=PRECISION, logger=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.test(task, data, verbose=False)
    scores = task.test_scores
    if scores is None:
        raise RuntimeError("nothing was tested")
    rows = [
        dict(zip(CASE_COLUMNS, cells, strict=True)) for cells in case_rows(scores.table.by_case())
    ]
    volumes = scores.volume_table
    for index, row in enumerate(rows):
        row |= {name: float(values[index, 0]) for name, values in volumes.values.items()}
    return case_scores(rows)


def _monai(seed: int) -> Parts:
    """Network, loss and transforms of MONAI's tutorial for BraTS, in 2-D."""
    from monai.data.meta_obj import set_track_meta
    from monai.losses.dice import DiceCELoss
    from monai.networks.nets.attentionunet import AttentionUnet
    from monai.transforms import (
        Compose,
        RandFlipd,
        RandScaleIntensityd,
        RandShiftIntensityd,
        RandSpatialCropd,
    )

    set_track_meta(False)  # as fast as it can be
    keys = ["image", "mask"]
    transform = Compose([
        RandSpatialCropd(keys, roi_size=[224, 224], random_size=False),
        RandFlipd(keys, prob=0.5, spatial_axis=0),
        RandFlipd(keys, prob=0.5, spatial_axis=1),
        RandScaleIntensityd("image", factors=0.1, prob=1.0),
        RandShiftIntensityd("image", offsets=0.1, prob=1.0),
    ]).set_random_state(seed)  # fmt: skip

    def augment(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        pairs = zip(image, mask, strict=True)
        samples = [transform({"image": one, "mask": other}) for one, other in pairs]
        first, second = (torch.stack([sample[key] for sample in samples]) for key in keys)
        return first, second

    network = AttentionUnet(2, 1, 1, WIDTHS, [2] * (len(WIDTHS) - 1))
    return Parts(network, DiceCELoss(sigmoid=True), augment)


def _smp(seed: int) -> Parts:
    """The smallest ResNet encoder, without weights from elsewhere, and flips."""
    import segmentation_models_pytorch as smp

    network = smp.Unet("resnet18", encoder_weights=None, in_channels=1, classes=1)
    dice, cross_entropy = smp.losses.DiceLoss("binary"), nn.BCEWithLogitsLoss()
    generator = torch.Generator().manual_seed(seed)

    def augment(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        flipped = (torch.rand(len(image), generator=generator) < 0.5)[:, None, None, None]
        return image.where(~flipped, image.flip(-1)), mask.where(~flipped, mask.flip(-1))

    def loss(logits: Tensor, mask: Tensor) -> Tensor:
        value: Tensor = dice(logits, mask) + cross_entropy(logits, mask)
        return value

    return Parts(_Padded(network), loss, augment)


class _Padded(nn.Module):
    """A network whose images must be multiples of 32: zeros are added, and their logits cut off."""

    multiple = 32

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """Logits of images of any size."""
        height, width = image.shape[-2:]
        padding = (0, -width % self.multiple, 0, -height % self.multiple)
        logits: Tensor = self.network(nn.functional.pad(image, padding))
        return logits[..., :height, :width]


PARTS: dict[str, Callable[[int], Parts]] = {MONAI: _monai, SMP: _smp}
