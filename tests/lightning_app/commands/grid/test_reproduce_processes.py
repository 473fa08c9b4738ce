"""`reproduce` in processes of its own: killed, and two trainings at a time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lightning_app.runs.folder import find_runs
from lightning_app.runs.status import read_status
from tests.conftest import Program
from tests.helpers.paths import MAIN
from tests.helpers.waiting import wait_until
from tests.lightning_app.commands.grid.conftest import TWO, only_run

LOGGER = "callbacks.wandb_logger.ForgivingWandbLogger"


@pytest.mark.slow
def test_a_killed_reproduce_continues(program: Program) -> None:
    command = [
        sys.executable, str(MAIN), "reproduce", "--only", "unet_t1c", "--config", "toy.yaml",
        "--data.slices", "all", "--trainer.max_epochs", "30", "--last_checkpoint.every_n_minutes",
        "0",
    ]  # fmt: skip
    grid = subprocess.Popen(command, start_new_session=True)
    while not (find_runs(Path("runs")) and only_run().last.exists()):
        assert grid.poll() is None
        time.sleep(0.05)
    os.killpg(grid.pid, signal.SIGKILL)
    grid.wait()
    assert read_status(only_run())["status"] == "running"

    assert subprocess.run(command, check=False).returncode == 0
    status = read_status(only_run())
    assert (status["status"], status["resumed"]) == ("finished", 1)
    assert only_run().test().metrics.is_file()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")
def test_a_training_that_starts_up_ends_with_a_killed_reproduce(program: Program) -> None:
    command = [
        sys.executable, str(MAIN), "reproduce", "--only", "unet_t1c", "--config", "toy.yaml",
        "--trainer.max_epochs", "100000",
    ]  # fmt: skip
    grid = subprocess.Popen(command, start_new_session=True)
    wait_until(lambda: any(parent in processes_of(grid.pid) for parent in parents_of(grid.pid)))
    grid.kill()  # and not its child
    grid.wait()
    wait_until(lambda: not processes_of(grid.pid))
    assert find_runs(Path("runs")) == []


@pytest.mark.slow
def test_two_at_a_time_train_and_test_everything_once(program: Program) -> None:
    command = [sys.executable, str(MAIN), "reproduce", *TWO, "--only", "unet_t2w", "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    runs = find_runs(Path("runs"))
    assert sorted(run.experiment for run in runs) == ["aspp_t2f", "unet_t1c", "unet_t2w"]
    assert all(run.test().metrics.is_file() for run in runs)
    trained = [Path("runs/reproduce-2.log").read_text("utf-8").count("\nBest epoch"),
               done.stdout.count("\nBest epoch")]  # fmt: skip
    assert sum(trained) == 3
    assert min(trained) > 0
    assert done.stdout.count("3 runs, 0 left out") == 1


@pytest.mark.slow
def test_every_training_and_test_is_logged_to_w_and_b(program: Program) -> None:
    pytest.importorskip("wandb")
    command = [sys.executable, str(MAIN), "reproduce", *TWO, "--trainer.logger", LOGGER]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert "W&B failed" not in done.stdout + done.stderr
    folders = [len(list(run.path.glob("wandb/offline-run-*"))) for run in find_runs(Path("runs"))]
    assert folders == [2, 2]


@pytest.mark.slow
def test_two_at_a_time_end_with_the_first(program: Program) -> None:
    command = [sys.executable, str(MAIN), "reproduce", *TWO, "--jobs", "2"]
    grid = subprocess.Popen([*command, "--trainer.max_epochs", "100000"])
    wait_until(lambda: [run.last.exists() for run in find_runs(Path("runs"))] == [True, True])
    grid.terminate()

    assert grid.wait() == 143
    assert [read_status(run)["status"] for run in find_runs(Path("runs"))] == ["interrupted"] * 2


def processes_of(session: int) -> dict[int, int]:
    """The processes of a session except its first, each with its parent."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, _, its_session = path.read_text("utf-8").rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its_session) == session and state != "Z":
            found[int(path.parent.name)] = int(parent)
    found.pop(session, None)
    return found


def parents_of(session: int) -> list[int]:
    return list(processes_of(session).values())
