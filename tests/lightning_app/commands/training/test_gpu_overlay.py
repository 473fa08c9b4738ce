"""Each lever of gpu.yaml, on the CPU: the same training but for rounding.

Slices on the device: test_resume.py, to the bit. Acceleration: the tests of its callback.
"""

import csv
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor

from lightning_app.config.lookup import CONFIGS
from lightning_app.runs.folder import find_runs
from tests.conftest import Program

GPU = yaml.safe_load((CONFIGS / "overlays" / "gpu.yaml").read_text("utf-8"))


def trained(program: Program, *flags: str) -> tuple[dict[str, Tensor], float]:
    """The weights after two epochs, and the last loss."""
    root = f"runs-{len(list(Path().iterdir()))}"
    flags = (*flags, "--trainer.max_epochs", "2", "--trainer.default_root_dir", root)
    assert program("fit", *flags, experiment="aspp_t1c.yaml") == 0
    (run,) = find_runs(Path(root))
    with run.metrics.open(newline="", encoding="utf-8") as file:
        *_, last = csv.DictReader(file)
    return torch.load(run.last, weights_only=True)["state_dict"], float(last["train/loss"])


def test_fused_adam_takes_the_same_steps(program: Program) -> None:
    assert GPU["optimizer"]["init_args"] == {"fused": True}
    plain, _ = trained(program)
    fused, _ = trained(program, "--optimizer.init_args.fused", "true")

    for name, value in plain.items():
        # Rounding differs and training amplifies it; a single wrong step is 1e-3.
        torch.testing.assert_close(fused[name], value, rtol=1e-3, atol=2e-4)


def test_bfloat16_keeps_weights_in_float32_and_the_loss_near(program: Program) -> None:
    assert GPU["trainer"]["precision"] == "bf16-mixed"
    _, loss = trained(program)
    weights, near = trained(program, "--trainer.precision", "bf16-mixed")

    own = [weight for name, weight in weights.items() if name.startswith("network.")]
    assert {weight.dtype for weight in own if weight.is_floating_point()} == {torch.float32}
    assert near == pytest.approx(loss, rel=0.02)


def test_all_of_them_but_compilation_train_and_test_without_a_gpu(program: Program) -> None:
    flags = ["--config", "gpu.yaml", "--acceleration.compile", "false"]
    assert program("fit", *flags, "--trainer.default_root_dir", "runs") == 0
    assert program("test") == 0

    (run,) = find_runs(Path("runs"))
    config = yaml.safe_load(run.config.read_text("utf-8"))
    assert config["data"]["on_device"]
    assert config["acceleration"]["channels_last"]
    assert run.test().metrics.is_file()
