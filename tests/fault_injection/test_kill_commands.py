"""Killed commands end as others do, and the comparison would notice if they did not."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.fault_injection.kill_commands import (
    CommandFaults,
    Reference,
    contents,
    differences,
    names,
    table,
)


@pytest.mark.slow
def test_killed_commands_end_as_uninterrupted_ones(tmp_path: Path) -> None:
    faults = CommandFaults(tmp_path, kills=3, seed=1, scenarios=["test", "predict"])
    assert len(list(faults.run())) == 3
    for result in faults.results.values():
        assert result.problems == [[]] * len(result.problems)
    assert sum(len(result.problems) for result in faults.results.values()) > 0
    assert sum(result.kills for result in faults.results.values()) == 3


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_what_a_kill_left_or_lost_is_named(tmp_path: Path) -> None:
    run, other = "20260101-000000-abcdef", "20260102-000000-fedcba"
    before = write(tmp_path / "a", runs__unet__20260101="x", scores="1")
    reference = Reference(names(before), contents(before))
    assert differences(before, reference) == []

    killed = write(tmp_path / "b", runs__unet__20260101="x", scores="2", mask__part="y")
    assert differences(killed, reference) == [
        "mask is left", "mask/part is left", "scores differs",
    ]  # fmt: skip
    (killed / "scores").unlink()
    assert "scores is missing" in differences(killed, reference)

    once, twice = tmp_path / "once", tmp_path / "twice"
    (once / run).mkdir(parents=True)
    for name in (run, other):
        (twice / name).mkdir(parents=True)
    assert differences(twice, Reference(names(once), {})) == ["RUN is there 2 times"]


def test_locks_and_files_of_wandb_do_not_count(tmp_path: Path) -> None:
    folder = write(tmp_path, a="1", wandb__log="2")
    (folder / "a.lock").touch()
    assert names(folder) == ["a"]


def test_the_table_adds_up(tmp_path: Path) -> None:
    faults = CommandFaults(tmp_path, kills=0, seed=0)
    first, second, *_ = faults.results.values()
    first.kills, first.kills_in_writes, first.problems = 3, 2, [[], ["a is left"]]
    second.kills, second.problems = 1, [[]]
    console = Console(width=100)
    with console.capture() as printed:
        console.print(table(faults.results))
    rows = [line.strip("│ \n").split("│") for line in printed.get().splitlines() if "│" in line]
    cells = {row[0].strip(): [int(cell) for cell in row[1:]] for row in rows}
    assert cells["prepare"] == [2, 3, 2, 1]
    assert cells["total"] == [3, 4, 2, 2]
