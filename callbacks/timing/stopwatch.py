"""Timed intervals and their sums."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from enum import Enum, auto
from typing import Any, NamedTuple

from lightning.pytorch import Trainer

from callbacks.timing.clocks import HostClock, Timestamp
from callbacks.timing.data_wait import FetchWatch
from callbacks.utils.distributed import gather


class Kind(Enum):
    """What happened in an interval."""

    WARMUP = auto()
    STEP = auto()
    BETWEEN = auto()
    VALIDATION = auto()


@dataclass(frozen=True)
class IntervalSums:
    """Sums over intervals, in seconds unless stated otherwise.

    Attributes:
        training: steps and the time between them, without validation and warm-up.
        validation: without warm-up.
        warmup: the first batches of a process, with loading and compilation.
        data_wait: the part of ``training`` in which the host waited for the loader.
        device_idle: the part of ``training`` between the steps.
        images: number of images that were processed.
        warmup_images: number of images that were processed during warm-up.
        peak_memory: bytes on the device; None if unknown.
    """

    training: float = 0.0
    validation: float = 0.0
    warmup: float = 0.0
    data_wait: float = 0.0
    device_idle: float = 0.0
    images: int = 0
    warmup_images: int = 0
    peak_memory: int | None = None

    def __add__(self, other: "IntervalSums") -> "IntervalSums":
        """Sums over the intervals of both."""
        return _combine([self, other], sum)

    def record(self) -> dict[str, Any]:
        """Seconds by kind, throughput and memory, as they are written to a file."""
        timed_images = self.images - self.warmup_images
        return {
            "seconds": self.training + self.validation + self.warmup,
            "training_seconds": self.training,
            "validation_seconds": self.validation,
            "warmup_seconds": self.warmup,
            "data_wait_seconds": self.data_wait,
            "device_idle_seconds": self.device_idle,
            "images": self.images,
            "images_per_second": timed_images / self.training if self.training > 0 else None,
            "peak_memory_bytes": self.peak_memory,
        }


def over_ranks(sums: IntervalSums, trainer: Trainer) -> IntervalSums:
    """For each kind, the seconds of the slowest rank; the images of all ranks."""
    ranks = gather(asdict(sums), trainer)
    return _combine([IntervalSums(**rank) for rank in ranks], max)


def _combine(
    parts: Sequence[IntervalSums], seconds: Callable[[Iterable[float]], float]
) -> IntervalSums:
    """Combine seconds with a function, images by their sum and memory by its maximum."""
    combined: dict[str, Any] = {
        field.name: (sum if "images" in field.name else seconds)(
            getattr(part, field.name) for part in parts
        )
        for field in fields(IntervalSums)
        if field.name != "peak_memory"
    }
    peaks = [part.peak_memory for part in parts if part.peak_memory is not None]
    return IntervalSums(**combined, peak_memory=max(peaks, default=None))


class _Interval(NamedTuple):
    """The time since the end of the interval before."""

    kind: Kind
    end: Timestamp
    waited: float  # seconds in which the host waited for data
    images: int


class Stopwatch:
    """Collects intervals without waiting for the device, and sums them up later.

    Args:
        clock: the device's clock.
        watch: measures how long the host waits for data.
    """

    def __init__(self, clock: HostClock, watch: FetchWatch) -> None:
        self.clock = clock
        self._watch = watch
        self._start = clock.timestamp()
        self._intervals: list[_Interval] = []
        watch.take()
        clock.peak_memory()

    def end_interval(self, kind: Kind, images: int = 0) -> None:
        """End an interval, in which images may have been processed, and begin the next."""
        interval = _Interval(kind, self.clock.timestamp(), self._watch.take(), images)
        self._intervals.append(interval)

    def read(self) -> IntervalSums:
        """Sum the intervals since the last call; waits for the device."""
        seconds, waited = dict.fromkeys(Kind, 0.0), dict.fromkeys(Kind, 0.0)
        images = dict.fromkeys(Kind, 0)
        for interval in self._intervals:
            seconds[interval.kind] += self.clock.seconds(self._start, interval.end)
            waited[interval.kind] += interval.waited
            images[interval.kind] += interval.images
            self._start = interval.end
        self._intervals = []
        return IntervalSums(
            training=seconds[Kind.STEP] + seconds[Kind.BETWEEN],
            validation=seconds[Kind.VALIDATION],
            warmup=seconds[Kind.WARMUP],
            data_wait=waited[Kind.BETWEEN],
            device_idle=seconds[Kind.BETWEEN],
            images=images[Kind.STEP] + images[Kind.WARMUP],
            warmup_images=images[Kind.WARMUP],
            peak_memory=self.clock.peak_memory(),
        )
