"""The sweep files: all trials are accepted, and the score to optimise is logged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_app.cli import main
from lightning_app.commands.fit import FitCLI
from lightning_app.config.diff import to_plain
from lightning_app.config.lookup import CONFIGS
from lightning_app.runs.folder import find_runs
from lightning_app.utils.yaml_file import get_option
from tests.conftest import Program
from tests.helpers.wandb.offline_files import offline_runs
from tests.helpers.wandb.sweep_files import SWEEPS, arguments, combinations, read_sweep

wandb = pytest.importorskip("wandb")

LOGGED = ["--trainer.logger", "callbacks.wandb_logger.ForgivingWandbLogger"]
Accepted = Callable[[list[str]], dict[str, Any]]


@pytest.fixture
def accepted(program: Program, monkeypatch: pytest.MonkeyPatch) -> Accepted:
    """Run a command with toy data up to its training; returns the options of the training."""
    configs: list[dict[str, Any]] = []
    monkeypatch.setattr(FitCLI, "fit", lambda cli, **_: configs.append(to_plain(cli.config["fit"])))
    monkeypatch.setattr(FitCLI, "after_fit", lambda _: None)

    def run(words: list[str]) -> dict[str, Any]:
        assert main([*words, "--config", "toy.yaml"]) == 0
        return configs.pop()

    return run


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_every_trial_of_a_sweep_is_accepted(path: Path, accepted: Accepted) -> None:
    sweep = read_sweep(path)
    assert [sweep["name"], sweep["project"], sweep["program"]] == [
        path.stem, "brats-lightning", "main.py",
    ]  # fmt: skip
    assert sweep["command"][:3] == ["${env}", "${interpreter}", "${program}"]
    for parameters in combinations(sweep):
        config = accepted(arguments(sweep, parameters))
        swept = {name: get_option(config, name) for name in parameters if name != "config"}
        assert swept == {name: parameters[name] for name in swept}


def test_the_papers_grid_is_the_twelve_experiments() -> None:
    (path,) = [path for path in SWEEPS if path.stem == "paper_grid"]
    configs = [trial["config"] for trial in combinations(read_sweep(path))]
    assert sorted(configs) == sorted(p.name for p in CONFIGS.glob("*.yaml") if p.stem != "base")


def test_options_that_wandb_adds_to_a_restarted_trial_are_ignored(accepted: Accepted) -> None:
    added = "--_wandb={'cli_version': '0.31.0', 'start_time': 1.5}"
    config = accepted(["fit", "--config", "unet_t1c.yaml", "--optimizer.init_args.lr=0.5", added])
    assert get_option(config, "optimizer.init_args.lr") == 0.5


def test_the_score_that_a_sweep_optimises_is_logged(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    try:
        assert program("fit", *LOGGED) == 0
    finally:
        wandb.teardown()
    (run,) = find_runs(Path("runs"))
    (written,) = offline_runs(run.path)
    for path in SWEEPS:
        metric = read_sweep(path)["metric"]
        assert isinstance(written.summary[metric["name"]], float), path.name
        assert metric["goal"] == "maximize"
