"""From a data module to the batches that a Trainer hands to a network."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn

from data_modules.augmentation.transform import Transform
from data_modules.batch_dataset import Batch
from data_modules.brats import BraTSDataModule
from tests.helpers.brats_modules import check_same_batches, ready


def test_slices_lie_on_the_device_only_if_there_is_a_trainer(data: Path, cache: Path) -> None:
    one = ready(data, cache, split_sizes=(2, 2, 2), on_device=True)
    from_cache = one.val_dataloader()
    assert from_cache.collate_fn == one.datasets["val"].gather  # nothing is copied

    one.trainer = Trainer(accelerator="cpu", logger=False)
    on_device = one.val_dataloader()
    assert on_device.collate_fn == one._device_datasets["val"].gather
    check_same_batches(list(from_cache), list(on_device))


def test_training_visits_every_sample_once_an_epoch_in_another_order(
    data: Path, cache: Path
) -> None:
    one = ready(data, cache, slices="all", batch_size=8)
    loader = one.train_dataloader()

    epochs = [[int(s) for batch in loader for s in batch["sample"]] for _ in range(2)]

    samples = list(range(len(one.datasets["train"])))
    assert len(samples) == 4 * 4
    assert sorted(epochs[0]) == sorted(epochs[1]) == samples
    assert epochs[0] != epochs[1]


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")
def test_two_workers_give_the_same_batches_as_none(data: Path, cache: Path) -> None:
    options = {"slices": "all", "seed": 5, "batch_size": 8}
    none = ready(data, cache, num_workers=0, **options).train_dataloader()
    two = ready(data, cache, num_workers=2, **options).train_dataloader()

    for _ in range(2):
        check_same_batches(list(none), list(two))


def test_batches_depend_on_the_seed_and_not_on_torchs_own(data: Path, cache: Path) -> None:
    options = {"slices": "all", "batch_size": 8}
    torch.manual_seed(1)
    first = list(ready(data, cache, seed=5, **options).train_dataloader())
    torch.manual_seed(2)
    again = list(ready(data, cache, seed=5, **options).train_dataloader())
    other = list(ready(data, cache, seed=6, **options).train_dataloader())

    check_same_batches(first, again)
    assert [b["sample"].tolist() for b in first] != [b["sample"].tolist() for b in other]


def test_looking_at_data_draws_nothing_from_torchs_generator(data: Path, cache: Path) -> None:
    one = ready(data, cache)
    before = torch.get_rng_state()

    list(one.train_dataloader())
    list(one.val_dataloader())

    assert torch.equal(torch.get_rng_state(), before)


class Collector(LightningModule):
    """Keeps the batches that a Trainer hands to a module, in place of learning from them."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.batches: dict[str, list[Batch]] = {"train": [], "val": [], "test": []}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        self.batches["train"].append(batch)
        return self.weight * 0

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.batches["val"].append(batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self.batches["test"].append(batch)


def collect(
    one: BraTSDataModule, folder: Path, epochs: int = 2, **options: Any
) -> dict[str, list[Batch]]:
    """The batches that a module gets in training with validation, and in a test."""
    trainer = Trainer(
        default_root_dir=folder, accelerator="cpu", max_epochs=epochs, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        use_distributed_sampler=False, num_sanity_val_steps=1, **options,
    )  # fmt: skip
    collector = Collector()
    trainer.fit(collector, one)
    trainer.test(collector, one, verbose=False)
    return collector.batches


FLIPS = {"slices": "all", "flip": True, "seed": 5, "batch_size": 8}
QUIET = pytest.mark.filterwarnings(
    "ignore:This DataLoader will create 2 worker processes",
    "ignore:The '.*_dataloader' does not have many workers",
    "ignore:The number of training batches",
)


@QUIET
@pytest.mark.parametrize(
    "options", [{}, {"num_workers": 2}, {"on_device": True}], ids=["cache", "workers", "device"]
)
def test_training_slices_are_flipped_as_by_every_version_so_far(
    data: Path, cache: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    one = ready(data, cache, **FLIPS, **options)

    batches = collect(one, tmp_path)["train"]

    assert len(batches) == 2 * 2
    for number, batch in enumerate(batches):
        expected = one.datasets["train"].gather(batch["sample"].tolist())
        for position, sample in enumerate(batch["sample"].tolist()):
            if np.random.default_rng((5, number // 2, sample)).random() < 0.5:
                for name in ("image", "labels"):
                    expected[name][position] = expected[name][position].flip(-1)
        check_same_batches([batch], [expected])


@QUIET
def test_only_training_slices_are_augmented(data: Path, cache: Path, tmp_path: Path) -> None:
    one = ready(data, cache, **FLIPS)

    batches = collect(one, tmp_path)

    for split in ("val", "test"):
        for batch in batches[split]:
            stored = one.datasets[split].gather(batch["sample"].tolist())
            check_same_batches([batch], [stored])


def test_without_a_trainer_batches_come_as_stored(data: Path, cache: Path) -> None:
    plain, flipping = (ready(data, cache, **FLIPS | {"flip": flip}) for flip in (False, True))

    check_same_batches(list(plain.train_dataloader()), list(flipping.train_dataloader()))
    (first, _) = flipping.train_dataloader()
    augmented = flipping.augment(first, epoch=0)
    assert not torch.equal(augmented["labels"], first["labels"])
    assert torch.equal(augmented["labels"].sum(dim=(1, 2)), first["labels"].sum(dim=(1, 2)))


class Brighter(Transform):
    """Add a random number from 10 up to every image."""

    def draw(self, rng: np.random.Generator) -> float:
        return 10 + rng.random()

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return image + parameters[:, None, None, None], labels


@QUIET
def test_further_augmentations_do_not_depend_on_the_flip(
    data: Path, cache: Path, tmp_path: Path
) -> None:
    added = []
    for flip in (False, True):
        options = {**FLIPS, "flip": flip}
        plain = collect(ready(data, cache, **options), tmp_path)["train"]
        brighter = ready(data, cache, **options, augmentations=[Brighter()])
        for batch, expected in zip(collect(brighter, tmp_path)["train"], plain, strict=True):
            assert torch.equal(batch["labels"], expected["labels"])
            added.append((batch["image"] - expected["image"]).mean(dim=(1, 2, 3)))

    without_flip, with_flip = torch.cat(added).chunk(2)
    assert (without_flip >= 10).all()
    torch.testing.assert_close(with_flip, without_flip)


@QUIET
@pytest.mark.parametrize(
    "options", [{}, {"num_workers": 2}, {"on_device": True}], ids=["cache", "workers", "device"]
)
def test_overfit_batches_trains_on_the_same_batch_in_every_epoch(
    data: Path, cache: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    one = ready(data, cache, **FLIPS | {"flip": False}, **options)

    batches = collect(one, tmp_path, 3, overfit_batches=1)

    first, *others = batches["train"]
    assert first["sample"].tolist() == list(range(8))
    assert len(others) == 2
    for batch in others:
        check_same_batches([batch], [first])
    # Lightning validates on as many batches of the validation split.
    validated = [batch["sample"].tolist() for batch in batches["val"]]
    assert validated == 4 * [validated[0]]  # before training, and after each epoch


@QUIET
def test_reloading_the_dataloaders_changes_no_batch(
    data: Path, cache: Path, tmp_path: Path
) -> None:
    one = ready(data, cache, **FLIPS)

    kept, reloaded = (
        collect(one, tmp_path, 3, reload_dataloaders_every_n_epochs=every) for every in (0, 1)
    )

    check_same_batches(reloaded["train"], kept["train"])
    check_same_batches(reloaded["val"], kept["val"])
