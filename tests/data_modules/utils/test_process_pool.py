"""Workers end with their parent, however that one ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from data_modules.utils.errors import DataError
from data_modules.utils.process_pool import run_in_order
from tests.helpers.paths import ROOT
from tests.helpers.waiting import TIMEOUT_S, wait_until

# The jobs outlast every patience: that a worker is gone means that it did not finish its job.
JOBS = """
import time
from pathlib import Path

FOLDER = Path({folder!r})

def read_for_ever(job):
    (FOLDER / f"started-{{job.case}}").touch()
    time.sleep(3600)

def write_for_ever(output, seed, depth, modalities, index):
    (output / f".BraTS-GLI-{{index}}.part").mkdir()
    (FOLDER / f"started-{{index}}").touch()
    time.sleep(3600)
"""
PROGRAM = """
import sys
sys.path.insert(0, {repository!r})
from data_modules.cache import slice_cache as cache
from data_modules.catalog.cases import find_cases
from data_modules.phantom import dataset
from jobs import FOLDER, read_for_ever, write_for_ever
from lightning_app.utils.exit_codes import exit_on_signals

cache.read_slices = read_for_ever
dataset._write_case = write_for_ever
with exit_on_signals():
    if sys.argv[1] == "cache":
        slices = cache.SliceCache(FOLDER / "cache", (16, 16), processes=2)
        slices.labels(find_cases(FOLDER / "data"), "middle", (1, 2, 3))
    else:
        dataset.write_phantom(FOLDER / "phantom", 4, 1, 0, processes=2)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(8):
        name = f"BraTS-GLI-{number:05d}-000"
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / f"{name}-seg.nii.gz").touch()
    return tmp_path


def started(folder: Path, what: str) -> subprocess.Popen[str]:
    """A process that builds something, once two of its workers are at their jobs."""
    script = folder / "build.py"
    script.write_text(PROGRAM.format(repository=str(ROOT)), "utf-8")
    (folder / "jobs.py").write_text(JOBS.format(folder=str(folder)), "utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), what],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_until(lambda: len(list(folder.glob("started-*"))) >= 2 or process.poll() is not None)
    assert process.poll() is None, process.communicate()[0]
    return process


def wait_for_all(process: subprocess.Popen[str]) -> str:
    """What was printed, once every process that could print more has ended."""
    return process.communicate(timeout=TIMEOUT_S)[0]


@pytest.mark.parametrize("what", ["cache", "phantom"])
def test_no_worker_outlives_a_parent_that_is_killed(what: str, folder: Path) -> None:
    process = started(folder, what)

    process.kill()
    printed = wait_for_all(process)

    assert process.returncode == -signal.SIGKILL
    assert "Traceback" not in printed


@pytest.mark.parametrize("what", ["cache", "phantom"])
def test_a_build_that_is_told_to_stop_leaves_no_worker_and_no_half_written_folder(
    what: str, folder: Path
) -> None:
    process = started(folder, what)

    process.terminate()
    printed = wait_for_all(process)

    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in printed
    left = [path for path in (folder / what).iterdir() if path.is_dir()]
    assert left == []


UNGUARDED = """
import sys
sys.path.insert(0, {repository!r})
from data_modules.utils.process_pool import run_in_order

print("main", flush=True)
print(*run_in_order(abs, [-1, -2], 2), sys.modules["__main__"].__file__ == __file__)
"""


def test_a_script_without_a_main_guard_is_not_run_again_by_its_workers(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED.format(repository=str(ROOT)), "utf-8")

    ended = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "main\n1 2 True\n", "")


def test_a_worker_that_is_killed_is_one_line() -> None:
    jobs = iter([signal.SIGKILL])
    with pytest.raises(
        DataError, match="a worker process was killed, perhaps because memory ran out"
    ):
        list(run_in_order(signal.raise_signal, jobs, 2))


def test_jobs_are_taken_as_they_are_needed_and_answered_in_order() -> None:
    taken: list[int] = []

    def jobs() -> Iterator[int]:
        for number in range(-12, 0):
            taken.append(number)
            yield number

    results = run_in_order(abs, jobs(), 2)
    first = next(results)

    assert len(taken) == 4
    assert [first, *results] == list(range(12, 0, -1))


def test_one_process_works_in_this_one() -> None:
    assert list(run_in_order(_process, [0, 1], 1)) == [os.getpid()] * 2
    assert os.getpid() not in list(run_in_order(_process, [0, 1], 2))


def _process(job: int) -> int:
    return os.getpid()


def test_a_worker_has_one_thread_for_linear_algebra() -> None:
    (threads,) = run_in_order(_linear_algebra_threads, [2], 2)

    assert threads
    assert set(threads) == {1}


def _linear_algebra_threads(size: int) -> list[int]:
    np.ones(size) @ np.ones(size)
    return [library["num_threads"] for library in threadpool_info()]
