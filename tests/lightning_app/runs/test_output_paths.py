"""A config cannot make an allowed class write outside the runs, or send data elsewhere."""

import re
from pathlib import Path
from typing import Any

import pytest
from jsonargparse import Namespace

from lightning_app.runs.folder import Run, find_runs
from lightning_app.runs.output_paths import OutputFolders
from lightning_app.utils.errors import UsageError
from tests.conftest import Program
from tests.lightning_app.config.test_import_allowlist import ending, write

OTHER = "unet_t1c/20250101-000000-abcdef"
LOGGERS, PROFILERS = "lightning.pytorch.loggers", "lightning.pytorch.profilers"
CSV, TENSORBOARD = f"{LOGGERS}.CSVLogger", f"{LOGGERS}.TensorBoardLogger"
CHECKPOINT = "lightning.pytorch.callbacks.ModelCheckpoint"
WANDB = "callbacks.wandb_logger.ForgivingWandbLogger"

REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "elsewhere": (CSV, {"save_dir": "elsewhere"}),
    "the parent": (CSV, {"save_dir": "runs/.."}),
    "the name leads out": (CSV, {"save_dir": "runs", "name": "../x"}),
    "the version leads out": (CSV, {"save_dir": "runs", "name": "x", "version": "/x/y"}),
    "the sub-folder leads out": (TENSORBOARD, {"save_dir": "runs", "sub_dir": "../../../x"}),
    "another run": (CSV, {"save_dir": f"runs/{OTHER}", "name": "", "version": ""}),
    "another run by name": (CSV, {"save_dir": "runs/unet_t1c", "name": OTHER.split("/")[1]}),
    "a renamed run": (CSV, {"save_dir": "runs/unet_t1c/renamed", "name": "", "version": ""}),
    "a link": (CSV, {"save_dir": "runs/link"}),
    "an address": (CSV, {"save_dir": "s3://bucket/runs"}),
    "a variable": (TENSORBOARD, {"save_dir": "$ELSEWHERE"}),
    "a profile": (f"{PROFILERS}.SimpleProfiler", {"dirpath": "elsewhere", "filename": "x"}),
    "a trace": (f"{PROFILERS}.PyTorchProfiler", {"dirpath": f"runs/{OTHER}"}),
    "statistics": (f"{PROFILERS}.AdvancedProfiler", {"dirpath": "runs/x", "dump_stats": True}),
    "checkpoints": (CHECKPOINT, {"dirpath": "elsewhere"}),
    "checkpoints of another run": (CHECKPOINT, {"dirpath": f"runs/{OTHER}/checkpoints"}),
    "a checkpoint's name": (CHECKPOINT, {"filename": "../../x"}),
    "an absolute name": (CHECKPOINT, {"filename": "/x/y"}),
    "a stranger's W&B": (WANDB, {"entity": "stranger"}),
}
ACCEPTED: dict[str, tuple[str, dict[str, Any]]] = {
    "below the root": (CSV, {"save_dir": "runs/logs", "version": "a"}),
    "TensorBoard": (TENSORBOARD, {"save_dir": "runs/tensorboard"}),
    "the root": (CSV, {"save_dir": "runs"}),
    "a profile in the run": (f"{PROFILERS}.SimpleProfiler", {"filename": "profile"}),
    "a profile": (f"{PROFILERS}.AdvancedProfiler", {"dirpath": "runs/profiles"}),
    "checkpoints": (CHECKPOINT, {"filename": "{epoch}-{val/dice:.2f}"}),
    "the user's W&B": (WANDB, {"entity": "mine"}),
}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OutputFolders:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_ENTITY", "mine")
    monkeypatch.setenv("ELSEWHERE", str(tmp_path))
    Path("config.yaml").touch()  # a folder above the root is no run
    Path(f"runs/{OTHER}").mkdir(parents=True)
    Path("runs/unet_t1c/renamed").mkdir()
    Path("runs/unet_t1c/renamed/config.yaml").touch()
    Path("runs/link").symlink_to(tmp_path)
    return OutputFolders(Path("runs"), Run(tmp_path / "runs/unet_t1c/20260101-000000-abcdef"))


def options(content: dict[str, Any]) -> Namespace:
    trainer = Namespace(**{"model_registry": None, **content})  # type: ignore[no-untyped-call]
    return Namespace(trainer=trainer)  # type: ignore[no-untyped-call]


def config(path: str, arguments: dict[str, Any]) -> Namespace:
    return options({"logger": [{"class_path": path, "init_args": arguments}]})


@pytest.mark.parametrize("what", REFUSED)
def test_an_argument_that_leads_elsewhere_needs_trust(what: str, folders: OutputFolders) -> None:
    path, arguments = REFUSED[what]
    ending = f"expected .*; only if you know what .*, add --trust {path}"
    with pytest.raises(UsageError, match=rf"^trainer\.logger\.\w+[^\n]* is [^\n]*{ending}$"):
        folders.check(config(path, arguments), [])
    folders.check(config(path, arguments), [path])


@pytest.mark.parametrize("what", ACCEPTED)
def test_the_usual_places_need_no_trust(what: str, folders: OutputFolders) -> None:
    folders.check(config(*ACCEPTED[what]), [])


def test_a_run_below_another_root_keeps_its_loggers(folders: OutputFolders, tmp_path: Path) -> None:
    run = Run(tmp_path / "disk" / OTHER)
    logger = config(CSV, {"save_dir": str(tmp_path / "disk" / "logs")})
    OutputFolders(folders.root, run).check(logger, [])
    with pytest.raises(UsageError):
        folders.check(logger, [])


def test_checkpoints_are_not_uploaded(folders: OutputFolders) -> None:
    strange = options({"model_registry": "stranger/model"})
    with pytest.raises(UsageError, match=re.escape("add --trust litmodels")):
        folders.check(strange, [])
    folders.check(strange, ["litmodels"])


@pytest.mark.parametrize("way", ["fit", "test", "resume"])
def test_every_command_checks_before_it_writes(
    way: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = {"class_path": "CSVLogger", "init_args": {"save_dir": "elsewhere"}}
    strange = ["--config", write("strange.yaml", {"trainer": {"logger": logger}})]
    if way != "fit":
        assert program("fit") == 0
        (run,) = find_runs(Path("runs"))
        option = "--run" if way == "test" else "--resume"
        strange = [option, str(run.path), "--trainer.max_epochs", "2", *strange]
    capsys.readouterr()
    assert ending(program, "test" if way == "test" else "fit", *strange) == 2
    error = capsys.readouterr().err.splitlines()[0]
    assert error.startswith("error: trainer.logger.save_dir with name and version is 'elsewhere/")
    assert not Path("elsewhere").exists()
