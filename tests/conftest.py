"""Fixtures for all tests."""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import yaml

from lightning_app.cli import main
from tests.helpers.toy import toy_config, write_dataset

PACKAGES = ("data_modules", "callbacks", "lightning_app")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Let several test processes share the cores."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide the user's variables and W&B account, and remove log handlers left by a command."""
    wandb_names = [name for name in os.environ if name.startswith("WANDB")]
    for name in ("BRATS_ROOT", "PL_GLOBAL_SEED", *wandb_names):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", os.devnull)
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    yield
    for package in PACKAGES:
        logging.getLogger(package).handlers = []


@pytest.fixture
def default_signals() -> Iterator[None]:
    """Let signals end this process and its children, also if nohup or a script's & ignores them."""
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGHUP, hangup)
    signal.signal(signal.SIGINT, interrupt)


@pytest.fixture(scope="session")
def toy_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with fourteen cases of fourteen patients, all modalities."""
    return write_dataset(tmp_path_factory.mktemp("toy") / "data", 14)


Program = Callable[..., int]


@pytest.fixture
def program(toy_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A function that runs a command in this process and an empty working folder, at toy size.

    A new ``fit`` and ``prepare`` get a config ``toy.yaml`` after that of the experiment.
    """
    monkeypatch.chdir(tmp_path)
    toy = toy_config(toy_root)
    toy["trainer"]["logger"] = False  # W&B is tested separately
    Path("toy.yaml").write_text(yaml.safe_dump(toy), encoding="utf-8")

    def run(*arguments: str, experiment: str = "unet_t1c.yaml") -> int:
        command, *rest = arguments
        new = command == "prepare" or (command == "fit" and "--resume" not in rest)
        configs = ["--config", experiment, "--config", "toy.yaml"] if new else []
        return main([command, *configs, *rest])

    return run
