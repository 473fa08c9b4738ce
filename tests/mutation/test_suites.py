import pytest

from tests.helpers.paths import ROOT
from tests.mutation.suites import SUITES, package_of, suite


@pytest.mark.parametrize("package", SUITES)
def test_every_package_and_its_tests_exist(package: str) -> None:
    assert (ROOT / package).is_dir()
    assert all((ROOT / place).exists() for place in SUITES[package])


@pytest.mark.parametrize(
    ("module", "first", "later"),
    [
        ("models/skips.py", "tests/models/test_skips.py", "tests/models/test_unet.py"),
        (
            "data_modules/cache/memmap.py",
            "tests/data_modules/cache/test_memmap.py",
            "tests/data_modules/test_brats.py",
        ),
        (
            "lightning_app/metrics/intervals.py",
            "tests/lightning_app/metrics/test_intervals.py",
            "tests/test_properties.py",
        ),
        (
            "lightning_app/runs/status.py",
            "tests/lightning_app/runs/test_status.py",
            "tests/lightning_app/commands/training/test_stopping.py",
        ),
    ],
)
def test_the_tests_that_mirror_a_module_come_first(module: str, first: str, later: str) -> None:
    files = suite(module, ROOT)

    assert files[0] == first
    assert later in files
    assert len(set(files)) == len(files)


def test_a_module_belongs_to_the_package_whose_folder_it_is_in() -> None:
    assert package_of("lightning_app/runs/status.py") == "lightning_app/runs"
    assert package_of("lightning_app/runs") == "lightning_app/runs"


def test_the_tests_of_a_package_are_no_others() -> None:
    assert suite("data_modules", ROOT) == suite("data_modules/__init__.py", ROOT)
    assert all(name.startswith("tests/models/") for name in suite("models", ROOT))
