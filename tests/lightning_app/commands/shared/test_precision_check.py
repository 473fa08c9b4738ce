from typing import Any

import pytest
from jsonargparse import Namespace

from lightning_app.commands.shared.precision_check import check_precision, use_native_precision
from lightning_app.utils.errors import UsageError
from tests.helpers.processors import pretend_processor

BF16 = {"trainer": {"precision": "bf16-mixed"}}


def test_half_precision_with_the_eps_of_adam_is_refused() -> None:
    with pytest.raises(UsageError, match=r"16-true, in which .*eps \(1e-08\).* use bf16-mixed"):
        check_precision("16-true", {"lr": 1e-3, "eps": 1e-8})


@pytest.mark.parametrize(
    ("precision", "optimizer"),
    [("16-true", {"eps": 1e-4}), ("16-true", {"lr": 0.1}), ("bf16-true", {"eps": 1e-8})],
)
def test_what_works_is_accepted(precision: str, optimizer: dict[str, float]) -> None:
    check_precision(precision, optimizer)


def test_gradients_of_a_fused_optimizer_are_not_clipped_in_mixed_precision() -> None:
    with pytest.raises(UsageError, match=r"gradient_clip_val is 1, .*init_args.fused false"):
        check_precision("bf16-mixed", {"fused": True}, 1.0)
    check_precision("32-true", {"fused": True}, 1.0)
    check_precision("bf16-mixed", {"fused": False}, 1.0)
    check_precision("bf16-mixed", {"fused": True}, None)


def config(precision: str = "bf16-mixed", accelerator: str = "auto") -> Namespace:
    trainer = Namespace(precision=precision, accelerator=accelerator)  # type: ignore[no-untyped-call]
    return Namespace(trainer=trainer)  # type: ignore[no-untyped-call]


def test_a_config_gets_the_native_precision_and_a_line_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend_processor(monkeypatch, "AVX2")
    options = config()
    line = use_native_precision(options, ["--config", "cpu.yaml"])
    assert options.trainer.precision == "32-true"
    assert line is not None
    assert line.startswith("trainer.precision is 32-true instead of bf16-mixed, ")

    pretend_processor(monkeypatch, "AVX512")
    options = config()
    assert use_native_precision(options, []) is None
    assert options.trainer.precision == "bf16-mixed"


@pytest.mark.parametrize(
    ("arguments", "resumed"),
    [
        (["--trainer.precision", "bf16-mixed"], None),
        (["--trainer.precision=bf16-mixed"], None),
        (["--config", "cpu.yaml"], BF16),
    ],
)
def test_a_typed_precision_and_that_of_a_run_to_resume_stay(
    arguments: list[str], resumed: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_processor(monkeypatch, "AVX2")
    options = config()
    line = use_native_precision(options, arguments, resumed)
    assert options.trainer.precision == "bf16-mixed"
    assert line is not None
    assert "emulates: 32-true is several times as fast" in line


def test_a_run_that_was_started_in_float32_is_resumed_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend_processor(monkeypatch, "AVX2")
    options = config()
    use_native_precision(options, ["--config", "cpu.yaml"], {"trainer": {"precision": "32-true"}})
    assert options.trainer.precision == "32-true"
