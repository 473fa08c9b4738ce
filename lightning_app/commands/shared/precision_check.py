"""The precision: what the device computes fast, and what an optimizer can work in."""

from collections.abc import Mapping, Sequence
from typing import Any

from jsonargparse import Namespace

from callbacks.native_precision import native_precision
from lightning_app.utils.errors import UsageError
from lightning_app.utils.yaml_file import get_option

_OPTION = "trainer.precision"

# In half precision a square of less than 3e-8 is 0, and the optimizer divides by eps alone.
_SMALLEST_EPS = 1e-6


def use_native_precision(
    config: Namespace, arguments: Sequence[str], resumed: Mapping[str, Any] | None = None
) -> str | None:
    """Write it into a config, unless the precision was typed, or is that of a run to resume.

    Args:
        config: the options; changed.
        arguments: what was typed, in which a config such as cpu.yaml is only named.
        resumed: the config of the run to resume; None if there is none.

    Returns:
        A line for the user; None if the precision stays and is native.
    """
    trainer = config.trainer
    native = native_precision(trainer.precision, trainer.accelerator)
    if native == trainer.precision:
        return None
    is_typed = any(word.partition("=")[0] == f"--{_OPTION}" for word in arguments)
    if is_typed or (resumed and get_option(resumed, _OPTION) == trainer.precision):
        return (
            f"{_OPTION} is {trainer.precision}, which this device emulates: {native} is several "
            "times as fast"
        )
    line = (
        f"{_OPTION} is {native} instead of {trainer.precision}, which this device would emulate, "
        "several times slower"
    )
    trainer.precision = native
    return line


def check_precision(precision: str, optimizer: dict[str, Any], clip: float | None = None) -> None:
    """Refuse half precision for an optimizer that would divide by nothing, or cannot be clipped.

    Args:
        precision: of the trainer.
        optimizer: its arguments.
        clip: the largest gradient; None for no limit.

    Raises:
        UsageError: the weights would become NaN, or Lightning could not clip the gradients.
    """
    if clip and optimizer.get("fused") and precision.endswith("-mixed"):
        raise UsageError(
            f"trainer.gradient_clip_val is {clip:g}, and Lightning clips no gradients of a fused "
            f"optimizer in {precision}: add --optimizer.init_args.fused false"
        )
    eps = optimizer.get("eps")
    if precision == "16-true" and isinstance(eps, float) and eps < _SMALLEST_EPS:
        raise UsageError(
            f"trainer.precision is 16-true, in which optimizer.init_args.eps ({eps}) and the "
            "squares of small gradients are 0, so that the weights become NaN: use bf16-mixed"
        )
