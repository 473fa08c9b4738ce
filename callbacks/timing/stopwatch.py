"""Times taken lap by lap, and their sums."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from enum import Enum, auto
from typing import Any

import torch
from lightning.pytorch import Trainer

from callbacks.timing.clocks import Clock, Mark
from callbacks.timing.data_wait import FetchWatch


class Kind(Enum):
    """What the time of a lap was spent on."""

    WARMUP = auto()
    STEP = auto()
    BETWEEN = auto()
    VALIDATION = auto()


@dataclass(frozen=True)
class Lap:
    """The time since the mark before.

    Attributes:
        kind: what it was spent on.
        end: its end.
        waited: seconds of it in which the host waited for data.
        images: how many went through in it.
    """

    kind: Kind
    end: Mark
    waited: float
    images: int


@dataclass(frozen=True)
class Times:
    """Sums over some laps; seconds but for images and bytes.

    Attributes:
        training: steps and what lies between them; without validation and warm-up.
        validation: without warm-up.
        warmup: first batches of a process, with their reading, and compilation in them.
        data_wait: the part of ``training`` in which the host waited for the loader.
        device_idle: the part of ``training`` that lies between the steps.
        images: trained on.
        warmup_images: those of them that were warm-up.
        peak_memory: bytes on the device; None where unknown.
    """

    training: float = 0.0
    validation: float = 0.0
    warmup: float = 0.0
    data_wait: float = 0.0
    device_idle: float = 0.0
    images: int = 0
    warmup_images: int = 0
    peak_memory: int | None = None

    def __add__(self, other: "Times") -> "Times":
        """What comes one after the other."""
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)[:-1]}
        return Times(**sums, peak_memory=_peak([self, other]))

    def record(self) -> dict[str, Any]:
        """For a file: seconds by what they were spent on, rate and memory."""
        rate = (self.images - self.warmup_images) / self.training if self.training > 0 else None
        return {
            "seconds": self.training + self.validation + self.warmup,
            "training_seconds": self.training,
            "validation_seconds": self.validation,
            "warmup_seconds": self.warmup,
            "data_wait_seconds": self.data_wait,
            "device_idle_seconds": self.device_idle,
            "images": self.images,
            "images_per_second": rate,
            "peak_memory_bytes": self.peak_memory,
        }


def of_all_processes(own: Times, trainer: Trainer) -> Times:
    """The slowest process's seconds, one by one, and the images of all."""
    everyone = [Times(**times) for times in gathered(asdict(own), trainer)]
    slowest = {
        f.name: (sum if "images" in f.name else max)(getattr(times, f.name) for times in everyone)
        for f in fields(Times)[:-1]
    }
    return Times(**slowest, peak_memory=_peak(everyone))


def gathered(own: dict[str, Any], trainer: Trainer) -> list[dict[str, Any]]:
    """What every process has; to be called on all of them."""
    everyone: list[Any] = [own] * trainer.world_size
    if trainer.world_size > 1:
        torch.distributed.all_gather_object(everyone, own)
    return everyone


class Stopwatch:
    """Notes laps while the work goes on, and reads the clock afterwards.

    Args:
        clock: the device's.
        fetches: what counts the waiting for data.
    """

    def __init__(self, clock: Clock, fetches: FetchWatch) -> None:
        self.clock = clock
        self._fetches = fetches
        self._begin = clock.mark()
        self._laps: list[Lap] = []
        fetches.take()
        clock.peak_memory()

    def lap(self, kind: Kind, images: int = 0) -> None:
        """End a lap."""
        self._laps.append(Lap(kind, self.clock.mark(), self._fetches.take(), images))

    def read(self) -> Times:
        """The sums of the laps since this was last called; waits for the device."""
        seconds, waited = dict.fromkeys(Kind, 0.0), dict.fromkeys(Kind, 0.0)
        images = dict.fromkeys(Kind, 0)
        for lap in self._laps:
            seconds[lap.kind] += self.clock.seconds(self._begin, lap.end)
            waited[lap.kind] += lap.waited
            images[lap.kind] += lap.images
            self._begin = lap.end
        self._laps = []
        return Times(
            training=seconds[Kind.STEP] + seconds[Kind.BETWEEN],
            validation=seconds[Kind.VALIDATION],
            warmup=seconds[Kind.WARMUP],
            data_wait=waited[Kind.BETWEEN],
            device_idle=seconds[Kind.BETWEEN],
            images=images[Kind.STEP] + images[Kind.WARMUP],
            warmup_images=images[Kind.WARMUP],
            peak_memory=self.clock.peak_memory(),
        )


def _peak(several: Sequence[Times]) -> int | None:
    return max((t.peak_memory for t in several if t.peak_memory is not None), default=None)
