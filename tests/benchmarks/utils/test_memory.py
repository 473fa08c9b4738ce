from itertools import chain, repeat
from threading import Event

import pytest

from benchmarks.utils import memory


def test_what_one_look_alone_saw_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Event()
    looks = chain([100.0, 100.0, 290.0, 100.0, 180.0, 190.0], repeat(100.0))

    def look() -> float:
        found = next(looks)
        if found == 190:
            seen.set()
        return found

    monkeypatch.setattr(memory, "_allocated", look)
    monkeypatch.setattr(memory, "_EVERY", 0.001)
    with memory.PeakMemory() as peak:
        assert seen.wait(60)

    assert peak.mebibytes == 180
