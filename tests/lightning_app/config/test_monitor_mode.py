"""The mode of whatever monitors a score follows from the score, unless it was typed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_app.commands.shared import base_cli
from lightning_app.runs.folder import find_runs
from lightning_app.utils.errors import UsageError
from tests.conftest import Program
from tests.helpers.resolved import resolved

PLATEAU = "--lr_scheduler=lightning.pytorch.cli.ReduceLROnPlateau"


def early_stopping(monitor: str, *more: str) -> list[str]:
    return ["--trainer.callbacks+=EarlyStopping", f"--trainer.callbacks.monitor={monitor}", *more]


def modes(config: dict[str, Any]) -> list[str]:
    """The modes of best checkpoint, schedule and callbacks, if they have one."""
    members = [config["lr_scheduler"], *(config["trainer"]["callbacks"] or [])]
    arguments = [config["best_checkpoint"], *(member["init_args"] for member in members)]
    return [each["mode"] for each in arguments if "mode" in each]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["max"]),
        (["--best_checkpoint.monitor=val/loss"], ["min"]),
        (["--best_checkpoint={monitor: val/loss}"], ["min"]),
        (["--best_checkpoint.monitor=val/recall"], ["max"]),
        (["--best_checkpoint.monitor=val/loss", "--best_checkpoint.mode=min"], ["min"]),
        ([PLATEAU, "--lr_scheduler.monitor=val/dice"], ["max", "max"]),
        ([PLATEAU, "--lr_scheduler.monitor=val/loss"], ["max", "min"]),
        ([PLATEAU, "--lr_scheduler.monitor=mine", "--lr_scheduler.mode=max"], ["max", "max"]),
        ([PLATEAU, "--lr_scheduler.monitor=mine"], ["max", "min"]),
        (early_stopping("val/dice"), ["max", "max"]),
        (early_stopping("val/loss"), ["max", "min"]),
        (early_stopping("val/dice") + early_stopping("val/loss"), ["max", "max", "min"]),
        (["--trainer.callbacks+=ModelCheckpoint", "--trainer.callbacks.monitor=val/core/iou",
          "--trainer.callbacks+=ModelCheckpoint"], ["max", "max", "min"]),
    ],
)  # fmt: skip
def test_a_mode_that_was_not_typed_follows_from_the_score(
    arguments: list[str], expected: list[str]
) -> None:
    assert modes(resolved(*arguments)) == expected


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--best_checkpoint.monitor=val/loss", "--best_checkpoint.mode=max"],
         "best_checkpoint.mode is max, but val/loss is better when it is lower: expected min"),
        (["--best_checkpoint.mode=min"], "val/dice is better when it is higher: expected max"),
        ([PLATEAU, "--lr_scheduler.monitor=val/dice", "--lr_scheduler.mode=min"],
         "lr_scheduler.init_args.mode is min"),
        (early_stopping("val/dice", "--trainer.callbacks.mode=min"),
         "trainer.callbacks.init_args.mode is min"),
    ],
)  # fmt: skip
def test_a_typed_mode_that_contradicts_the_score_is_refused(
    arguments: list[str], what: str
) -> None:
    with pytest.raises(UsageError, match=what):
        resolved(*arguments)


def test_a_mode_in_a_config_counts_as_typed(tmp_path: Path) -> None:
    config = tmp_path / "mode.yaml"
    config.write_text("best_checkpoint: {mode: min}", "utf-8")

    assert modes(resolved(f"--config={config}", "--best_checkpoint.monitor=val/loss")) == ["min"]
    with pytest.raises(UsageError, match=r"best_checkpoint\.mode is min"):
        resolved(f"--config={config}")


def test_a_run_with_a_contradiction_is_still_resumed(
    program: Program, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monitored = ["--best_checkpoint.monitor", "val/loss"]
    with monkeypatch.context() as earlier_version:
        earlier_version.setattr(base_cli, "follow_scores", lambda *_: [])
        assert program("fit", *monitored) == 0
    (run,) = find_runs(Path("runs"))
    resume = ["--resume", str(run.path), "--trainer.max_epochs", "2"]

    assert program("fit", *resume, *early_stopping("val/dice")) == 0
    assert "best_checkpoint.mode is max, but val/loss" in capfd.readouterr().err
    assert modes(yaml.safe_load(run.config.read_text("utf-8"))) == ["max", "max"]
    assert program("test") == 0
