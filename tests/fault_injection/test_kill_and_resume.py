"""Killed trainings end with the same bits, and the comparison would notice if they did not."""

import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.fault_injection.compare_runs import differences, same
from tests.fault_injection.kill_and_resume import SETTINGS, Faults, table
from tests.fault_injection.processes import (
    CheckpointFiles,
    Moment,
    Pace,
    checkpoint_files,
    draw_kill,
)


@pytest.mark.slow
def test_killed_trainings_end_with_the_same_bits(tmp_path: Path) -> None:
    faults = Faults(tmp_path, kills=6, seed=1)
    moments = list(faults.run())
    assert len(moments) == 6
    for result in faults.results.values():
        assert result.problems == [[]] * len(result.problems)
    assert sum(len(result.problems) for result in faults.results.values()) > 0
    assert sum(result.moments.total() for result in faults.results.values()) == 6
    assert faults.kill_orphans() == 0


def test_a_difference_of_one_bit_is_noticed() -> None:
    weights = {"a": torch.ones(3), "b": [1, {"c": 2.0}]}
    assert same(weights, {"a": torch.ones(3), "b": [1, {"c": 2.0}]})
    nudged = torch.ones(3)
    nudged[1] = torch.nextafter(nudged[1], torch.tensor(2.0))
    others: list[dict[str, Any]] = [
        {"a": nudged, "b": [1, {"c": 2.0}]},
        {"a": torch.ones(3), "b": [1, {"c": 2.5}]},
        {"a": torch.ones(3), "b": [1, {"d": 2.0}]},
        {"a": torch.ones(3), "b": [1]},
        {"a": torch.ones(3, dtype=torch.float64), "b": [1, {"c": 2.0}]},
    ]
    for other in others:
        assert not same(weights, other)
    assert same(torch.tensor(torch.nan), torch.tensor(torch.nan))
    assert not same(torch.tensor(0.0), torch.tensor(-0.0))
    assert not same(torch.zeros(2, 3), torch.zeros(3, 2))


def test_differences_between_two_runs_are_named(program: Program, tmp_path: Path) -> None:
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    copy = Run(tmp_path / "copy" / run.path.name)
    shutil.copytree(run.path, copy.path)
    assert differences(copy, run) == []

    saved = torch.load(copy.last, weights_only=True)
    next(iter(saved["state_dict"].values())).flatten()[0] += 1
    torch.save(saved, copy.last)
    copy.metrics.write_text(copy.metrics.read_text("utf-8") + "\n", "utf-8")
    copy.status.unlink()
    (copy.checkpoints / ".last.ckpt.killed.part").touch()
    assert differences(copy, run) == [
        "last.ckpt: state_dict",
        "metrics.csv",
        "status",
        ".last.ckpt.killed.part is left",
    ]


def test_what_a_kill_hit_is_inferred_from_the_files(tmp_path: Path) -> None:
    assert checkpoint_files(tmp_path) == CheckpointFiles(frozenset(), None)
    run = Run(tmp_path / "runs" / "unet" / "20260101-000000-abcdef")
    run.checkpoints.mkdir(parents=True)
    run.config.touch()
    at_start = checkpoint_files(tmp_path)
    assert at_start.moment(at_start) is Moment.START_UP
    run.last.touch()
    saved = checkpoint_files(tmp_path)
    assert saved.moment(at_start) is Moment.TRAINING
    assert saved.moment(saved) is Moment.START_UP
    (run.checkpoints / ".last.ckpt.1.part").touch()
    writing = checkpoint_files(tmp_path)
    assert writing.moment(saved) is Moment.WRITE
    assert writing.moment(writing) is Moment.START_UP  # the file was left by an earlier kill


def test_a_process_that_outlives_its_training_is_counted_and_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fault_injection.kill_and_resume.ORPHANS_END_S", 0)
    faults = Faults(tmp_path, kills=0, seed=0)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as orphan:
        faults._groups.append(orphan.pid)
        assert faults.kill_orphans() == 1
        assert orphan.wait() == -signal.SIGKILL
    assert faults.kill_orphans() == 0


def test_kills_cover_the_whole_training_and_follow_the_seed() -> None:
    pace = Pace(start_up=5, training=10)
    kills = [draw_kill(np.random.default_rng(seed), pace) for seed in range(500)]
    assert kills[7] == draw_kill(np.random.default_rng(7), pace)
    for target, longest in ((Moment.START_UP, 5), (Moment.TRAINING, 4), (Moment.WRITE, 4)):
        delays = [kill.delay for kill in kills if kill.target is target]
        assert len(delays) > 40
        assert 0 <= min(delays) < longest / 10
        assert 0.9 * longest < max(delays) <= longest


def test_the_table_adds_up_over_the_settings(tmp_path: Path) -> None:
    results = Faults(tmp_path, kills=0, seed=0).results
    first, second, *_ = results.values()
    first.moments[Moment.WRITE] += 2
    first.problems += [[], ["metrics.csv"]]
    second.moments[Moment.START_UP] += 1
    second.problems += [[]]
    console = Console(width=120)
    with console.capture() as printed:
        console.print(table(results))
    rows = [line.strip("│ \n").split("│") for line in printed.get().splitlines() if "│" in line]
    cells = {row[0].strip(): [int(cell) for cell in row[1:]] for row in rows}
    assert cells[next(iter(SETTINGS))] == [2, 2, 0, 0, 2, 1]
    assert cells["total"] == [3, 3, 1, 0, 2, 2]
