"""Clocks that can be read without waiting for the device."""

from time import perf_counter
from typing import Any

import torch

Timestamp = Any  # seconds, or a CUDA event


class HostClock:
    """For a CPU, and for devices without timing events."""

    def timestamp(self) -> Timestamp:
        """The current time, as seen by the device: after the work that is queued on it."""
        return perf_counter()

    def seconds(self, start: Timestamp, end: Timestamp) -> float:
        """Seconds between two timestamps; waits until the device has reached the second."""
        return float(end - start)

    def peak_memory(self) -> int | None:
        """Most bytes allocated on the device since the last call; None if unknown."""
        return None


class CudaClock(HostClock):
    """For a CUDA device: events in its current stream."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def timestamp(self) -> Timestamp:
        """An event, whose time the device records when it reaches it."""
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self.device))
        return event

    def seconds(self, start: Timestamp, end: Timestamp) -> float:
        """Seconds between two events; waits for the second."""
        end.synchronize()
        return float(start.elapsed_time(end)) / 1000

    def peak_memory(self) -> int | None:
        """Most bytes that PyTorch had allocated since the last call."""
        peak = torch.cuda.max_memory_allocated(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)
        return peak


def clock_of(device: torch.device) -> HostClock:
    """The clock of a device."""
    return CudaClock(device) if device.type == "cuda" else HostClock()
