"""Which options limit a command to a part of its data."""

from typing import Any

import pytest
from lightning.pytorch import Trainer

from lightning_app.config.limits import end_limits, limits, limits_in_words
from tests.helpers.resolved import resolved


@pytest.mark.parametrize(
    ("command", "trainer", "words"),
    [
        ("fit", {}, ""),
        ("fit", {"limit_train_batches": None, "overfit_batches": 0.0, "fast_dev_run": False}, ""),
        ("fit", {"limit_train_batches": 1.0, "limit_val_batches": 1.0}, ""),  # all batches
        ("fit", {"limit_train_batches": 1}, "trainer.limit_train_batches is 1"),  # one batch
        ("fit", {"limit_val_batches": 0.0}, "trainer.limit_val_batches is 0.0"),
        ("fit", {"overfit_batches": 1.0}, "trainer.overfit_batches is 1.0"),  # not shuffled
        ("fit", {"limit_test_batches": 1, "limit_predict_batches": 1}, ""),
        (
            "fit",
            {"fast_dev_run": 3, "limit_val_batches": 2},
            "trainer.fast_dev_run is 3, trainer.limit_val_batches is 2",
        ),
        (
            "validate",
            {"limit_test_batches": 1, "overfit_batches": 2},
            "trainer.overfit_batches is 2",
        ),
        ("test", {"limit_test_batches": 0.5}, "trainer.limit_test_batches is 0.5"),
        ("test", {"limit_val_batches": 1, "overfit_batches": 2}, ""),
        ("predict", {"limit_predict_batches": 1}, "trainer.limit_predict_batches is 1"),
        ("fit", "damaged", ""),
        ("test", {"limit_test_batches": "a\nb"}, "trainer.limit_test_batches is a\\nb"),
    ],
)
def test_the_options_that_limit_a_command(command: str, trainer: Any, words: str) -> None:
    assert limits_in_words(limits(command, {"trainer": trainer})) == words


@pytest.mark.parametrize(
    ("trainer", "options"),
    [
        ({"max_epochs": 3, "max_steps": -1, "max_time": None}, []),
        ({"max_epochs": 3, "max_steps": 5}, ["trainer.max_steps"]),
        ({"max_epochs": 3, "max_time": {"hours": 1}}, ["trainer.max_time"]),
        ({"max_epochs": -1, "max_steps": 5}, []),  # the length of the training
    ],
)
def test_options_that_may_end_a_training_of_some_epochs(
    trainer: dict[str, Any], options: list[str]
) -> None:
    assert list(end_limits({"trainer": trainer})) == options


def test_1_is_a_batch_and_1_0_is_all_in_whatever_order_typing_gives_the_types(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    members = (
        "limit_train_batches", "limit_val_batches", "limit_test_batches", "limit_predict_batches",
        "overfit_batches", "val_check_interval",
    )  # fmt: skip
    for name in members:
        monkeypatch.setitem(Trainer.__init__.__annotations__, name, float | int | None)
    for text, kind in (("1", int), ("1.0", float), ("0.5", float)):
        trainer = resolved(*(f"--trainer.{name}={text}" for name in members))["trainer"]
        assert [type(trainer[name]) for name in members] == [kind] * len(members)
