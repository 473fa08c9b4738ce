"""`wandb sweep`, `wandb agent` and our program, against a local server."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_app.config.lookup import CONFIGS
from lightning_app.runs.folder import Run, find_runs, run_config
from lightning_app.runs.status import read_status
from lightning_app.utils.yaml_file import get_option
from tests.helpers.paths import MAIN
from tests.helpers.toy import toy_config
from tests.helpers.waiting import TIMEOUT_S, wait_until
from tests.helpers.wandb.offline_files import offline_runs
from tests.helpers.wandb.standin import ENTITY, PROJECT, SWEEP, StandIn, Trial, serving
from tests.helpers.wandb.sweep_files import combinations, read_sweep

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc"),
]


class Terminal:
    """A user's terminal: a working folder, a home folder, and W&B's commands.

    Args:
        folder: the working folder.
        address: the address of the server.
    """

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        inherited = {name: value for name, value in os.environ.items() if "WANDB" not in name}
        self.environment = {
            **inherited,
            "HOME": str(folder / "home"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
            "WANDB_BASE_URL": address,
            "WANDB_API_KEY": "k" * 40,
            "WANDB_ERROR_REPORTING": "false",
        }

    def sweep(self, name: str) -> str:
        """Run `wandb sweep` with a file of ours; returns what it prints."""
        file = self.folder / name
        content = read_sweep(CONFIGS / "sweeps" / name)
        content["program"] = str(MAIN)
        content["command"] += ["--config", "toy.yaml"]
        file.write_text(yaml.safe_dump(content), "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "wandb", "sweep", file.name],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout + done.stderr

    def agent(self, number: int = 0, *options: str) -> subprocess.Popen[bytes]:
        """Start `wandb agent` as in docs/wandb.md; its output goes to a file."""
        with self.output(number).open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "wandb", "agent", "--forward-signals", *options,
                 f"{ENTITY}/{PROJECT}/{SWEEP}"],
                cwd=self.folder, env=self.environment, stdout=output, stderr=output,
            )  # fmt: skip

    def output(self, number: int = 0) -> Path:
        """The output of an agent and its trials."""
        return self.folder / f"agent{number}.txt"

    def clear(self) -> None:
        """Kill the processes that a failed test has left running."""
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def processes(self) -> list[int]:
        """Running processes that were started from this terminal."""
        marker = f"HOME={self.environment['HOME']}\0".encode()
        processes = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if marker in path.read_bytes():
                    processes.append(int(path.parent.name))
            except OSError:  # of another user, or already ended
                continue
        return processes


OpenTerminal = Callable[[StandIn], Terminal]


@pytest.fixture
def open_terminal(toy_root: Path, tmp_path: Path) -> Iterator[OpenTerminal]:
    """Open a terminal with toy data; its processes are killed at the end of the test."""
    with ExitStack() as stack:

        def make(memory: StandIn) -> Terminal:
            terminal = Terminal(tmp_path, stack.enter_context(serving(memory)))
            stack.callback(terminal.clear)
            (tmp_path / "home").mkdir()
            config = toy_config(toy_root)
            config["data"] |= {"cache_dir": str(tmp_path / "cache"), "num_workers": 1}
            (tmp_path / "toy.yaml").write_text(yaml.safe_dump(config), "utf-8")
            return terminal

        yield make


def trials_of(name: str, count: int) -> list[dict[str, Any]]:
    return combinations(read_sweep(CONFIGS / "sweeps" / name))[:count]


def run_of(trial: Trial, root: Path) -> Run:
    (run,) = [r for r in find_runs(root) if r.wandb_id.read_text("utf-8").strip() == trial.id]
    return run


def check(trial: Trial, run: Run) -> None:
    """Check the parameters, the folder and the scores of a successful trial."""
    assert (trial.sweep, trial.exit_code) == (SWEEP, 0)
    assert read_status(run)["status"] == "finished"
    for name, value in trial.parameters.items():
        assert trial.config[name] == value
        if name != "config":
            assert get_option(run_config(run), name) == value
    for name in ("train/loss", "val/loss", "val/dice"):
        sent = [row[name] for row in trial.rows if name in row]
        assert sent == pytest.approx(written(run, name)), name
    assert trial.summary["best/val/dice"] == pytest.approx(max(written(run, "val/dice")))


def written(run: Run, score: str) -> list[float]:
    with run.metrics.open(newline="", encoding="utf-8") as file:
        return [float(row[score]) for row in csv.DictReader(file)]


def test_an_agent_runs_two_trials_and_sends_their_scores(open_terminal: OpenTerminal) -> None:
    memory = StandIn(trials_of("aspp_rates.yaml", 2))
    terminal = open_terminal(memory)
    assert f"{ENTITY}/{PROJECT}/{SWEEP}" in terminal.sweep("aspp_rates.yaml")
    agent = terminal.agent(0, "--count", "2")
    assert agent.wait(TIMEOUT_S) == 0, terminal.output().read_text("utf-8")

    root = terminal.folder / "runs" / "sweeps"
    assert [run.experiment for run in find_runs(root)] == ["aspp_t2f", "aspp_t2f"]
    for trial in memory.trials:
        check(trial, run_of(trial, root))
    assert len({trial.summary["val/loss"] for trial in memory.trials}) == 2
    assert terminal.processes() == []


def test_two_agents_at_once_do_not_collide(open_terminal: OpenTerminal) -> None:
    # Two networks with the same contrast, so both build the same cache.
    memory = StandIn([{"config": "unet_t1c.yaml"}, {"config": "attention_unet_t1c.yaml"}])
    terminal = open_terminal(memory)
    terminal.sweep("paper_grid.yaml")
    agents = [terminal.agent(number, "--count", "1") for number in range(2)]
    for number, agent in enumerate(agents):
        assert agent.wait(TIMEOUT_S) == 0, terminal.output(number).read_text("utf-8")

    root = terminal.folder / "runs"
    assert len(memory.trials) == 2
    for trial in memory.trials:
        run = run_of(trial, root)
        assert f"{run.experiment}.yaml" == trial.parameters["config"]
        check(trial, run)


def test_the_next_trial_runs_after_a_failed_one(open_terminal: OpenTerminal) -> None:
    rate = "optimizer.init_args.lr"
    added = {"_wandb": {"cli_version": "0.31.0"}}  # as in a restarted trial
    memory = StandIn([{rate: 1e30}, {rate: 0.001, **added}])
    terminal = open_terminal(memory)
    terminal.sweep("aspp_learning_rate_loss.yaml")
    agent = terminal.agent(0, "--count", "2")
    assert agent.wait(TIMEOUT_S) == 0, terminal.output().read_text("utf-8")

    failed, finished = memory.trials
    root = terminal.folder / "runs" / "sweeps"
    assert failed.exit_code not in {0, None}
    assert read_status(run_of(failed, root))["status"] == "failed"
    del finished.parameters["_wandb"]
    check(finished, run_of(finished, root))


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGTERM, "Stopped by SIGTERM"), (signal.SIGINT, "Interrupted")],
)
def test_a_stopped_agent_leaves_no_process_and_no_finished_trial(
    number: signal.Signals, words: str, open_terminal: OpenTerminal
) -> None:
    memory = StandIn(trials_of("aspp_blocks.yaml", 1))
    terminal = open_terminal(memory)
    toy = terminal.folder / "toy.yaml"
    endless = toy.read_text("utf-8").replace("max_epochs: 1", "max_epochs: 100000")
    toy.write_text(endless, "utf-8")
    terminal.sweep("aspp_blocks.yaml")
    agent = terminal.agent()
    (trial,) = memory.trials
    read = partial(terminal.output().read_text, "utf-8")
    wait_until(lambda: any("val/dice" in row for row in trial.rows), read)
    agent.send_signal(number)
    agent.wait(TIMEOUT_S)
    wait_until(lambda: terminal.processes() == [], read)

    assert trial.exit_code not in {0, None}
    run = run_of(trial, terminal.folder / "runs" / "sweeps")
    assert read_status(run)["status"] == "interrupted"
    assert run.last.is_file()
    assert words in terminal.output().read_text("utf-8")


def test_a_trial_that_the_server_rejects_is_logged_offline(
    open_terminal: OpenTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = StandIn([])
    monkeypatch.setattr(memory, "_upsert_bucket", None)
    terminal = open_terminal(memory)
    trial = {"WANDB_RUN_ID": "trial", "WANDB_SWEEP_ID": SWEEP}
    done = subprocess.run(
        [sys.executable, MAIN, "fit", "--config", "unet_t1c.yaml", "-c", "toy.yaml"],
        cwd=terminal.folder, env=terminal.environment | trial,
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "logging offline" in done.stderr
    (run,) = find_runs(terminal.folder / "runs")
    (part,) = offline_runs(run.path)
    assert (part.id, part.exit_code) == ("trial", 0)
