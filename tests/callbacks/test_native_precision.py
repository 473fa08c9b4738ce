from collections.abc import Callable
from functools import partial

import pytest

from callbacks.native_precision import native_precision
from tests.helpers.processors import pretend_processor

Pretend = Callable[..., None]


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    return partial(pretend_processor, monkeypatch)


@pytest.mark.parametrize(
    ("capability", "architecture", "expected"),
    [
        ("AVX2", "x86_64", "32-true"),
        ("DEFAULT", "AMD64", "32-true"),
        ("AVX512", "x86_64", "bf16-mixed"),
        ("DEFAULT", "arm64", "bf16-mixed"),
        ("SVE256", "aarch64", "bf16-mixed"),
    ],
)
def test_bfloat16_is_left_to_processors_that_have_it(
    capability: str, architecture: str, expected: str, processor: Pretend
) -> None:
    processor(capability, architecture)
    for accelerator in ("auto", "cpu"):
        assert native_precision("bf16-mixed", accelerator) == expected


@pytest.mark.parametrize(("gpu", "expected"), [(7, "32-true"), (8, "bf16-mixed")])
def test_bfloat16_is_left_to_gpus_that_have_it(gpu: int, expected: str, processor: Pretend) -> None:
    processor("AVX2", gpu=gpu)
    for accelerator in ("auto", "gpu", "cuda"):
        assert native_precision("bf16-mixed", accelerator) == expected
    assert native_precision("bf16-mixed", "cpu") == "32-true"


@pytest.mark.parametrize("precision", ["16-mixed", "16-true", "bf16-true", "bf16", 16])
def test_every_half_precision_is_emulated_by_a_cpu(
    precision: str | int, processor: Pretend
) -> None:
    processor("AVX2")
    assert native_precision(precision, "auto") == "32-true"
    processor("AVX512")
    assert native_precision(precision, "auto") == precision


@pytest.mark.parametrize("precision", ["16-mixed", "16-true", 16])
def test_every_gpu_has_float16(precision: str | int, processor: Pretend) -> None:
    processor("AVX2", gpu=7)
    assert native_precision(precision, "auto") == precision


@pytest.mark.parametrize("precision", ["32-true", "64-true", 32, None])
def test_other_precisions_stay(precision: str | int | None, processor: Pretend) -> None:
    processor("AVX2")
    assert native_precision(precision, "auto") == precision
