import os
from pathlib import Path

import pytest

from data_modules.utils.process_pool import cores
from lightning_app.commands.grid import companions as module
from lightning_app.commands.grid.companions import companions
from tests.helpers.waiting import wait_until

PRINT = (
    "import os, signal, sys, time\n"
    "print(os.environ['OMP_NUM_THREADS'], *sys.argv[1:], flush=True)\n"
)
WAIT = "time.sleep(600)"
FAIL = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('left', flush=True); sys.exit(3)"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is run instead of the program: a file to write."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(module, "MAIN", tmp_path / "main.py")
    return tmp_path / "main.py"


def test_companions_work_until_the_block_ends(script: Path, tmp_path: Path) -> None:
    script.write_text(PRINT + WAIT, "utf-8")
    logs = [tmp_path / "runs" / f"reproduce-{number}.log" for number in (2, 3)]

    with companions(3, ["--seeds", "2"], tmp_path / "runs"):
        wait_until(lambda: all(log.stat().st_size for log in logs))

    assert sorted((tmp_path / "runs").iterdir()) == logs
    threads = max(1, cores() // 3)
    line = f"{threads} reproduce --seeds 2 --jobs 1 --companion\n"
    assert [log.read_text("utf-8") for log in logs] == [line, line]
    assert "OMP_NUM_THREADS" not in os.environ


def test_they_end_with_an_error_of_the_block(script: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script.write_text(PRINT + f"open({str(pid)!r}, 'w').write(str(os.getpid()))\n{WAIT}", "utf-8")

    def fail() -> None:
        wait_until(lambda: pid.is_file() and pid.read_text("utf-8") != "")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), companions(2, [], tmp_path):
        fail()

    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text("utf-8")), 0)


def test_one_process_needs_no_companion(script: Path, tmp_path: Path) -> None:
    with companions(1, [], tmp_path / "runs"):
        assert not (tmp_path / "runs").exists()
        assert "OMP_NUM_THREADS" not in os.environ


def test_the_users_number_of_threads_is_kept(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    script.write_text(PRINT + WAIT, "utf-8")
    log = tmp_path / "reproduce-2.log"

    with companions(2, [], tmp_path):
        wait_until(lambda: bool(log.stat().st_size))

    assert log.read_text("utf-8").startswith("5 reproduce")
    assert os.environ["OMP_NUM_THREADS"] == "5"


def test_a_companion_that_fails_is_mentioned(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text(PRINT + FAIL, "utf-8")
    log = tmp_path / "reproduce-2.log"

    with companions(2, [], tmp_path):
        wait_until(lambda: log.read_text("utf-8").endswith("left\n"))

    assert f"A further process ended early, with 3: see '{log}'" in capsys.readouterr().err
