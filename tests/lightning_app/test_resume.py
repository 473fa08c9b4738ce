"""Going on with a run: to the last bit, with the run's own settings, or not at all."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_app.checkpoint_io import DurableCheckpointIO
from lightning_app.runs import Run, find_runs
from tests.conftest import Program

Snapshots = dict[int, Path]

SIZE = ["--trainer.max_epochs", "3", "--data.slices", "all", "--data.batch_size", "8"]
DROPOUT = ["--model.network.class_path", "benchmarks.dropout_unet.DropoutUNet"]
FLIPS = ["--data.flip", "true"]
OFTEN = ["--last_checkpoint.every_n_minutes", "0"]


@pytest.fixture
def snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshots:
    """Copies of the run's folder, one after each last.ckpt: what a kill there would leave."""
    taken: Snapshots = {}
    save = DurableCheckpointIO.save_checkpoint

    def save_and_copy(self: Any, checkpoint: dict[str, Any], path: Path, **rest: Any) -> None:  # noqa: ANN401
        save(self, checkpoint, path, **rest)
        run = Path(path).parents[1]
        if Path(path).name == "last.ckpt" and run.is_relative_to(tmp_path / "runs"):
            number = len(taken)
            taken[number] = tmp_path / "killed" / str(number) / run.parent.name / run.name
            shutil.copytree(run, taken[number])

    monkeypatch.setattr(DurableCheckpointIO, "save_checkpoint", save_and_copy)
    return taken


def only_run(root: str = "runs") -> Run:
    (run,) = find_runs(Path(root))
    return run


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content


def leaves(value: Any) -> Iterator[Any]:  # noqa: ANN401
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key])
    elif isinstance(value, list | tuple):
        for member in value:
            yield from leaves(member)
    else:
        yield value


def assert_same_ending(run: Run, uninterrupted: Run) -> None:
    """Weights, optimiser, schedule, random generators to the bit; best epoch; CSV to the byte."""
    own, other = load(run.last), load(uninterrupted.last)
    for part in ("state_dict", "optimizer_states", "lr_schedulers", "random_states"):
        for here, there in zip(leaves(own[part]), leaves(other[part]), strict=True):
            same = torch.equal(here, there) if isinstance(here, torch.Tensor) else here == there
            assert same, part
    best, other_best = load(run.best), load(uninterrupted.best)
    assert best["epoch"] == other_best["epoch"]
    assert best["scores"] == other_best["scores"]
    assert run.metrics.read_bytes() == uninterrupted.metrics.read_bytes()
    assert json.loads(run.status.read_text("utf-8"))["status"] == "finished"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_resumed_run_ends_with_the_same_bits_wherever_it_was_killed(
    workers: str, program: Program, snapshots: Snapshots
) -> None:
    flags = [*SIZE, *DROPOUT, *FLIPS, *OFTEN, "--data.num_workers", workers]
    assert program("fit", *flags) == 0
    uninterrupted = only_run()
    steps = load(uninterrupted.last)["global_step"]
    killed = list(snapshots.values())[:-1]
    assert len(killed) == steps - 1  # after every batch, the last of an epoch being its end
    # With workers, which must be started anew each time, one place of each kind.
    for folder in killed if workers == "0" else killed[3:9:2]:
        assert program("fit", "--resume", str(folder), "--data.num_workers", workers) == 0
        assert_same_ending(Run(folder), uninterrupted)


@pytest.mark.parametrize(
    "extra",
    [
        ["--trainer.accumulate_grad_batches", "2"],
        ["--trainer.num_sanity_val_steps", "1"],
        ["--trainer.val_check_interval", "4"],
        ["--trainer.precision", "bf16-mixed"],
        ["--trainer.check_val_every_n_epoch", "2"],
    ],
    ids=lambda extra: extra[0],
)
def test_it_does_so_with_other_options_of_the_trainer(
    extra: list[str], program: Program, snapshots: Snapshots
) -> None:
    assert program("fit", *SIZE, *DROPOUT, *FLIPS, *OFTEN, *extra) == 0
    uninterrupted = only_run()
    for folder in list(snapshots.values())[1:-1:3]:
        assert program("fit", "--resume", str(folder)) == 0
        assert_same_ending(Run(folder), uninterrupted)


def test_a_run_killed_before_its_first_checkpoint_was_whole_leaves_nothing_half_written(
    program: Program,
) -> None:
    assert program("fit", *SIZE) == 0
    run = only_run()
    shutil.rmtree(run.checkpoints)
    run.checkpoints.mkdir()
    run.status.unlink()
    (run.checkpoints / ".part-killed-last.ckpt").write_bytes(b"half")
    assert program("fit", "--resume") == 0
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_a_run_killed_after_its_last_checkpoint_is_finished_by_resuming_it(
    program: Program, snapshots: Snapshots
) -> None:
    assert program("fit", *SIZE, *DROPOUT) == 0
    uninterrupted = only_run()
    folder = snapshots[len(snapshots) - 1]
    before = load(Run(folder).last)["global_step"]
    assert json.loads(Run(folder).status.read_text("utf-8"))["status"] == "running"
    assert program("fit", "--resume", str(folder)) == 0
    assert load(Run(folder).last)["global_step"] == before
    assert_same_ending(Run(folder), uninterrupted)
    assert program("fit", "--resume", str(folder)) == 2
