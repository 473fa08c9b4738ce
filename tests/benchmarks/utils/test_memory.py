from itertools import chain, repeat
from threading import Event

import pytest

from benchmarks.utils import memory


def test_a_peak_in_a_single_sample_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    read_all = Event()
    samples = chain([100.0, 100.0, 290.0, 100.0, 180.0, 190.0], repeat(100.0))

    def sample() -> float:
        mebibytes = next(samples)
        if mebibytes == 190:
            read_all.set()
        return mebibytes

    monkeypatch.setattr(memory, "_allocated", sample)
    monkeypatch.setattr(memory, "_INTERVAL", 0.001)
    with memory.PeakMemory() as peak:
        assert read_all.wait(60)

    assert peak.mebibytes == 180
