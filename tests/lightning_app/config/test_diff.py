"""Which options count as changed: those in a saved config, and later ones."""

from typing import Any

import pytest
import torch
from jsonargparse import ArgumentParser

from lightning_app.config.diff import changed_options, new_options


@pytest.fixture
def parser() -> ArgumentParser:
    made = ArgumentParser(exit_on_error=False)
    made.add_argument("--config", action="config")
    made.add_argument("--trust", action="append")
    made.add_argument("--data.root", default="x")
    made.add_argument("--fast.layout", type=bool, default=False)
    made.add_argument("--fast.mode", type=bool | str, default=False)
    made.add_subclass_arguments(torch.optim.Optimizer, "optimizer", skip={"params"})
    return made


ADAM = "torch.optim.Adam"
OLD: dict[str, Any] = {
    "data": {"root": "x"},
    "optimizer": {"class_path": ADAM, "init_args": {"lr": 0.001}},
}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ([], {}),
        (["--fast.layout=false", "--trust=me", "--optimizer.eps=1e-8"], {}),
        (
            ["--fast.layout=true", "--fast.mode=most"],
            {"fast.layout": (False, True), "fast.mode": (False, "most")},
        ),
        (["--optimizer.eps=0.1"], {"optimizer.init_args.eps": (1e-08, 0.1)}),
        (["--data.root=y"], {}),  # in the saved config: changed, not new
    ],
)
def test_a_later_option_counts_as_changed_unless_at_its_default(
    typed: list[str], expected: dict[str, Any], parser: ArgumentParser
) -> None:
    config = parser.parse_args([f"--optimizer={ADAM}", *typed])
    assert new_options(OLD, config, parser) == expected


def test_options_in_the_saved_config_are_compared(parser: ArgumentParser) -> None:
    typed = ["--data.root=y", "--optimizer.lr=0.5", "--optimizer.eps=0.1", "--fast.layout=true"]
    config = parser.parse_args([f"--optimizer={ADAM}", *typed])
    assert changed_options(OLD, config) == {
        "data.root": ("x", "y"),
        "optimizer.init_args.lr": (0.001, 0.5),
    }
