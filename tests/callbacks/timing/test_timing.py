"""Timing with a simulated clock, which advances only when the test says so."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.profilers import SimpleProfiler
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from callbacks.checkpoints import LastCheckpoint
from callbacks.timing.clocks import CudaClock
from callbacks.timing.data_wait import FetchWatch
from callbacks.timing.stopwatch import IntervalSums, Kind, Stopwatch, over_ranks
from callbacks.timing.timing import Timing
from callbacks.utils.trainer import attributes

READ, TRAIN, VALIDATE, FORWARD, DECODE, SAVE = 2.0, 5.0, 3.0, 7.0, 0.5, 11.0
COMPILE = 100.0  # extra time of the first batch of each loop
SIZES = [4, 4, 3]  # of the batches

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*is not resumable"),
    pytest.mark.filterwarnings("ignore:.*callbacks used to create the checkpoint"),
]


class World:
    """A simulated clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.compiled: set[str] = set()

    def pass_time(self, seconds: float, loop: str | None = None) -> None:
        compiles = loop is not None and loop not in self.compiled
        self.compiled |= {loop} if loop else set()
        self.now += seconds + (COMPILE if compiles else 0)


class SlowData(Dataset[Tensor]):
    def __init__(self, world: World, sizes: list[int]) -> None:
        self.world, self.sizes = world, sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> Tensor:
        self.world.pass_time(READ)
        return torch.ones(self.sizes[index], 1)


class Epochs:
    """Indices of batches: given for the first epoch, all in later ones."""

    def __init__(self, first: Iterable[int]) -> None:
        self.indices = first

    def __iter__(self) -> Iterator[int]:
        indices, self.indices = self.indices, range(len(SIZES))
        return iter(indices)

    def __len__(self) -> int:
        return len(SIZES)


class SlowModule(LightningModule):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.world = world

    def forward(self, x: Tensor) -> Tensor:
        self.world.pass_time(FORWARD)
        y: Tensor = self.layer(x)
        return y

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.world.pass_time(TRAIN, loop="train")
        loss: Tensor = self.layer(batch).sum()
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.world.pass_time(VALIDATE, loop="val")

    def test_step(self, batch: Tensor, batch_idx: int) -> None:
        self.world.pass_time(0, loop="test")
        self(batch)
        self.world.pass_time(DECODE)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def train_dataloader(self) -> DataLoader[Tensor]:
        current: Any = self.trainer.fit_loop.epoch_loop.batch_progress.current
        processed = current.processed  # in an epoch that is resumed
        is_partial = processed < len(SIZES)
        first = range(processed if is_partial else 0, len(SIZES))
        return DataLoader(SlowData(self.world, SIZES), batch_size=None, sampler=Epochs(first))

    def val_dataloader(self) -> DataLoader[Tensor]:
        return DataLoader(SlowData(self.world, SIZES), batch_size=None)

    test_dataloader = val_dataloader


class SlowSave(LastCheckpoint):
    """Saving takes time."""

    def __init__(self, world: World, every_n_minutes: float) -> None:
        super().__init__(every_n_minutes)
        self.world = world

    def save(self, trainer: Trainer) -> None:
        super().save(trainer)
        self.world.pass_time(SAVE)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    for module in ("clocks", "data_wait"):
        monkeypatch.setattr(f"callbacks.timing.{module}.perf_counter", lambda: world.now)
    return world


def trainer_in(folder: Path, *callbacks: Callback, epochs: int = 2, **more: Any) -> Trainer:
    return Trainer(
        max_epochs=epochs, default_root_dir=folder, accelerator="cpu", callbacks=list(callbacks),
        enable_checkpointing=any(isinstance(c, LastCheckpoint) for c in callbacks),
        enable_progress_bar=False, enable_model_summary=False,
        **{"logger": False, "num_sanity_val_steps": 0} | more,
    )  # fmt: skip


def record_in(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "timing.json").read_text("utf-8"))
    return record


def test_every_second_of_a_training_is_counted_exactly_once(world: World, tmp_path: Path) -> None:
    began = world.now
    trainer_in(tmp_path, Timing(), num_sanity_val_steps=0).fit(SlowModule(world))

    record = record_in(tmp_path)
    first, second = record["by_epoch"]
    warm = (READ + TRAIN + COMPILE) + (READ + VALIDATE + COMPILE)
    assert first["warmup_seconds"] == pytest.approx(warm)
    assert first["training_seconds"] == pytest.approx(2 * (READ + TRAIN))
    assert first["validation_seconds"] == pytest.approx(2 * (READ + VALIDATE))
    assert first["data_wait_seconds"] == pytest.approx(2 * READ)
    assert second["warmup_seconds"] == 0
    assert second["training_seconds"] == pytest.approx(3 * (READ + TRAIN))
    assert second["validation_seconds"] == pytest.approx(3 * (READ + VALIDATE))
    assert second["data_wait_seconds"] == pytest.approx(3 * READ)
    assert second["device_idle_seconds"] == pytest.approx(3 * READ)
    assert second["images"] == first["images"] == sum(SIZES)
    assert second["images_per_second"] == pytest.approx(sum(SIZES) / (3 * (READ + TRAIN)))
    assert record["run"]["seconds"] == pytest.approx(world.now - began)
    assert record["run"]["images_per_second"] == pytest.approx(
        (2 * sum(SIZES) - SIZES[0]) / (5 * (READ + TRAIN))
    )
    assert (record["device"], record["devices"], record["precision"]) == ("cpu", 1, "32-true")
    assert record["run"]["peak_memory_bytes"] is None


