import pytest

pytest.importorskip("cosmic_ray", reason="the extra 'mutation' is not installed")

from tests.mutation.mutants import mutants

MODULE = '''\
def scaled(values: list[float] | None, *, factor: int = 2, **options: bool) -> float:
    """Up to 3 values."""
    if values is None or not values:
        return 0.5
    return max(values) ** factor if len(values) < 3 else sum({**options})
'''


def test_the_changes_to_a_module() -> None:
    changes = {
        (mutant.kind, line.strip())
        for mutant in mutants("scaled.py", MODULE)
        for line in mutant.apply(MODULE).splitlines()
        if line not in MODULE.splitlines()
    }

    assert {
        ("comparison", "if values is not None or not values:"),
        ("condition", "if values is None and not values:"),
        ("condition", "if values is None or  values:"),
        ("condition", "if not values is None or not values:"),
        ("number", "return 1.5"),
        ("number", "return -0.5"),
        ("arithmetic", "return max(values) * factor if len(values) < 3 else sum({**options})"),
    } <= changes


@pytest.mark.parametrize("kept", ["float] | None", "*, factor", "**options: bool", "{**options}"])
def test_what_is_no_arithmetic_stays(kept: str) -> None:
    assert all(kept in mutant.apply(MODULE) for mutant in mutants("scaled.py", MODULE))
