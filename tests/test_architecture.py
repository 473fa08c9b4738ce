"""The walls of the house: which room may import which."""

import ast
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

ROOMS = ("models", "data_modules", "callbacks", "lightning_app")
MAY_IMPORT = {
    "models": {"models"},
    "data_modules": {"data_modules"},
    "callbacks": {"callbacks"},
    "lightning_app": set(ROOMS),
}
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides which room it is"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    rooms = {name.split(".")[0] for name in imported(path)} & set(ROOMS)
    assert rooms <= MAY_IMPORT[room]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_imports_the_front_door(path: Path) -> None:
    door = ("lightning_app.cli", "lightning_app.cli.main")
    assert not imported(path) & set(door)


def test_the_task_names_no_network() -> None:
    task = (ROOT / "lightning_app" / "task.py").read_text("utf-8")
    assert not any("models" in name for name in imported(ROOT / "lightning_app" / "task.py"))
    assert "UNet" not in task