def test_saving_counts_as_idle_device_but_not_as_waiting_for_data(
    world: World, tmp_path: Path
) -> None:
    trainer_in(tmp_path, Timing(), SlowSave(world, 0)).fit(SlowModule(world))

    second = record_in(tmp_path)["by_epoch"][1]
    assert second["data_wait_seconds"] == pytest.approx(3 * READ)
    # Twice within the epoch, and once at the end of the previous epoch.
    assert second["device_idle_seconds"] == pytest.approx(3 * READ + 3 * SAVE)
    assert second["training_seconds"] == pytest.approx(3 * (READ + TRAIN) + 3 * SAVE)


def test_validation_within_an_epoch_is_not_counted_as_training(
    world: World, tmp_path: Path
) -> None:
    timing = Timing(warmup_batches=0)
    trainer = trainer_in(tmp_path, timing, val_check_interval=1, num_sanity_val_steps=1)
    world.compiled = {"train", "val"}
    trainer.fit(SlowModule(world))

    for epoch in record_in(tmp_path)["by_epoch"]:
        assert epoch["warmup_seconds"] == 0
        assert epoch["training_seconds"] == pytest.approx(3 * (READ + TRAIN))
        assert epoch["validation_seconds"] == pytest.approx(9 * (READ + VALIDATE))


class KilledError(Exception):
    pass


