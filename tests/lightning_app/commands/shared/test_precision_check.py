import pytest

from lightning_app.commands.shared.precision_check import check_precision
from lightning_app.utils.errors import UsageError


def test_half_precision_with_the_eps_of_adam_is_refused() -> None:
    with pytest.raises(UsageError, match=r"16-true, in which .*eps \(1e-08\).* use bf16-mixed"):
        check_precision("16-true", {"lr": 1e-3, "eps": 1e-8})


@pytest.mark.parametrize(
    ("precision", "optimizer"),
    [("16-true", {"eps": 1e-4}), ("16-true", {"lr": 0.1}), ("bf16-true", {"eps": 1e-8})],
)
def test_what_works_is_accepted(precision: str, optimizer: dict[str, float]) -> None:
    check_precision(precision, optimizer)
