"""The sweeps in configs/sweeps/, read as W&B reads them."""

import itertools
from pathlib import Path
from typing import Any

import yaml

from lightning_app.config.lookup import CONFIGS

SWEEPS = sorted((CONFIGS / "sweeps").glob("*.yaml"))


def read_sweep(path: Path) -> dict[str, Any]:
    """The content of a sweep file."""
    content: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return content


def combinations(sweep: dict[str, Any]) -> list[dict[str, Any]]:
    """Every combination of a sweep's parameters; a range is represented by its ends."""
    names, choices = zip(
        *((name, _choices(parameter)) for name, parameter in sweep["parameters"].items()),
        strict=True,
    )
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*choices)]


def arguments(sweep: dict[str, Any], parameters: dict[str, Any]) -> list[str]:
    """The program's arguments in a trial, as `wandb agent` builds them."""
    flags = [f"--{name}={value}" for name, value in parameters.items()]
    after_program = sweep["command"][sweep["command"].index("${program}") + 1 :]
    return [
        argument
        for part in after_program
        for argument in (flags if part == "${args}" else [str(part)])
    ]


def _choices(parameter: dict[str, Any]) -> list[Any]:
    return parameter["values"] if "values" in parameter else [parameter["min"], parameter["max"]]
