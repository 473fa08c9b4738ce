import pytest

from lightning_app.metrics.volume.cohorts import COHORTS


@pytest.mark.parametrize(
    ("name", "dilations", "smallest_mm3"),
    [
        ("glioma", 3, 50),
        ("africa", 3, 50),
        ("pediatric", 3, 50),
        ("meningioma", 1, 50),
        ("metastases", 1, 2),
    ],
)
def test_the_rules_are_those_of_2023(name: str, dilations: int, smallest_mm3: float) -> None:
    cohort = COHORTS[name]
    assert (cohort.dilations, cohort.smallest_mm3) == (dilations, smallest_mm3)


def test_no_other_cohort_has_rules() -> None:
    assert list(COHORTS) == ["glioma", "africa", "pediatric", "meningioma", "metastases"]
