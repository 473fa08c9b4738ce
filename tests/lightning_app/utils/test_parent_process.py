import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_app.utils.parent_process import PARENT_VARIABLE
from tests.helpers.paths import ROOT
from tests.helpers.waiting import wait_until

PARENT = """
import os, signal, subprocess, sys, time
from lightning_app.utils.parent_process import PARENT_VARIABLE, parent_variable
environment = {**os.environ, PARENT_VARIABLE: parent_variable(signal.SIGTERM)}
child = "from lightning_app.utils.parent_process import end_with_parent; import sys, time\\n"
child += "end_with_parent(); print('started', flush=True); time.sleep(60)"
print(subprocess.Popen([sys.executable, "-c", child], env=environment).pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")
def test_a_child_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    first, second = parent.stdout.readline(), parent.stdout.readline()
    child = int(first)
    assert second == "started\n"
    parent.kill()
    wait_until(lambda: not _is_running(child))
    parent.stdout.close()
    parent.wait()


def test_a_child_whose_parent_died_before_it_started_ends() -> None:
    child = "from lightning_app.utils.parent_process import end_with_parent; import time\n"
    child += "end_with_parent(); time.sleep(60)"
    done = subprocess.run(
        [sys.executable, "-c", child],
        cwd=ROOT, env={**os.environ, PARENT_VARIABLE: f"999999999 {signal.SIGTERM}"}, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGTERM


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
