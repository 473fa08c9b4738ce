"""Runs with the real W&B, offline, and with a W&B that fails."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from lightning.pytorch import Callback

from callbacks.wandb_logger import ForgivingWandbLogger
from lightning_app.commands.fit import FitCLI
from lightning_app.results.wandb_reporter import _send_test
from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.helpers.paths import ROOT
from tests.helpers.runs.toy_runs import ToyRun
from tests.helpers.wandb.offline_files import Written, offline_runs

wandb = pytest.importorskip("wandb")

fit_callbacks = FitCLI.command_callbacks
LOGGER = ["--trainer.logger", "callbacks.wandb_logger.ForgivingWandbLogger"]
OFTEN = ["--wandb_media.every_n_epochs", "2", "--wandb_media.slices", "2"]


@pytest.fixture(autouse=True)
def _close_open_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield
    monkeypatch.undo()
    if wandb.run is not None:
        wandb.run.finish()


def only_run() -> Run:
    (run,) = find_runs(Path("runs"))
    return run


def keys(written: Written) -> set[str]:
    return {key for row in written.rows for key in row}


def test_a_run_offline_from_fit_through_resume_to_test(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    attention = "attention_unet_t1c.yaml"
    assert program("fit", *LOGGER, *OFTEN, "--trainer.max_epochs", "3", experiment=attention) == 0
    run = only_run()
    lines = capsys.readouterr().err.splitlines()
    command = lines[lines.index("W&B: offline. To send it:") + 1].split()
    assert command[:2] == ["wandb", "sync"]
    folder = Path(command[2])  # from the working folder, so that it is short
    assert folder.parent == run.path.relative_to(Path.cwd()) / "wandb"
    assert folder.is_dir()
    assert program("fit", "--resume", str(run.path), "--trainer.max_epochs", "4") == 0
    assert program("test") == 0

    first, resumed, test = offline_runs(run.path)
    assert {first.id, resumed.id, test.id} == {run.wandb_id.read_text("utf-8").strip()}
    assert {first.project, first.exit_code} == {"brats-lightning", 0}
    check_scores(run, first, resumed)
    check_config(run, first)
    check_pictures(first)
    check_test(run, test)


def check_scores(run: Run, first: Written, resumed: Written) -> None:
    header, *lines = [line.split(",") for line in run.metrics.read_text("utf-8").splitlines()]
    expected = [float(line[header.index("val/dice")]) for line in lines]
    logged = [row["val/dice"] for row in first.rows + resumed.rows if "val/dice" in row]
    assert logged == pytest.approx(expected)
    steps = [int(line[header.index("step")]) - 1 for line in lines]
    rows = [row for row in first.rows + resumed.rows if "val/dice" in row]
    assert [row["trainer/global_step"] for row in rows] == steps
    assert keys(first) >= {"lr", "train/loss", "val/loss", "val/miou", "timing/images_per_second"}
    assert first.summary["val/dice"] == {"max": pytest.approx(max(expected[:3]))}
    assert resumed.summary["best/val/dice"] == pytest.approx(max(expected))
    assert resumed.summary["best/epoch"] == expected.index(max(expected))


def check_config(run: Run, first: Written) -> None:
    about = json.loads(run.environment.read_text("utf-8"))["data"]
    assert first.config["about_data.fingerprint"] == about["fingerprint"]
    assert first.config["about_data.split"] == about["split"]
    assert first.config["data.batch_size"] == 4
    assert first.config["model.network.class_path"] == "models.AttentionUNet"
    options = {name for name in first.config if not name.startswith("_wandb")}
    assert not {name for name in options for other in options if other.startswith(f"{name}.")}


def check_pictures(first: Written) -> None:
    logged = [row for row in first.rows if "val/slices" in row]
    assert len(logged) == 2  # epochs 0 and 2
    assert logged[0]["val/slices"]["captions"] == logged[1]["val/slices"]["captions"]
    assert logged[0]["val/slices"]["count"] == 1  # one validation case
    (masks,) = logged[0]["val/slices"]["all_masks"]
    assert set(masks) == {"truth whole", "prediction whole"}
    gates = {key for key in logged[0] if key.startswith("attention/")}
    assert gates == {f"attention/network.skips.{level}" for level in range(4)}


def check_test(run: Run, test: Written) -> None:
    metrics = json.loads(run.test().metrics.read_text("utf-8"))
    assert test.summary["test/whole/dice"] == pytest.approx(
        metrics["scores"]["whole"]["dice"]["value"]
    )
    (table,) = [row["test/cases"] for row in test.rows if "test/cases" in row]
    lines = run.test().cases.read_text("utf-8").splitlines()
    assert (table["nrows"], table["ncols"]) == (len(lines) - 1, len(lines[0].split(",")))


class Table:
    """Keeps what a logger is given."""

    def __init__(self) -> None:
        self.experiment = SimpleNamespace(summary={})
        self.columns: list[str] = []
        self.rows: list[list[object]] = []

    def log_table(self, _: str, columns: list[str], data: list[list[object]]) -> None:
        self.columns, self.rows = columns, data


def test_the_cases_of_a_test_are_sent_as_the_test_wrote_them(tmp_path: Path) -> None:
    run = ToyRun({"0017-000": (10, 20, 5), "0018-000": (0, 0, 0)}).write(tmp_path)
    table = Table()
    _send_test(cast("ForgivingWandbLogger", table), run.test())

    assert table.columns == ["case", "patient", "class", "tp", "fp", "fn", "tn", "dice"]
    assert table.rows == [
        ["0017-000", "0017", "whole", 5, 15, 5, 231, pytest.approx(1 / 3)],
        ["0018-000", "0018", "whole", 0, 0, 0, 256, 1.0],
    ]
    assert table.experiment.summary["test/whole/dice_case"] == pytest.approx((1 / 3 + 1) / 2)


def test_logging_does_not_change_the_weights(program: Program) -> None:
    assert program("fit", *LOGGER, *OFTEN, "--trainer.max_epochs", "2") == 0
    assert program("fit", "--trainer.max_epochs", "2") == 0
    logged, plain = (
        torch.load(run.last, weights_only=True)["state_dict"] for run in find_runs(Path("runs"))
    )
    assert all(torch.equal(logged[name], plain[name]) for name in plain)


@pytest.mark.parametrize(
    "options",
    [["--data.split_seed", "1"], ["--data.batch_size", "1", "--trainer.limit_test_batches", "2"]],
)
def test_a_test_on_other_data_or_on_a_part_is_not_logged(
    options: list[str], program: Program
) -> None:
    assert program("fit", *LOGGER, "--data.split_sizes", "[8,3,3]") == 0
    assert program("test", *options) == 0
    assert len(offline_runs(only_run().path)) == 1


def test_the_best_checkpoint_is_an_artifact_if_requested(program: Program) -> None:
    assert program("fit", *LOGGER, "--trainer.logger.log_checkpoint", "true") == 0
    run = only_run()
    (written,) = offline_runs(run.path)
    assert written.artifacts == [f"best-{written.id}"]


def fail(*_: Any, **__: Any) -> None:
    raise OSError("no space left on device")


@pytest.mark.parametrize(
    "function",
    ["init", "Run.log", "Run.define_metric", "Image.__init__", "Artifact.add_file", "Run.finish"],
)
def test_a_failing_wandb_does_not_stop_a_run(
    function: str,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(f"wandb.{function}", fail)
    flags = ["--trainer.max_epochs", "2", "--trainer.logger.log_checkpoint", "true"]
    assert program("fit", *LOGGER, *flags) == 0

    run = only_run()
    assert json.loads(run.status.read_text("utf-8"))["status"] == "finished"
    assert len(run.metrics.read_text("utf-8").splitlines()) == 3
    (warning,) = [line for line in capsys.readouterr().err.splitlines() if "W&B failed" in line]
    assert warning == (
        "W&B failed (no space left on device): the training continues without it; "
        "the run's folder has all scores"
    )


@pytest.mark.parametrize("missing", ["distribution", "module"])
def test_without_wandb_a_run_says_so_once_and_keeps_its_scores(
    missing: str,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)  # importing it raises ModuleNotFoundError
    if missing == "distribution":
        monkeypatch.setattr("lightning.pytorch.loggers.wandb._WANDB_AVAILABLE", False)
    assert program("fit", *LOGGER, "--trainer.max_epochs", "2") == 0

    assert len(only_run().metrics.read_text("utf-8").splitlines()) == 3
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "W&B" in line]
    assert line.startswith("W&B cannot be imported (")
    assert line.endswith("the scores are in metrics.csv")


def test_a_run_is_logged_offline_if_the_server_does_not_answer(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    init = wandb.init

    def no_server(**options: Any) -> Any:
        if options["mode"] == "online":
            raise wandb.errors.CommError("timed out")
        return init(**options)

    monkeypatch.setattr("wandb.init", no_server)
    assert program("fit", *LOGGER) == 0
    assert "W&B's server cannot be used (timed out): logging offline" in capsys.readouterr().err
    assert len(offline_runs(only_run().path)) == 1


def test_the_list_of_all_options_of_fit_does_not_import_wandb(tmp_path: Path) -> None:
    script = (
        "import sys; from lightning_app.cli import main\n"
        "try: main(['fit', '--help-all'])\n"
        "except SystemExit: pass\n"
        "print('wandb' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "False"


def test_pictures_are_of_the_weights_that_are_validated(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated: list[torch.Tensor] = []
    shown: list[torch.Tensor] = []

    def weights_of(task: Any) -> torch.Tensor:
        return torch.cat([p.detach().flatten().clone() for p in task.parameters()])

    class Recorder(Callback):
        def on_validation_batch_end(self, _: object, task: Any, *__: object) -> None:
            validated.append(weights_of(task))

    def run_network(task: Any, *_: object) -> Any:
        shown.append(weights_of(task))

    monkeypatch.setattr("callbacks.wandb_media.run_network", run_network)
    monkeypatch.setattr("callbacks.wandb_media._log", lambda *_: None)
    monkeypatch.setattr(FitCLI, "command_callbacks", lambda cli: [*fit_callbacks(cli), Recorder()])
    average = ["--trainer.callbacks+=EMAWeightAveraging", "--trainer.callbacks.decay=0.9"]
    flags = ["--wandb_media.every_n_epochs", "1", "--trainer.num_sanity_val_steps", "0"]
    assert program("fit", *LOGGER, *flags, *average) == 0
    assert len(shown) == 1
    assert torch.equal(shown[0], validated[-1])
