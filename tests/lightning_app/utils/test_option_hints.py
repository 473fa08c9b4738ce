"""A mistyped option names the one that was meant."""

import pytest

from lightning_app.utils.option_hints import meant_options

OPTIONS = [
    "config", "run", "weights", "seed_everything", "trainer.max_epochs", "trainer.min_epochs",
    "trainer.devices", "trainer.default_root_dir", "model.network", "data.root",
    "data.phantom.seed", "data.batch_size", "optimizer", "optimizer.init_args.lr", "lr_scheduler",
    "lr_scheduler.init_args.T_0", "metrics_csv.filename", "timing.filename",
    "training_picture.filename",
]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--lr", ["optimizer.init_args.lr"]),
        ("--optimizer.lr", ["optimizer.init_args.lr"]),
        ("--model.lr", ["optimizer.init_args.lr"]),
        ("--learning-rate", ["optimizer.init_args.lr"]),
        ("--epochs", ["trainer.max_epochs"]),
        ("--trainer.epochs", ["trainer.max_epochs"]),
        ("--batch-size", ["data.batch_size"]),
        ("--Batch_Size", ["data.batch_size"]),
        ("--data.batch-size", ["data.batch_size"]),
        ("--root", ["data.root"]),
        ("--t_0", ["lr_scheduler.init_args.T_0"]),
        ("--seed", ["seed_everything"]),  # not that of the phantom
        ("--phantom.seed", ["data.phantom.seed"]),
        ("--ckpt_path", ["run"]),
        ("--trainer.max_epoch", ["trainer.max_epochs"]),
        ("--bach_size", ["data.batch_size"]),
        ("--nonsense", []),
        ("-x", []),
    ],
)
def test_the_option_that_was_meant(typed: str, meant: list[str]) -> None:
    assert meant_options(typed, OPTIONS)[: max(1, len(meant))] == meant


def test_several_options_with_one_name_are_all_named() -> None:
    meant = {"metrics_csv.filename", "timing.filename", "training_picture.filename"}
    assert set(meant_options("--filename", OPTIONS)) == meant


def test_the_first_option_that_a_command_has_is_meant() -> None:
    assert meant_options("--ckpt", ["weights", "trust"]) == ["weights"]
    assert meant_options("--out", ["output", "trainer.default_root_dir"]) == ["output"]
    assert meant_options("--out", ["trainer.default_root_dir"]) == ["trainer.default_root_dir"]
