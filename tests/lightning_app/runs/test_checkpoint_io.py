"""Only checkpoints of the run are ever removed, whatever a checkpoint's state asks for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from lightning_app.runs.checkpoint_io import DurableCheckpointIO
from lightning_app.runs.folder import find_runs
from tests.conftest import Program


def a_folder(path: Path) -> None:
    path.mkdir()
    (path / "data.txt").write_text("precious", "utf-8")


def a_link(path: Path) -> None:
    path.symlink_to("best.ckpt")


KEPT: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a folder elsewhere": ("../elsewhere", a_folder),
    "a folder among the checkpoints": ("checkpoints/folder.ckpt", a_folder),
    "the run": ("checkpoints/x/..", lambda path: path.parent.mkdir()),
    "a checkpoint elsewhere": ("../other.ckpt", Path.touch),
    "a checkpoint beside the folder": ("checkpoints-2.ckpt", Path.touch),
    "another file": ("checkpoints/notes.txt", Path.touch),
    "a link": ("checkpoints/link.ckpt", a_link),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "best.ckpt").touch()
    return folder


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize("what", KEPT)
def test_what_is_no_checkpoint_of_the_run_is_kept_with_a_warning(
    what: str, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name, make = KEPT[what]
    path = folder.parent / name
    make(path)
    before = files(tmp_path)

    DurableCheckpointIO(folder).remove_checkpoint(str(path))

    assert files(tmp_path) == before
    assert "is not removed" in caplog.text


def test_a_link_to_another_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    a_folder(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "best.ckpt").touch()
    (folder / "deeper").symlink_to(tmp_path / "elsewhere")

    DurableCheckpointIO(folder).remove_checkpoint(folder / "deeper" / "best.ckpt")

    assert (tmp_path / "elsewhere" / "best.ckpt").exists()


def test_checkpoints_of_the_run_and_those_saved_here_are_removed(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = DurableCheckpointIO(folder)
    temporary = tmp_path / "run" / ".scale_batch_size.ckpt"
    checkpoints.save_checkpoint({}, temporary)
    for path in (folder / "best.ckpt", temporary, folder / "missing.ckpt"):
        checkpoints.remove_checkpoint(path)
        assert not path.exists()
    assert not caplog.text


def _hostile(state: dict[str, Any], target: Path) -> dict[str, Any]:
    """The state of a checkpoint callback that calls any path its earlier best."""
    path, score = str(target), torch.tensor(-1.0)
    return state | {
        "best_model_path": path, "kth_best_model_path": path, "kth_value": score,
        "best_model_score": score, "best_k_models": {path: score}, "last_model_path": path,
    }  # fmt: skip


@pytest.mark.parametrize("target", ["checkpoints/x/..", "checkpoints/../../../../precious"])
def test_resuming_a_strangers_run_deletes_nothing(
    program: Program, target: str, tmp_path: Path
) -> None:
    a_folder(tmp_path / "precious")
    callback = {
        "class_path": "ModelCheckpoint", "init_args": {"monitor": "val/dice", "mode": "max"}
    }  # fmt: skip
    Path("more.yaml").write_text(yaml.safe_dump({"trainer": {"callbacks": [callback]}}), "utf-8")
    assert program("fit", "--config", "more.yaml") == 0
    (run,) = find_runs(Path("runs"))
    checkpoint = torch.load(run.last, weights_only=True)
    states = checkpoint["callbacks"]
    for key in [key for key in states if "Checkpoint" in key and "best_model_path" in states[key]]:
        states[key] = _hostile(states[key], run.path / target)
    torch.save(checkpoint, run.last)

    assert program("fit", "--resume", str(run.path), "--trainer.max_epochs", "2") == 0
    assert run.config.is_file()
    assert (tmp_path / "precious" / "data.txt").exists()


def test_lightnings_own_callback_still_replaces_its_best(program: Program) -> None:
    assert program("fit", "--trainer.callbacks+=ModelCheckpoint", "--trainer.max_epochs", "2") == 0
    (run,) = find_runs(Path("runs"))
    kept = {path.name for path in run.checkpoints.iterdir()}
    assert len(kept) == 3, kept
    assert {"best.ckpt", "last.ckpt"} < kept


def test_what_only_resuming_needs_is_saved_in_the_latest_state_alone(tmp_path: Path) -> None:
    weights = {"weight": torch.ones(2)}
    checkpoint = {
        "state_dict": weights, "epoch": 3, "callbacks": {}, "optimizer_states": [{"state": {}}],
        "current_model_state": weights, "averaging_state": {"n_averaged": torch.tensor(2)},
    }  # fmt: skip
    for name in ("best.ckpt", "last.ckpt"):
        DurableCheckpointIO(tmp_path).save_checkpoint(checkpoint, tmp_path / name)

    best, last = (
        torch.load(tmp_path / f"{name}.ckpt", weights_only=True) for name in ("best", "last")
    )
    assert best.keys() == {"state_dict", "epoch", "callbacks", "format"}
    assert last.keys() == {*checkpoint, "format"}
