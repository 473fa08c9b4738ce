"""A callback that notes the CPU times of a command, as the module ``cpu_clock`` of any revision.

It imports nothing of ours: ``benchmarks.utils.cpu_times`` puts a copy of it onto the path.
"""

import json
import os
from pathlib import Path
from time import process_time
from typing import Any

from lightning.pytorch import Callback

FOLDER = "BENCHMARK_CPU_TIMES"  # environment variable: where each process writes its times


class CpuClock(Callback):
    """Write a process's CPU seconds to its first batch, of each epoch, and of all its work.

    An epoch is its training, without validation. Work is what the user asked for: training steps,
    validation and test, with their scores.
    """

    def __init__(self) -> None:
        self._first_batch: float | None = None
        self._epoch_began: float | None = None
        self._epochs: list[float] = []
        self._work = self._began = 0.0

    def _begin(self) -> None:
        self._began = process_time()
        if self._first_batch is None:
            self._first_batch = self._began

    def _end(self) -> None:
        self._work += process_time() - self._began

    def on_train_epoch_start(self, *_: Any) -> None:
        """Start the clock of an epoch."""
        self._epoch_began = process_time()

    def on_train_batch_start(self, *_: Any) -> None:
        """Begin a step."""
        self._begin()

    def on_train_batch_end(self, *_: Any) -> None:
        """End a step."""
        self._end()

    def on_validation_start(self, *_: Any) -> None:
        """End the training of an epoch, if there was one, and begin a validation."""
        self._began = process_time()
        if self._epoch_began is not None:
            self._epochs.append(self._began - self._epoch_began)
            self._epoch_began = None

    def on_validation_end(self, *_: Any) -> None:
        """End a validation."""
        self._end()

    def on_test_start(self, *_: Any) -> None:
        """Begin a test."""
        self._begin()

    def on_test_end(self, *_: Any) -> None:
        """End a test."""
        self._end()

    def teardown(self, *_: Any, **__: Any) -> None:
        """Write the times."""
        times = {"first_batch": self._first_batch, "epochs": self._epochs, "work": self._work}
        file = Path(os.environ[FOLDER]) / f"{os.getpid()}.json"
        file.write_text(json.dumps(times), "utf-8")
