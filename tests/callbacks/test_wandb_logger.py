import logging
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from callbacks import wandb_logger
from callbacks.wandb_logger import ForgivingWandbLogger
from tests.helpers.paths import ROOT
from tests.helpers.waiting import TIMEOUT_S

pytest.importorskip("wandb")

KEY = {"WANDB_API_KEY": "k" * 40}
SERVER, OTHER_SERVER = {"WANDB_BASE_URL": "https://w.org"}, {"WANDB_BASE_URL": "https://x.org"}
LOGIN = "machine w.org login user password k"


@pytest.fixture
def init_calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of each call of wandb.init, which fails."""
    calls: list[dict[str, Any]] = []

    def init(**options: Any) -> None:
        calls.append(options)
        raise OSError

    monkeypatch.setattr("wandb.init", init)
    return calls


@pytest.mark.parametrize(
    ("variables", "netrc", "mode"),
    [
        ({}, "", "offline"),
        (KEY, "", "online"),
        (KEY | {"WANDB_MODE": "offline"}, "", "offline"),
        ({"WANDB_MODE": "online"}, "", "online"),
        (SERVER, LOGIN, "online"),
        (OTHER_SERVER, LOGIN, "offline"),
    ],
)
def test_mode_depends_on_the_api_key_and_wandb_mode(
    variables: dict[str, str], netrc: str, mode: str, init_calls: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    (tmp_path / "netrc").write_text(netrc, "utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    logger = ForgivingWandbLogger()
    logger.keep_in(tmp_path, tmp_path / "id")
    logger.log_metrics({"score": 1.0})

    assert init_calls[0]["mode"] == mode


def test_a_saved_id_is_resumed(init_calls: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "id").write_text("abc\n", "utf-8")
    logger = ForgivingWandbLogger()
    logger.keep_in(tmp_path, tmp_path / "id")
    logger.log_metrics({"score": 1.0})

    assert (init_calls[0]["id"], init_calls[0]["resume"]) == ("abc", "allow")


def test_no_run_is_opened_before_its_folder_is_set(init_calls: list[dict[str, Any]]) -> None:
    ForgivingWandbLogger().log_metrics({"score": 1.0})

    assert init_calls == []


def test_nothing_is_logged_once_the_folder_has_been_moved(
    init_calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    logger = ForgivingWandbLogger()
    logger.keep_in(tmp_path / "moved", tmp_path / "moved" / "wandb" / "id")
    logger.log_metrics({"score": 1.0})

    assert init_calls == []
    assert not (tmp_path / "moved").exists()


@pytest.mark.parametrize("rank", [0, 1])
def test_only_rank_0_opens_a_run(
    rank: int, init_calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("lightning.pytorch.utilities.rank_zero_only.rank", rank)
    logger = ForgivingWandbLogger()
    logger.keep_in(tmp_path, tmp_path / "id")
    logger.log_metrics({"score": 1.0})

    assert len(init_calls) == (1 if rank == 0 else 0)


def test_lightning_may_read_the_experiment_before_it_is_opened(
    init_calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    logger = ForgivingWandbLogger()
    logger.keep_in(tmp_path, tmp_path / "id")
    logger.experiment.log({"score": 1.0})

    assert init_calls == []


def test_a_copy_for_another_process_opens_no_run(
    init_calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    logger = ForgivingWandbLogger(project="project")
    logger.keep_in(tmp_path, tmp_path / "id")

    assert pickle.loads(pickle.dumps(logger)).name == "project"  # noqa: S301 (our own bytes)
    assert init_calls == []


@pytest.mark.parametrize("content", ["secret", None])
def test_the_file_of_the_id_is_no_link(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, file = tmp_path / "elsewhere", tmp_path / "id"
    if content is not None:
        elsewhere.write_text(content, "utf-8")
    file.symlink_to(elsewhere)
    opened: list[dict[str, Any]] = []

    class Run:
        id = "abc"

    def init(**options: Any) -> Run:
        opened.append(options)
        return Run()

    monkeypatch.setattr("wandb.init", init)
    monkeypatch.setenv("WANDB_MODE", "online")
    logger = ForgivingWandbLogger()
    logger.keep_in(tmp_path, file)
    logger.attempt(lambda _: None)

    assert opened[0]["id"] is None
    assert (elsewhere.read_text("utf-8") if elsewhere.exists() else None) == content
    assert not file.is_symlink()
    assert file.read_text("utf-8") == "abc\n"


@pytest.mark.parametrize(("sweep", "warned"), [(None, True), ("abc", False)])
def test_an_id_that_runs_would_share_is_mentioned(
    sweep: str | None,
    warned: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("wandb.init", lambda **_: SimpleNamespace(id="abc123", url=""))
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_RUN_ID", "abc123")
    monkeypatch.delenv("WANDB_SWEEP_ID", raising=False)
    if sweep is not None:
        monkeypatch.setenv("WANDB_SWEEP_ID", sweep)
    logger = ForgivingWandbLogger()
    logger.keep_in(tmp_path, tmp_path / "id")
    with caplog.at_level(logging.WARNING):
        logger.attempt(lambda _: None)
    assert [("WANDB_RUN_ID" in message) for message in caplog.messages] == [True] * warned


def test_a_call_that_takes_too_long_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    never = threading.Event()
    monkeypatch.setattr("wandb.init", lambda **_: never.wait())
    monkeypatch.setattr(wandb_logger, "OPEN_TIMEOUT_S", 0.5)
    monkeypatch.setattr("callbacks.utils.wandb_service._END_TIMEOUT_S", 0.5)
    logger = ForgivingWandbLogger()
    logger.keep_in(tmp_path, tmp_path / "id")
    for _ in range(3):
        logger.log_metrics({"score": 1.0})
    logger.finalize("success")
    never.set()

    (line,) = caplog.messages
    assert line.startswith("W&B failed (no answer within 0.5 s)")


# Logs, does something to W&B's service, and logs again.
SERVICE = """
import logging, os, signal, sys
from pathlib import Path
from callbacks import wandb_logger
from callbacks.utils import private_api, wandb_service
logging.basicConfig(format="%(message)s", level=logging.WARNING)
wandb_logger.FINISH_TIMEOUT_S = wandb_service._END_TIMEOUT_S = 2
logger = wandb_logger.ForgivingWandbLogger()
Path("run").mkdir()
logger.keep_in(Path("run"), Path("run/id"))
logger.log_metrics({"score": 1.0})
if len(sys.argv) > 1:
    service = private_api.wandb_connection()._proc._process.pid
    os.kill(service, signal.Signals[sys.argv[1]])
logger.log_metrics({"score": 2.0})
logger.finalize("success")
"""


def log_and(action: str | None, folder: Path, **variables: str) -> list[str]:
    """Standard error of the script above, which must end by itself."""
    done = subprocess.run(
        [sys.executable, "-c", SERVICE, *([action] if action else [])],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True, text=True, check=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    return done.stderr.splitlines()


@pytest.mark.parametrize("action", ["SIGSTOP", "SIGKILL"])
def test_a_service_that_hangs_or_dies_costs_one_line(action: str, tmp_path: Path) -> None:
    lines = log_and(action, tmp_path)
    # W&B adds a line of its own if its service is found dead only when the run is finished.
    (line,) = [line for line in lines if line != "wandb: ERROR Problem finishing run"]
    assert line.startswith("W&B failed (")


def test_a_home_that_cannot_be_written_costs_one_line(tmp_path: Path) -> None:
    home = {"HOME": f"{os.devnull}/home", "MPLCONFIGDIR": str(tmp_path)}
    (line,) = log_and(None, tmp_path, **home)
    assert line.startswith(f"W&B cannot write to '{os.devnull}/home/")
