"""What every test shares."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import yaml

from lightning_app.cli import main
from tests.helpers.toy import toy_config, write_dataset

ROOMS = ("data_modules", "callbacks", "lightning_app")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Two test processes on two cores, each with a thread of its own."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _clean_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variable and no W&B account of the user's, and no log handler left by a command."""
    for name in ("BRATS_ROOT", "PL_GLOBAL_SEED", *(n for n in os.environ if n.startswith("WANDB"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", os.devnull)
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    yield
    for room in ROOMS:
        logging.getLogger(room).handlers = []


@pytest.fixture(scope="session")
def toy_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen cases of fourteen patients, all modalities."""
    return write_dataset(tmp_path_factory.mktemp("toy") / "data", 14)


Program = Callable[..., int]


@pytest.fixture
def program(toy_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Run a command in this process, in an empty working folder, at toy size.

    A new ``fit`` and ``prepare`` get a config ``toy.yaml`` after the experiment.
    """
    monkeypatch.chdir(tmp_path)
    toy = toy_config(toy_root)
    toy["trainer"]["logger"] = False  # W&B has tests of its own
    Path("toy.yaml").write_text(yaml.safe_dump(toy), encoding="utf-8")

    def run(*arguments: str, experiment: str = "unet_t1c.yaml") -> int:
        command, *rest = arguments
        new = command == "prepare" or (command == "fit" and "--resume" not in rest)
        configs = ["--config", experiment, "--config", "toy.yaml"] if new else []
        return main([command, *configs, *rest])

    return run
