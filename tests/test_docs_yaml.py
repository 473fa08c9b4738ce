"""The table "What works by YAML" of docs/training.md: each of its configs does what it promises."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch.optim.optimizer import register_optimizer_step_post_hook

from lightning_app.cli import main
from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.helpers.paths import ROOT

SECTION = "What works by YAML"
TRUSTED = ("Losses of MONAI", "Losses of segmentation_models_pytorch")
Capture = pytest.CaptureFixture[str]
Train = Callable[..., Run]


def section() -> str:
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    return text.partition(f"\n## {SECTION}\n")[2].partition("\n## ")[0]


def config_of(name: str) -> dict[str, Any]:
    """The config below a heading of the section."""
    _, _, text = section().partition(f"\n### {name}\n")
    (block,) = re.findall(r"```yaml\n(.*?)```", text.partition("\n### ")[0], re.DOTALL)
    content: dict[str, Any] = yaml.safe_load(block)
    return content


@pytest.fixture
def train(program: Program) -> Train:
    """A function that runs fit with a config, and returns the run."""

    def fit(config: dict[str, Any], *flags: str) -> Run:
        Path("docs.yaml").write_text(yaml.safe_dump(config), "utf-8")
        assert program("fit", "--config", "docs.yaml", *flags) == 0
        return newest_run()

    return fit


def newest_run() -> Run:
    return max(find_runs(Path("runs")), key=lambda run: run.path.stat().st_mtime_ns)


def epochs_of(run: Run) -> list[dict[str, str]]:
    with run.metrics.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def gradient_norms() -> Iterator[list[float]]:
    """The norm of the gradients of each step of the optimizer."""
    norms: list[float] = []

    def note(optimizer: torch.optim.Optimizer, *_: object) -> None:
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        norms.append(float(torch.nn.utils.get_total_norm([weight.grad for weight in weights])))

    handle = register_optimizer_step_post_hook(note)
    yield norms
    handle.remove()


def test_every_row_of_the_table_has_a_config_and_a_test() -> None:
    rows = re.findall(r"^\| \[([^\]]+)\]\(#", section(), re.MULTILINE)
    assert rows == re.findall(r"^### (.+)$", section(), re.MULTILINE)
    source = Path(__file__).read_text("utf-8")
    assert rows
    named = {*re.findall(r"config_of\(\"(.+?)\"\)", source), *TRUSTED}
    assert set(rows) == named


def test_early_stopping_ends_the_training(train: Train) -> None:
    config = config_of("Early stopping")
    (callback,) = config["trainer"]["callbacks+"]
    callback["init_args"] |= {"patience": 2, "min_delta": 1.1}  # no Dice can be so much better
    run = train(config, "--trainer.max_epochs", "9")
    assert len(epochs_of(run)) == 3


def test_the_averaged_weights_are_validated_saved_and_tested(train: Train, capsys: Capture) -> None:
    config = config_of("Averaged weights (EMA)")
    run = train(config, "--trainer.max_epochs", "2")
    checkpoint = torch.load(run.last, weights_only=True)
    name = "network.head.weight"
    assert not torch.equal(checkpoint["state_dict"][name], checkpoint["current_model_state"][name])
    losses = {int(row["epoch"]): float(row["val/loss"]) for row in epochs_of(run)}
    capsys.readouterr()
    assert main(["validate"]) == 0
    (loss,) = re.findall(r"val/loss: ([\d.]+)", capsys.readouterr().out)
    best = torch.load(run.best, weights_only=True)
    assert float(loss) == pytest.approx(losses[best["epoch"]], abs=5e-5)
    assert main(["test"]) == 0


def test_gradients_are_clipped(train: Train, gradient_norms: list[float]) -> None:
    config = config_of("Gradient clipping")
    limit = config["trainer"]["gradient_clip_val"]
    train({}, "--trainer.max_epochs", "1")
    assert max(gradient_norms) > limit
    gradient_norms.clear()
    train(config)
    assert max(gradient_norms) == pytest.approx(limit)


def test_a_step_is_taken_after_several_batches(train: Train) -> None:
    config = config_of("Gradient accumulation")
    batches = config["trainer"]["accumulate_grad_batches"]
    runs = [train(content, "--data.batch_size", "3") for content in ({}, config)]
    steps, accumulated = (int(epochs_of(run)[-1]["step"]) for run in runs)
    assert steps == 4
    assert accumulated == steps // batches == 2


def test_tensorboard_gets_the_scores_inside_the_folder_of_runs(train: Train) -> None:
    config = config_of("TensorBoard")
    train(config)
    folder = Path(config["trainer"]["logger"]["init_args"]["save_dir"])
    assert folder.is_relative_to("runs")
    (events,) = folder.rglob("events.out.tfevents.*")
    assert b"val/dice" in events.read_bytes()
    assert main(["test"]) == 0


@pytest.mark.parametrize("name", TRUSTED)
@pytest.mark.filterwarnings("ignore")  # those of other packages
def test_a_loss_of_another_package_trains_if_it_is_trusted(name: str, train: Train) -> None:
    config = config_of(name)
    module, _, loss = config["model"]["loss"]["class_path"].rpartition(".")
    pytest.importorskip(module, reason=f"{module} is not installed", exc_type=ImportError)
    run = train(config, "--trust", module)
    saved = yaml.safe_load(run.config.read_text("utf-8"))["model"]["loss"]
    assert saved["class_path"].rpartition(".")[2] == loss
    assert main(["test", "--trust", module]) == 0
