"""What the tests of `reproduce` share."""

from pathlib import Path

import pytest

from lightning_app.cli import main
from lightning_app.commands import reproduce
from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program

Calls = list[tuple[str, ...]]

TWO = ["--only", "unet_t1c", "--only", "aspp_t2f", "--config", "toy.yaml"]


@pytest.fixture
def calls(program: Program, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The commands that are carried out, in this process and without the report."""
    made: Calls = []

    def execute(*arguments: str) -> int:
        made.append(arguments)
        return 0 if arguments[0] == "report" else main(list(arguments))

    monkeypatch.setattr(reproduce, "execute", execute)
    return made


def names(calls: Calls) -> list[str]:
    return [call[0] for call in calls]


def only_run() -> Run:
    (run,) = find_runs(Path("runs"))
    return run
