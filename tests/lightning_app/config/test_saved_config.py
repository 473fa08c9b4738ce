"""A run is not started with options that its saved config cannot hold."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from lightning.pytorch import callbacks

from lightning_app.commands.fit import FitCLI
from lightning_app.commands.shared.run_selection import select_run
from lightning_app.config.allowed_classes import EXCEPTIONS, LIGHTNING
from lightning_app.config.import_allowlist import restrict_imports
from lightning_app.runs.folder import find_runs
from tests.conftest import Program
from tests.lightning_app.config.test_import_allowlist import ending, write

CALLBACKS = "lightning.pytorch.callbacks"
NEEDED: dict[str, dict[str, Any]] = {
    "EarlyStopping": {"monitor": "val/dice"},
    "GradientAccumulationScheduler": {"scheduling": {1: 2}},
    "ModelPruning": {"pruning_fn": "l1_unstructured"},
    "OnExceptionCheckpoint": {"dirpath": "x"},
    "StochasticWeightAveraging": {"swa_lrs": 0.1},
    "ThroughputMonitor": {"batch_size_fn": "torch.nn.functional.relu"},
}
OFFERED = [
    *LIGHTNING[CALLBACKS],
    *(path.rpartition(".")[2] for path in EXCEPTIONS if path.startswith(CALLBACKS)),
]


class Checked(Exception):  # noqa: N818 (nothing has failed)
    """Ends a command before it builds anything."""


class Check(FitCLI):
    """Reads the options of fit, and the config that they give."""

    def instantiate_classes(self) -> None:
        raise Checked(self._config_text, self.config["fit"].trainer.callbacks)


def read(arguments: list[str]) -> Any:
    with pytest.raises(Checked) as caught, restrict_imports([CALLBACKS]):
        Check([*arguments, "--trust", CALLBACKS], select_run("fit", arguments))
    return caught.value.args


@pytest.mark.parametrize("name", OFFERED)
def test_every_callback_of_lightning_can_be_saved_and_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert hasattr(callbacks, name)
    callback = {"class_path": f"{CALLBACKS}.{name}", "init_args": NEEDED.get(name, {})}
    config = write("more.yaml", {"trainer": {"callbacks": [callback]}})
    text, (options,) = read(["--config", "unet_t1c.yaml", "--config", config])
    assert "Unable to" not in text
    (saved,) = yaml.safe_load(text)["trainer"]["callbacks"]
    given = {key: value for key, value in NEEDED.get(name, {}).items() if key != "scheduling"}
    assert given.items() <= saved.get("init_args", {}).items()
    again, (same,) = read(["--config", write("saved.yaml", text)])
    assert (again, same) == (text, options)


def test_a_value_without_a_form_in_yaml_is_refused_before_training(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "strange_device.Callback"
    Path("strange_device.py").write_text(
        "import torch\n"
        "from lightning.pytorch import callbacks\n"
        "DEVICE = torch.device('cpu')\n"
        "class Callback(callbacks.Callback):\n"
        "    def __init__(self, device: torch.device) -> None:\n"
        "        self.device = device\n",
        "utf-8",
    )
    monkeypatch.syspath_prepend(".")
    callback = {"class_path": path, "init_args": {"device": "strange_device.DEVICE"}}
    strange = write("strange.yaml", {"trainer": {"callbacks": [callback]}})
    assert ending(program, "fit", "--config", strange, "--trust", "strange_device") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "trainer.callbacks" in error
    assert not find_runs(Path("runs"))


def test_a_saved_config_is_as_before(program: Program) -> None:
    """Networks given as files are written out, and defaults and nulls are kept."""
    write("net.yaml", {"class_path": "models.UNet", "init_args": {"widths": [4, 4, 4, 4, 8]}})
    assert program("fit", "--model.network", "net.yaml") == 0
    (run,) = find_runs(Path("runs"))
    saved = yaml.safe_load(run.config.read_text("utf-8"))
    assert saved["model"]["network"]["class_path"] == "models.UNet"
    assert saved["lr_scheduler"]["init_args"]["T_0"] is None
    assert saved["trainer"]["max_time"] is None
    assert next(iter(saved)) == "seed_everything"


def test_a_run_with_defaults_without_a_form_in_yaml_can_be_resumed(program: Program) -> None:
    assert program("fit", "--trainer.callbacks+=Timer") == 0
    (run,) = find_runs(Path("runs"))
    assert program("fit", "--resume", str(run.path), "--trainer.max_epochs", "2") == 0
