"""A Lightning profiler that keeps the time of every call."""

import json
from pathlib import Path

from lightning.pytorch.profilers import SimpleProfiler


class HookTimes(SimpleProfiler):
    """Writes the seconds of every profiled call into a JSON file, by action.

    Args:
        file: the file to write.
    """

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = Path(file)

    def summary(self) -> str:
        """Write the file and return Lightning's report."""
        self._file.write_text(json.dumps(self.recorded_durations))
        return super().summary()