class KillAfter(Callback):
    """Raises at the start of a batch, after this number of batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def on_train_batch_start(self, *_: object) -> None:
        if self.left == 0:
            raise KilledError
        self.left -= 1


@pytest.mark.parametrize("batches", [1, 2, 3, 4, 5])
def test_a_resumed_training_adds_to_the_times_before(
    batches: int, world: World, tmp_path: Path
) -> None:
    world.compiled = {"train", "val"}
    with pytest.raises(KilledError):
        trainer_in(tmp_path, Timing(0), KillAfter(batches), LastCheckpoint(0)).fit(
            SlowModule(world)
        )
    resumed = trainer_in(tmp_path, Timing(0), LastCheckpoint(0))
    resumed.fit(SlowModule(world), ckpt_path=tmp_path / "checkpoints/last.ckpt", weights_only=True)

    record = record_in(tmp_path)
    assert (record["parts"], record["epochs"]) == (2, 2)
    for epoch in record["by_epoch"]:
        assert epoch["images"] == sum(SIZES)
        assert epoch["training_seconds"] == pytest.approx(3 * (READ + TRAIN))
        assert epoch["validation_seconds"] == pytest.approx(3 * (READ + VALIDATE))
        assert epoch["data_wait_seconds"] == pytest.approx(3 * READ)


def test_work_lost_since_the_last_checkpoint_is_not_counted(world: World, tmp_path: Path) -> None:
    saver = LastCheckpoint(1e9)  # saves at the end of the first epoch
    with pytest.raises(KilledError):
        trainer_in(tmp_path, Timing(0), KillAfter(5), saver).fit(SlowModule(world))
    resumed = trainer_in(tmp_path, Timing(0), LastCheckpoint(1e9))
    world.compiled = {"train", "val"}
    resumed.fit(SlowModule(world), ckpt_path=tmp_path / "checkpoints/last.ckpt", weights_only=True)

    run = record_in(tmp_path)["run"]
    assert run["images"] == 2 * sum(SIZES)
    assert run["training_seconds"] == pytest.approx(6 * (READ + TRAIN) + COMPILE)


def test_times_of_a_test(world: World, tmp_path: Path) -> None:
    timing = Timing()
    trainer_in(tmp_path, timing).test(SlowModule(world), verbose=False)

    record = timing.test_record
    assert record is not None
    batch = READ + FORWARD + DECODE
    assert record["seconds"] == pytest.approx(3 * batch + COMPILE)
    assert record["warmup_seconds"] == pytest.approx(batch + COMPILE)
    assert record["data_wait_seconds"] == pytest.approx(2 * READ)
    assert record["network_seconds"] == pytest.approx(2 * FORWARD)
    assert record["images"] == sum(SIZES)
    assert record["images_per_second"] == pytest.approx(sum(SIZES[1:]) / (2 * batch))
    # Four images of 7/4 s and three of 7/3 s: the median is 7/4 s, the 95th percentile 7/3 s.
    assert record["network_ms_per_image_median"] == pytest.approx(1000 * FORWARD / 4)
    assert record["network_ms_per_image_p95"] == pytest.approx(1000 * FORWARD / 3)
    assert not (tmp_path / "timing.json").exists()


def test_a_test_within_its_warm_up_has_no_time_per_image(world: World, tmp_path: Path) -> None:
    timing = Timing(warmup_batches=5)
    trainer_in(tmp_path, timing).test(SlowModule(world), verbose=False)

    record = timing.test_record
    assert record is not None
    assert record["network_ms_per_image_median"] is None
    assert record["images_per_second"] is None
    assert record["seconds"] == pytest.approx(3 * (READ + FORWARD + DECODE) + COMPILE)


@pytest.mark.parametrize("fails", [False, True])
def test_the_trainers_profiler_is_restored(fails: bool, world: World, tmp_path: Path) -> None:
    profiler = SimpleProfiler()
    callbacks = [Timing(), *([KillAfter(1)] if fails else [])]
    trainer = trainer_in(tmp_path, *callbacks, profiler=profiler)
    if fails:
        with pytest.raises(KilledError):
            trainer.fit(SlowModule(world))
    else:
        trainer.fit(SlowModule(world))
    assert attributes(trainer).profiler is profiler
    assert len(profiler.recorded_durations["run_training_batch"]) == (1 if fails else 6)


class Device:
    """A device that executes its queue asynchronously."""

    def __init__(self, world: World) -> None:
        self.world, self.free_at = world, 0.0

    def enqueue(self, seconds: float) -> None:
        self.free_at = max(self.free_at, self.world.now) + seconds

    def event(self, **_: bool) -> "Event":
        return Event(self)


class Event:
    def __init__(self, device: Device) -> None:
        self.device = device

    def record(self, _stream: object) -> None:
        self.device.enqueue(0)
        self.at = self.device.free_at

    def synchronize(self) -> None:
        self.device.world.now = max(self.device.world.now, self.at)

    def elapsed_time(self, end: "Event") -> float:
        return 1000 * (end.at - self.at)


@pytest.fixture
def device(world: World, monkeypatch: pytest.MonkeyPatch) -> Device:
    device = Device(world)
    monkeypatch.setattr("torch.cuda.Event", device.event)
    for name in ("current_stream", "max_memory_allocated", "reset_peak_memory_stats"):
        monkeypatch.setattr(f"torch.cuda.{name}", lambda _device: 123)
    return device


@pytest.mark.parametrize(
    ("read", "step", "idle"),
    [
        (0.5, 3.0, 0.5),  # the device is slower: it waits for the first batch only
        (4.0, 1.0, 4.0 + 2 * (4.0 - 1.0)),  # the host is slower
    ],
)
def test_an_asynchronous_device_is_timed_by_its_events(
    read: float, step: float, idle: float, device: Device, world: World
) -> None:
    stopwatch = Stopwatch(CudaClock(torch.device("cuda:0")), FetchWatch(SimpleProfiler()))
    for _ in range(3):
        world.pass_time(read)
        stopwatch.end_interval(Kind.BETWEEN)
        device.enqueue(step)
        stopwatch.end_interval(Kind.STEP, images=2)
    assert world.now == 3 * read  # nothing has waited for the device yet

    sums = stopwatch.read()
    assert sums.device_idle == pytest.approx(idle)
    assert sums.training == pytest.approx(idle + 3 * step)
    assert (sums.images, sums.peak_memory) == (6, 123)


def test_the_slowest_rank_counts_and_the_images_of_all_ranks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    this_rank = IntervalSums(
        training=3.0, device_idle=2.0, images=10, warmup_images=2, peak_memory=5
    )
    other_rank = IntervalSums(
        training=4.0, device_idle=1.0, images=12, warmup_images=2, peak_memory=7
    )

    def all_gather_object(gathered: list[Any], value: Any) -> None:
        gathered[:] = [value, asdict(other_rank)]

    monkeypatch.setattr("torch.distributed.all_gather_object", all_gather_object)
    monkeypatch.setattr(Trainer, "world_size", 2)
    combined = over_ranks(this_rank, Trainer(accelerator="cpu", logger=False))

    assert combined == IntervalSums(
        training=4.0, device_idle=2.0, images=22, warmup_images=4, peak_memory=7
    )
    assert combined.record()["images_per_second"] == pytest.approx((22 - 4) / 4.0)
