"""What clean lists and deletes, and what it must never touch."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_app.cli import main
from lightning_app.runs.folder import Run, find_runs
from lightning_app.runs.records import write_record
from lightning_app.runs.status import locked
from tests.conftest import Program
from tests.helpers.paths import MAIN
from tests.helpers.runs.removable import cached, everything, finished_run
from tests.helpers.runs.unfinished import unfinished_of_dead_process, unfinished_of_live_process
from tests.lightning_app.commands.listing.conftest import Command


def test_a_list_deletes_nothing_and_ends_with_the_command_that_does(clean: Command) -> None:
    run = finished_run()
    before = everything()
    lines = clean().splitlines()
    assert everything() == before
    assert f"  3.0 kB  {run.last}" in lines
    assert lines[-2:] == [
        "1 file or folder, 3.0 kB can be deleted. To delete them:",
        "python main.py clean runs --yes",
    ]


def test_the_last_checkpoint_of_a_finished_run_goes_and_nothing_else(clean: Command) -> None:
    run = finished_run()
    before = everything()
    assert clean("--yes").splitlines() == [
        f"deleted   3.0 kB  {run.last}",
        "1 file or folder, 3.0 kB deleted",
    ]
    after = everything()
    assert before.keys() - after.keys() == {run.last}
    assert after.keys() - before.keys() <= {run.lock}
    assert clean("--yes") == "Nothing to delete below 'runs'\n"


def damaged_config(run: Run) -> None:
    run.config.write_text("[", "utf-8")


def without_best(run: Run) -> None:
    run.best.unlink()


def best_is_a_link(run: Run) -> None:
    run.best.unlink()
    run.best.symlink_to(run.last.name)


def checkpoints_elsewhere(run: Run) -> None:
    run.checkpoints.rename("elsewhere")
    run.checkpoints.symlink_to(Path("elsewhere").absolute())


def experiment_elsewhere(run: Run) -> None:
    run.path.parent.rename("elsewhere")
    run.path.parent.symlink_to(Path("elsewhere").absolute())


def ended_by_a_limit(run: Run) -> None:
    write_record(run.status, {"status": "finished", "ended_by": "trainer.max_time"})


def interrupted(run: Run) -> None:
    write_record(run.status, {"status": "interrupted"})


KEPT = (
    damaged_config, without_best, best_is_a_link, checkpoints_elsewhere, experiment_elsewhere,
    ended_by_a_limit, interrupted,
)  # fmt: skip


@pytest.mark.parametrize("change", KEPT, ids=lambda change: change.__name__)
def test_a_last_checkpoint_that_somebody_may_need_stays(
    change: Callable[[Run], None], clean: Command
) -> None:
    run = finished_run()
    change(run)
    before = everything()
    assert "last.ckpt" not in clean("--yes")
    assert everything() == before


def test_a_run_that_is_trained_further_stays(clean: Command) -> None:
    run = finished_run()
    write_record(run.status, {"status": "finished", "host": "elsewhere", "pid": 1})
    leftover = unfinished_of_dead_process(run.path / "metrics.csv")
    leftover.touch()
    with locked(run):
        assert clean("--yes") == "Nothing to delete below 'runs'\n"
    assert run.last.exists()
    assert leftover.exists()


def test_a_training_that_starts_after_the_list_was_made_keeps_its_checkpoint(
    clean: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run()
    monkeypatch.setattr("lightning_app.cleaning.checkpoints.is_alive", lambda _: False)
    with locked(run):
        assert f"kept, because it is in use or gone: {run.last}" in clean("--yes")
    assert run.last.exists()


def test_a_copied_run_is_found(clean: Command) -> None:
    copy = Run(finished_run().path.rename("runs/from the server"))

    assert clean("--yes").splitlines()[0] == f"deleted   3.0 kB  {copy.last}"


def test_runs_at_any_depth_are_found(clean: Command) -> None:
    run = finished_run()
    Path("runs/sweeps").mkdir()
    run.path.parent.rename("runs/sweeps/unet_t2f")
    assert f"  3.0 kB  runs/sweeps/unet_t2f/{run.path.name}/checkpoints/last.ckpt" in clean()
    for folder in ("runs/sweeps/unet_t2f", f"runs/sweeps/unet_t2f/{run.path.name}"):
        assert "last.ckpt" in clean(folder)


def test_a_finished_run_without_its_last_checkpoint_is_not_started_again(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    assert program("clean", "--yes") == 0
    best, capsys_before = run.best.read_bytes(), capsys.readouterr().out
    assert "last.ckpt" in capsys_before
    for more in ([], ["--trainer.max_epochs", "5"]):
        assert program("fit", "--resume", str(run.path), *more) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert "is finished and has no last.ckpt any more" in error
        assert f"--weights {run.path}" in error
    assert run.best.read_bytes() == best
    assert program("test") == 0


def test_leftovers_of_killed_commands_go_and_those_of_live_ones_stay(clean: Command) -> None:
    run = finished_run()
    run.last.unlink()
    left = [
        unfinished_of_dead_process(Path("runs/report")),
        unfinished_of_dead_process(run.best),
        Path("cache", f"t1c-{'0' * 16}.part"),
    ]
    for folder in (left[0], left[2]):
        (folder / "inner").mkdir(parents=True)
    left[1].touch()
    live = unfinished_of_live_process(run.best)
    live.touch()
    assert clean("--yes").splitlines()[-1] == "3 files and folders, 0 B deleted"
    assert not any(path.exists() for path in left)
    assert live.exists()


def test_a_link_that_is_a_leftover_is_deleted_and_not_what_it_leads_to(clean: Command) -> None:
    Path("precious").mkdir()
    Path("precious/file").touch()
    link = unfinished_of_dead_process(Path("runs/report"))
    link.symlink_to(Path("precious").absolute())
    clean("--yes")
    assert not link.is_symlink()
    assert Path("precious/file").exists()


def test_what_may_not_be_deleted_is_one_line_and_does_not_keep_the_rest(
    clean: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = finished_run(name="20260101-000000-aaaaaa")
    ours = finished_run(name="20260101-000000-bbbbbb")
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == theirs.last:  # for root there are no permissions
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    assert main(["clean", "--yes"]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"error: '{theirs.last}' cannot be deleted: Permission denied\n"
    assert printed.out.splitlines()[-1] == "1 file or folder, 3.0 kB deleted"
    assert theirs.last.exists()
    assert not ours.last.exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_deletion_says_what_is_gone_and_can_be_repeated(
    number: signal.Signals,
    code: int,
    clean: Command,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    default_signals: None,
) -> None:
    arrays = [cached(f"t2w-{digit * 16}", days=99) for digit in "01"]
    rmtree = shutil.rmtree

    def stop(path: Path, **more: Any) -> None:
        if path.name.startswith(arrays[1].name) and not more:
            (path / "array.npy").unlink()
            signal.raise_signal(number)
        rmtree(path, **more)

    with monkeypatch.context() as stopping:
        stopping.setattr(shutil, "rmtree", stop)
        assert main(["clean", "--yes"]) == code
    printed = capsys.readouterr()
    assert printed.err.endswith(": nothing was deleted but what is printed above\n")
    assert not any(array.exists() for array in arrays)  # none is there in part
    clean("--yes")
    assert not list(Path("cache").glob("t2w-*/"))


def test_two_processes_share_the_work(clean: Command, tmp_path: Path) -> None:
    for number in range(20):
        cached(f"t2w-{number:016x}", days=99)
        finished_run(name=f"20260101-000000-{number:06x}")
    command = [sys.executable, str(MAIN), "clean", "--yes"]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True)
        for _ in range(2)
    ]
    printed = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert [errors for _, errors in printed] == ["", ""]
    assert (
        sum(output.count("\ndeleted ") + output.startswith("deleted") for output, _ in printed)
        == 40
    )
    assert not list(Path("runs").rglob("last.ckpt"))
    assert not list(Path("cache").glob("t2w-*/"))


def test_a_folder_that_does_not_exist_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clean", "nowhere", "--yes"]) == 2
    expected = "error: runs folder 'nowhere' does not exist; name it: clean RUNS_DIR\n"
    assert capsys.readouterr().err == expected
