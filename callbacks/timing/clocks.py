"""Clocks that are read without making a device wait."""

from time import perf_counter
from typing import Any, Protocol

import torch

Mark = Any  # a point in time; only the clock that made it can read it


class Clock(Protocol):
    """What a stopwatch needs of a device."""

    def mark(self) -> Mark:
        """A point in time: now, in the order of what the device has been given to do."""

    def seconds(self, start: Mark, end: Mark) -> float:
        """The time between two marks; may wait until the device has come to the second."""

    def peak_memory(self) -> int | None:
        """Most bytes allocated on the device since this was last asked; None where unknown."""


class HostClock:
    """For a CPU, and for devices without events of their own."""

    def mark(self) -> Mark:
        """The host's time."""
        return perf_counter()

    def seconds(self, start: Mark, end: Mark) -> float:
        """The difference."""
        return float(end - start)

    def peak_memory(self) -> None:
        """Unknown."""


class CudaClock:
    """For a CUDA device: events in its current stream.

    Args:
        device: whose.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def mark(self) -> Mark:
        """An event that the device notes the time of when it comes to it."""
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self.device))
        return event

    def seconds(self, start: Mark, end: Mark) -> float:
        """The time between two events."""
        end.synchronize()
        return float(start.elapsed_time(end)) / 1000

    def peak_memory(self) -> int:
        """What PyTorch had allocated at most."""
        peak = torch.cuda.max_memory_allocated(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)
        return peak


def clock_of(device: torch.device) -> Clock:
    """The clock for a device."""
    return CudaClock(device) if device.type == "cuda" else HostClock()
