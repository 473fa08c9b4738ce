import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.commands.grid.child_process import run_in_child
from tests.helpers.paths import ROOT
from tests.helpers.waiting import wait_until


def nothing(name: str) -> int:
    return 0


def fail(name: str) -> int:
    return 3


def die(name: str) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def signal_parent(name: str) -> int:
    os.kill(parent(), signal.Signals[name])
    time.sleep(60)
    return 0


def signal_parent_at_the_end(name: str) -> int:
    signal.signal(signal.Signals[name], signal.SIG_IGN)
    os.kill(parent(), signal.Signals[name])
    time.sleep(0.5)
    return 0


def parent() -> int:
    process = multiprocessing.parent_process()
    assert process is not None
    assert process.pid is not None
    return process.pid


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize(
    ("function", "number", "code"),
    [
        (nothing, signal.SIGTERM, 0),
        (fail, signal.SIGTERM, 3),
        (die, signal.SIGTERM, 137),
        (signal_parent, signal.SIGTERM, 143),
        (signal_parent, signal.SIGHUP, 129),
        (signal_parent_at_the_end, signal.SIGTERM, 143),
        (signal_parent_at_the_end, signal.SIGINT, 130),  # Ctrl-C as the command ends
    ],
)
def test_the_exit_code_of_a_process_and_the_signals_to_it(
    function: Callable[[str], int], number: signal.Signals, code: int
) -> None:
    handler = signal.getsignal(number)

    assert run_in_child(function, number.name) == code

    assert signal.getsignal(number) == handler


def note(file: str) -> int:
    """Leave what the process knows, and at its end that it has ended."""
    import atexit

    atexit.register(lambda: Path(f"{file}-ended").touch())
    # Each process needs a temporary folder of its own from W&B.
    libraries = [name for name in ("torch", "lightning", "wandb") if name in sys.modules]
    Path(file).write_text(" ".join([*libraries, os.environ["COLOUR"]]), "utf-8")
    return 0


def test_a_process_has_the_imports_and_ends_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLOUR", "red")
    script = (
        "from tests.lightning_app.commands.grid.test_child_process import note, run_in_child\n"
        f"print(run_in_child(note, {str(tmp_path / 'note')!r}))"  # without a main guard
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "0\n"
    assert (tmp_path / "note").read_text("utf-8") == "torch lightning red"
    assert (tmp_path / "note-ended").exists()


def save_slowly(folder: str) -> int:
    """Take a second to stop, as a training that saves a checkpoint."""
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    Path(folder, "started").touch()
    while not stopped:
        time.sleep(0.01)
    time.sleep(1)
    Path(folder, "saved").touch()
    return 143


GROUP = "from tests.lightning_app.commands.grid.test_child_process import *\n"
GROUP += "code = run_in_child(save_slowly, sys.argv[1])\n"
GROUP += "assert Path(sys.argv[1], 'saved').exists()\nsys.exit(code)"


@pytest.mark.parametrize("to_group", [True, False])
def test_a_process_that_stops_slowly_is_waited_for(to_group: bool, tmp_path: Path) -> None:
    command = [sys.executable, "-c", GROUP, str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    wait_until((tmp_path / "started").exists)

    if to_group:
        os.killpg(process.pid, signal.SIGTERM)
    else:
        process.terminate()

    assert process.wait() == 143


def test_a_process_stops_if_its_parent_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", GROUP, str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT)
    wait_until((tmp_path / "started").exists)

    process.kill()
    process.wait()

    wait_until((tmp_path / "saved").exists)
