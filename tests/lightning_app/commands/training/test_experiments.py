"""Every experiment of configs/ through fit and test."""

import csv
import json
import signal
from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch import Trainer

from callbacks.metrics_csv import MetricsCSV
from lightning_app.config.lookup import CONFIGS, PAPER_EXPERIMENTS
from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program

NETWORKS = {
    "unet": "models.UNet",
    "attention_unet": "models.AttentionUNet",
    "spp": "models.AttentionUNetSPP",
    "aspp": "models.AttentionUNetASPP",
    "aspp_v2": "models.AttentionUNetASPPv2",
}
VARIANTS = ("aspp_v2_t1c", "aspp_v2_t2f", "aspp_v2_t2w")  # not in the paper's grid


def only_run(root: Path = Path("runs")) -> Run:
    (run,) = find_runs(root)
    return run


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_folder_holds_base_and_the_twelve_experiments() -> None:
    assert {file.stem for file in CONFIGS.glob("*.yaml")} == {"base", *PAPER_EXPERIMENTS}


@pytest.mark.parametrize("experiment", [*PAPER_EXPERIMENTS, *VARIANTS])
def test_fit_and_test(
    experiment: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", experiment=f"{experiment}.yaml") == 0
    run = only_run()
    assert run.experiment == experiment
    network, modality = experiment.rsplit("_", 1)
    config = yaml.safe_load(run.config.read_text("utf-8"))
    assert config["model"]["network"]["class_path"] == NETWORKS[network]
    assert config["data"]["modalities"] == [modality]
    assert json.loads(run.status.read_text("utf-8"))["status"] == "finished"
    capsys.readouterr()

    assert program("test") == 0
    metrics = json.loads(run.test().metrics.read_text("utf-8"))
    cases = rows(run.test().cases)
    tested = {row["case"] for row in rows(run.split) if row["side"] == "test"}
    assert {row["case"] for row in cases} == tested
    tp, fp, fn = (sum(int(row[name]) for row in cases) for name in ("tp", "fp", "fn"))
    expected = 2 * tp / (2 * tp + fp + fn)
    assert metrics["scores"]["whole"]["dice"]["value"] == pytest.approx(expected)
    printed = " ".join(capsys.readouterr().out.split())
    assert f"{expected:.3f}" in printed
    assert "one scan; its scores and its volume are those of its tested slices (middle)" in printed
    assert run.test().picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("target", "classes"),
    [
        ("core", ["core"]),
        ("enhancing", ["enhancing"]),
        ("regions", ["whole", "core", "enhancing"]),
        ("labels", ["necrotic", "oedema", "enhancing"]),
    ],
)
def test_every_target_trains_and_tests_on_two_modalities(
    target: str, classes: list[str], program: Program
) -> None:
    flags = ["--data.target", target, "--data.modalities", "[t1c,t2f]", "--data.flip", "true"]
    assert program("fit", *flags) == 0
    assert program("test") == 0
    metrics = json.loads(only_run().test().metrics.read_text("utf-8"))
    assert list(metrics["scores"]) == classes
    weights = torch.load(only_run().best, weights_only=True)["state_dict"]
    first, *_ = (tensor for name, tensor in weights.items() if "encoder" in name)
    assert first.shape == (4, 2, 3, 3)


def test_all_slices_in_training_and_the_middle_one_in_evaluation(program: Program) -> None:
    assert program("fit", "--data.slices", "all", "--data.eval_slices", "middle") == 0
    assert program("test") == 0
    assert [row["slice"] for row in rows(only_run().test().slices)] == ["2"]


def test_training_learns_the_toy_tumours(program: Program) -> None:
    flags = ["--trainer.max_epochs", "12", "--optimizer.lr", "0.01", "--data.slices", "all"]
    widths = ["--model.network.init_args.widths", "[8,8,8,8,8]"]
    assert program("fit", *flags, *widths) == 0
    assert program("test") == 0
    metrics = json.loads(only_run().test().metrics.read_text("utf-8"))
    assert metrics["scores"]["whole"]["dice"]["value"] > 0.8


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(program: Program) -> None:
    for seed in ("3", "3", "4"):
        assert program("fit", "--seed_everything", seed, "--data.flip", "true") == 0
    same, again, other = (
        torch.load(run.last, weights_only=True)["state_dict"]
        for run in reversed(find_runs(Path("runs")))
    )
    assert all(torch.equal(same[name], again[name]) for name in same)
    assert not all(torch.equal(same[name], other[name]) for name in same)


def test_a_checkpoint_says_its_epoch_and_its_score(program: Program) -> None:
    assert program("fit", "--trainer.max_epochs", "3") == 0
    run = only_run()
    logged = rows(run.metrics)
    for path in (run.best, run.last):
        saved = torch.load(path, weights_only=True)
        score = float(logged[saved["epoch"]]["val/dice"])
        assert saved["scores"]["val/dice"] == pytest.approx(score)
    best = torch.load(run.best, weights_only=True)["epoch"]
    assert float(logged[best]["val/dice"]) == max(float(row["val/dice"]) for row in logged)
    assert torch.load(run.last, weights_only=True)["epoch"] == 2


def test_both_checkpoints_are_there_after_the_first_epoch(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_self: MetricsCSV, trainer: Trainer, *_: object, **__: object) -> None:
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(MetricsCSV, "on_train_batch_start", interrupt)
    before = signal.getsignal(signal.SIGINT)
    try:
        assert program("fit", "--trainer.max_epochs", "3") == 130
    finally:
        signal.signal(signal.SIGINT, before)  # Lightning ignores further ones while it ends

    run = only_run()
    assert run.best.is_file()
    assert run.last.is_file()
    assert json.loads(run.status.read_text("utf-8"))["status"] == "interrupted"


def test_fit_and_test_write_what_they_took(program: Program) -> None:
    assert program("fit", "--trainer.max_epochs", "2") == 0
    assert program("test") == 0
    run = only_run()
    fit = json.loads(run.timing.read_text("utf-8"))
    assert fit["run"]["images"] == 2 * sum(row["side"] == "train" for row in rows(run.split))
    assert [len(fit["by_epoch"]), fit["batch_size"], fit["precision"]] == [2, 4, "32-true"]
    test = json.loads(run.test().timing.read_text("utf-8"))
    assert test["images"] == len(rows(run.test().slices))
    assert "timing" not in run.metrics.read_text("utf-8")
