"""Faults during a run (full disk, damaged cache, another process): one line, exit code 2."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from callbacks.checkpoints import LastCheckpoint
from callbacks.utils.atomic_write import atomic_write
from lightning_app.runs.checkpoint_io import DurableCheckpointIO, read_checkpoint
from lightning_app.runs.folder import Run, find_runs
from lightning_app.utils.json_csv import write_json
from tests.conftest import Program
from tests.helpers.disk import fill, make_read_only, small_disk
from tests.helpers.paths import ROOT
from tests.helpers.toy import write_case, write_dataset

Capture = pytest.CaptureFixture[str]


def only_run(root: Path = Path("runs")) -> Run:
    (run,) = find_runs(root)
    return run


def errors(capsys: Capture) -> list[str]:
    """The lines on standard error but for the training's picture and few cores."""
    by_the_way = ("training.png cannot be written", "on the 1 core that")
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if not any(words in line for words in by_the_way)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", kilobytes=2048) as place:
        yield place


@pytest.fixture
def after_first_epoch(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What is to happen when the first epoch has been saved."""
    events: list[Callable[[], object]] = []
    save = LastCheckpoint.on_train_epoch_end

    def save_and_happen(self: LastCheckpoint, trainer: Trainer, pl_module: LightningModule) -> None:
        save(self, trainer, pl_module)
        if trainer.current_epoch == 0:
            for event in events:
                event()

    monkeypatch.setattr(LastCheckpoint, "on_train_epoch_end", save_and_happen)
    return events


def test_a_full_disk_is_one_line_and_the_run_resumes_once_there_is_space(
    program: Program, disk: Path, after_first_epoch: list[Callable[[], object]], capsys: Capture
) -> None:
    after_first_epoch.append(lambda: fill(disk))
    flags = ["--trainer.max_epochs", "3", "--trainer.default_root_dir", str(disk / "runs")]
    often = ["--last_checkpoint.every_n_minutes", "0"]

    assert program("fit", *flags, *often) == 2

    run = only_run(disk / "runs")
    assert errors(capsys) == [
        f"error: [Errno 28] No space left on device: '{run.last}'",
        f"To resume: python main.py fit --resume {run.path}",
    ]
    assert (
        read_checkpoint(run.last)["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
        == 1
    )
    assert read_checkpoint(run.best)["epoch"] == 0
    assert len(run.metrics.read_text("utf-8").splitlines()) >= 2
    assert json.loads(run.status.read_text("utf-8"))["status"] == "running"  # as it was
    assert not [path for path in run.path.rglob("*") if "part" in path.name]

    (disk / "filler").unlink()
    after_first_epoch.clear()
    assert program("fit", "--resume", str(run.path)) == 0
    assert json.loads(run.status.read_text("utf-8"))["status"] == "finished"
    rows = run.metrics.read_text("utf-8").splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["0", "1", "2"]


@pytest.mark.parametrize("values", [10, 200_000])  # torch fails on closing, and before
def test_a_checkpoint_on_a_full_disk_leaves_the_one_before(values: int, disk: Path) -> None:
    path, save = disk / "last.ckpt", DurableCheckpointIO(disk).save_checkpoint
    save({"state_dict": {"weight": torch.ones(values)}}, path)
    filler = fill(disk)

    with pytest.raises(OSError, match=rf"No space left on device: '{path}'"):
        save({"state_dict": {"weight": torch.zeros(values)}}, path)

    assert read_checkpoint(path)["state_dict"]["weight"].equal(torch.ones(values))
    assert sorted(disk.iterdir()) == [filler, path]


def test_a_status_on_a_full_disk_leaves_the_one_before(disk: Path) -> None:
    path = disk / "status.json"
    write_json(path, {"status": "running"})
    filler = fill(disk)

    with pytest.raises(OSError, match=rf"No space left on device: '{path}'"):
        write_json(path, {"status": "failed", "reason": "x" * 9000})

    assert json.loads(path.read_text("utf-8")) == {"status": "running"}
    assert sorted(disk.iterdir()) == [filler, path]


def test_an_error_of_another_file_keeps_its_name(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match=r"'.*elsewhere'"),
        atomic_write(tmp_path / "status.json"),
    ):
        (tmp_path / "elsewhere").read_bytes()


def test_a_run_root_that_is_read_only_is_one_line(
    program: Program, disk: Path, capsys: Capture
) -> None:
    make_read_only(disk)

    assert program("fit", "--trainer.default_root_dir", str(disk / "runs")) == 2

    assert errors(capsys) == [f"error: [Errno 30] Read-only file system: '{disk}/runs'"]


@pytest.mark.parametrize("place", ["runs", "cache"])
def test_a_disk_that_is_full_from_the_beginning_is_one_line(
    place: str, program: Program, disk: Path, capsys: Capture
) -> None:
    fill(disk)
    option = {"runs": "--trainer.default_root_dir", "cache": "--data.cache_dir"}[place]

    assert program("fit", option, str(disk / place)) == 2

    (line,) = errors(capsys)
    assert line.startswith("error: ")
    assert "No space left on device" in line
    assert str(disk / place) in line


@pytest.mark.parametrize("minutes", ["0", "60"])  # a checkpoint or metrics.csv is the next file
def test_a_run_that_is_moved_while_it_trains_ends_in_one_line_and_is_not_made_again(
    minutes: str, program: Program, after_first_epoch: list[Callable[[], object]], capsys: Capture
) -> None:
    moved = Path("moved") / "20260101-000000-abcdef"
    moved.parent.mkdir()
    after_first_epoch.append(lambda: only_run().path.rename(moved))
    flags = ["--trainer.max_epochs", "3", "--last_checkpoint.every_n_minutes", minutes]

    assert program("fit", *flags) == 2

    (line,) = errors(capsys)
    assert re.match(r"error: the run's folder '.*/runs/unet_t1c/.*' is gone: it was moved", line)
    assert find_runs(Path("runs")) == []
    assert list(Path("runs/unet_t1c").iterdir()) == []
    after_first_epoch.clear()
    assert program("fit", "--resume", str(moved)) == 0
    assert len(Run(moved).metrics.read_text("utf-8").splitlines()) == 1 + 3


@pytest.mark.parametrize("mask", [0o077, 0o002])
def test_every_file_of_a_run_and_of_the_cache_follows_the_umask(
    mask: int, program: Program, tmp_path: Path
) -> None:
    before = os.umask(mask)
    try:
        own = own_data(tmp_path)
        assert program("fit", *own) == 0
        assert program("test", *own) == 0
        write_case(Path("in"), "patient", names={"t1c": "-t1c"})
        assert program("predict", "--input", "in", "--output", "out") == 0
    finally:
        os.umask(before)

    paths = [path for name in ("runs", "own", "out") for path in Path(name).rglob("*")]
    assert only_run().test().images in {path.absolute() for path in paths}
    modes = {path: path.stat().st_mode & 0o777 for path in paths}
    expected = {path: (0o777 if path.is_dir() else 0o666) & ~mask for path in paths}
    assert modes == expected


def own_data(folder: Path) -> list[str]:
    """A cache that no other test uses, of so few cases that no workers are started for it."""
    root = write_dataset(folder / "few", 7)
    return ["--data.root", str(root), "--data.cache_dir", str(folder / "own")]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_truncated_cache_is_one_line_and_resume_rebuilds_it(
    workers: str,
    program: Program,
    tmp_path: Path,
    after_first_epoch: list[Callable[[], object]],
    capsys: Capture,
) -> None:
    def cut() -> None:
        for path in (tmp_path / "own").glob("t1c-*/array.npy"):
            os.truncate(path, 200)

    after_first_epoch.append(cut)
    own = [*own_data(tmp_path), "--data.num_workers", workers]
    assert program("fit", "--trainer.max_epochs", "3", *own) == 2

    run = only_run()
    first, second = errors(capsys)
    assert re.fullmatch(r"error: '.*/own/t1c-.*/array\.npy' was changed while .*", first)
    assert second == f"To resume: python main.py fit --resume {run.path}"
    status = json.loads(run.status.read_text("utf-8"))
    assert status["status"] == "failed"
    assert status["reason"].startswith("DataError: '")
    assert "\n" not in status["reason"]

    after_first_epoch.clear()
    assert program("fit", "--resume", str(run.path)) == 0
    assert len(run.metrics.read_text("utf-8").splitlines()) == 1 + 3


def test_a_cache_that_is_deleted_in_a_run_does_it_no_harm(
    program: Program, tmp_path: Path, after_first_epoch: list[Callable[[], object]]
) -> None:
    def delete() -> None:
        for path in (tmp_path / "own").glob("*/*"):
            path.unlink()

    after_first_epoch.append(delete)
    own = own_data(tmp_path)
    assert program("fit", "--trainer.max_epochs", "3", *own) == 0
    after_first_epoch.clear()
    assert program("fit", "--trainer.max_epochs", "3", *own) == 0

    with_it, without = find_runs(Path("runs"))
    assert with_it.metrics.read_bytes() == without.metrics.read_bytes()


def test_a_new_run_refuses_a_folder_that_holds_one(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert program("fit") == 0
    run = only_run()
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    monkeypatch.setattr("lightning_app.commands.shared.run_selection.new_run", lambda *_: run)
    capsys.readouterr()

    assert program("fit", "--trainer.max_epochs", "2") == 2

    (line,) = [line for line in errors(capsys) if not line.startswith("To resume")]
    assert line.startswith(f"error: '{run.path}' holds a run already")
    assert before == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


HOLD = """
import sys
from pathlib import Path
from lightning_app.runs.status import locked, mark_running
from lightning_app.runs.folder import Run
with locked(Run(Path(sys.argv[1]))):
    mark_running(Run(Path(sys.argv[1])))
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(program: Program) -> Iterator[subprocess.Popen[str]]:
    """Another process that trains the only run."""
    assert program("fit") == 0
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(only_run().path)],
        cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.parametrize("notices", [True, False])
def test_of_two_resumes_of_one_run_the_second_is_refused(
    notices: bool,
    program: Program,
    other: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    run = only_run()
    if not notices:  # the other process took the lock after the check
        monkeypatch.setattr("lightning_app.runs.lookup.is_alive", lambda _: False)
    before = run.status.read_bytes(), run.last.read_bytes(), run.config.read_bytes()
    capsys.readouterr()

    assert program("fit", "--resume", str(run.path), "--trainer.max_epochs", "2") == 2

    (line,) = [line for line in errors(capsys) if not line.startswith("warning: ")]
    assert line.startswith(f"error: run '{run.path}' is being trained by process {other.pid} on ")
    assert before == (run.status.read_bytes(), run.last.read_bytes(), run.config.read_bytes())
