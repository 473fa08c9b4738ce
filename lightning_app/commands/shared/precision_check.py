"""Whether an optimizer can work in the precision of a training."""

from typing import Any

from lightning_app.utils.errors import UsageError

# In half precision a square of less than 3e-8 is 0, and the optimizer divides by eps alone.
_SMALLEST_EPS = 1e-6


def check_precision(precision: str, optimizer: dict[str, Any]) -> None:
    """Refuse half precision for an optimizer that would divide by nothing.

    Args:
        precision: of the trainer.
        optimizer: its arguments.

    Raises:
        UsageError: the weights would become NaN; names another precision.
    """
    eps = optimizer.get("eps")
    if precision == "16-true" and isinstance(eps, float) and eps < _SMALLEST_EPS:
        raise UsageError(
            f"trainer.precision is 16-true, in which optimizer.init_args.eps ({eps}) and the "
            "squares of small gradients are 0, so that the weights become NaN: use bf16-mixed"
        )
