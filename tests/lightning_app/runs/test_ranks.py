import os
import subprocess
import sys
from queue import SimpleQueue

import pytest

from lightning_app.runs.ranks import RankWatch, failure_of
from tests.helpers.waiting import TIMEOUT_S


def ended(code: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", f"import os, signal; {code}"])
    process.wait()
    return process


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL"),
        ("os._exit(2)", "ended with 2"),
        ("os._exit(0)", None),
        ("os._exit(143)", None),  # stopped by SIGTERM, as all ranks are
        ("os.kill(os.getpid(), signal.SIGTERM)", None),
    ],
)
def test_a_rank_that_was_not_told_to_stop_has_failed(code: str, how: str | None) -> None:
    process = ended(code)
    reason = failure_of([ended(""), process])
    assert reason == (how and f"rank 2 (process {process.pid}) {how}")


def test_a_process_that_waits_for_a_failed_rank_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[subprocess.Popen[bytes]] = []
    reasons: list[str] = []
    codes: SimpleQueue[int] = SimpleQueue()
    monkeypatch.setattr(os, "_exit", codes.put)
    with RankWatch(lambda: processes, reasons.append):
        processes.append(ended("os._exit(2)"))
        assert codes.get(timeout=TIMEOUT_S) == 2
    assert reasons[:1] == [f"rank 1 (process {processes[0].pid}) ended with 2"]


def test_an_error_of_rank_0_itself_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    alive = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(os, "_exit", lambda _: pytest.fail("no rank has failed"))
    with pytest.raises(ValueError, match="own"), RankWatch(lambda: [alive], pytest.fail):
        raise ValueError("own")
    alive.kill()
    alive.wait()
